"""What a recipe may say: seven kinds of component and a few plain sections, each option with its default."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_serializer, model_validator
from pydantic_core import PydanticCustomError

from framework.components import Callback, Dataset, Loss, Model, Optimizer, Scheduler, Transform
from framework.section import Section

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def _duration(value: Any) -> Any:
    """Seconds from a number or from `90s`, `20m`, `1h30m`."""
    if not isinstance(value, str):
        return value
    parts = re.findall(r"(\d+(?:\.\d+)?)\s*([smhd])\s*", value)
    if not parts or re.sub(r"\d+(?:\.\d+)?\s*[smhd]\s*", "", value.strip()):
        raise PydanticCustomError("duration", "must be seconds or a duration like 90s, 20m or 1h30m")
    return sum(float(number) * UNITS[unit] for number, unit in parts)


def _height_width(value: Any) -> Any:
    """(height, width) from one number or from a pair."""
    if isinstance(value, int) and not isinstance(value, bool):
        return (value, value)
    if isinstance(value, (list, tuple)) and len(value) == 2:
        return tuple(value)
    raise PydanticCustomError("image_size", "must be a number of pixels or a pair [height, width]")


Duration = Annotated[float, BeforeValidator(_duration, json_schema_input_type=float | str)]
Pixels = Annotated[int, Field(ge=1, le=8192)]
ImageSize = Annotated[
    tuple[Pixels, Pixels], BeforeValidator(_height_width, json_schema_input_type=Pixels | tuple[Pixels, Pixels])
]
Device = Literal["auto", "cpu", "mps", "cuda"] | Annotated[str, Field(pattern=r"^cuda:\d+$")]
Channel = Annotated[float, Field(ge=0, le=1)]
Deviation = Annotated[float, Field(gt=0)]


class Preprocess(Section):
    """What is done to every image, in training, evaluation, prediction and export alike."""

    size: ImageSize = (224, 224)
    """Height and width in pixels that the network sees; one number for a square."""
    channels: Literal[1, 3] | None = None
    """1 grayscale, 3 RGB; left out: as the dataset has them."""
    fit: Literal["crop", "stretch", "pad"] = "crop"
    """How an image of another shape is brought to `size`: resized to cover it and centre-cropped, stretched, or resized
    to fit inside and padded with black."""
    mean: tuple[Channel, ...] | None = None
    """Per channel, of pixel values in [0, 1]; left out: measured on the training images."""
    std: tuple[Deviation, ...] | None = None
    """Per channel, of pixel values in [0, 1]; left out: measured on the training images."""

    @field_serializer("size")
    def _one_number_for_a_square(self, size: tuple[int, int]) -> int | tuple[int, int]:
        return size[0] if size[0] == size[1] else size

    @model_validator(mode="after")
    def _one_value_a_channel(self) -> Preprocess:
        for name in ("mean", "std"):
            values = getattr(self, name)
            if values is not None and len(values) not in ((1, 3) if self.channels is None else (self.channels,)):
                raise PydanticCustomError(
                    "channels",
                    "{name} has {given} values; give one for each of the {channels} channels",
                    {"name": name, "given": len(values), "channels": self.channels or "1 or 3"},
                )
        return self


class Lookahead(Section):
    """Lookahead: slow weights that follow the trained ones, which continue from them (Zhang et al., 2019)."""

    every: int = Field(5, ge=1)
    """Optimizer steps between two updates of the slow weights."""
    decay: float = Field(0.5, ge=0, lt=1)
    """Fraction of the slow weights kept at an update (1 - α in the paper)."""
    decay_power: float = Field(0.0, ge=0)
    """The fraction kept is `decay` × (fraction of the training done) ** `decay_power`. 0: constant. 3 with decay 0.774
    is the setting of airbench (Jordan, 2024): the slow weights change less towards the end."""


class ProgressiveResize(Section):
    """The image size over the training: from `start` up to `preprocess.size`."""

    start: int = Field(ge=8)
    """Shorter side of the first images, in pixels."""
    until: float = Field(0.6, gt=0, le=1)
    """Fraction of all steps after which images have their full size."""


class Train(Section):
    """How the network is trained."""

    epochs: int = Field(10, ge=1)
    """Passes over the training images."""
    batch_size: int = Field(64, ge=1)
    """Images in one forward pass. The last, incomplete batch of an epoch is left out (images are reshuffled each
    epoch)."""
    grad_accum_steps: int = Field(1, ge=1)
    """Batches whose gradients are averaged into one optimizer step. What is left of an epoch's images when no whole
    step, of `batch_size` × `grad_accum_steps`, can be filled is left out of that epoch."""
    max_steps: int | None = Field(None, ge=1)
    """Stop after this many optimizer steps; the schedule is laid out over them."""
    max_time: Duration | None = Field(None, gt=0)
    """Stop training after this long (`90s`, `20m`, `1h30m`, or seconds), then evaluate as usual."""
    sampler: Literal["shuffled", "balanced"] = "shuffled"
    """`shuffled`: each image once an epoch. `balanced`: drawn so that every class comes equally often."""
    init_from: str | None = None
    """Weights to begin with: a run or a bundle, by its path or name, of the same network. What is of a class goes by
    its name, so that classes may be others; those that are new begin anew."""
    progressive_resize: ProgressiveResize | None = None
    """Train on smaller images first; their size rises to `preprocess.size`. Smaller images train faster. A network with
    a fixed input size is trained at full size throughout, and the run says so."""
    clip_grad_norm: float | None = Field(None, gt=0)
    """Scale gradients down to this norm where theirs is larger."""
    ema: float | None = Field(None, gt=0, lt=1)
    """Decay of an exponential moving average of the weights, which is then what is evaluated and kept (0.99 to 0.9999;
    it warms up as (1 + step) / (10 + step))."""
    lookahead: Lookahead | None = None
    """Slow weights that move towards the trained ones every few steps, which then go on from there; the slow ones are
    evaluated and kept. In place of `ema`; `{}` for its defaults."""
    recalibrate_bn: int | None = Field(None, ge=1)
    """Before each evaluation, estimate the statistics of batch normalisation anew on so many batches of training images
    (not augmented, evenly spread): those of averaged weights are not the average of theirs. For `ema`, `lookahead`, and
    small batches; 20 to 100."""
    freeze: tuple[str, ...] = ()
    """Patterns of parameter names that are not trained, such as `layer1.*`; normalisation layers among them keep
    their statistics."""
    unfreeze_until: float | None = Field(None, gt=0, le=1)
    """Begin with the last stage alone, the classifier, and let one more be trained at a time, from the top, until all
    are by this share of the training (gradual unfreezing: Howard & Ruder, 2018). For pretrained weights. A stage that
    waits keeps the statistics of its normalisation layers."""
    patience: int | None = Field(None, ge=1)
    """Stop after this many epochs without a better `monitor`."""
    monitor: Literal["top1", "loss", "balanced_accuracy", "macro_f1"] = "top1"
    """The validation figure that says which epoch is the best."""
    keep: Literal["best", "last"] = "best"
    """The weights that are evaluated on the test split and kept: of the best epoch by `monitor`, or of the last."""
    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Arithmetic of forward and backward passes in training; weights and evaluation are float32. `auto`: bfloat16
    where the device computes it natively, float16 on older CUDA devices, else float32."""
    device: Device = "auto"
    """`auto` takes CUDA, then MPS, then the CPU; `cuda:1` is the second GPU."""
    store: Literal["auto", "device", "memory", "disk", "stream"] = "auto"
    """Where decoded images are: on the `device`, in `memory`, in a file on the `disk` that is mapped into memory, or
    nowhere: `stream` decodes them in processes of its own, every time. `auto` takes the first of these that leaves
    room: the device if it is a CUDA one, memory, the disk of the cache. Nothing else depends on it."""
    tf32: bool = False
    """Let CUDA devices multiply float32 in TF32, with 10 of its 23 bits, in training: faster with `precision: float32`.
    Evaluation stays float32."""
    compile: Literal["auto"] | bool = "auto"
    """Train with the network compiled by `torch.compile`: true, false, or `auto`, which measures both on CUDA devices
    and takes the faster one. It does so in trainings of some minutes and more. Both true and `auto` need
    `deterministic: false`, since measured times differ from run to run. With images of one size and without
    `grad_accum_steps`, CUDA graphs are used."""
    channels_last: bool = True
    """Keep images and weights in N×H×W×C order, which convolutions run faster in."""
    deterministic: bool = True
    """Let cuDNN use only algorithms that give the same bits each time; that costs some speed. The CPU always does. The
    gradients of some operations have no such algorithm on CUDA: interpolation, adaptive pooling to more than 1×1 (VGG,
    AlexNet), padding by reflection, the fused attention of transformers."""
    checkpoint_every: Duration = Field(300.0, ge=0)
    """Time between checkpoints within an epoch (one is always written at its end). 0: after every step."""
    keep_checkpoints: int = Field(2, ge=1)
    """How many of the latest checkpoints stay in the run folder."""
    log_every: int = Field(20, ge=1)
    """Optimizer steps between two step lines in `metrics.jsonl`."""

    @model_validator(mode="after")
    def _fits_together(self) -> Train:
        if self.compile is True and self.deterministic:
            raise PydanticCustomError(
                "compile",
                "has 'compile: true' and 'deterministic: true': torch.compile chooses kernels by measuring them; set "
                "'deterministic: false', or 'compile: false'",
            )
        if self.ema is not None and self.lookahead is not None:
            raise PydanticCustomError("averages", "has both 'ema' and 'lookahead': one average is kept, choose")
        return self


class Evaluate(Section):
    """Evaluation settings: for the test split, and for `framework evaluate` and `framework predict`."""

    tta: Literal[1, 2, 6, 10] = 1
    """Test-time augmentation: number of views of each image whose logits are averaged. 1: the image; 2: also mirrored;
    6: both, also shifted along one diagonal; 10: along both diagonals. Validation during training uses one view."""


class Recipe(Section):
    """Everything that decides what a run does."""

    seed: int = Field(0, ge=0, lt=2**63)
    """Of initial weights, order of images and augmentation."""
    dataset: Dataset
    """Where images and labels come from."""
    preprocess: Preprocess = Preprocess()
    """What is done to every image."""
    augment: tuple[Transform, ...] = ()
    """Changes to training images, in this order."""
    model: Model
    """The network."""
    loss: Loss = Field("cross_entropy", validate_default=True)
    """What training minimises."""
    optimizer: Optimizer = Field("adamw", validate_default=True)
    """How weights are updated."""
    scheduler: Scheduler = Field("cosine", validate_default=True)
    """The learning rate over time."""
    train: Train = Train()
    """How long, how fast, on what."""
    evaluate: Evaluate = Evaluate()
    """Evaluation settings."""
    callbacks: tuple[Callback, ...] = ()
    """Callbacks and loggers that are notified during the run."""

    @model_validator(mode="after")
    def _one_start(self) -> Recipe:
        if self.train.init_from is not None and self.model.without_pretrained() != self.model:
            raise PydanticCustomError(
                "starts",
                "has both 'train.init_from' and pretrained weights in 'model': weights come from one of them, choose",
            )
        return self

    @model_validator(mode="after")
    def _patience_has_a_split(self) -> Recipe:
        if self.train.patience is not None and self.dataset.validation == 0:
            raise PydanticCustomError(
                "patience",
                "train.patience needs a validation split, and dataset.validation is 0: set train.patience=null, or "
                "dataset.validation above 0",
            )
        return self
