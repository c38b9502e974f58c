"""The sections of a recipe and their options: components and a few plain sections."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, ValidationError, ValidationInfo, field_serializer, model_validator
from pydantic_core import PydanticCustomError

from framework.attribution import full_name
from framework.components import Callback, Dataset, Loss, Method, Metric, Model, Optimizer, Scheduler, Transform
from framework.errors import did_you_mean
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


FixedMetric = Literal["top1", "loss", "balanced_accuracy", "macro_f1"]


def _monitor(value: Any, info: ValidationInfo) -> Any:
    """A metric component, or the name of a fixed metric; one message for a name that is neither."""
    if value in get_args(FixedMetric):
        return value
    try:
        return Metric.model_validate(value, context=info.context)
    except ValidationError as error:
        if error.errors()[0]["type"] != "unknown_component":
            raise
        fixed = ", ".join(get_args(FixedMetric))
        hint = did_you_mean(str(value), get_args(FixedMetric))
        text = f"{error.errors()[0]['msg']}\n    Metrics of every run: {fixed}{hint}"
        raise PydanticCustomError("unknown_component", "{text}", {"text": text}) from None


Duration = Annotated[float, BeforeValidator(_duration, json_schema_input_type=float | str)]
Pixels = Annotated[int, Field(ge=1, le=8192)]
ImageSize = Annotated[
    tuple[Pixels, Pixels], BeforeValidator(_height_width, json_schema_input_type=Pixels | tuple[Pixels, Pixels])
]
Device = Literal["auto", "cpu", "mps", "cuda"] | Annotated[str, Field(pattern=r"^cuda:\d+$")]
Channel = Annotated[float, Field(ge=0, le=1)]
Deviation = Annotated[float, Field(gt=0)]


class Preprocess(Section):
    """Preprocessing of every image, the same in training, evaluation, prediction and export."""

    size: ImageSize = (224, 224)
    """Height and width of the network's input in pixels; one number for a square."""
    channels: Literal[1, 3] | None = None
    """1 (grayscale) or 3 (RGB). Default: the channels of the dataset."""
    fit: Literal["crop", "stretch", "pad"] = "crop"
    """How an image of another aspect ratio is resized to `size`. `crop`: resize to cover, then centre-crop. `stretch`:
    ignore the aspect ratio. `pad`: resize to fit inside, then pad with black."""
    mean: tuple[Channel, ...] | None = None
    """Mean of each channel, for pixel values in [0, 1]. Default: measured on the training images."""
    std: tuple[Deviation, ...] | None = None
    """Standard deviation of each channel, for pixel values in [0, 1]. Default: measured on the training images."""

    @field_serializer("size")
    def _serialize_size(self, size: tuple[int, int]) -> int | tuple[int, int]:
        return size[0] if size[0] == size[1] else size

    @model_validator(mode="after")
    def _check_channels(self) -> Preprocess:
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
    """Lookahead (Zhang et al., 2019): slow weights are updated towards the trained weights, which restart from them."""

    every: int = Field(5, ge=1)
    """Optimizer steps between updates of the slow weights."""
    decay: float = Field(0.5, ge=0, lt=1)
    """Fraction of the slow weights kept at an update (1 - α in the paper)."""
    decay_power: float = Field(0.0, ge=0)
    """The fraction kept is `decay` × (completed fraction of training) ** `decay_power`. 0: constant. 3 with decay 0.774
    is the setting of airbench (Jordan, 2024): the slow weights change less towards the end."""


class ProgressiveResize(Section):
    """Image size during training: grows from `start` to `preprocess.size`."""

    start: int = Field(ge=8)
    """Shorter side at the beginning of training, in pixels."""
    until: float = Field(0.6, gt=0, le=1)
    """Fraction of all steps after which images have full size."""


class Train(Section):
    """Training settings."""

    epochs: int = Field(10, ge=1)
    """Passes over the training images."""
    batch_size: int = Field(64, ge=1)
    """Images in one forward pass. The last, incomplete batch of each epoch is dropped (images are shuffled every
    epoch)."""
    grad_accum_steps: int = Field(1, ge=1)
    """Batches whose gradients are averaged for one optimizer step. The last images of each epoch, too few for a whole
    step of `batch_size` × `grad_accum_steps`, are dropped."""
    max_steps: int | None = Field(None, ge=1)
    """Stop after this many optimizer steps; the learning-rate schedule covers them."""
    max_time: Duration | None = Field(None, gt=0)
    """Stop training after this time (`90s`, `20m`, `1h30m`, or seconds), then evaluate as usual."""
    sampler: Literal["shuffled", "balanced"] = "shuffled"
    """`shuffled`: each image once per epoch. `balanced`: images are drawn so that all classes are equally frequent."""
    init_from: str | None = None
    """Initial weights: the path or name of a run or bundle of the same network. The classifier's weights are matched by
    class name, so the classes may differ; those of new classes are randomly initialised."""
    progressive_resize: ProgressiveResize | None = None
    """Start training with smaller images, which are faster, and grow to `preprocess.size`. A network with a fixed input
    size is trained at full size, with a message."""
    clip_grad_norm: float | None = Field(None, gt=0)
    """Maximum norm of the gradients; larger gradients are scaled down to it."""
    ema: float | None = Field(None, gt=0, lt=1)
    """Decay of an exponential moving average (EMA) of the weights, 0.99 to 0.9999; the average is evaluated and saved
    in place of the weights. The decay warms up as (1 + step) / (10 + step)."""
    lookahead: Lookahead | None = None
    """Lookahead: every few steps, slow weights are moved towards the trained weights, which continue from there. The
    slow weights are evaluated and saved. `{}` for the defaults; not together with `ema`."""
    recalibrate_bn: int | None = Field(None, ge=1)
    """Before each evaluation, recompute the statistics of batch normalisation on this many batches of training images
    (20 to 100; without augmentation, evenly spread). Averaged weights (`ema`, `lookahead`) need recomputed statistics,
    and small batches benefit from them."""
    freeze: tuple[str, ...] = ()
    """Patterns of names of parameters that are not trained, such as `layer1.*`. The statistics of frozen normalisation
    layers do not change."""
    unfreeze_until: float | None = Field(None, gt=0, le=1)
    """Gradual unfreezing (Howard & Ruder, 2018) for pretrained weights: train only the classifier at first, then
    unfreeze one stage at a time, from the top, until all are trained at this fraction of the training. The statistics
    of frozen normalisation layers do not change."""
    patience: int | None = Field(None, ge=1)
    """Early stopping: stop after this many epochs without an improvement of `monitor`."""
    monitor: Annotated[FixedMetric | Metric, BeforeValidator(_monitor)] = "top1"
    """The validation metric that selects the best epoch: one of every run, or a metric component."""
    keep: Literal["best", "last"] = "best"
    """The weights that are saved and evaluated on the test split: of the best epoch by `monitor`, or of the last."""
    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Precision of forward and backward passes in training; weights and evaluation are float32. `auto`: bfloat16
    where the device supports it natively, float16 on older CUDA devices, else float32."""
    device: Device = "auto"
    """`auto`: CUDA if available, else MPS, else the CPU. `cuda:1` is the second GPU."""
    store: Literal["auto", "device", "memory", "disk", "stream"] = "auto"
    """Where decoded images are stored: on the `device`, in `memory`, or in a memory-mapped file on `disk`. With
    `stream` they are not stored; worker processes decode them in every epoch. `auto` takes the first with enough free
    space: a CUDA device, memory, the disk of the cache, else `stream`. Results do not depend on it."""
    tf32: bool = False
    """Allow TF32 (10 of the 23 mantissa bits) for float32 matrix products on CUDA devices in training; faster with
    `precision: float32`. Evaluation is float32."""
    compile: Literal["auto"] | bool = "auto"
    """Compile the network with `torch.compile` for training. `auto` measures both ways on CUDA devices, if the training
    takes several minutes or more, and uses the faster one. Compilation needs `deterministic: false`, because it selects
    kernels by measured times. With a constant image size and without `grad_accum_steps`, CUDA graphs are used."""
    channels_last: bool = True
    """Use the memory format N×H×W×C (channels last) for images and weights, in which convolutions are faster."""
    deterministic: bool = True
    """Use only deterministic cuDNN algorithms, which are slower; the CPU is always deterministic. On CUDA the gradients
    of some operations have no deterministic algorithm: interpolation, adaptive pooling to more than 1×1 (VGG, AlexNet),
    reflection padding, the fused attention of transformers."""
    checkpoint_every: Duration = Field(300.0, ge=0)
    """Time between checkpoints within an epoch; one is always written at the end of an epoch. 0: after every step."""
    keep_checkpoints: int = Field(2, ge=1)
    """Number of most recent checkpoints to keep in the run folder."""
    log_every: int = Field(20, ge=1)
    """Optimizer steps between log lines in `metrics.jsonl`."""

    @model_validator(mode="after")
    def _check_combinations(self) -> Train:
        if self.compile is True and self.deterministic:
            raise PydanticCustomError(
                "compile",
                "has 'compile: true' and 'deterministic: true', but torch.compile selects kernels by measured times; "
                "set 'deterministic: false' or 'compile: false'",
            )
        if self.ema is not None and self.lookahead is not None:
            raise PydanticCustomError("averages", "has both 'ema' and 'lookahead'; set only one of them")
        return self


class Evaluate(Section):
    """Evaluation settings: for the test split, and for `framework evaluate` and `framework predict`."""

    tta: Literal[1, 2, 6, 10] = 1
    """Test-time augmentation (TTA): number of views of each image whose logits are averaged. 1: the image. 2: also
    mirrored. 6: both, also shifted along one diagonal. 10: along both diagonals. Validation during training uses 1."""
    metrics: tuple[Metric, ...] = ()
    """Further metrics, such as `[cohen_kappa, auroc_macro]`, in addition to those of every run."""


class Recipe(Section):
    """Settings of a run."""

    seed: int = Field(0, ge=0, lt=2**63)
    """Random seed of initial weights, order of images and augmentation."""
    dataset: Dataset
    """Images and labels."""
    preprocess: Preprocess = Preprocess()
    """Preprocessing of every image."""
    augment: tuple[Transform, ...] = ()
    """Transforms of training images, applied in this order."""
    model: Model
    """The network."""
    loss: Loss = Field("cross_entropy", validate_default=True)
    """The loss function."""
    method: Method = Field("supervised", validate_default=True)
    """How the gradients of an optimizer step are computed."""
    optimizer: Optimizer = Field("adamw", validate_default=True)
    """The optimizer."""
    scheduler: Scheduler = Field("cosine", validate_default=True)
    """The learning-rate schedule."""
    train: Train = Train()
    """Training settings."""
    evaluate: Evaluate = Evaluate()
    """Evaluation settings."""
    callbacks: tuple[Callback, ...] = ()
    """Callbacks and loggers that are notified during the run."""

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """The metrics that are computed in addition to the fixed ones."""
        monitor = self.train.monitor
        more = (monitor,) if isinstance(monitor, Metric) and monitor not in self.evaluate.metrics else ()
        return (*self.evaluate.metrics, *more)

    @model_validator(mode="after")
    def _check_metrics(self) -> Recipe:
        names = [full_name(metric) for metric in self.metrics]
        for name in names:
            if names.count(name) > 1:
                raise PydanticCustomError(
                    "metrics",
                    "has the metric '{name}' more than once in 'evaluate.metrics' and 'train.monitor'; results have "
                    "one value for each name",
                    {"name": name},
                )
        return self

    @model_validator(mode="after")
    def _check_initial_weights(self) -> Recipe:
        if self.train.init_from is not None and self.model.without_pretrained() != self.model:
            raise PydanticCustomError(
                "initial_weights", "has both 'train.init_from' and pretrained weights in 'model'; set only one of them"
            )
        return self

    @model_validator(mode="after")
    def _check_patience(self) -> Recipe:
        if self.train.patience is not None and self.dataset.validation == 0:
            raise PydanticCustomError(
                "patience",
                "train.patience needs a validation split, but dataset.validation is 0; set train.patience=null or "
                "dataset.validation above 0",
            )
        return self
