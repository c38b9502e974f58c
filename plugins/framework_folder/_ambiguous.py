"""The error for a folder that can be read in several ways: the tree as understood, and what to set."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping

from framework import UserError
from framework_folder._names import UNLABELLED
from framework_folder._node import Node

SHOWN = 12
"""Folders of the tree that are shown."""


def ambiguous(base: Node, named: Mapping[str, str], reason: str) -> UserError:
    """The error; `named` has the split that each folder is named as."""
    return UserError(
        "\n".join(
            [
                f"dataset 'folder': cannot tell splits from classes in '{base.path}': {reason}",
                *_tree(base, named),
                f"    if they are splits:   {_splits(base, named)}",
                f"    if they are classes:  {_classes(base)}",
            ]
        )
    )


def _tree(base: Node, named: Mapping[str, str]) -> Iterator[str]:
    for name, child in list(base.children.items())[:SHOWN]:
        yield f"        {name}/  {child.described}" + (f"; by its name {named[name]}" if name in named else "")
    if len(base.children) > SHOWN:
        yield f"        … {len(base.children) - SHOWN:,} more folders"


def _splits(base: Node, named: Mapping[str, str]) -> str:
    """What to set: with the folders that are named as splits, as far as that is clear."""
    above = "/".join(base.parts)
    given: dict[str, str] = {}
    for name, split in named.items():
        if split != UNLABELLED and base.children[name].folders:
            given.setdefault(split, f"{above}/{name}".lstrip("/"))
    if "train" not in given:
        return "dataset.splits='{train: FOLDER, test: FOLDER}'"
    return "dataset.splits=" + shlex.quote(json.dumps(given, ensure_ascii=False))


def _classes(base: Node) -> str:
    if len(base.children) > SHOWN:
        return "dataset.classes=[…], with the names of all class folders"
    return "dataset.classes=" + shlex.quote(json.dumps(list(base.children), ensure_ascii=False))
