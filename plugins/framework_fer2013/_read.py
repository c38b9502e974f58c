"""Reads both formats of FER-2013, folders and the CSV file, with the official splits."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from framework import ImageFiles, ImageSource, Joined, UserError, class_tree, find_data
from framework_fer2013._official import CLASSES, USAGES
from framework_fer2013._table import read_csv


def read_fer2013(root: Path, test_usage: str) -> dict[str, ImageSource]:
    """The available splits. Raises `UserError` with the alternatives if the data is missing."""
    place = find_data(root)
    if place is None:
        raise UserError(_missing(root, "there is no such folder"))
    table = place if place.is_file() else place / "fer2013.csv"
    splits: Mapping[str, ImageSource]
    if (place / "train").is_dir():
        splits = _from_tree(place)
    elif table.is_file():
        splits = read_csv(table)
    else:
        raise UserError(_missing(root, f"'{place}' has neither train/ nor fer2013.csv"))
    return {**splits, **_test(splits, test_usage)}


def _missing(root: Path, reason: str) -> str:
    """The message if the data is missing, with the alternatives."""
    return (
        f"dataset 'fer2013': FER-2013 is neither at '{root}' ({reason}) nor under $FRAMEWORK_DATA. Either\n"
        "    download it:         pip install 'framework[fetch]' && framework data fetch fer2013\n"
        f"    copy it:             to {root}/train/CLASS/*.jpg and {root}/test/CLASS/*.jpg, or to {root}/fer2013.csv\n"
        "    give its folder:     dataset.root=DIR\n"
        "    use drawn faces:     dataset=drawn_faces"
    )


def _test(splits: Mapping[str, ImageSource], usage: str) -> dict[str, ImageSource]:
    """The split `test`, as `test_usage` defines it."""
    present = [name for name in ("private_test", "public_test") if name in splits]
    if present and "test" in splits:
        raise UserError(
            f"dataset 'fer2013': the files in test/ have no prefix for their official split, and there is also "
            f"{' and '.join(present)}: remove one of the two, or add the prefix PublicTest_ or PrivateTest_"
        )
    if usage == "auto":
        return {"test": splits[present[0]]} if present else {}
    wanted = ["public_test", "private_test"] if usage == "both" else [USAGES[usage]]
    missing = [name for name in wanted if name not in present]
    if missing:
        raise UserError(
            f"dataset 'fer2013': dataset.test_usage={usage} needs {' and '.join(missing)} "
            f"(available: {' and '.join(present) or 'no official test split'})"
        )
    if usage == "both":
        return {"test": Joined([splits[name] for name in wanted])}
    return {"test": splits[wanted[0]]}


def _from_tree(folder: Path) -> dict[str, ImageSource]:
    """Training images by folder, all others by the prefix of the file name."""
    splits: dict[str, ImageSource] = {"train": class_tree(folder / "train", CLASSES, 1, folder)}
    for name in ("test", "PublicTest", "PrivateTest"):
        if (folder / name).is_dir():
            found = _official(class_tree(folder / name, CLASSES, 1, folder), name)
            if twice := sorted(found.keys() & splits.keys()):
                raise UserError(
                    f"dataset 'fer2013': {' and '.join(twice)} is in '{folder / name}' and in another folder: keep one"
                )
            splits |= found
    return splits


def _official(files: ImageFiles, folder: str) -> dict[str, ImageSource]:
    """The images of a folder by official split; without prefixes, the name of the folder decides."""
    parts: dict[str, list[int]] = {}
    for index, path in enumerate(files.paths):
        parts.setdefault(USAGES.get(Path(path).name.partition("_")[0], "unknown"), []).append(index)
    if "train" in parts:
        first = files.paths[parts["train"][0]]
        raise UserError(
            f"dataset 'fer2013': '{first}' is a training image in a test folder: remove it, or test metrics are wrong"
        )
    if "unknown" in parts and len(parts) > 1:
        stray = files.paths[parts["unknown"][0]]
        raise UserError(
            f"dataset 'fer2013': '{stray}' has no prefix for its official split, unlike other files in '{folder}': "
            "remove it, or add the prefix PublicTest_ or PrivateTest_"
        )
    if "unknown" in parts:
        return {USAGES.get(folder, "test"): files}
    return {split: files.subset(indices) for split, indices in parts.items()}
