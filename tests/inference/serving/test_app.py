"""Classifiers that are served all the same: whose maps fail."""

import asyncio
from dataclasses import replace

import httpx
import pytest
from torch import nn

from framework.inference.predictor import Predictor
from framework.inference.serving.app import Service, create_app
from framework.inference.serving.limits import Limits


class WithoutGradient(nn.Module):
    """A network that leaves the graph, which fails where there is one."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, images):
        images.numpy()
        return self.network(images)


@pytest.fixture(scope="module")
def predictor():
    return Predictor.open("drawn/faces", device="cpu")


def ask(service, *requests):
    """The answers to requests, (method, path, body) each."""

    async def talk():
        app = create_app(service)
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                return [await client.request(method, path, content=body) for method, path, body in requests]

    return asyncio.run(talk())


def test_a_network_whose_maps_fail_is_served_without_them(predictor, faces, caplog):
    engine = replace(predictor.engine, model=WithoutGradient(predictor.engine.model).eval())
    service = Service.of(replace(predictor, engine=engine), Limits())
    assert "requires grad" in caplog.text
    image = faces["happy"]
    plain, mapped = ask(service, ("POST", "/predict", image), ("POST", "/predict?activation=true", image))
    assert plain.json()["images"][0]["class"] == "happy"
    assert (mapped.status_code, mapped.json()["error"]["code"]) == (400, "no_activation")
    assert "the server's log says why" in mapped.json()["error"]["message"]
