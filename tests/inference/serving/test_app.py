"""Networks without activation maps, and names that are not UTF-8."""

import asyncio
import os
from dataclasses import replace

import httpx
import pytest
from torch import nn

from framework.inference.predictor import Predictor
from framework.inference.serving.access import AccessPolicy
from framework.inference.serving.app import Service, create_app
from framework.inference.serving.limits import Limits

NO_UTF8 = os.fsdecode(b"caf\xe9")


class WithoutGradient(nn.Module):
    """A network that converts its input to NumPy, which fails with gradients."""

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
    """The responses to requests, (method, path, body) each."""

    async def send():
        app = create_app(service, AccessPolicy())
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                return [await client.request(method, path, content=body) for method, path, body in requests]

    return asyncio.run(send())


def test_a_network_without_activation_maps_is_served(predictor, faces, caplog):
    engine = replace(predictor.engine, model=WithoutGradient(predictor.engine.model).eval())
    service = Service.of(replace(predictor, engine=engine), Limits())
    assert "requires grad" in caplog.text
    image = faces["happy"]
    plain, mapped = ask(service, ("POST", "/predict", image), ("POST", "/predict?activation=true", image))
    assert plain.json()["images"][0]["class"] == "happy"
    assert (mapped.status_code, mapped.json()["error"]["code"]) == (400, "no_activation")
    assert "log" in mapped.json()["error"]["message"]


def test_a_class_name_that_is_not_utf8_is_served(predictor, faces):
    model = {**predictor.trained.documents["model"], "classes": [NO_UTF8, *predictor.classes[1:]]}
    trained = replace(predictor.trained, label=NO_UTF8, documents={**predictor.trained.documents, "model": model})
    named = replace(predictor, trained=trained, classes=trained.classes)
    prediction, about = ask(Service.of(named, Limits()), ("POST", "/predict", faces["happy"]), ("GET", "/model", None))
    assert NO_UTF8 in prediction.json()["images"][0]["probabilities"]
    assert about.json()["classes"][0] == about.json()["name"] == NO_UTF8
    prediction.content.decode("utf-8")


def test_a_message_may_contain_a_name_that_is_not_utf8(predictor, faces):
    service = replace(Service.of(predictor, Limits()), no_activation=f"{NO_UTF8} has none")
    (response,) = ask(service, ("POST", "/predict?activation=true", faces["happy"]))
    assert response.json()["error"]["message"] == f"{NO_UTF8} has none"
