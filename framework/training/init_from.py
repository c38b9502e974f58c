"""Initial weights from a finished run or a bundle: `train.init_from`."""

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


def open_initial(recipe: Recipe, registry: Registry) -> Trained | None:
    """The run or bundle that `train.init_from` names, if any; raises `UserError` if there is no such run or bundle."""
    source = recipe.train.init_from
    if source is None:
        return None
    try:
        trained = open_trained(source, registry)
        trained.require_weights()
    except UserError as error:
        raise UserError(f"train.init_from: {error}") from None
    return trained


def load_initial(
    model: nn.Module, component: Model, initial: Trained, classes: Sequence[str], preprocess: Preprocessor
) -> None:
    """Load the weights of `initial` into a network that `component` built for these classes.

    Rows of the classifier are matched by class name; rows of new classes keep their random values. Raises `UserError`
    if the networks differ in more than their classes.
    """
    fresh, tensors = model.state_dict(), read_weights(initial.weights)
    rows = {} if tuple(classes) == initial.classes else _rows_of_classes(component, fresh, len(classes), preprocess)
    expected = {name: _with_rows(value.shape, rows.get(name), len(initial.classes)) for name, value in fresh.items()}
    differing = [
        name for name in {**fresh, **tensors} if name not in tensors or tuple(tensors[name].shape) != expected.get(name)
    ]
    if differing:
        saved = initial.documents["model"]
        raise UserError(
            f"train.init_from: '{initial.label}' is another network\n"
            f"    there:  {_described(saved['model'], saved['preprocess'])}\n"
            f"    here:   {_described(plain(component), preprocess.as_dict())}\n"
            f"    these tensors differ: {enumerate_names(differing, 4)}\n"
            "    Set `model`, and `channels` and `size` of `preprocess`, to the values there"
        )
    for name, dimension in rows.items():
        tensors[name] = _by_class(fresh[name], tensors[name], dimension, classes, initial.classes)
    model.load_state_dict(tensors)


def describe_initial(
    component: Model, initial: Trained | None, classes: Sequence[str], preprocess: Preprocessor
) -> Iterator[str]:
    """One sentence each on their source and on a normalisation that differs from theirs; none for random weights."""
    with attributed_to(component, "pretrained_normalisation()"):
        what, normalisation = "the pretrained weights", component.pretrained_normalisation()
    if initial:
        new = [name for name in classes if name not in initial.classes]
        rows = "the classifier" if len(new) == len(classes) else f"the classifier's rows of {enumerate_names(new)}"
        yield f"initialised from '{initial.label}'" + (f"; {rows} re-initialised" if new else "")
        theirs = initial.documents["model"]["preprocess"]
        what, normalisation = "these weights", (theirs["mean"], theirs["std"])
    if normalisation:
        mean, std = (_for_channels(values, preprocess.channels) for values in normalisation)
        own_mean, own_std = list(preprocess.mean), list(preprocess.std)
        if (mean, std) != (own_mean, own_std):
            yield (
                f"{what} were trained with mean {mean} and std {std}, but preprocess has mean {own_mean} and std "
                f"{own_std}; to use theirs: " + f"preprocess.mean={mean} preprocess.std={std}".replace(", ", ",")
            )


def _for_channels(values: Sequence[float], channels: int) -> list[float]:
    """One value per channel: the given ones, or their mean for a first layer that was adapted to other channels."""
    return list(values) if len(values) == channels else [round(sum(values) / len(values), 6)] * channels


def _described(model: Mapping[str, Any], preprocess: Mapping[str, Any]) -> str:
    """As in a recipe."""
    size = {"size": [preprocess["height"], preprocess["width"]], "channels": preprocess["channels"]}
    options = {name: value for name, value in model.items() if value is not None}
    return f"model: {inline_yaml(options)}, preprocess: {inline_yaml(size)}"


def _rows_of_classes(
    component: Model, fresh: Mapping[str, Tensor], num_classes: int, preprocess: Preprocessor
) -> Mapping[str, int]:
    """The dimension that is the number of classes, for each tensor of `fresh` that has one."""
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
    """The shape with `number` classes along `dimension`."""
    return tuple(number if index == dimension else size for index, size in enumerate(shape))


def _by_class(fresh: Tensor, trained: Tensor, dimension: int, classes: Sequence[str], known: Sequence[str]) -> Tensor:
    """`fresh` with the rows of `trained` for classes of the same name."""
    mixed = fresh.clone()
    for row, name in enumerate(classes):
        if name in known:
            mixed.select(dimension, row).copy_(trained.select(dimension, known.index(name)))
    return mixed
