"""The feature maps of any network, and the layout of their positions in the tensor.

Only the network's modules are known. One forward pass records their outputs; its autograd graph shows which outputs all
information passes through; shapes show which of them are maps, and their layout.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

MAX_PREFIX = 16
"""Tokens before the patch tokens, at most, if the network does not state their number."""


@dataclass(frozen=True)
class Layout:
    """The layout of a grid of `height` × `width` positions in a feature map's tensor."""

    height: int
    width: int
    form: str
    """`BCHW`, `BHWC`, or `BNC` for tokens, row by row."""
    prefix: int = 0
    """Tokens before the grid's: class token, registers."""

    @property
    def positions(self) -> int:
        """Number of positions."""
        return self.height * self.width

    def maps(self, features: Tensor) -> Tensor:
        """The tensor as B×C×h×w."""
        if self.form == "BCHW":
            return features
        if self.form == "BHWC":
            return features.permute(0, 3, 1, 2)
        return features[:, self.prefix :].transpose(1, 2).reshape(len(features), -1, self.height, self.width)


@dataclass(frozen=True)
class FeatureMap:
    """The output of one module in the recorded pass."""

    module: str
    features: Tensor
    layout: Layout


def private_copy(model: nn.Module) -> nn.Module:
    """A copy of the network that shares its weights, detached: no gradient reaches a parameter.

    Hooks, the training mode and state between passes are the copy's own.
    """
    shared = [*model.parameters(), *model.buffers()]
    copied: nn.Module = copy.deepcopy(model, {id(tensor): tensor.detach() for tensor in shared})
    return copied.train().eval()  # `train` clears what some networks cache in evaluation mode


def recorded_pass(model: nn.Module, inputs: Tensor) -> tuple[Tensor, list[tuple[str, Tensor]]]:
    """Logits B×K, and the output of each module, in order.

    The network gets a copy of `inputs`, since it may change its input in place, which autograd forbids for a leaf.
    """
    outputs: list[tuple[str, Tensor]] = []

    def record(name: str) -> Any:
        def hook(module: nn.Module, arguments: Any, output: Any) -> None:
            if isinstance(output, Tensor):
                outputs.append((name, output))

        return hook

    handles = [module.register_forward_hook(record(name)) for name, module in model.named_modules()]
    try:
        return model(inputs.clone()), outputs
    finally:
        for handle in handles:
            handle.remove()


def feature_maps(
    model: nn.Module, inputs: Tensor, logits: Tensor, outputs: Iterable[tuple[str, Tensor]]
) -> list[FeatureMap]:
    """The maps of more than one position through which all paths from `inputs` to `logits` go, last first.

    Maps that are finer than an earlier one are left out: they only repeat it.
    """
    paths = _Paths(inputs, logits)
    prefix = next((tokens for module in model.modules() if (tokens := _prefix_tokens(module)) is not None), None)
    size = (inputs.shape[2], inputs.shape[3])
    found: list[FeatureMap] = []
    grids: list[tuple[int, int]] = []
    finest = size[0] * size[1]
    for name, features in outputs:
        if features.ndim not in (3, 4) or len(features) != len(inputs):
            continue
        layout = _layout_of(features, size, prefix, grids)
        if layout is None:
            continue
        if layout.form == "BCHW":
            grids.append((layout.height, layout.width))
        if layout.positions <= finest and paths.all_pass(features):
            finest = layout.positions
            found.append(FeatureMap(name, features, layout))
    return [one for one in reversed(found) if one.layout.positions > 1]


class _Paths:
    """Counts the paths through the autograd graph of a pass, to find tensors that are on all of them."""

    def __init__(self, inputs: Tensor, logits: Tensor) -> None:
        self.to_image: dict[Any, int] = {}
        self.from_logits: defaultdict[tuple[Any, int], int] = defaultdict(int)
        root = (logits.grad_fn, logits.output_nr)
        order = list(_children_first(root[0])) if root[0] is not None else []
        for node in order:
            if getattr(node, "variable", None) is inputs:
                self.to_image[node] = 1
            else:
                self.to_image[node] = sum(self.to_image[child] for child, _ in _children(node))
        self.from_logits[root] = 1
        through: defaultdict[Any, int] = defaultdict(int, {root[0]: 1})
        for node in reversed(order):
            for child, output in _children(node):
                self.from_logits[child, output] += through[node]
                through[child] += through[node]
        self.total = self.to_image.get(root[0], 0)

    def all_pass(self, features: Tensor) -> bool:
        """Whether every path from the image to the logits goes through this tensor."""
        node = features.grad_fn
        if node not in self.to_image or not self.total:
            return False
        return self.from_logits.get((node, features.output_nr), 0) * self.to_image[node] == self.total


def _children(node: Any) -> list[tuple[Any, int]]:
    return [(child, output) for child, output in node.next_functions if child is not None]


def _children_first(root: Any) -> Iterator[Any]:
    """Every node of the graph, after its children."""
    visited, waiting = {root}, [(root, iter(_children(root)))]
    while waiting:
        node, children = waiting[-1]
        child = next((child for child, _ in children if child not in visited), None)
        if child is None:
            waiting.pop()
            yield node
        else:
            visited.add(child)
            waiting.append((child, iter(_children(child))))


def _prefix_tokens(module: nn.Module) -> int | None:
    tokens = getattr(module, "num_prefix_tokens", None)
    return tokens if isinstance(tokens, int) else None


def _layout_of(
    features: Tensor, size: tuple[int, int], prefix: int | None, grids: list[tuple[int, int]]
) -> Layout | None:
    """The layout whose grid has the proportions of the image, if any."""
    if features.ndim == 3:
        return _token_layout(features.shape[1], size, prefix, grids)
    _, first, second, third = features.shape
    layouts = [Layout(second, third, "BCHW"), Layout(first, second, "BHWC")]
    fitting = [one for one in layouts if _misfit((one.height, one.width), size) < 1]
    return min(fitting, key=lambda one: _misfit((one.height, one.width), size), default=None)


def _token_layout(
    tokens: int, size: tuple[int, int], prefix: int | None, grids: list[tuple[int, int]]
) -> Layout | None:
    """By the network's number of prefix tokens, by the grid of an earlier map, or by proportions."""
    if prefix is None:
        for height, width in sorted(grids, key=lambda grid: -grid[0] * grid[1]):
            if 0 <= (rest := tokens - height * width) <= MAX_PREFIX and _misfit((height, width), size) < 1:
                return Layout(height, width, "BNC", rest)
    for before in (prefix, 0) if prefix is not None else range(min(tokens, MAX_PREFIX + 1)):
        if tokens <= before:
            continue
        count = tokens - before
        grids = [(height, count // height) for height in range(1, count + 1) if count % height == 0]
        best = min(grids, key=lambda grid: _misfit(grid, size))
        if _misfit(best, size) < 1:
            return Layout(*best, "BNC", before)
    return None


def _misfit(grid: tuple[int, int], size: tuple[int, int]) -> float:
    """How many positions a side deviates from the image's proportions, for the better side; below 1 after rounding.

    Infinite if the grid is finer than the image.
    """
    (height, width), (image_height, image_width) = grid, size
    if not (0 < height <= image_height and 0 < width <= image_width):
        return float("inf")
    off = (abs(height * image_width / image_height - width), abs(width * image_height / image_width - height))
    return min(off)
