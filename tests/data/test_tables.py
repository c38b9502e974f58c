"""`dataset.drop` and `dataset.keep`: images that are left out by a table of their names."""

import numpy as np
import pytest
from framework_folder import Folder
from PIL import Image

from framework import UserError
from framework.data.splits import build_splits


@pytest.fixture
def root(tmp_path):
    for split, number in (("train", 10), ("test", 4)):
        for name in ("cat", "dog"):
            folder = tmp_path / "data" / split / name
            folder.mkdir(parents=True)
            for index in range(number):
                Image.fromarray(np.full((4, 4), index, dtype=np.uint8)).save(folder / f"{index}.png")
    return tmp_path / "data"


@pytest.fixture
def names(root, tmp_path):
    """The names of each split, with a table as an option."""

    def build(text, option="drop", **options):
        (tmp_path / "table.csv").write_text(text)
        dataset = Folder(root=root, **{"validation": 0, option: tmp_path / "table.csv", **options})
        return {split: list(source.names) for split, source in build_splits(dataset).items()}

    return build


def test_named_images_are_dropped_from_train_alone(names):
    left = names("name\ntrain/cat/3.png\ntrain/dog/4.png\n")
    assert len(left["train"]) == 18
    assert not {"train/cat/3.png", "train/dog/4.png"} & {*left["train"]}
    assert len(left["test"]) == 8


def test_dropped_images_are_known_by_name(root, tmp_path):
    (tmp_path / "table.csv").write_text("train/cat/3.png\n")
    splits = build_splits(Folder(root=root, validation=0, drop=tmp_path / "table.csv"))
    assert splits["train"].dropped == ("train/cat/3.png",)
    assert splits["train"].labels.tolist() == [0] * 9 + [1] * 10
    assert getattr(splits["test"], "dropped", ()) == ()


def test_only_rows_that_say_no_are_dropped(names):
    left = names("name,keep\ntrain/cat/3.png,yes\ntrain/cat/4.png,no\n")
    assert "train/cat/3.png" in left["train"]
    assert "train/cat/4.png" not in left["train"]


def test_a_column_says_which_split(names):
    left = names("split,name\ntest,test/cat/1.png\n")
    assert (len(left["train"]), left["test"][:2]) == (20, ["test/cat/0.png", "test/cat/2.png"])


def test_only_named_images_are_kept_of_the_splits_that_the_table_speaks_of(names):
    left = names("name,keep\ntrain/cat/1.png,yes\ntrain/cat/2.png,no\ntrain/dog/3.png,yes\n", "keep")
    assert left["train"] == ["train/cat/1.png", "train/dog/3.png"]
    assert len(left["test"]) == 8


def test_either_table_may_name_what_the_other_leaves_out(names, tmp_path):
    kept = [f"train/{name}/{index}.png" for name in ("cat", "dog") for index in range(5)]
    (tmp_path / "keep.csv").write_text("name\n" + "\n".join(kept))
    left = names("name,keep\ntrain/cat/3.png,no\ntrain/cat/8.png,no\n", keep=tmp_path / "keep.csv")
    assert left["train"] == [name for name in kept if name != "train/cat/3.png"]


def test_held_out_images_are_those_that_are_held_out_without_a_table(names):
    before = names("name\n", validation=0.3)
    gone = [before["train"][0], before["validation"][0]]
    after = names("split,name\ntrain," + "\ntrain,".join(gone) + "\n", validation=0.3)
    assert after == {
        "train": before["train"][1:], "validation": before["validation"][1:], "test": before["test"],
    }  # fmt: skip


def test_an_empty_table_drops_nothing(names):
    assert len(names("split,name,keep\n")["train"]) == 20


def test_a_file_that_is_listed_twice_is_dropped_as_often_as_it_is_named(root, tmp_path):
    from framework_folder import Csv

    rows = ["train/cat/1.png,cat"] * 2 + ["train/cat/2.png,cat", "train/dog/1.png,dog"]
    (tmp_path / "list.csv").write_text("path,label\n" + "\n".join(rows) + "\n")
    (tmp_path / "drop.csv").write_text("name,keep\ntrain/cat/1.png,yes\ntrain/cat/1.png,no\n")
    splits = build_splits(Csv(file=tmp_path / "list.csv", root=root, validation=0, drop=tmp_path / "drop.csv"))
    assert list(splits["train"].names) == ["train/cat/1.png", "train/cat/2.png", "train/dog/1.png"]


@pytest.mark.parametrize(
    ("text", "option", "complaint"),
    [
        ("name\ntrain/cat/33.png\n", "drop", "1 name that no image of train has: 'train/cat/33.png'; did you mean"),
        ("name\n3.png\n", "drop", "2 images are called '3.png'; name them with their folder"),
        ("split,name\ntets,x.png\n", "drop", "'tets' that does not exist; did you mean 'test'?"),
        ("name\n" + "".join(f"train/cat/{index}.png\n" for index in range(10)),
         "drop", "no images of cat are left in train"),
        ("name\n", "keep", "names no image"),
        ("split,name\n" + "".join(f"test,test/{name}/{index}.png\n" for name in ("cat", "dog") for index in range(4)),
         "drop", "no images of any class are left in test"),
    ],
)  # fmt: skip
def test_tables_that_do_not_fit_are_refused(names, text, option, complaint):
    with pytest.raises(UserError) as error:
        names(text, option)
    assert complaint in str(error.value)


def test_a_missing_table_says_where_one_comes_from(root):
    with pytest.raises(UserError, match=r"dataset\.drop: there is no file 'no\.csv'.*framework data check"):
        build_splits(Folder(root=root, drop="no.csv"))


@pytest.mark.parametrize("said", ["No", " no ", "NO"])
def test_keep_is_read_as_people_write_it(said, names):
    assert "train/cat/3.png" not in names(f"name,keep\ntrain/cat/3.png,{said}\n")["train"]


def test_keep_is_yes_or_no(names):
    with pytest.raises(UserError, match=r"'keep' of 'train/cat/3\.png' .*'false'.* yes or no"):
        names("name,keep\ntrain/cat/3.png,false\n")


def test_blanks_around_the_columns_of_the_header_are_none_of_their_names(names):
    left = names("name, keep\ntrain/cat/3.png,yes\ntrain/cat/4.png,no\n")["train"]
    assert ("train/cat/3.png" in left, "train/cat/4.png" in left) == (True, False)
