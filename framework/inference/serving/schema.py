"""The schema of the HTTP API, for `/openapi.json`."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

CLASS = "The most probable class."
CONFIDENCE = "The probability of the class, calibrated if the run is."
PROBABILITIES = "By class, highest first."
ACTIVATION = "The activation map over the network's input: a PNG as a data URI."
LABELS = "The predicted classes, the most probable first; there may be none."
ACTIVATIONS = "The activation map of each label, as a PNG in a data URI; of the most probable class without labels."
BOX = "x, y, width, height in pixels of the upright image (EXIF orientation applied); it may extend beyond the image."
SCORE = "The detector's confidence, from 0 to 1; 1 if it has none."
PIXELS = "Pixels of the upright image, if the server has a detector."
REGIONS = (
    "Instead of one prediction, if the server has a detector: one for each region, the most important first; empty if "
    "nothing was found."
)


class RegionPrediction(BaseModel):
    """The prediction for one region that the detector found."""

    box: tuple[int, int, int, int] = Field(description=BOX)
    score: float = Field(description=SCORE)
    class_: str = Field(alias="class", description=CLASS)
    confidence: float = Field(description=CONFIDENCE)
    probabilities: dict[str, float] = Field(description=PROBABILITIES)
    activation: str | None = Field(None, description=ACTIVATION)


class ImagePrediction(BaseModel):
    """The prediction for one image, or those for its regions, or why it cannot be read."""

    name: str = Field(description="As it was sent.")
    class_: str | None = Field(None, alias="class", description=CLASS)
    confidence: float | None = Field(None, description=CONFIDENCE)
    probabilities: dict[str, float] | None = Field(None, description=PROBABILITIES)
    activation: str | None = Field(None, description=ACTIVATION)
    width: int | None = Field(None, description=PIXELS)
    height: int | None = Field(None, description=PIXELS)
    regions: list[RegionPrediction] | None = Field(None, description=REGIONS)
    left_out: int | None = Field(None, description="Regions beyond the server's limit, if there are any.")
    note: str | None = Field(None, description="If nothing was found: how to classify the whole image.")
    error: str | None = Field(None, description="Why it cannot be read; all other fields are then missing.")


class PredictionResponse(BaseModel):
    """One entry for each image, in order."""

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
                    {
                        "name": "party.jpg",
                        "width": 1200,
                        "height": 800,
                        "regions": [
                            {
                                "box": [310, 122, 160, 160],
                                "score": 0.9993,
                                "class": "happy",
                                "confidence": 0.91,
                                "probabilities": {"happy": 0.91, "surprise": 0.06, "neutral": 0.03},
                            }
                        ],
                    },
                    {"name": "notes.txt", "error": "not an image, or of an unknown format"},
                ]
            }
        }
    )
    images: list[ImagePrediction]


class RegionLabels(BaseModel):
    """The labels of one region that the detector found."""

    box: tuple[int, int, int, int] = Field(description=BOX)
    score: float = Field(description=SCORE)
    labels: list[str] = Field(description=LABELS)
    probabilities: dict[str, float] = Field(description=PROBABILITIES)
    activations: dict[str, str] | None = Field(None, description=ACTIVATIONS)


class ImageLabels(BaseModel):
    """The labels of one image, or those of its regions, or why it cannot be read."""

    name: str = Field(description="As it was sent.")
    labels: list[str] | None = Field(None, description=LABELS)
    probabilities: dict[str, float] | None = Field(None, description=PROBABILITIES)
    activations: dict[str, str] | None = Field(None, description=ACTIVATIONS)
    width: int | None = Field(None, description=PIXELS)
    height: int | None = Field(None, description=PIXELS)
    regions: list[RegionLabels] | None = Field(None, description=REGIONS)
    left_out: int | None = Field(None, description="Regions beyond the server's limit, if there are any.")
    note: str | None = Field(None, description="If nothing was found: how to classify the whole image.")
    error: str | None = Field(None, description="Why it cannot be read; all other fields are then missing.")


class LabelsResponse(BaseModel):
    """The labels of each image, in order."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "images": [
                    {
                        "name": "photo.jpg",
                        "labels": ["cat", "pet"],
                        "probabilities": {"cat": 0.93, "pet": 0.81, "outdoors": 0.07},
                    },
                    {"name": "notes.txt", "error": "not an image, or of an unknown format"},
                ]
            }
        }
    )
    images: list[ImageLabels]


RESPONSES: dict[str, type[BaseModel]] = {"class": PredictionResponse, "labels": LabelsResponse}
"""By the name of the field that `Task.fields` returns."""


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
    metrics: dict[str, Any] = Field(description="By split, as fractions; accuracy with its 95 % interval.")
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
    detector: dict[str, Any] | None = Field(description="The detector of regions, with its options; null: none.")
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
    500: "The network or the detector failed; the server's log has the reason.",
    503: "Busy: try again after `Retry-After` seconds.",
    504: "The predictions took too long.",
}
ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorResponse, "description": description} for status, description in STATUSES.items()
}
