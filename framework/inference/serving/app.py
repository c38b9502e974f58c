"""The routes of the HTTP API and the web page."""

from __future__ import annotations

import asyncio
import importlib.metadata
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
import torch
from fastapi import FastAPI, Query, Request, Response
from starlette.middleware.cors import CORSMiddleware

from framework.data.decode import TooManyPixels, quiet_decoding
from framework.data.regions import BuiltDetector, regions_of
from framework.errors import UserError
from framework.inference.activation import activation_maps
from framework.inference.ranking import ranked
from framework.inference.serving import schema
from framework.inference.serving.about import describe
from framework.inference.serving.access import AccessMiddleware, AccessPolicy
from framework.inference.serving.api_error import SEE_LOG, ApiError, add_error_handlers
from framework.inference.serving.batching import Batching, Classified, ComputeFailed, Result
from framework.inference.serving.encoding import Json
from framework.inference.serving.limits import Admission, Limits
from framework.inference.serving.reading import DetectorFailed, UploadReader
from framework.inference.serving.uploads import read_uploads

if TYPE_CHECKING:
    from torch import Tensor

    from framework.inference.predictor import Predictor
    from framework.inference.serving.uploads import Upload

PAGE = {
    "index.html": "text/html; charset=utf-8",
    "style.css": "text/css; charset=utf-8",
    "app.js": "text/javascript; charset=utf-8",
    "elements.js": "text/javascript; charset=utf-8",
    "labels.js": "text/javascript; charset=utf-8",
    "results.js": "text/javascript; charset=utf-8",
    "regions.js": "text/javascript; charset=utf-8",
    "card.js": "text/javascript; charset=utf-8",
    "camera.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
logger = logging.getLogger("framework.serving")
WHOLE_IMAGES = "use detect=none to classify the whole image"
DESCRIPTION = "Classifies images. All errors have one form: code, message, hint."


@dataclass(frozen=True)
class Service:
    """A classifier with its limits."""

    predictor: Predictor
    batching: Batching
    admission: Admission
    no_activation: str | None
    """Why activation maps are not available; None if they are."""
    detector: BuiltDetector | None = None
    """What finds the regions to classify; None for whole images."""

    @classmethod
    def of(cls, predictor: Predictor, limits: Limits, detector: BuiltDetector | None = None) -> Service:
        """A service that `create_app`'s application starts and stops; raises what the network raises for an image.

        Network and detector are called once, so that one that fails is not served and the first request need not wait
        for warm-up.
        """
        if detector is not None:
            regions_of(np.zeros((3, 64, 64), np.uint8), detector, "a black image")
        predictor.probabilities(_black_image(predictor))
        batching = Batching(UploadReader(predictor, limits, detector))
        return cls(predictor, batching, Admission(limits), why_no_activation(predictor), detector)

    @property
    def limits(self) -> Limits:
        """Limits of requests."""
        return self.admission.limits

    async def predict(self, request: Request, activation: bool, detect: bool) -> list[Result]:
        """Predict each image of a request or, with `detect` and a detector, its regions; raises `ApiError`."""
        if activation and self.no_activation is not None:
            raise ApiError(400, "no_activation", self.no_activation, "leave out activation=true")
        with self.admission.request() as reservation:
            uploads = await read_uploads(request, self.limits, reservation)
            reservation.add_images(len(uploads))
            results = await self._computed(uploads, activation, detect)
            self.admission.predicted += sum(result.error is None for result in results)
        if len(results) == 1 and (error := results[0].error):
            hint = "send a smaller image" if isinstance(error, TooManyPixels) else "send a PNG or JPEG file"
            raise ApiError(422, "bad_image", error.reason, hint)
        return results

    async def _computed(self, uploads: Sequence[Upload], activation: bool, detect: bool) -> list[Result]:
        try:
            async with asyncio.timeout(self.limits.seconds):
                return await self.batching.predict(uploads, activation, detect)
        except TimeoutError:
            message = f"no predictions within {self.limits.seconds:g} seconds"
            raise ApiError(504, "timeout", message, "send fewer or smaller images, or try again later") from None
        except DetectorFailed as error:
            raise ApiError(500, "detector_failed", str(error), f"{SEE_LOG}; {WHOLE_IMAGES}") from None
        except ComputeFailed:
            raise ApiError(500, "internal", "the network failed", SEE_LOG) from None


def why_no_activation(predictor: Predictor) -> str | None:
    """Why the network or its engine has no activation maps, found by computing one; None if it has."""
    named = replace(predictor, trained=replace(predictor.trained, label=predictor.trained.name))
    try:
        activation_maps(named, _black_image(predictor), None)
    except UserError as error:
        return str(error)
    except Exception:
        logger.exception("activation maps are not available: computing one failed")
        return f"activation maps of this network cannot be computed; {SEE_LOG}"
    return None


def _black_image(predictor: Predictor) -> Tensor:
    """Uint8 1×C×H×W."""
    size = predictor.preprocess
    return torch.zeros(1, size.channels, size.height, size.width, dtype=torch.uint8)


def create_app(service: Service, policy: AccessPolicy) -> FastAPI:
    """The application; it computes in its own process."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        with quiet_decoding():  # warning filters belong to the process, not to a thread
            service.batching.start()
            yield
            service.batching.stop()

    app = FastAPI(
        title="framework serve",
        description=DESCRIPTION,
        version=importlib.metadata.version("framework"),
        docs_url=None,  # FastAPI's pages load scripts from other servers
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    add_error_handlers(app)
    _add_api(app, service)
    _add_page(app)
    if origins := list(policy.origins):
        app.add_middleware(CORSMiddleware, allow_origins=origins, allow_methods=["GET", "POST"], allow_headers=["*"])
    app.add_middleware(AccessMiddleware, policy=policy)
    return app


def _add_api(app: FastAPI, service: Service) -> None:
    (field,) = service.predictor.task.fields(())
    about = describe(service.predictor, service.limits, service.no_activation, service.detector)

    @app.post(
        "/predict",
        response_model=schema.RESPONSES.get(field, schema.PredictionResponse),
        responses=schema.ERRORS,
        openapi_extra={"requestBody": schema.PREDICT_BODY},
        summary="Classify one or many images",
    )
    async def predict(
        request: Request,
        top: Annotated[int | None, Query(ge=1, description="Number of classes (default: all).")] = None,
        activation: Annotated[bool, Query(description="Add the activation map as a picture.")] = False,
        detect: Annotated[
            Literal["none"] | None, Query(description="`none`: whole images, also if the server has a detector.")
        ] = None,
    ) -> Response:
        results = await service.predict(request, activation, detect is None)
        return Json({"images": [_image_prediction(result, service, top) for result in results]})

    @app.head("/model", include_in_schema=False)
    @app.get("/model", response_model=schema.Classifier, summary="The served model")
    async def model() -> Response:
        return Json(about)

    @app.head("/health", include_in_schema=False)
    @app.get("/health", response_model=schema.Health, summary="Whether the server is ready")
    async def health() -> Response:
        ready, queue = service.batching.ready, service.admission.images
        content = {"ready": ready, "queue": queue, "queue_limit": service.limits.queue}
        return Json(content, 200 if ready else 503)


def _image_prediction(result: Result, service: Service, top: int | None) -> dict[str, Any]:
    """As `schema.ImagePrediction`."""
    if result.error is not None:
        return {"name": result.name, "error": result.error.reason}
    predictions = [_prediction(classified, service.predictor, top) for classified in result.predictions]
    if result.size is None:
        return {"name": result.name, **predictions[0]}
    width, height = result.size
    content = {"name": result.name, "width": width, "height": height, "regions": predictions}
    if result.left_out:
        content["left_out"] = result.left_out
    if not predictions and service.detector is not None:
        content["note"] = f"nothing found by '{service.detector.name}'; {WHOLE_IMAGES}"
    return content


def _prediction(classified: Classified, predictor: Predictor, top: int | None) -> dict[str, Any]:
    """As `schema.RegionPrediction`; without box and score for a whole image."""
    content: dict[str, Any] = {}
    if (region := classified.region) is not None:
        content = {"box": [region.x, region.y, region.width, region.height], "score": round(region.score, 4)}
    content |= predictor.task.fields(classified.decided)
    single = "class" in content
    if single:
        content["confidence"] = classified.decided[0][1]
    content["probabilities"] = dict(ranked(predictor.classes, classified.probabilities)[:top])
    if classified.activations is not None:
        maps = classified.activations
        content |= {"activation": next(iter(maps.values()))} if single else {"activations": dict(maps)}
    return content


def _add_page(app: FastAPI) -> None:
    """The page's files, read once at the start."""
    folder = files("framework.inference.serving") / "page"

    def add(path: str, content: bytes, media_type: str) -> None:
        @app.api_route(path, methods=["GET", "HEAD"], include_in_schema=False)
        async def page() -> Response:
            return Response(content, media_type=media_type, headers={"Cache-Control": "no-cache"})

    for name, media_type in PAGE.items():
        add("/" if name == "index.html" else f"/page/{name}", (folder / name).read_bytes(), media_type)
