"""A finished training, wherever it lies."""

from pathlib import Path

import pytest

from framework import Registry
from framework.runs.folder import RunFolder
from framework.runs.trained import Trained, names_trained, open_trained


def test_a_bundle_that_ships_is_called_by_its_name():
    assert open_trained("drawn/faces", Registry.load()).name == "drawn/faces"


@pytest.mark.parametrize(("file", "name"), [("a.safetensors", "a"), ("a.v2.onnx", "a.v2")])
def test_a_file_is_called_by_its_name_without_the_ending(file, name, tmp_path):
    (tmp_path / file).touch()
    assert Trained(str(tmp_path / file), tmp_path / file, "", {}).name == name


def test_a_run_is_called_as_its_folder_from_wherever_it_is_named(tmp_path, monkeypatch):
    (tmp_path / "a.v2").mkdir()
    monkeypatch.chdir(tmp_path / "a.v2")
    assert Trained(".", tmp_path, "", {}, RunFolder(Path())).name == "a.v2"


def test_what_is_trained_is_known_without_being_opened(tmp_path):
    registry = Registry.load()
    for name in ("run/recipe.yaml", "run/model.safetensors", "photos/a.png", "b.safetensors", "c.onnx"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    trained = ["run", "b.safetensors", "c.onnx"]
    assert all(names_trained(str(tmp_path / name), registry) for name in trained)
    assert names_trained("drawn/faces", registry)
    others = [str(tmp_path / "photos"), str(tmp_path / "photos" / "a.png"), "*.png", "x" * 5000]
    assert not any(names_trained(word, registry) for word in others)
