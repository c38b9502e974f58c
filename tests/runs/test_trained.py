"""Trained networks in any form."""

from pathlib import Path

import pytest

from framework import Registry
from framework.runs.folder import RunFolder
from framework.runs.trained import Trained, names_trained, open_trained


def test_a_shipped_bundle_has_its_name():
    assert open_trained("drawn/faces", Registry.load()).name == "drawn/faces"


@pytest.mark.parametrize(("file", "name"), [("a.safetensors", "a"), ("a.v2.onnx", "a.v2")])
def test_a_file_has_its_name_without_the_suffix(file, name, tmp_path):
    (tmp_path / file).touch()
    assert Trained(str(tmp_path / file), tmp_path / file, "", {}).name == name


def test_a_run_has_the_name_of_its_folder(tmp_path, monkeypatch):
    (tmp_path / "a.v2").mkdir()
    monkeypatch.chdir(tmp_path / "a.v2")
    assert Trained(".", tmp_path, "", {}, RunFolder(Path())).name == "a.v2"


def test_trained_networks_are_recognised_without_opening_them(tmp_path):
    registry = Registry.load()
    for name in ("run/recipe.yaml", "run/model.safetensors", "photos/a.png", "b.safetensors", "c.onnx", "d.pt2"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    trained = ["run", "b.safetensors", "c.onnx", "d.pt2"]
    assert all(names_trained(str(tmp_path / name), registry) for name in trained)
    assert names_trained("drawn/faces", registry)
    others = [str(tmp_path / "photos"), str(tmp_path / "photos" / "a.png"), "*.png", "x" * 5000]
    assert not any(names_trained(word, registry) for word in others)
