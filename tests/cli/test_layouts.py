"""Messages about the layout of folders of images."""

import json

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def pets(tmp_path):
    """`training_set` and `test_set` of two classes, and images without a class."""
    random = np.random.default_rng(0)
    files = [f"{split}/{name}/{index}.png" for split in ("training_set", "test_set") for name in ("cat", "dog")
             for index in range(6)]  # fmt: skip
    for file in (*files, "pred/1.png"):
        (tmp_path / "pets" / file).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 255, (8, 8), dtype=np.uint8)).save(tmp_path / "pets" / file)
    return tmp_path / "pets"


@pytest.fixture
def recipe(pets, tmp_path):
    file = tmp_path / "pets.yaml"
    file.write_text(
        f"dataset: {{name: folder, root: {pets}, channels: 1}}\npreprocess: {{size: 16}}\nmodel: speednet\n"
        "train: {epochs: 1, batch_size: 4}\n"
    )
    return file


def rows(out, *names):
    """The words of the lines that begin with each of the names."""
    lines = [line.split() for line in out.splitlines()]
    return [next(line for line in lines if line[:1] == [name]) for name in names]


TABLE = [["classes", "train", "validation", "test"], ["cat", "5", "1", "6"], ["dog", "5", "1", "6"]]


def test_a_run_a_dry_run_and_a_check_print_the_images_of_each_class(recipe, tmp_path, framework):
    for command in (
        ["run", recipe, "--out", tmp_path / "run"], ["run", recipe, "--dry-run"], ["data", "check", recipe],
    ):  # fmt: skip
        result = framework(*command)
        assert result.status == 0, result.err
        assert rows(result.out, "classes", "cat", "dog") == TABLE
        assert max(map(len, result.out[: result.out.index("dog  ")].splitlines())) <= 120
        assert "training_set" in result.out
        assert "'pred'" in result.out


def test_the_json_of_a_check_has_unused_folders(recipe, framework):
    found = json.loads(framework("data", "check", recipe, "--json").out)
    assert any("'pred'" in note for note in found["notes"])
    assert found["splits"]["test"]["classes"] == {"cat": 6, "dog": 6}


def test_ambiguous_folders_stop_a_run_before_it_begins(recipe, pets, tmp_path, framework):
    (pets / "bus").mkdir()
    (pets / "test_set").rename(pets / "bus" / "x")
    result = framework("run", recipe, "--out", tmp_path / "run")
    assert result.status == 2
    assert "bus/" in result.err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("command", [["run", "--dry-run"], ["run"]])
def test_bad_files_of_all_splits_are_in_one_list(recipe, pets, framework, tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    bad = ["training_set/cat/0.png", "training_set/dog/5.png", "test_set/dog/3.png"]
    for name in bad:
        (pets / name).write_bytes(b"")
    verb, *options = command
    result = framework(verb, recipe, *options, "dataset.validation=0")
    assert result.status == 2
    assert all(f"{name}: the file is empty" in result.err for name in bad)
    assert "3 of 24 images" in result.err


def test_bad_files_of_held_out_images_are_in_the_list(recipe, pets, framework, tmp_path):
    for index in range(6):
        (pets / f"training_set/cat/{index}.png").write_bytes(b"x")
    result = framework("run", recipe, "--out", tmp_path / "run")
    assert result.status == 2
    assert all(f"training_set/cat/{index}.png: " in result.err for index in range(6))
