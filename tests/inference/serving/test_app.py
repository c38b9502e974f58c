"""Classifiers that are served all the same: whose maps fail, whose names are no UTF-8."""

import asyncio
import os
from dataclasses import replace

import httpx
import pytest
from torch import nn

from framework.inference.predictor import Predictor
from framework.inference.serving.app import Service, create_app
from framework.inference.serving.door import Door
from framework.inference.serving.limits import Limits

NO_UTF8 = os.fsdecode(b"caf\xe9")


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
        app = create_app(service, Door())
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


def test_a_class_whose_name_is_no_utf8_is_served(predictor, faces):
    model = {**predictor.trained.documents["model"], "classes": [NO_UTF8, *predictor.classes[1:]]}
    trained = replace(predictor.trained, label=NO_UTF8, documents={**predictor.trained.documents, "model": model})
    named = replace(predictor, trained=trained, classes=trained.classes)
    answer, about = ask(Service.of(named, Limits()), ("POST", "/predict", faces["happy"]), ("GET", "/model", None))
    assert NO_UTF8 in answer.json()["images"][0]["probabilities"]
    assert about.json()["classes"][0] == about.json()["name"] == NO_UTF8
    answer.content.decode("utf-8")


def test_a_reason_may_name_what_is_no_utf8(predictor, faces):
    service = replace(Service.of(predictor, Limits()), no_activation=f"{NO_UTF8} has none")
    (refused,) = ask(service, ("POST", "/predict?activation=true", faces["happy"]))
    assert refused.json()["error"]["message"] == f"{NO_UTF8} has none"
