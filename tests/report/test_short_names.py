"""Short names of several runs."""

from pathlib import Path

import pytest

from framework.report.short_names import short_names, short_paths
from framework.runs.folder import RunFolder
from framework.runs.trained import Trained


def trained(label):
    path = Path(label)
    is_file = path.suffix in (".onnx", ".safetensors")
    if is_file:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return Trained(label, path, "", {}, None if is_file or label == "fer2013/compact" else RunFolder(path))


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ([".", "runs/b"], ["here", "b"]),
        (["a/x", "b/x", "c/y"], ["a/x", "b/x", "c/y"]),
        (["runs/x", "fer2013/compact"], ["x", "fer2013/compact"]),
        (["runs/b", "runs/a.onnx"], ["b", "a"]),
        (["runs/b", "runs/a", "runs/a.onnx"], ["b", "a", "a.onnx"]),
        (["runs/a.onnx", "runs/a.safetensors"], ["a.onnx", "a.safetensors"]),
        (["x/a", "x/a.onnx", "y/a"], ["x/a", "x/a.onnx", "y/a"]),
        (["x", "x"], ["x (1)", "x (2)"]),
        (["y", "x", "./x"], ["y", "x (1)", "x (2)"]),
    ],
)
def test_names_of_runs_are_short_and_unique(labels, names, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert short_names([trained(label) for label in labels]) == names


def test_images_of_one_name_in_two_classes_have_different_paths():
    assert short_paths(["cats/01.jpg", "dogs/01.jpg"]) == {"cats/01.jpg": "cats/01.jpg", "dogs/01.jpg": "dogs/01.jpg"}


def test_paths_have_as_many_folders_as_needed():
    deep = [f"/data/set/{part}/cats/01.jpg" for part in ("a", "b")]
    assert list(short_paths(deep).values()) == ["a/cats/01.jpg", "b/cats/01.jpg"]
    assert short_paths(deep[:1]) == {deep[0]: "cats/01.jpg"}
    assert short_paths([]) == {}
    assert short_paths(["000123"]) == {"000123": "000123"}
