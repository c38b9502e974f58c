"""The two forms in which FER-2013 is handed around, with the official splits."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from framework import ImageFiles, ImageSource, Joined, UserError, class_tree, find_data
from framework_fer2013._official import CLASSES, USAGES
from framework_fer2013._table import read_csv


def read_fer2013(root: Path, test_usage: str) -> dict[str, ImageSource]:
    """The splits that are there. Raises `UserError` that says the ways on where the data is absent."""
    place = find_data(root)
    if place is None:
        raise UserError(absent(root, "there is no such folder"))
    table = place if place.is_file() else place / "fer2013.csv"
    splits: Mapping[str, ImageSource]
    if (place / "train").is_dir():
        splits = _from_tree(place)
    elif table.is_file():
        splits = read_csv(table)
    else:
        raise UserError(absent(root, f"'{place}' holds neither train/ nor fer2013.csv"))
    return {**splits, **_test(splits, test_usage)}


def absent(root: Path, reason: str) -> str:
    """What to do where the data is not there."""
    return (
        f"dataset 'fer2013': FER-2013 is not at '{root}' ({reason}), nor under $FRAMEWORK_DATA. Three ways on:\n"
        "    fetch it:        pip install 'framework[fetch]' && framework data fetch fer2013\n"
        f"    put it there:    {root}/train/CLASS/*.jpg and {root}/test/CLASS/*.jpg, or {root}/fer2013.csv, or say "
        "where it is: dataset.root=DIR\n"
        "    do without it:   the same recipe on drawn faces: dataset=drawn_faces"
    )


def _test(splits: Mapping[str, ImageSource], usage: str) -> dict[str, ImageSource]:
    """The split `test` by the recipe's choice."""
    present = [name for name in ("private_test", "public_test") if name in splits]
    if present and "test" in splits:
        raise UserError(
            "dataset 'fer2013': the files in test/ do not say which official part they are, and there is "
            f"{' and '.join(present)} beside them: move one of the two away, or name them PublicTest_… or PrivateTest_…"
        )
    if usage == "auto":
        return {"test": splits[present[0]]} if present else {}
    wanted = ["public_test", "private_test"] if usage == "both" else [USAGES[usage]]
    missing = [name for name in wanted if name not in present]
    if missing:
        raise UserError(
            f"dataset 'fer2013': test_usage is {usage}, and there is no {' and no '.join(missing)} here; "
            f"there is {' and '.join(present) or 'no official test split'}"
        )
    if usage == "both":
        return {"test": Joined([splits[name] for name in wanted])}
    return {"test": splits[wanted[0]]}


def _from_tree(folder: Path) -> dict[str, ImageSource]:
    """By folder for training, by the prefix of the file name for the rest."""
    splits: dict[str, ImageSource] = {"train": class_tree(folder / "train", CLASSES, 1, folder)}
    for name in ("test", "PublicTest", "PrivateTest"):
        if (folder / name).is_dir():
            found = _official(class_tree(folder / name, CLASSES, 1, folder), name)
            if twice := sorted(found.keys() & splits.keys()):
                raise UserError(
                    f"dataset 'fer2013': '{folder / name}' is not the only folder with {' and '.join(twice)}: keep one"
                )
            splits |= found
    return splits


def _official(files: ImageFiles, folder: str) -> dict[str, ImageSource]:
    """The parts of a folder by official split; where no name tells its part, all of it is what the folder is called."""
    parts: dict[str, list[int]] = {}
    for index, path in enumerate(files.paths):
        parts.setdefault(USAGES.get(Path(path).name.partition("_")[0], "unknown"), []).append(index)
    if "train" in parts:
        first = files.paths[parts["train"][0]]
        raise UserError(
            f"dataset 'fer2013': '{first}' is a training image in a test folder: test metrics would be wrong"
        )
    if "unknown" in parts and len(parts) > 1:
        stray = files.paths[parts["unknown"][0]]
        raise UserError(
            f"dataset 'fer2013': '{stray}' does not say which official part it is, as others in '{folder}' do: move it "
            "away, or name it PublicTest_… or PrivateTest_…"
        )
    if "unknown" in parts:
        return {USAGES.get(folder, "test"): files}
    return {split: _part(files, indices) for split, indices in parts.items()}


def _part(files: ImageFiles, indices: list[int]) -> ImageFiles:
    paths, labels = [files.paths[index] for index in indices], [files.labels[index] for index in indices]
    return ImageFiles(paths, labels, files.classes, files.channels, files.root)
