"""`framework new recipe`, `framework data fetch` and `framework data cache`."""

import json

import pytest

from framework import Registry
from framework.recipe import load_recipe


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_new_recipe_is_valid_and_documented(framework, here):
    assert framework("new", "recipe", "photos.yaml").status == 0
    text = (here / "photos.yaml").read_text()
    assert text.startswith("# framework run photos.yaml\n")
    assert "# Passes over the training images." in text
    assert framework("check", "photos.yaml").status == 0


def test_a_new_recipe_has_the_overrides(framework):
    framework("new", "recipe", "photos.yaml", "model=timm/convnext_atto", "train.epochs=3", "augment=[flip]")
    recipe = load_recipe("photos.yaml", Registry.load())
    assert (recipe.model.arch, recipe.train.epochs, recipe.augment[0].name) == ("convnext_atto", 3, "flip")


def test_a_new_recipe_is_a_copy_of_the_shipped_one_for_folders(framework, here):
    (here / "folder").write_text("model: resnet34")
    assert framework("new", "recipe", "photos.yaml", "dataset.root=~/photos").status == 0
    (here / "folder").unlink()
    assert load_recipe("photos.yaml", Registry.load()) == load_recipe(
        "folder", Registry.load(), ["dataset.root=~/photos"]
    )


def test_the_command_in_a_new_recipe_is_quoted_for_the_shell(framework, here):
    assert "framework run 'my photos.yaml'" in framework("new", "recipe", "my photos.yaml").out
    assert (here / "my photos.yaml").read_text().startswith("# framework run 'my photos.yaml'\n")


@pytest.mark.parametrize(
    ("file", "complaint"),
    [
        (".", "'.'"),
        ("there.yaml", "'there.yaml'"),
        ("no/x.yaml", "there is no folder 'no'"),
    ],
)
def test_a_new_recipe_overwrites_nothing(framework, here, file, complaint):
    (here / "there.yaml").write_text("mine")
    result = framework("new", "recipe", file)
    assert result.status == 2
    assert complaint in result.err
    assert (here / "there.yaml").read_text() == "mine"


def test_a_new_recipe_with_mistakes_is_not_written(framework, here):
    result = framework("new", "recipe", "x.yaml", "model=resnet81", "train.epochs=no")
    assert (result.status, len(result.err.splitlines())) == (2, 2)
    assert list(here.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["drawn_faces"], "dataset 'drawn_faces'"),
        (["fer2012"], "there is no dataset 'fer2012'; did you mean 'fer2013'?"),
        (["fer2013", "rot=x"], "dataset.rot=x: dataset 'fer2013' has no option 'rot'; did you mean 'root'?"),
        (["folder"], "dataset 'folder' needs 'root'"),
        (["fer2013/x"], "dataset 'fer2013' has no variants"),
    ],
)
def test_an_invalid_download_is_a_user_error(framework, arguments, complaint):
    result = framework("data", "fetch", *arguments)
    assert result.status == 2
    assert complaint in result.err


@pytest.fixture
def kept(framework, photos):
    """A run has cached the decoded images of a folder."""
    arguments = (f"dataset={{name: folder, root: {photos}, test: 0.25}}", "model=tinynet", "preprocess.size=8")
    assert framework("run", "folder", *arguments, "train.max_steps=1", "--out", "run").status == 0


def test_the_cache_lists_its_entries(framework, kept, photos):
    lines = framework("data", "cache").out.splitlines()
    assert len(lines) == 4
    assert all(str(photos) in line for line in lines[:3])
    assert "10 images of 3×8×8" in "".join(lines)
    assert lines[3].startswith("3 stores of 0.0 MB in ")


def test_the_cache_is_listed_as_json(framework, kept, photos):
    entries = json.loads(framework("data", "cache", "--json").out)
    assert sorted(entry["images"] for entry in entries) == [4, 10, 26]
    assert {entry["root"] for entry in entries} == {str(photos)}
    assert all(entry["bytes"] > 0 and entry["last_used"] > 0 for entry in entries)


def test_the_cache_can_be_cleared(framework, kept):
    assert "GB removed from" in framework("data", "cache", "--clear").out
    assert json.loads(framework("data", "cache", "--json").out) == []


def test_an_empty_cache_is_not_an_error(framework):
    assert framework("data", "cache").out.startswith("0 stores of 0.0 MB in ")
    assert framework("data", "cache", "--clear").status == 0


@pytest.mark.parametrize("arguments", [["cache", "fer2013"], ["fetch"], ["fetch", "fer2013", "--clear"]], ids=str)
def test_data_commands_reject_other_arguments(framework, arguments):
    with pytest.raises(SystemExit) as ended:
        framework("data", *arguments)
    assert ended.value.code == 2


def test_the_commands_of_a_group_are_listed(framework):
    result = framework("data")
    assert result.status == 0
    assert all(f"\n  data {action} " in result.out for action in ("fetch", "check", "cache"))
