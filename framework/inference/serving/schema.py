"""What the API's own documents, `/openapi.json`, say of its answers."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class ImageAnswer(BaseModel):
    """What the network says of one image, or why it could not be read."""

    name: str = Field(description="As it was sent.")
    class_: str | None = Field(None, alias="class", description="The most probable class.")
    confidence: float | None = Field(None, description="Its probability, calibrated where the run was.")
    probabilities: dict[str, float] | None = Field(None, description="By class, highest first.")
    activation: str | None = Field(None, description="Where the network looked: a PNG as a data URI.")
    error: str | None = Field(None, description="Why it could not be read; then there is nothing else.")


class Answers(BaseModel):
    """One for each image, in their order."""

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
    images: list[ImageAnswer]


class Problem(BaseModel):
    """What is wrong, for programs and for people."""

    code: str = Field(description="For programs, such as `too_large`.")
    message: str
    what_to_do: str


class Refusal(BaseModel):
    """The form of every error."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "error": {
                    "code": "too_many_files",
                    "message": "the form has more than 64 files",
                    "what_to_do": "send them in several requests",
                }
            }
        }
    )
    error: Problem


class Health(BaseModel):
    """Whether it answers, and how busy it is."""

    model_config = ConfigDict(json_schema_extra={"example": {"ready": True, "queue": 3, "queue_limit": 256}})
    ready: bool
    queue: int = Field(description="Images that wait or are computed.")
    queue_limit: int


class Classifier(BaseModel):
    """What is served: where it comes from, how good it is, what it lets in."""

    name: str
    summary: str
    classes: list[str]
    metrics: dict[str, Any] = Field(description="By split, as fractions of one; top-1 with its 95 % interval.")
    calibration: dict[str, Any] | None = Field(description="The temperature, and what it was fitted on.")
    preprocessing: dict[str, Any] = Field(description="What is done to every image.")
    network: dict[str, Any]
    recipe: str = Field(description="YAML: what it was trained by.")
    card: str = Field(description="The model card, Markdown.")
    versions: dict[str, str | None] = Field(description="Of what it was trained with.")
    device: str
    activation: dict[str, Any] = Field(description="Whether class-activation maps can be had.")
    limits: dict[str, float] = Field(description="What one request may bring.")


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
    400: "The body is empty, or its form damaged; or `activation` cannot be had.",
    403: "A page of another site asks, or the server is asked for by another name than its own.",
    408: "The body did not arrive in time.",
    413: "The body is too large, or has too many files.",
    415: "The body is neither a form nor an image.",
    422: "The only image cannot be read, the form has no file, or an option is wrong.",
    500: "The network failed; the server's log says why.",
    503: "Busy: try again after `Retry-After` seconds.",
    504: "It was not computed in time.",
}
REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": Refusal, "description": description} for status, description in STATUSES.items()
}
