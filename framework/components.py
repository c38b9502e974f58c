"""The eight kinds of component and their contracts. Importing this module never imports torch.

A component is a frozen pydantic class: its `name`, its typed and documented fields and its `build` method are at once
the option schema, the documentation and the factory. The base class says the kind.
"""

from __future__ import annotations

import inspect
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path  # pydantic reads it
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
    from numpy.typing import NDArray


Activation = Literal["softmax", "sigmoid"]
"""What turns a network's logits into probabilities."""


class ImageSource(Protocol):
    """The images of one split, read one at a time.

    `classes` are the class names, `labels` index into them (one per image), `names` tell the images apart in messages
    and tables and decide which are held out (a path relative to the dataset's folder, as a rule: it must not change
    when the folder is moved), `channels` is what `read` gives as a rule: 1 (grayscale) or 3 (RGB).

    Three more methods are welcome and may be missing:

    - `stamps(indices) -> Stamps | None` says where these images are and what shows that one of them has changed; then
      they are decoded once and kept for later runs. `Stamps.of_files` makes them for images in files.
    - `read_reduced(index, least)` is `read` for somebody who needs `least` pixels on each side and no more: an image
      that is larger may come smaller, if that is faster.
    - `file(index) -> Path | None` says in which file the image lies, for links in a report.
    """

    @property
    def classes(self) -> Sequence[str]:
        """The class names; a label is an index into them."""

    @property
    def labels(self) -> Sequence[int]:
        """The label of each image."""

    @property
    def names(self) -> Sequence[str]:
        """The name of each image."""

    @property
    def channels(self) -> int:
        """1 or 3."""

    def __len__(self) -> int: ...

    def read(self, index: int) -> NDArray[np.uint8]:
        """Image `index` as uint8 C×H×W with C 1 or 3; raises `BadImage` where it cannot be read.

        It is called from several threads at once: a source that reads from one open file holds a lock while it does.
        Where images are streamed it is called from several processes, each with a copy of the source; they share the
        position in a file that was open before, so that such a source reads with `os.pread`.
        """


class Lookup(Protocol):
    """Finds component classes by name; the registry is one."""

    def find(self, kind: type[Any], name: str) -> type[Component]:
        """The class, or a `UserError` that says which names there are."""


class Component(Section):
    """Something that a recipe names, with options, that can be built."""

    kind: ClassVar[str]
    """What it is, in the singular: `dataset`, `model`, …"""

    name: ClassVar[str]
    """What a recipe calls it: lower case letters, digits and underscores."""

    aliases: ClassVar[tuple[str, ...]] = ()
    """Its names in other libraries, such as `RandomHorizontalFlip`: they are suggested as this one, not accepted. Case,
    underscores and words such as `Random`, `Loss` and `LR` do not matter."""

    shorthand: ClassVar[str | None] = None
    """The field that `name/value` fills: with `arch`, `timm/vit_tiny` means `{name: timm, arch: vit_tiny}`."""

    offered: ClassVar[tuple[str, ...]] = ()
    """The arguments that `build` may ask for, by name."""

    contract: ClassVar[str] = ""
    """What a component of this kind must do, in one sentence for messages about one that does not."""

    @abstractmethod
    def build(self, *args: Any, **kwargs: Any) -> Any:
        """Make the object that the component stands for."""

    @classmethod
    def variants(cls) -> Sequence[str]:
        """The values that the `shorthand` field takes, for lists and suggestions; without importing torch."""
        return ()

    @model_validator(mode="wrap")
    @classmethod
    def _resolve(cls, value: Any, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo) -> Self:
        """Where a kind is asked for (`model: Model`), find the class that the recipe names and validate by that."""
        if isinstance(value, cls):
            return value
        if cls not in KINDS:
            return handler(value)
        name, fields = _name_and_fields(cls, value)
        lookup: Lookup | None = info.context
        if lookup is None:
            raise TypeError("a recipe's components are looked up in a registry: pass it as the validation context")
        try:
            found = lookup.find(cls, name)
        except UserError as error:
            text = str(error).encode(errors="backslashreplace").decode()  # pydantic takes what is UTF-8 alone
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

    `build()` returns `{split: ImageSource}` with at least `train`. Splits called `validation` and `test` are used as
    such; where they are missing they are held out from `train` as asked for below.
    """

    kind = "dataset"
    contract = (
        "A dataset's build() returns {split name: image source}; read(index) of a source returns uint8 C×H×W, or "
        "raises BadImage"
    )

    validation: float | None = Field(None, ge=0, lt=1)
    """Share of `train` held out for validation, stratified by class. Left out: the dataset's own validation split, or
    0.1 where it has none. 0: no validation."""
    test: float | None = Field(None, gt=0, lt=1)
    """Share of `train` held out as the test split, stratified by class, for a dataset without one of its own."""
    split_seed: int = Field(0, ge=0)
    """Which images are held out; not changed by the recipe's `seed`, so that runs can be compared. It depends on this
    seed and on each image's class and name alone, so that one more image moves at most one other into or out of a
    split."""
    on_bad_image: Literal["error", "skip"] = "error"
    """What to do with files that are empty, damaged or no images: stop before training and list them, or leave them
    out and record each in the run."""
    bit_depth: int | None = Field(None, ge=8, le=32)
    """Bits in use of images that are stored with more than 8 bits a sample: 12 for values from 0 to 4095 in 16-bit
    files. Left out: what a file states (PNG's sBIT, TIFF's BitsPerSample and MaxSampleValue), else 16."""
    value_range: tuple[float, float] | None = None
    """In place of `bit_depth`: the values that become black and white, as `[0, 1]` for floating-point pixels; those
    below and above are black and white too."""
    drop: Path | None = None
    """A CSV file of images to leave out, such as `framework data check` writes: a column `name`; with a column `keep`,
    only rows that say `no`. Images are those of `train`, held-out ones included, unless a column `split` names another
    split. A relative path is also looked for under `$FRAMEWORK_DATA`."""
    keep: Path | None = None
    """A CSV file of the only images to use, in the same form: of each split that it speaks of, all others are left
    out."""

    @property
    def sample_range(self) -> tuple[float, float] | None:
        """The values of images with more than 8 bits a sample that become 0 and 255; None: as the files state."""
        return (0.0, 2.0**self.bit_depth - 1) if self.bit_depth is not None else self.value_range

    @model_validator(mode="after")
    def _one_range(self) -> Self:
        if self.value_range is not None and self.bit_depth is not None:
            raise PydanticCustomError("range", "has both 'bit_depth' and 'value_range': one of them is enough")
        if self.value_range is not None and not self.value_range[0] < self.value_range[1]:
            raise PydanticCustomError("range", "has a 'value_range' whose second number is not larger than the first")
        return self

    @abstractmethod
    def build(self) -> Mapping[str, ImageSource]:
        """The splits. Raise `UserError` where the data is not there."""

    def fetch(self) -> Path:
        """Download the data to where `build` looks for it and return that folder (`framework data fetch NAME`)."""
        raise UserError(f"dataset '{self.name}' has nothing to fetch")


class Transform(Component):
    """A change made to training batches only.

    `build(image_size)` returns a callable `(images, targets, rng) -> (images, targets)`: `images` is float32 B×C×H×W in
    [0, 1], `targets` float32 B×K class probabilities, and every image gets parameters of its own, drawn from `rng`
    (`framework.BatchRNG`): a function of seed, epoch, image and transform. All tensors are on the device of the
    images; a transform that fetches a value from there (`item`, `cpu`, `nonzero`, indexing by a mask) makes a GPU wait.

    It may also return an object with `matrices(rng)` or `levels(means, rng)`: a geometric or photometric transform,
    done in one pass together with its neighbours (see `framework.data.augment.Augmentation`).
    """

    kind = "transform"
    contract = (
        "A transform takes (images, targets, generator) and returns (images, targets): float tensors of the shapes "
        "that it was given, images in [0, 1], rows of targets that sum to 1"
    )
    offered = ("image_size",)

    after: float | None = Field(None, gt=0, lt=1)
    """Share of the training after which it begins; left out: at once."""
    until: float | None = Field(None, gt=0, lt=1)
    """Share of the training after which it ends, as mixing images often does (0.8 to 0.95); left out: never."""

    @model_validator(mode="after")
    def _some_of_the_training(self) -> Self:
        if self.after is not None and self.until is not None and self.after >= self.until:
            raise ValueError(f"'after' is {self.after} and must be below 'until', {self.until}")
        return self

    def acts_at(self, progress: float) -> bool:
        """Whether it does where that share of the training is done."""
        return (self.after or 0.0) <= progress < (self.until or 1.0)


class Model(Component):
    """A network.

    `build(num_classes, channels, image_size, sample)` returns an `nn.Module` that maps float32 B×C×H×W, normalised, to
    logits B×K. `image_size` is (height, width). `sample` holds up to 256 training images, float32 N×C×H×W, normalised,
    for weights that begin with what the data look like; it is None where trained weights will be loaded.
    """

    kind = "model"
    contract = "A model takes images B×C×H×W and returns one tensor of logits B×K, in training as in evaluation"
    offered = ("num_classes", "channels", "image_size", "sample")

    def without_pretrained(self) -> Self:
        """The same network with nothing to fetch or read before training, as weights of a run will be loaded.

        Whoever has an option for weights to begin with returns a copy without them, and one with another model inside
        asks that too; all others are the same already.
        """
        return self

    def pretrained_normalisation(self) -> tuple[Sequence[float], Sequence[float]] | None:
        """Mean and standard deviation, per channel, of what the weights to begin with were trained on; None: unknown.

        Of pixel values in [0, 1]. A run says it where its images are normalised otherwise.
        """
        return None


class Loss(Component):
    """What training minimises.

    `build(class_counts, preprocess, device, precision)` returns a callable `(logits B×K, targets B×K class
    probabilities) -> scalar`. One that names `images` too is given what the network got, float32 B×C×H×W, normalised.
    What a module keeps in its buffers goes into checkpoints; it has no parameters to be trained, for the optimizer has
    the model's alone.

    `class_counts` maps each class name, in the order of the labels, to its number of training images; `preprocess` is
    the `Preprocessor` of the run, `device` where it trains, `precision` the torch dtype of its forward passes.
    """

    kind = "loss"
    contract = (
        "A loss takes (logits B×K, targets B×K) and returns one number: a tensor without dimensions that depends on "
        "the logits"
    )
    offered = ("class_counts", "preprocess", "device", "precision")

    def activation(self) -> Activation:
        """How logits trained with this loss become probabilities, wherever the network is used.

        `softmax`: one distribution over the classes. `sigmoid`: each class against the rest, as binary cross entropy
        trains it. A loss that is not trained through a softmax overrides this.
        """
        return "softmax"


class Optimizer(Component):
    """`build(model)` returns a `torch.optim.Optimizer` over the parameters of `model` that require gradients."""

    kind = "optimizer"
    contract = (
        "An optimizer's build(model) returns a torch.optim.Optimizer over parameters of the model; step() updates them"
    )
    offered = ("model",)


class Scheduler(Component):
    """The learning rate over time.

    `build(optimizer, total_steps, steps_per_epoch)` returns a torch LR scheduler, stepped after each optimizer step;
    a `ReduceLROnPlateau` is instead told the validation figure that `train.monitor` names, after each epoch.
    """

    kind = "scheduler"
    contract = "A scheduler's build(optimizer, …) returns a torch LR scheduler; step() sets the learning rates"
    offered = ("optimizer", "total_steps", "steps_per_epoch")


class Callback(Component):
    """Someone who is told what happens in a run.

    `build(run)` returns an object whose methods, marked with `@hookimpl`, implement hooks of
    `framework.hookspecs.CallbackSpec`. `run` is the run folder (`run.path` is its path), `say` prints a line on the
    terminal. `build` is called before any data are read.
    """

    kind = "callback"
    contract = (
        "A callback's build(run) returns an object whose methods, marked with @hookimpl, are hooks of CallbackSpec"
    )
    offered = ("run", "say")
    essential: ClassVar[bool] = True
    """Whether the run stops when the callback fails; set it to False where a run can do without."""


class Detector(Component):
    """What finds the parts of an image that are classified each by itself (`framework predict --detect NAME`).

    `build()` returns a callable from an image, uint8 C×H×W of any size with 1 or 3 channels, to a list of
    `framework.Region`, the one to be answered first in front; an empty list says that there is none. It is called from
    several threads at once.
    """

    kind = "detector"
    contract = "A detector's build() returns a callable from an image, uint8 C×H×W, to a list of framework.Region"


KINDS: tuple[type[Component], ...] = (Dataset, Transform, Model, Loss, Optimizer, Scheduler, Callback, Detector)


def build(component: Component, **offered: Any) -> Any:
    """Call `component.build` with those of the offered arguments that it names, as pluggy does for hooks.

    Raises `ComponentFault` where it raises anything but a `UserError`.
    """
    arguments = {name: value for name, value in offered.items() if wants(component, name)}
    with attributed_to(component, "build()"):
        return component.build(**arguments)


def wants(component: Component, argument: str) -> bool:
    """Whether `component.build` names this argument, or takes all that are offered."""
    parameters = inspect.signature(component.build).parameters
    return argument in parameters or any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())


def names_argument(function: Callable[..., Any], argument: str) -> bool:
    """Whether something that `build` returned names this argument; of a torch module, whether its `forward` does."""
    return argument in inspect.signature(getattr(function, "forward", function)).parameters


def field_kind(annotation: Any) -> type[Component] | None:
    """The kind that a field holds (`Scheduler`, `list[Transform]`, `Scheduler | None`), or None for a plain field."""
    if isinstance(annotation, type) and annotation in KINDS:
        return annotation
    inner = (field_kind(argument) for argument in get_args(annotation))
    return next((kind for kind in inner if kind), None)


def components_in(value: Any) -> Iterator[Component]:
    """Every component in a recipe, a section, a component or a list of them, nested ones included."""
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
    """The names of a component's fields: its own, then those that it inherits."""
    order: list[str] = []
    for base in component.__mro__:
        annotations = inspect.get_annotations(base)
        order += [name for name in annotations if name in component.model_fields and name not in order]
    return order + [name for name in component.model_fields if name not in order]


def split_name(text: str) -> tuple[str, str | None]:
    """`timm/vit_tiny` into (`timm`, `vit_tiny`); `resnet18` into (`resnet18`, None)."""
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
        "component_form",
        "{kind} is a name or {form}",
        {"kind": _an(kind), "form": "{name: …, option: …}"},
    )


def _expand_shorthand(found: type[Component], value: Any, fields: dict[str, Any]) -> dict[str, Any]:
    variant = split_name(value if isinstance(value, str) else value["name"])[1]
    if variant is None:
        return fields
    if found.shorthand is None:
        raise PydanticCustomError(
            "no_shorthand",
            "{kind} '{name}' takes nothing after a slash",
            {"kind": found.kind, "name": found.name},
        )
    if found.shorthand in fields:
        raise PydanticCustomError(
            "named_twice",
            "{kind} '{name}' is given its {field} twice: after the slash, and as an option",
            {"kind": found.kind, "name": found.name, "field": found.shorthand},
        )
    return {found.shorthand: variant, **fields}


def _an(kind: type[Component]) -> str:
    return f"{'an' if kind.kind[0] in 'aeiou' else 'a'} {kind.kind}"
