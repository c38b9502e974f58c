"""Differences between recipes, by option; by component if a recipe does not have the component."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any


def recipe_differences(recipes: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """The value in each recipe by path, such as `train.epochs`; None if a recipe has no value there.

    Entries of lists of components are matched by name: a transform that is missing in one recipe is one difference,
    `augment.rotate`, whose value is the whole transform. If components of one section have different names, such as two
    optimizers, the value has the name and the options that they do not share.
    """
    return dict(_differences(list(recipes), ""))


def _differences(nodes: list[Any], path: str) -> Iterator[tuple[str, list[Any]]]:
    if all(node == nodes[0] for node in nodes):
        return
    if all(isinstance(node, Mapping) for node in nodes):
        yield from _of_mappings(nodes, path)
    elif any(map(_is_list_of_components, nodes)) and all(
        node in (None, []) or _is_list_of_components(node) for node in nodes
    ):
        yield from _of_lists([_by_name(node or []) for node in nodes], path)
    else:
        yield path, nodes


def _of_mappings(nodes: list[Mapping[str, Any]], path: str) -> Iterator[tuple[str, list[Any]]]:
    keys = _union(nodes)
    if len({node.get("name") for node in nodes}) > 1:  # different components
        shared = [key for key in keys if key != "name" and all(key in node for node in nodes)]
        yield path, [{key: value for key, value in node.items() if key not in shared} for node in nodes]
        keys = shared
    for key in keys:
        yield from _differences([node.get(key) for node in nodes], f"{path}.{key}" if path else key)


def _of_lists(nodes: list[dict[str, Any]], path: str) -> Iterator[tuple[str, list[Any]]]:
    common = [[name for name in node if all(name in other for other in nodes)] for node in nodes]
    if any(order != common[0] for order in common):
        yield path, [list(node) for node in nodes]
    for name in _union(nodes):
        yield from _differences([node.get(name) for node in nodes], f"{path}.{name}")


def _is_list_of_components(node: Any) -> bool:
    return (
        isinstance(node, list) and bool(node) and all(isinstance(entry, Mapping) and "name" in entry for entry in node)
    )


def _by_name(components: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Components by name; a second `flip` is named `flip 2`."""
    found: dict[str, Mapping[str, Any]] = {}
    for component in components:
        name, number = str(component["name"]), 1
        while (key := name if number == 1 else f"{name} {number}") in found:
            number += 1
        found[key] = component
    return found


def _union(nodes: Sequence[Mapping[str, Any]]) -> list[str]:
    """All keys, in order of first appearance."""
    return list(dict.fromkeys(key for node in nodes for key in node))
