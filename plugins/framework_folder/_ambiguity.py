"""The error for a folder with more than one possible layout: its sub-folders, and the options that decide."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping

from framework import UserError
from framework_folder._directory import Directory
from framework_folder._names import UNLABELLED

MAX_SHOWN = 12
"""Sub-folders in the message."""


def ambiguous_layout(base: Directory, splits: Mapping[str, str], reason: str) -> UserError:
    """The error; `splits` maps names of sub-folders to the split that the name suggests."""
    return UserError(
        "\n".join(
            [
                f"dataset 'folder': cannot distinguish splits from classes in '{base.path}': {reason}",
                *_listing(base, splits),
                f"    if they are splits:   {_splits_option(base, splits)}",
                f"    if they are classes:  {_classes_option(base)}",
            ]
        )
    )


def _listing(base: Directory, splits: Mapping[str, str]) -> Iterator[str]:
    for name, child in list(base.children.items())[:MAX_SHOWN]:
        suggested = f"; split '{splits[name]}' by name" if name in splits else ""
        yield f"        {name}/  {child.described}{suggested}"
    if len(base.children) > MAX_SHOWN:
        yield f"        … {len(base.children) - MAX_SHOWN:,} more folders"


def _splits_option(base: Directory, splits: Mapping[str, str]) -> str:
    """`dataset.splits` with the folders whose names suggest a split, or with placeholders if none suggests `train`."""
    above = "/".join(base.parts)
    value: dict[str, str] = {}
    for name, split in splits.items():
        if split != UNLABELLED and base.children[name].folders:
            value.setdefault(split, f"{above}/{name}".lstrip("/"))
    if "train" not in value:
        return "dataset.splits='{train: FOLDER, test: FOLDER}'"
    return "dataset.splits=" + shlex.quote(json.dumps(value, ensure_ascii=False))


def _classes_option(base: Directory) -> str:
    if len(base.children) > MAX_SHOWN:
        return "dataset.classes=[…], with the names of all class folders"
    return "dataset.classes=" + shlex.quote(json.dumps(list(base.children), ensure_ascii=False))
