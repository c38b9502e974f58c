"""The weights of a finished training as the start of another one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from framework.attribution import attributed_to
from framework.components import Model, build
from framework.errors import UserError, enumerate_names
from framework.recipe.option_text import inline_yaml
from framework.recipe.saving import plain
from framework.runs.trained import open_trained
from framework.runs.weights import read_weights

if TYPE_CHECKING:
    from torch import Tensor, nn

    from framework.data.preprocess import Preprocessor
    from framework.recipe.sections import Recipe
    from framework.registry import Registry
    from framework.runs.trained import Trained


def open_start(recipe: Recipe, registry: Registry) -> Trained | None:
    """What `train.init_from` names, if anything; raises `UserError` where there is no such run or bundle."""
    named = recipe.train.init_from
    if named is None:
        return None
    try:
        trained = open_trained(named, registry)
        trained.require_weights()
    except UserError as error:
        raise UserError(f"train.init_from: {error}") from None
    return trained


def load_start(
    model: nn.Module, component: Model, start: Trained, classes: Sequence[str], preprocess: Preprocessor
) -> None:
    """Give the network, which `component` built for these classes, the weights of `start`.

    What is of a class goes by its name: the rows of classes that `start` does not know keep what they begin with.
    Raises `UserError` where the networks differ in more than their classes.
    """
    fresh, tensors = model.state_dict(), read_weights(start.weights)
    rows = {} if tuple(classes) == start.classes else _rows_of_classes(component, fresh, len(classes), preprocess)
    theirs = {name: _with_rows(value.shape, rows.get(name), len(start.classes)) for name, value in fresh.items()}
    differing = [
        name for name in {**fresh, **tensors} if name not in tensors or tuple(tensors[name].shape) != theirs.get(name)
    ]
    if differing:
        raise UserError(
            f"train.init_from: '{start.label}' is another network\n"
            f"    there:  {_described(start.documents['model']['model'], start.documents['model']['preprocess'])}\n"
            f"    here:   {_described(plain(component), preprocess.as_dict())}\n"
            f"    these tensors differ: {enumerate_names(differing, 4)}\n"
            "    Set `model`, and the channels and size in `preprocess`, to what they are there"
        )
    for name, dimension in rows.items():
        tensors[name] = _by_class(fresh[name], tensors[name], dimension, classes, start.classes)
    model.load_state_dict(tensors)


def announce_start(
    display: Any, component: Model, start: Trained | None, classes: Sequence[str], preprocess: Preprocessor
) -> None:
    """Say on the terminal which weights training begins with, where they are trained ones."""
    for sentence in describe_start(component, start, classes, preprocess):
        display.line(f"{'start':>10}  {sentence}")


def describe_start(
    component: Model, start: Trained | None, classes: Sequence[str], preprocess: Preprocessor
) -> Iterator[str]:
    """What a user should know of them, in a sentence each."""
    with attributed_to(component, "pretrained_normalisation()"):
        whose, known = "the pretrained weights", component.pretrained_normalisation()
    if start:
        new = [name for name in classes if name not in start.classes]
        every = len(new) == len(classes)
        head = "" if not new else "; its classifier anew" if every else f"; anew: {enumerate_names(new)}"
        yield f"the weights of '{start.label}'{head}"
        theirs = start.documents["model"]["preprocess"]
        whose, known = "they", (theirs["mean"], theirs["std"])
    if known:
        mean, std = (_for_channels(values, preprocess.channels) for values in known)
        ours = list(preprocess.mean), list(preprocess.std)
        if (mean, std) != ours:
            yield (
                f"{whose} saw images normalised by mean {mean} and std {std}, here it is {ours[0]} and {ours[1]}; for "
                "theirs: " + f"preprocess.mean={mean} preprocess.std={std}".replace(", ", ",")
            )


def _for_channels(values: Sequence[float], channels: int) -> list[float]:
    """One for each channel: those given, or their mean where the network's first layer was adapted to other images."""
    return list(values) if len(values) == channels else [round(sum(values) / len(values), 6)] * channels


def _described(model: Mapping[str, Any], preprocess: Mapping[str, Any]) -> str:
    """As a recipe says it."""
    size = {"size": [preprocess["height"], preprocess["width"]], "channels": preprocess["channels"]}
    options = {name: value for name, value in model.items() if value is not None}
    return f"model: {inline_yaml(options)}, preprocess: {inline_yaml(size)}"


def _rows_of_classes(
    component: Model, fresh: Mapping[str, Tensor], num_classes: int, preprocess: Preprocessor
) -> Mapping[str, int]:
    """The tensors of `fresh` whose shape follows the number of classes, and along which dimension it does."""
    larger: nn.Module = build(
        component,
        num_classes=num_classes + 1,
        channels=preprocess.channels,
        image_size=(preprocess.height, preprocess.width),
        sample=None,
    )
    shapes = {name: value.shape for name, value in larger.state_dict().items()}
    return {
        name: next(dimension for dimension, size in enumerate(value.shape) if size != shapes[name][dimension])
        for name, value in fresh.items()
        if value.shape != shapes[name]
    }


def _with_rows(shape: Sequence[int], dimension: int | None, number: int) -> tuple[int, ...]:
    """That shape for so many classes, which lie along `dimension`."""
    return tuple(number if place == dimension else size for place, size in enumerate(shape))


def _by_class(fresh: Tensor, trained: Tensor, dimension: int, classes: Sequence[str], known: Sequence[str]) -> Tensor:
    """`fresh` with what `trained` has of the same classes."""
    mixed = fresh.clone()
    for row, name in enumerate(classes):
        if name in known:
            mixed.select(dimension, row).copy_(trained.select(dimension, known.index(name)))
    return mixed
