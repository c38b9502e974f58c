"""The kinds of component and their contracts. Importing this module does not import torch.

A component is a frozen pydantic class with a `name`, typed and documented fields and a `build` method: one class is the
schema, the documentation and the factory. Its base class is its kind.
"""

from __future__ import annotations

import inspect
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path  # pydantic needs it at run time
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, Self, get_args

from pydantic import (
    BaseModel,
    Field,
    ModelWrapValidatorHandler,
    SerializerFunctionWrapHandler,
    ValidationError,
    ValidationInfo,
    model_serializer,
    model_validator,
)
from pydantic_core import PydanticCustomError

from framework.attribution import attributed_to
from framework.errors import UserError
from framework.section import Section

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray
    from torch import Tensor


Activation = Literal["softmax", "sigmoid"]
"""The function from logits to probabilities."""


class ImageSource(Protocol):
    """The images of one split, read one at a time.

    `classes` are the class names. `labels` are indices into them, one per image, or a number for each image and class,
    N×K, for several labels per image (0 and 1) or soft labels (votes, probabilities). `names` identify the images in
    messages and tables and determine which are held out: usually paths relative to the dataset's folder, so that they
    do not change when the folder is moved. `channels` is the usual number of channels: 1 (grayscale) or 3 (RGB).

    Three further methods are optional:

    - `stamps(indices) -> Stamps | None`: the location of these images and how a change of them is detected. Decoded
      images are then cached for later runs. `Stamps.of_files` makes stamps of images in files.
    - `read_reduced(index, least)`: like `read`, but an image larger than `least` pixels on each side may be returned
      smaller, at least of that size, if that is faster.
    - `file(index) -> Path | None`: the file of an image, for links in reports.
    """

    @property
    def classes(self) -> Sequence[str]:
        """The class names; a label is an index into them."""

    @property
    def labels(self) -> Sequence[int] | NDArray[Any]:
        """The label of each image: N integers, or numbers N×K."""

    @property
    def names(self) -> Sequence[str]:
        """The name of each image."""

    @property
    def channels(self) -> int:
        """1 or 3."""

    def __len__(self) -> int: ...

    def read(self, index: int) -> NDArray[np.uint8]:
        """Image `index` as uint8 C×H×W with C 1 or 3; raises `BadImage` if it cannot be read.

        Called from several threads at once: a source that reads from one open file needs a lock. When images are
        streamed it is called from several processes with copies of the source. These share the position of a file
        that was opened before, so such a source reads with `os.pread`.
        """


class Lookup(Protocol):
    """Finds component classes by name, as the registry does."""

    def find(self, kind: type[Any], name: str) -> type[Component]:
        """The class; raises `UserError` with the known names if there is none."""


class Component(Section):
    """A part of a recipe that is selected by name, has options, and can be built."""

    kind: ClassVar[str]
    """The kind, in the singular: `dataset`, `model`, …"""

    name: ClassVar[str]
    """The name in recipes: lower-case letters, digits and underscores."""

    aliases: ClassVar[tuple[str, ...]] = ()
    """Names in other libraries, such as `RandomHorizontalFlip`, for suggestions; recipes do not accept them. Case,
    underscores and words such as `Random`, `Loss` and `LR` are ignored."""

    shorthand: ClassVar[str | None] = None
    """The field set by `name/value`: with `arch`, `timm/vit_tiny` is short for `{name: timm, arch: vit_tiny}`."""

    offered: ClassVar[tuple[str, ...]] = ()
    """Names of the arguments that `build` may have."""

    contract: ClassVar[str] = ""
    """What components of this kind must do, in one sentence, for messages."""

    @abstractmethod
    def build(self, *args: Any, **kwargs: Any) -> Any:
        """Build the object that the component describes."""

    @classmethod
    def variants(cls) -> Sequence[str]:
        """The values of the `shorthand` field, for lists and suggestions; must not import torch."""
        return ()

    @model_validator(mode="wrap")
    @classmethod
    def _resolve(cls, value: Any, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo) -> Self:
        """For a field of a kind (`model: Model`), find the class of that name and validate by it."""
        if isinstance(value, cls):
            return value
        if cls not in KINDS:
            return handler(value)
        name, fields = _name_and_fields(cls, value)
        lookup: Lookup | None = info.context
        if lookup is None:
            raise TypeError("components are looked up in a registry; pass one as the validation context")
        try:
            found = lookup.find(cls, name)
        except UserError as error:
            text = str(error).encode(errors="backslashreplace").decode()  # pydantic accepts only UTF-8
            raise PydanticCustomError("unknown_component", "{text}", {"text": text}) from None
        expanded = _expand_shorthand(found, value, fields)
        with attributed_to(found, "the validation of its options", passing=(ValidationError, PydanticCustomError)):
            return found.model_validate(expanded, context=info.context)  # type: ignore[return-value]

    @model_serializer(mode="wrap")
    def _with_name(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields = handler(self)
        return {"name": self.name, **{key: fields[key] for key in own_fields_first(type(self)) if key in fields}}


class Dataset(Component):
    """Images with labels, in named splits.

    `build()` returns `{split: ImageSource}` with at least `train`. Missing splits `validation` and `test` are held out
    from `train`; see the options below.
    """

    kind = "dataset"
    contract = (
        "A dataset's build() returns {split name: image source}; read(index) of a source returns uint8 C×H×W, or "
        "raises BadImage"
    )

    validation: float | None = Field(None, ge=0, lt=1)
    """Fraction of `train` held out for validation, stratified by class. Default: the dataset's own validation split, or
    0.1 if it has none. 0: no validation."""
    test: float | None = Field(None, gt=0, lt=1)
    """Fraction of `train` held out for testing, stratified by class, for a dataset without a test split."""
    split_seed: int = Field(0, ge=0)
    """Seed of the held-out splits, independent of the recipe's `seed` so that runs can be compared. Membership depends
    only on this seed and the image's class and name: adding one image moves at most one other into or out of a split.
    """
    on_bad_image: Literal["error", "skip"] = "error"
    """For files that are empty, damaged or not images. `error`: list them and stop before training. `skip`: leave them
    out and record them in the run."""
    bit_depth: int | None = Field(None, ge=8, le=32)
    """Significant bits of images with more than 8 bits per sample: 12 for values from 0 to 4095 in 16-bit files.
    Default: from the file's metadata (PNG sBIT, TIFF BitsPerSample and MaxSampleValue), else 16."""
    value_range: tuple[float, float] | None = None
    """Instead of `bit_depth`: the values that are mapped to black and white, such as `[0, 1]` for floating-point
    pixels. Values outside are clipped."""
    drop: Path | None = None
    """A CSV file of images to leave out, such as `framework data check` writes, with a column `name`. With a column
    `keep`, only rows with `no` are left out. Names are of `train` images, held-out ones included, unless a column
    `split` has another split. A relative path is also looked up in `$FRAMEWORK_DATA`."""
    keep: Path | None = None
    """A CSV file, in the same form, of the images to use: all other images of the splits in it are left out."""

    @property
    def sample_range(self) -> tuple[float, float] | None:
        """The values mapped to 0 and 255 in images with more than 8 bits per sample; None: from the files."""
        return (0.0, 2.0**self.bit_depth - 1) if self.bit_depth is not None else self.value_range

    @model_validator(mode="after")
    def _check_range(self) -> Self:
        if self.value_range is not None and self.bit_depth is not None:
            raise PydanticCustomError("range", "has both 'bit_depth' and 'value_range'; set only one of them")
        if self.value_range is not None and not self.value_range[0] < self.value_range[1]:
            raise PydanticCustomError("range", "has a 'value_range' whose second number is not greater than the first")
        return self

    @abstractmethod
    def build(self) -> Mapping[str, ImageSource]:
        """The splits. Raises `UserError` if the data are missing."""

    def fetch(self) -> Path:
        """Download the data to the folder that `build` reads and return it (`framework data fetch NAME`)."""
        raise UserError(f"dataset '{self.name}' has no download")


class Transform(Component):
    """An augmentation of training batches.

    `build(image_size)` returns a callable `(images, targets, rng) -> (images, targets)`: `images` is float32 B×C×H×W in
    [0, 1], `targets` float32 B×K in [0, 1], whose rows sum to 1 for a single label. Each image gets its own parameters,
    drawn from `rng` (`framework.BatchRNG`), which is a function of seed, epoch, image and transform. All tensors are on
    the device of the images; copying values from it (`item`, `cpu`, `nonzero`, indexing by a mask) makes a GPU wait.

    `build` may also return an object with `matrices(rng)` or `levels(means, rng)`: a geometric or photometric
    transform, applied in one pass with adjacent ones (see `framework.data.augment.Augmentation`).
    """

    kind = "transform"
    contract = (
        "A transform takes (images, targets, rng) and returns (images, targets): float tensors of the same shapes, "
        "images in [0, 1], targets in [0, 1] that are means of those given"
    )
    offered = ("image_size",)

    after: float | None = Field(None, gt=0, lt=1)
    """Fraction of the training after which the transform starts. Default: at the beginning."""
    until: float | None = Field(None, gt=0, lt=1)
    """Fraction of the training after which the transform stops, such as 0.8 to 0.95 for mixup. Default: never."""

    @model_validator(mode="after")
    def _check_interval(self) -> Self:
        if self.after is not None and self.until is not None and self.after >= self.until:
            raise ValueError(f"'after' is {self.after}; it must be less than 'until', {self.until}")
        return self

    def acts_at(self, progress: float) -> bool:
        """Whether the transform is active at `progress`, the completed fraction of the training."""
        return (self.after or 0.0) <= progress < (self.until or 1.0)


class Model(Component):
    """A network.

    `build(num_classes, channels, image_size, sample)` returns an `nn.Module` from normalised float32 B×C×H×W to logits
    B×K. `image_size` is (height, width). `sample` has up to 256 normalised training images, float32 N×C×H×W, for
    data-dependent initial weights; it is None if trained weights will be loaded.
    """

    kind = "model"
    contract = "A model takes images B×C×H×W and returns one tensor of logits B×K, in training and evaluation"
    offered = ("num_classes", "channels", "image_size", "sample")

    def without_pretrained(self) -> Self:
        """The same network without pretrained weights, for loading the weights of a run.

        A model with an option for pretrained weights returns a copy without them; a model that contains another model
        calls the method of that model too.
        """
        return self

    def pretrained_normalisation(self) -> tuple[Sequence[float], Sequence[float]] | None:
        """Mean and standard deviation per channel, in [0, 1], that the pretrained weights expect; None if unknown.

        A run prints a message if its images are normalised differently.
        """
        return None

    def auxiliary_weight(self) -> float | None:
        """Weight of the losses of auxiliary heads; None for a network without them.

        In training mode, a network with auxiliary heads returns a tuple: its logits, then the logits of each head.
        """
        return None


class Loss(Component):
    """A loss function.

    `build(class_counts, task, preprocess, device, precision)` returns a callable `(logits B×K, targets B×K) -> scalar`.
    A target is 0 for a class without and 1 for a class with the label, in between for soft or mixed labels; rows sum to
    1 for a single label. If it has an argument `images`, it gets the input of the network, normalised float32
    B×C×H×W. The buffers of a module are saved in checkpoints. It must not have trainable parameters: the optimizer
    has only those of the model.

    `class_counts` maps each class name, in the order of the labels, to its number of training images. `task` is the
    recipe's `Task`, `preprocess` the `Preprocessor` of the run, `precision` the torch dtype of its forward passes.
    """

    kind = "loss"
    contract = (
        "A loss takes (logits B×K, targets B×K) and returns one number: a tensor without dimensions that depends on "
        "the logits"
    )
    offered = ("class_counts", "task", "preprocess", "device", "precision")

    def activation(self) -> Activation:
        """The function from logits to probabilities for networks trained with this loss.

        `softmax`: one distribution over the classes. `sigmoid`: an independent probability of each class, as for binary
        cross entropy.
        """
        return "softmax"


class Predicted(Protocol):
    """The predictions for a split, as a task gets them: `framework.Predictions` without names and files.

    N images, K classes; all tensors are on the CPU.
    """

    @property
    def classes(self) -> tuple[str, ...]:
        """The K class names."""

    @property
    def labels(self) -> Tensor:
        """Int64 N, or int64 N×K of 0 and 1: what `Task.true_labels` returned."""

    @property
    def logits(self) -> Tensor:
        """Float32 N×K."""

    @property
    def activation(self) -> Activation:
        """What turns logits into probabilities."""

    @property
    def targets(self) -> Tensor | None:
        """Float32 N×K: the true distribution over the classes, if labels are soft."""

    @property
    def thresholds(self) -> Tensor | None:
        """Float64 K: what `Task.thresholds` returned, as logits."""

    @property
    def probabilities(self) -> Tensor:
        """Float64 N×K."""


@dataclass(frozen=True)
class MetricFormat:
    """How a metric of a task is displayed and compared; a `Metric` has the same attributes."""

    title: str
    """The name in tables and reports."""
    percent: bool = True
    """Whether the value is a fraction that is displayed in percent."""
    greater_is_better: bool = True
    """Whether greater values are better, for `train.monitor`."""
    monitor: bool = False
    """Whether `train.monitor` may name it."""
    proportion: bool = False
    """Whether it is a fraction of the images, whose 95 % interval follows from it and their number."""
    meaning: str = ""
    """What it is, in reports."""
    brief: bool = False
    """Whether it is shown where there is room for a few metrics only, as in model cards."""
    class_count: str = ""
    """For a mean over classes, the entry of `Task.metrics` with the number of these classes."""


class Task(Component):
    """What a label is: targets, metrics, splits and predictions of a classification.

    `single_label` and `multi_label` ship. A task of your own usually extends one of them:

        class Ordinal(SingleLabel):
            "One label per image, with ordered classes."

            name = "ordinal"

            def metrics(self, predictions):
                ...
                return super().metrics(predictions) | {"mean_error": error}

    Methods import torch when they need it. N is the number of images of a split, B of a batch, K of classes. Labels
    are int64 N (the index of each image's class) or float32 N×K (a column for each class); which of both, and what the
    columns contain, is decided by `check_labels`.
    """

    kind = "task"
    contract = (
        "A task's check_labels() returns labels int64 N or float32 N×K, its targets() float32 B×K, its metrics() plain "
        "numbers and `per_class`"
    )

    metric_formats: ClassVar[Mapping[str, MetricFormat]] = {}
    """The metrics in tables and reports, in this order. Other entries of `metrics` are saved but not displayed."""
    monitor: ClassVar[str]
    """Default of `train.monitor`."""
    training_metric: ClassVar[str]
    """The metric on training batches, which `score` computes: one of `metric_formats`."""
    accuracy: ClassVar[str]
    """The metric that is the mean of `correct`: comparisons test its difference image by image."""
    class_metric: ClassVar[str | None] = None
    """The entry of `per_class` that comparisons show for each class; None: none."""
    separator: ClassVar[str] = ""
    """What separates the predicted classes from other ones in a line of text; empty: nothing."""
    interval_note: ClassVar[str] = ""
    """How `intervals` are computed, for the foot of reports."""
    purpose: ClassVar[str] = "classify images into"
    """What a network is trained for, before its classes, in model cards."""
    outcome: ClassVar[str] = "one of its classes"
    """What a network predicts for any image, in model cards."""

    def __init_subclass__(cls, **options: Any) -> None:
        """Attribute exceptions in the methods of the task, wherever the framework calls them."""
        super().__init_subclass__(**options)
        for name, method in list(vars(cls).items()):
            if name in vars(Task) and not name.startswith("_") and inspect.isfunction(method):
                setattr(cls, name, _attributed_method(name, method))

    def build(self) -> Self:
        """The task itself."""
        return self

    # Labels

    @abstractmethod
    def check_labels(
        self, labels: NDArray[Any], classes: Sequence[str], names: Sequence[str]
    ) -> NDArray[np.int64] | NDArray[np.float32]:
        """The labels of a split in the form of the task: int64 N or float32 N×K.

        `labels` is int64 N, or a number for each image and class, N×K. Raises `UserError` with the name of an image
        whose label is invalid; `names` are those of the N images.
        """

    @abstractmethod
    def label_names(self, labels: NDArray[Any], classes: Sequence[str]) -> list[tuple[str, ...]]:
        """The names of the labels of each image: one for a single label, none or several for multiple labels.

        `labels` is as `check_labels` or `true_labels` returns it.
        """

    def label_statistics(self, labels: NDArray[Any], classes: Sequence[str]) -> dict[str, float]:
        """Numbers on the labels of the training images, for `framework data check`."""
        return {}

    def label_advice(self, labels: NDArray[Any], classes: Sequence[str]) -> list[str]:
        """Sentences on labels of the training images that are probably mistakes, for `framework data check`."""
        return []

    @abstractmethod
    def hold_out(
        self,
        names: Sequence[str],
        labels: NDArray[Any],
        classes: Sequence[str],
        fractions: Mapping[str, float],
        seed: int,
    ) -> dict[str, list[int]]:
        """Indices of the images of each split in `fractions`, and of `train` for the rest, in the original order.

        A function of `seed`, names and labels: the order of the images has no effect on which are held out.
        """

    # Training

    def activation(self, loss: Loss) -> Activation:
        """What turns logits into probabilities; raises `ValueError` if the task cannot be trained with this loss."""
        return loss.activation()

    @abstractmethod
    def targets(self, labels: Tensor, classes: Tensor) -> Tensor:
        """The targets of the loss, float32 B×K, from the labels of a batch, int64 B or float32 B×K.

        `classes` is int64 K, from 0 to K - 1. All on one device; nothing may wait for it.
        """

    @abstractmethod
    def balanced_order(self, labels: Tensor, generator: torch.Generator) -> Tensor:
        """N indices of images, int64, for an epoch in which all classes are equally frequent; for `train.sampler`."""

    @abstractmethod
    def weighted(self, losses: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        """The loss of each image, B, from the losses of its classes, B×K, its targets, B×K, and class weights, K."""

    @abstractmethod
    def score(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The sum over the images of a training batch of `training_metric`, a scalar on the device, without a wait."""

    # Evaluation

    @abstractmethod
    def true_labels(self, labels: Tensor) -> tuple[Tensor, Tensor | None]:
        """The labels to evaluate against, from those of a store, int64 N or float32 N×K.

        Returns int64 N or int64 N×K of 0 and 1, and the true distributions over classes, float32 N×K, or None.
        """

    def thresholds(self, predictions: Predicted) -> Tensor | None:
        """The thresholds of a decision for each class, chosen on validation: logits, float64 K. None: no thresholds."""
        return None

    @abstractmethod
    def predicted(self, predictions: Predicted) -> Tensor:
        """The predicted labels, in the form of the true ones: int64 N, or int64 N×K of 0 and 1."""

    @abstractmethod
    def correct(self, predictions: Predicted) -> Tensor:
        """Bool N: whether the prediction for the image as a whole is right."""

    @abstractmethod
    def confidences(self, predictions: Predicted) -> Tensor:
        """Float64 N: the probability that the prediction for the image as a whole is right."""

    @abstractmethod
    def calibration_points(self, predictions: Predicted) -> tuple[Tensor, Tensor]:
        """Probabilities, float64 M, and whether what they claim is true, bool M: for ECE and reliability diagrams."""

    @abstractmethod
    def metrics(self, predictions: Predicted) -> dict[str, Any]:
        """The metrics as JSON types: `images`, `loss`, those of `metric_formats`, and `per_class`.

        `per_class` has a mapping of metrics for each class name, with `support`, the number of its images. None: the
        metric is undefined.
        """

    @abstractmethod
    def intervals(self, predictions: Predicted) -> dict[str, tuple[float, float]]:
        """95 % intervals of metrics by name, deterministic; without those of proportions and undefined ones."""

    @abstractmethod
    def confusion(self, predictions: Predicted) -> Any:
        """Which classes are predicted for which, as a `framework.Confusion`."""

    def differences(self, first: Predicted, other: Predicted) -> dict[str, tuple[float, tuple[float, float]]]:
        """`other`'s metrics less `first`'s with their 95 % intervals, by name, for the same images; deterministic.

        Without `accuracy`, which is always compared.
        """
        return {}

    def ties(self, predictions: Predicted, predicted: Tensor, tolerance: float) -> Tensor:
        """Bool N: whether `predicted`, in the form of the labels, is as likely as the prediction, up to a probability.

        An export may then decide otherwise than its run. By default only the same labels are.
        """
        same = self.predicted(predictions) == predicted
        return same if same.ndim == 1 else same.all(dim=1)

    def findings(
        self,
        metrics: Mapping[str, Any],
        images: str,
        interval: tuple[float, float] | None,
        confusion: Any,
        calibration: tuple[float, float] | None,
    ) -> list[str]:
        """The main findings of a report as sentences, the last on calibration.

        Numbers may be marked as `**80 %**`, class names as `` `cat` ``.

        `images` is such as `500 test images`, `interval` that of `monitor`, `confusion` that of the predictions, if
        they are known; `calibration` has the means of both `calibration_points`.
        """
        return []

    # Prediction

    @abstractmethod
    def decide(
        self, probabilities: Sequence[float], classes: Sequence[str], thresholds: Sequence[float] | None
    ) -> list[tuple[str, float]]:
        """What is predicted for an image: classes with their probabilities, highest first; may be empty.

        `thresholds` are the probabilities above which a class is predicted, one for each class, or None.
        """

    @abstractmethod
    def fields(self, decided: Sequence[tuple[str, float]]) -> dict[str, Any]:
        """The prediction for an image as one JSON field: `{"class": "cat"}`, `{"labels": ["cat", "pet"]}`.

        `decided` is as `decide` returns it, or empty for an image without prediction.
        """


def _attributed_method(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
    passing = (ValueError,) if name == "activation" else ()

    @wraps(method)
    def call(self: Task, *arguments: Any, **named: Any) -> Any:
        with attributed_to(self, f"{name}()", passing):
            return method(self, *arguments, **named)

    return call


class Optimizer(Component):
    """The update rule of the weights.

    `build(model)` returns a `torch.optim.Optimizer` over the parameters of `model` that require gradients. If its
    attribute `is_second_order` is true, `step()` can differentiate the gradients. If its `step` requires a closure, it
    gets one, which computes the gradients of the step again and returns the loss.
    """

    kind = "optimizer"
    contract = (
        "An optimizer's build(model) returns a torch.optim.Optimizer over parameters of the model; step() updates them"
    )
    offered = ("model",)


class Scheduler(Component):
    """A learning-rate schedule.

    `build(optimizer, total_steps, steps_per_epoch)` returns a torch LR scheduler, stepped after each optimizer step. A
    `ReduceLROnPlateau` is stepped after each epoch, with the validation metric `train.monitor`.
    """

    kind = "scheduler"
    contract = "A scheduler's build(optimizer, …) returns a torch LR scheduler; step() sets the learning rates"
    offered = ("optimizer", "total_steps", "steps_per_epoch")


class Method(Component):
    """The computation of the gradients of one optimizer step.

    `build(model, total_steps, steps_per_epoch)` returns a callable that gets a `framework.TrainingStep`. It adds the
    gradients of the step to the parameters of the model, and returns or yields (loss, logits B×K) for each micro-batch,
    in order; these are logged. The framework then clips the gradients, updates the weights and resets the gradients. A
    callable with `state_dict` and `load_state_dict` has a state, which is saved in checkpoints. PyTorch's global random
    generators are seeded for each step.
    """

    kind = "method"
    contract = (
        "A method's build() returns a callable that gets a TrainingStep, adds gradients with its backward(), and "
        "yields (loss, logits B×K) for each micro-batch"
    )
    offered = ("model", "total_steps", "steps_per_epoch")
    cuda_graphs: ClassVar[bool] = False
    """Whether every forward pass is followed by its backward pass before the next forward pass, as CUDA graphs require
    (`train.compile`)."""


class Callback(Component):
    """A callback or logger that is notified during a run.

    `build(run, say)` returns an object whose methods, marked with `@hookimpl`, implement hooks of
    `framework.hookspecs.CallbackSpec`. `run` is the run folder (`run.path` is its path), `say` prints a line on the
    terminal. `build` is called before any data are read.
    """

    kind = "callback"
    contract = (
        "A callback's build(run) returns an object whose methods, marked with @hookimpl, are hooks of CallbackSpec"
    )
    offered = ("run", "say")
    essential: ClassVar[bool] = True
    """Whether an error in the callback stops the run."""


class Detector(Component):
    """Finds regions of an image, such as faces, to classify separately (`--detect NAME` of `predict` and `serve`).

    `build()` returns a callable from an image, uint8 C×H×W of any size with 1 or 3 channels, to a list of
    `framework.Region`, most important first; it is empty if nothing is found. It is called from several threads at
    once.
    """

    kind = "detector"
    contract = "A detector's build() returns a callable from an image, uint8 C×H×W, to a list of framework.Region"


class Metric(Component):
    """A metric of predictions, beside the fixed ones: in `evaluate.metrics` and `train.monitor`.

    `build(classes)` returns a callable `(probabilities, labels) -> number`. It gets CPU tensors for all N images of a
    split, N at least 1, and K classes, whose names are `classes`:

    - `probabilities`: float64 N×K, by the activation of the loss, at the temperature of the run if it is calibrated.
    - `labels`: int64 N, the true class of each image. Where images have several labels each, int64 N×K of 0 and 1.
    - `logits`: float64 N×K, if the callable has an argument of that name.

    NaN means that the metric is undefined for these images, for example because a class has none. The callable may be
    called many times, for intervals: each call is independent of earlier ones, and tensors must not be modified.
    """

    kind = "metric"
    contract = "A metric's build() returns a callable (probabilities N×K, labels) -> one number"
    offered = ("classes",)

    title: ClassVar[str] = ""
    """The name in tables and reports. Default: the name in recipes."""
    percent: ClassVar[bool] = False
    """Whether the value is a fraction that is displayed in percent."""
    greater_is_better: ClassVar[bool] = True
    """Whether greater values are better, for `train.monitor`."""


Graph = Callable[["Tensor"], "tuple[Tensor, Tensor]"]
"""RGB images uint8 B×3×H×W of any size to probabilities and logits, float32 B×K each, on the CPU."""


@dataclass(frozen=True)
class ExportedFile:
    """What `Exporter.open` returns."""

    texts: Mapping[str, str]
    """The `texts` of the `Export` that was written; empty if the file has none."""
    load: Callable[[], Graph]
    """Returns the graph: uint8 images B×3×H×W to probabilities and logits, float32 B×K each. May be slow."""


class Exporter(Component):
    """A file format of `framework export`.

    `write(export, path)` writes the whole classifier: from uint8 images B×3×H×W, RGB, of any batch size, height and
    width, to `(probabilities, logits)`, float32 B×K each. `open(path)` reads the file and returns what is in it. The
    framework compares the file with the run before it gets its name. Exceptions other than `UserError` and `RunFailed`
    are reported as faults of the exporter.
    """

    kind = "exporter"
    contract = (
        "An exporter's write(export, path) writes a file with export.texts; open(path) returns an ExportedFile with "
        "these texts and a graph: images uint8 B×3×H×W -> (probabilities B×K, logits B×K)"
    )

    suffix: ClassVar[str]
    """The suffix of the file, such as `.onnx`. Without `--format` it selects the exporter."""
    companions: ClassVar[tuple[str, ...]] = ()
    """Suffixes of further files that `write` writes beside it, such as `.bin`."""

    def build(self) -> Self:
        """The exporter itself."""
        return self

    def require(self) -> None:
        """Raise `UserError` if a package for `write` is missing; called before any work."""
        return

    @abstractmethod
    def write(self, export: Any, path: Path) -> None:
        """Write the file, whose name ends in `suffix`; `export` is a `framework.Export`."""

    def open(self, path: Path) -> ExportedFile:
        """Open a file; raises `UserError` if it is damaged or has no texts. Must not import torch before `load`."""
        raise UserError(
            f"'{path}': exporter '{self.name}' cannot open files; use --parity 0 to write without comparing"
        )


KINDS: tuple[type[Component], ...] = (
    Dataset, Task, Transform, Model, Loss, Method, Optimizer, Scheduler, Callback, Detector, Metric, Exporter,
)  # fmt: skip


def build(component: Component, **offered: Any) -> Any:
    """Call `component.build` with the offered arguments that are in its signature, as pluggy does for hooks.

    Raises `ComponentFault` if `build` raises anything but a `UserError`.
    """
    arguments = {name: value for name, value in offered.items() if wants(component, name)}
    with attributed_to(component, "build()"):
        return component.build(**arguments)


def wants(component: Component, argument: str) -> bool:
    """Whether `component.build` has this argument, or `**kwargs`."""
    parameters = inspect.signature(component.build).parameters
    return argument in parameters or any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())


def names_argument(function: Callable[..., Any], argument: str) -> bool:
    """Whether a callable has this argument; of a torch module, whether its `forward` has it."""
    return argument in inspect.signature(getattr(function, "forward", function)).parameters


def field_kind(annotation: Any) -> type[Component] | None:
    """The kind of component in a field (`Scheduler`, `list[Transform]`, `Scheduler | None`); None for a plain field."""
    if isinstance(annotation, type) and annotation in KINDS:
        return annotation
    inner = (field_kind(argument) for argument in get_args(annotation))
    return next((kind for kind in inner if kind), None)


def components_in(value: Any) -> Iterator[Component]:
    """All components in a recipe, a section, a component or a list, including nested ones."""
    if isinstance(value, Component):
        yield value
    if isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from components_in(getattr(value, name))
    elif isinstance(value, (list, tuple)):
        for entry in value:
            yield from components_in(entry)
    elif isinstance(value, Mapping):
        yield from components_in(list(value.values()))


def own_fields_first(component: type[BaseModel]) -> list[str]:
    """The names of a component's fields: its own first, then inherited ones."""
    order: list[str] = []
    for base in component.__mro__:
        annotations = inspect.get_annotations(base)
        order += [name for name in annotations if name in component.model_fields and name not in order]
    return order + [name for name in component.model_fields if name not in order]


def split_name(text: str) -> tuple[str, str | None]:
    """`timm/vit_tiny` -> (`timm`, `vit_tiny`); `resnet18` -> (`resnet18`, None)."""
    name, slash, variant = text.partition("/")
    return name, variant if slash else None


def _name_and_fields(kind: type[Component], value: Any) -> tuple[str, dict[str, Any]]:
    if isinstance(value, str):
        return split_name(value)[0], {}
    if isinstance(value, Mapping):
        name = value.get("name")
        if isinstance(name, str):
            return split_name(name)[0], {key: entry for key, entry in value.items() if key != "name"}
        raise PydanticCustomError(
            "component_name", "{kind} needs a name: {form}", {"kind": _an(kind), "form": "{name: …}"}
        )
    raise PydanticCustomError(
        "component_form", "{kind} is a name or {form}", {"kind": _an(kind), "form": "{name: …, option: …}"}
    )


def _expand_shorthand(found: type[Component], value: Any, fields: dict[str, Any]) -> dict[str, Any]:
    variant = split_name(value if isinstance(value, str) else value["name"])[1]
    if variant is None:
        return fields
    if found.shorthand is None:
        raise PydanticCustomError(
            "no_shorthand",
            "{kind} '{name}' has no variants: there must be nothing after a slash",
            {"kind": found.kind, "name": found.name},
        )
    if found.shorthand in fields:
        raise PydanticCustomError(
            "named_twice",
            "{kind} '{name}' has '{field}' twice: after the slash and as an option",
            {"kind": found.kind, "name": found.name, "field": found.shorthand},
        )
    return {found.shorthand: variant, **fields}


def _an(kind: type[Component]) -> str:
    return f"{'an' if kind.kind[0] in 'aeiou' else 'a'} {kind.kind}"
