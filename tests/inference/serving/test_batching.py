"""Concurrent requests, with a network that waits for a signal."""

import asyncio
import threading
from dataclasses import dataclass, field, replace

import httpx
import pytest

from framework.inference.predictor import Predictor
from framework.inference.serving.access import AccessPolicy
from framework.inference.serving.app import Service, create_app
from framework.inference.serving.batching import MAX_FAILURES, round_number
from framework.inference.serving.limits import Limits


@dataclass
class Gate:
    """An engine that records batch sizes and waits until it is open."""

    engine: object
    sizes: list = field(default_factory=list)
    entered: threading.Event = field(default_factory=threading.Event)
    open: threading.Event = field(default_factory=threading.Event)
    broken: bool = False
    service: Service | None = None

    def __getattr__(self, name):
        return getattr(self.engine, name)

    def __call__(self, images):
        self.sizes.append(len(images))
        self.entered.set()
        assert self.open.wait(60)
        if self.broken:
            raise RuntimeError("/secret/place")
        return self.engine(images)


@pytest.fixture(scope="module")
def predictor():
    return Predictor.open("drawn/faces", device="cpu")


@pytest.fixture
def gate(predictor):
    gate = Gate(predictor.engine)
    gate.open.set()
    return gate


@pytest.fixture
def asking(predictor, gate):
    """Run a coroutine function with a client of a server with these limits; the gate starts closed."""

    def ask(limits, talk):
        service = gate.service = Service.of(replace(predictor, engine=gate, batch_size=8), limits)

        async def whole():
            app = create_app(service, AccessPolicy())
            async with app.router.lifespan_context(app):
                gate.sizes.clear()
                gate.entered.clear()
                gate.open.clear()
                transport = httpx.ASGITransport(app, raise_app_exceptions=False)
                async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                    try:
                        return await talk(client)
                    finally:
                        gate.open.set()

        return asyncio.run(whole())

    return ask


async def entered(gate):
    await asyncio.to_thread(gate.entered.wait, 60)


async def queued(client, number):
    while (await client.get("/health")).json()["queue"] < number:
        await asyncio.sleep(0.001)


def test_waiting_images_are_computed_in_one_batch(asking, gate, faces):
    async def talk(client):
        first = asyncio.create_task(client.post("/predict", content=faces["sad"]))
        await entered(gate)
        others = [asyncio.create_task(client.post("/predict", content=face)) for face in [faces["happy"]] * 12]
        await queued(client, 13)
        while gate.service.batching._ready.qsize() < 12:  # until they are decoded
            await asyncio.sleep(0.001)
        gate.open.set()
        return await asyncio.gather(first, *others)

    responses = asking(Limits(), talk)
    assert [response.json()["images"][0]["class"] for response in responses] == ["sad", *["happy"] * 12]
    assert gate.sizes == [1, 8, 4]


def test_a_full_queue_says_when_to_try_again(asking, gate, faces):
    async def talk(client):
        first = asyncio.create_task(client.post("/predict", content=faces["sad"]))
        await entered(gate)
        refused = await client.post("/predict", content=faces["sad"])
        gate.open.set()
        return refused, await first, await client.post("/predict", content=faces["sad"])

    refused, first, later = asking(Limits(queue=1, files=1), talk)
    assert refused.status_code == 503
    assert refused.headers["Retry-After"] == "1"
    assert refused.json()["error"]["code"] == "busy"
    assert (first.status_code, later.status_code) == (200, 200)


def test_a_prediction_that_takes_too_long_times_out(asking, gate, faces):
    async def talk(client):
        late = await client.post("/predict", content=faces["sad"])
        gate.open.set()
        return late, await client.post("/predict", content=faces["happy"])

    late, later = asking(Limits(seconds=0.3), talk)
    assert late.status_code == 504
    assert late.json()["error"]["code"] == "timeout"
    assert later.json()["images"][0]["class"] == "happy"


def test_a_failing_network_is_an_error_without_details_and_the_server_continues(asking, gate, faces, caplog):
    async def talk(client):
        gate.broken = True
        gate.open.set()
        failed = await client.post("/predict", content=faces["sad"])
        gate.broken = False
        return failed, await client.post("/predict", content=faces["happy"])

    failed, later = asking(Limits(), talk)
    assert failed.status_code == 500
    assert failed.json()["error"]["code"] == "internal"
    assert "secret" not in failed.text
    assert "/secret/place" in caplog.text
    assert later.json()["images"][0]["class"] == "happy"


def test_failing_activation_maps_fail_only_the_requests_for_them(asking, gate, faces, caplog):
    async def talk(client):
        first = asyncio.create_task(client.post("/predict", content=faces["sad"]))
        await entered(gate)
        gate.model = None
        paths = ("/predict?activation=true", "/predict")
        others = [asyncio.create_task(client.post(path, content=faces["happy"])) for path in paths]
        while gate.service.batching._ready.qsize() < 2:
            await asyncio.sleep(0.001)
        gate.open.set()
        return await asyncio.gather(first, *others)

    _, mapped, plain = asking(Limits(), talk)
    assert gate.sizes == [1, 2]
    assert (mapped.status_code, mapped.json()["error"]["code"]) == (500, "internal")
    assert plain.json()["images"][0]["class"] == "happy"
    assert "activation maps of 1 images failed" in caplog.text


def test_a_server_is_not_ready_after_failures_until_a_batch_succeeds(asking, gate, faces):
    async def talk(client):
        gate.open.set()
        health = []
        for broken in [*[True] * MAX_FAILURES, False]:
            gate.broken = broken
            health.append((await client.get("/health")).status_code)
            await client.post("/predict", content=faces["sad"])
        return [*health, (await client.get("/health")).status_code]

    assert asking(Limits(), talk) == [200] * MAX_FAILURES + [503, 200]


def test_bodies_of_all_requests_share_one_memory_limit(asking, gate, faces):
    limits = Limits(body=len(faces["sad"]), files=1)

    async def slowly():
        yield faces["sad"][:-1]
        await asyncio.sleep(0.1)
        yield faces["sad"][-1:]

    async def talk(client):
        gate.open.set()
        return await asyncio.gather(*(client.post("/predict", content=slowly()) for _ in range(8)))

    statuses = [response.status_code for response in asking(limits, talk)]
    assert set(statuses) == {200, 503}
    assert statuses.count(200) >= 1


@pytest.mark.parametrize(
    ("waiting", "number"), [(0, 0), (1, 1), (5, 4), (7, 6), (13, 12), (99, 96), (100, 100), (500, 100)]
)
def test_batches_have_round_sizes(waiting, number):
    assert round_number(waiting, 100) == number
