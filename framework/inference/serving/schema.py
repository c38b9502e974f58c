"""The schema of the HTTP API, for `/openapi.json`."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class ImagePrediction(BaseModel):
    """The prediction for one image, or why it cannot be read."""

    name: str = Field(description="As it was sent.")
    class_: str | None = Field(None, alias="class", description="The most probable class.")
    labels: list[str] | None = Field(
        None,
        description="Instead of the class, where images have several: the predicted ones, the most probable first.",
    )
    confidence: float | None = Field(None, description="The probability of the class, calibrated if the run is.")
    probabilities: dict[str, float] | None = Field(None, description="By class, highest first.")
    activation: str | None = Field(None, description="The activation map over the image: a PNG as a data URI.")
    activations: dict[str, str] | None = Field(
        None, description="The activation maps of the labels; of the most probable class if there is no label."
    )
    error: str | None = Field(None, description="Why it cannot be read; all other fields are then missing.")


class PredictionResponse(BaseModel):
    """One prediction for each image, in order."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "images": [
                    {
                        "name": "photo.jpg",
                        "class": "happy",
                        "confidence": 0.93,
                        "probabilities": {"happy": 0.93, "neutral": 0.04, "surprise": 0.03},
                    },
                    {"name": "notes.txt", "error": "not an image, or of an unknown format"},
                ]
            }
        }
    )
    images: list[ImagePrediction]


class ErrorDetail(BaseModel):
    """What is wrong."""

    code: str = Field(description="Machine-readable, such as `too_large`.")
    message: str
    hint: str = Field(description="What to do.")


class ErrorResponse(BaseModel):
    """The form of every error."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "error": {
                    "code": "too_many_files",
                    "message": "the form has more than 64 files",
                    "hint": "send them in several requests",
                }
            }
        }
    )
    error: ErrorDetail


class Health(BaseModel):
    """Whether the server is ready, and its load."""

    model_config = ConfigDict(json_schema_extra={"example": {"ready": True, "queue": 3, "queue_limit": 256}})
    ready: bool
    queue: int = Field(description="Images that are waiting or being computed.")
    queue_limit: int


class Classifier(BaseModel):
    """The served model: its origin, metrics and limits."""

    name: str
    summary: str
    classes: list[str]
    metrics: dict[str, Any] = Field(
        description="By split, as fractions; accuracy, such as top-1, with its 95 % interval."
    )
    thresholds: dict[str, float] | None = Field(
        None, description="Where images have several labels: the probability above which each class is predicted."
    )
    calibration: dict[str, Any] | None = Field(description="The temperature, and the data it was fitted on.")
    preprocessing: dict[str, Any] = Field(description="Applied to every image.")
    network: dict[str, Any]
    recipe: str = Field(description="The recipe that it was trained with, as YAML.")
    card: str = Field(description="The model card, as Markdown.")
    versions: dict[str, str | None] = Field(description="Of the packages that it was trained with.")
    device: str
    activation: dict[str, Any] = Field(description="Whether activation maps are available.")
    limits: dict[str, float] = Field(description="Of one request.")


_FILE = {"type": "string", "format": "binary"}
PREDICT_BODY: dict[str, Any] = {
    "required": True,
    "description": "A form with one or many files, or one image as the body.",
    "content": {
        "multipart/form-data": {
            "schema": {"type": "object", "properties": {"image": {"type": "array", "items": _FILE}}}
        },
        "application/octet-stream": {"schema": _FILE},
        "image/*": {"schema": _FILE},
    },
}
STATUSES = {
    400: "The body is empty, its form is damaged, or `activation` is not available.",
    403: "The page of another site sent the request, or the host name is not allowed.",
    408: "The body did not arrive in time.",
    413: "The body is too large, or has too many files.",
    415: "The body is neither a form nor an image.",
    422: "The only image cannot be read, the form has no file, or an option is invalid.",
    500: "The network failed; the server's log has the reason.",
    503: "Busy: try again after `Retry-After` seconds.",
    504: "The predictions took too long.",
}
ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorResponse, "description": description} for status, description in STATUSES.items()
}
