"""Any folder is read as it was created, or is an error; labels are never wrong."""

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from framework_folder import Folder
from hypothesis import given, settings
from hypothesis import strategies as st

from framework import ImageFiles, UserError, nfc

CLASS_NAMES = [
    "cat", "dog", "Dog", "bus", "0", "10", "a b", "caf\u00e9", "cafe\u0301", "猫", "null", "images", "data", "part",
    "test", "train", "valid", "val", "crash_test", "bullet_train", "dev", "pred", "1", "tests", "x-y",
]  # fmt: skip
SPLIT_NAMES = {
    "train": ["train", "Train", "training", "training_set", "seg_train", "train2017", "TrainImages", "pets train"],
    "validation": ["val", "valid", "validation", "dev", "val_set", "seg_val", "val2017"],
    "test": ["test", "testing", "eval", "holdout", "hold-out", "test_set", "seg_test", "TestData", "pets-test"],
}
SYSTEM = ["@eaDir", "__MACOSX", ".AppleDouble", "$RECYCLE.BIN", ".hidden"]
BESIDE = ["Thumbs.db", "desktop.ini", "notes.txt", "._1.jpg", "labels.csv"]

class_lists = st.lists(st.sampled_from(CLASS_NAMES), min_size=2, max_size=5, unique_by=nfc)
split_lists = st.fixed_dictionaries(
    {"train": st.sampled_from(SPLIT_NAMES["train"])},
    optional={split: st.sampled_from(SPLIT_NAMES[split]) for split in ("validation", "test")},
)
below = st.sampled_from(["", "", "", "x/", "deep/er/", "images/"])


@dataclass
class Made:
    """Files, with the split and class of those that have one."""

    files: dict[str, tuple[str, str]] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)


@st.composite
def flat(draw):
    """`CLASS/*.jpg`; with sub-folders only if no class is named like a split."""
    made, classes = Made(), draw(class_lists)
    plain = not any("t" in name or "d" in name or "v" in name for name in classes)
    for name in classes:
        for index in range(draw(st.integers(1, 3))):
            made.files[f"{name}/{draw(below) if plain else ''}{index}.jpg"] = ("train", name)
    return made


@st.composite
def split_first(draw):
    """`SPLIT/CLASS/*.jpg`, some classes not in every split, with unused folders next to the splits."""
    made, classes, splits = Made(), draw(class_lists), draw(split_lists)
    for split, folder in splits.items():
        inner = f"{folder}/{folder}" if draw(st.booleans()) else folder
        for name in classes:
            for index in range(draw(st.integers(1 if split == "train" else 0, 2))):
                made.files[f"{inner}/{name}/{draw(below)}{index}.jpg"] = (split, name)
    made.others += draw(st.lists(st.sampled_from(["annotations/1.txt", "pred/1.jpg", "sample.jpg"]), unique=True))
    return made


@st.composite
def class_first(draw):
    """`CLASS/SPLIT/*.jpg`."""
    made, classes, splits = Made(), draw(class_lists), draw(split_lists)
    for name in classes:
        for split, folder in splits.items():
            for index in range(draw(st.integers(1 if split == "train" else 0, 2))):
                made.files[f"{name}/{folder}/{index}.jpg"] = (split, name)
    return made


@st.composite
def layouts(draw):
    """One of these layouts, possibly in a wrapper, with system files."""
    made = draw(st.one_of(flat(), split_first(), class_first()))
    wrapper = draw(st.sampled_from(["", "", "dataset/", "archive/images/"]))
    made.files = {wrapper + file: truth for file, truth in made.files.items()}
    made.others = [wrapper + file for file in made.others]
    folders = sorted({str(parent) for file in made.files for parent in Path(file).parents})
    for folder in draw(st.lists(st.sampled_from(folders), max_size=3)):
        made.others.append(f"{folder}/{draw(st.sampled_from(SYSTEM))}/thumb.jpg")
        made.others.append(f"{folder}/{draw(st.sampled_from(BESIDE))}")
    return made


def _built(root):
    """The splits; if the folder is an error, a training split without classes."""
    try:
        return Folder(root=root).build()
    except UserError:
        return {"train": ImageFiles([], [], ())}


@given(layouts())
@settings(max_examples=200, deadline=None, derandomize=True, database=None)
def test_a_folder_is_read_as_it_was_created_or_is_an_error(made):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root"
        for file in (*made.files, *made.others):
            (root / file).parent.mkdir(parents=True, exist_ok=True)
            (root / file).touch()
        splits = _built(root)
    if len(splits["train"].classes) < 2:
        return  # an error, here or in every command: a single class
    read = {
        name: (split, source.classes[label])
        for split, source in splits.items()
        for name, label in zip(source.names, source.labels, strict=True)
    }
    assert read == {nfc(file): (split, nfc(name)) for file, (split, name) in made.files.items()}


@given(split_first())
@settings(max_examples=60, deadline=None, derandomize=True, database=None)
def test_ordinary_splits_are_not_errors(made):
    """These layouts occur in published datasets."""
    splits = {file.split("/")[0] for file in made.files}
    families = {frozenset(("seg_train", "seg_val", "seg_test")), frozenset(("pets train", "pets-test"))}
    if any(name.startswith(("seg", "pets")) for name in splits) and not any(splits <= family for family in families):
        return  # `seg_train` next to `test` is ambiguous unless their class folders agree
    test_a_folder_is_read_as_it_was_created_or_is_an_error.hypothesis.inner_test(made)
