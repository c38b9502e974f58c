"""The routes."""

from __future__ import annotations

import asyncio
import importlib.metadata
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated, Any

import torch
from fastapi import FastAPI, Query, Request, Response
from starlette.middleware.cors import CORSMiddleware

from framework.data.decode import TooManyPixels, quiet_decoding
from framework.errors import UserError
from framework.inference.activation import activation_maps
from framework.inference.ranking import ranked
from framework.inference.serving import refusals, schema
from framework.inference.serving.about import describe
from framework.inference.serving.batching import Answer, Batching, ComputeFailed
from framework.inference.serving.door import AtTheDoor, Door
from framework.inference.serving.encoding import Json
from framework.inference.serving.limits import Admission, Limits
from framework.inference.serving.refusals import Refused
from framework.inference.serving.uploads import read_uploads

if TYPE_CHECKING:
    from torch import Tensor

    from framework.inference.predictor import Predictor
    from framework.inference.serving.uploads import Upload

PAGE = {
    "index.html": "text/html; charset=utf-8",
    "style.css": "text/css; charset=utf-8",
    "app.js": "text/javascript; charset=utf-8",
    "results.js": "text/javascript; charset=utf-8",
    "card.js": "text/javascript; charset=utf-8",
    "camera.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
logger = logging.getLogger("framework.serving")
DESCRIPTION = "Images in, class probabilities out. Errors have one form: code, message, what to do."


@dataclass(frozen=True)
class Service:
    """A classifier and what it lets in."""

    predictor: Predictor
    batching: Batching
    admission: Admission
    no_activation: str | None
    """Why class-activation maps cannot be had, or None where they can."""

    @classmethod
    def of(cls, predictor: Predictor, limits: Limits, batch_size: int | None = None) -> Service:
        """Not yet at work: `create_app`'s application starts and ends it. Raises what the network raises for an image.

        It computes once here, so that no request waits for what is only built then, and a network that cannot compute
        is no server.
        """
        predictor.probabilities(_black_image(predictor))
        batching = Batching(predictor, batch_size or predictor.batch_size, limits.pixels)
        return cls(predictor, batching, Admission(limits), why_no_activation(predictor))

    @property
    def limits(self) -> Limits:
        """What it lets in."""
        return self.admission.limits

    async def answers(self, request: Request, activation: bool) -> list[Answer]:
        """For each image of a request; raises `Refused`."""
        if activation and self.no_activation is not None:
            raise Refused(400, "no_activation", self.no_activation, "ask without activation=true")
        with self.admission.request() as held:
            uploads = await read_uploads(request, self.limits, held)
            held.take_images(len(uploads))
            answers = await self._computed(uploads, activation)
            self.admission.answered += sum(answer.error is None for answer in answers)
        if len(answers) == 1 and (error := answers[0].error):
            smaller = isinstance(error, TooManyPixels)
            raise Refused(422, "bad_image", error.reason, "send it smaller" if smaller else "send it as PNG or JPEG")
        return answers

    async def _computed(self, uploads: Sequence[Upload], activation: bool) -> list[Answer]:
        try:
            async with asyncio.timeout(self.limits.seconds):
                return await self.batching.answers(uploads, activation)
        except TimeoutError:
            message = f"no answer within {self.limits.seconds:g} seconds"
            raise Refused(504, "timeout", message, "send fewer or smaller images, or try again later") from None
        except ComputeFailed:
            message = "the server failed to compute this"
            raise Refused(500, "internal", message, "whoever runs it finds the reason in its log") from None


def why_no_activation(predictor: Predictor) -> str | None:
    """The reason where the network or its engine has no class-activation maps, found out by trying."""
    named = replace(predictor, trained=replace(predictor.trained, label=predictor.trained.name))
    try:
        activation_maps(named, _black_image(predictor), None)
    except UserError as error:
        return str(error)
    except Exception:
        logger.exception("there are no activation maps: computing one failed")
        return "activation maps of this network cannot be computed; the server's log says why"
    return None


def _black_image(predictor: Predictor) -> Tensor:
    """One, uint8 1×C×H×W, for trying."""
    size = predictor.preprocess
    return torch.zeros(1, size.channels, size.height, size.width, dtype=torch.uint8)


def create_app(service: Service, door: Door) -> FastAPI:
    """The application. It computes in the process that runs it, from its start to its end."""

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        with quiet_decoding():  # around all threads: what a process warns of is not a matter of one
            service.batching.start()
            yield
            service.batching.stop()

    app = FastAPI(
        title="framework serve",
        description=DESCRIPTION,
        version=importlib.metadata.version("framework"),
        docs_url=None,  # FastAPI's pages load their scripts from the network
        redoc_url=None,
        redirect_slashes=False,
        lifespan=life,
    )
    refusals.install(app)
    _add_api(app, service)
    _add_page(app)
    if origins := list(door.origins):
        app.add_middleware(CORSMiddleware, allow_origins=origins, allow_methods=["GET", "POST"], allow_headers=["*"])
    app.add_middleware(AtTheDoor, door=door)
    return app


def _add_api(app: FastAPI, service: Service) -> None:
    about = describe(service.predictor, service.limits, service.no_activation)

    @app.post(
        "/predict",
        response_model=schema.Answers,
        responses=schema.REFUSALS,
        openapi_extra={"requestBody": schema.PREDICT_BODY},
        summary="Classify one or many images",
    )
    async def predict(
        request: Request,
        top: Annotated[int | None, Query(ge=1, description="Only so many classes, the most probable.")] = None,
        activation: Annotated[bool, Query(description="Also where the network looked, as a picture.")] = False,
    ) -> Response:
        answers = await service.answers(request, activation)
        return Json({"images": [_entry(answer, service.predictor.classes, top) for answer in answers]})

    @app.head("/model", include_in_schema=False)
    @app.get("/model", response_model=schema.Classifier, summary="What is served")
    async def model() -> Response:
        return Json(about)

    @app.head("/health", include_in_schema=False)
    @app.get("/health", response_model=schema.Health, summary="Whether it answers")
    async def health() -> Response:
        ready, queue = service.batching.at_work, service.admission.images
        told = {"ready": ready, "queue": queue, "queue_limit": service.limits.queue}
        return Json(told, 200 if ready else 503)


def _entry(answer: Answer, classes: Sequence[str], top: int | None) -> dict[str, Any]:
    if answer.error is not None:
        return {"name": answer.name, "error": answer.error.reason}
    shown = ranked(classes, answer.probabilities)[:top]
    best, confidence = shown[0]
    entry = {"name": answer.name, "class": best, "confidence": confidence, "probabilities": dict(shown)}
    return entry if answer.activation is None else {**entry, "activation": answer.activation}


def _add_page(app: FastAPI) -> None:
    """Read once: what is served is what was there at the start."""
    folder = files("framework.inference.serving") / "page"

    def add(path: str, content: bytes, media_type: str) -> None:
        @app.api_route(path, methods=["GET", "HEAD"], include_in_schema=False)
        async def page() -> Response:
            return Response(content, media_type=media_type, headers={"Cache-Control": "no-cache"})

    for name, media_type in PAGE.items():
        add("/" if name == "index.html" else f"/page/{name}", (folder / name).read_bytes(), media_type)
