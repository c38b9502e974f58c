"""Exporters are components: found by name or suffix, with options; OpenVINO and a third-party format are verified."""

import hashlib
import json
import shutil

import numpy as np
import onnx
import pytest

from framework import Exporter, Predictor, Registry
from framework.component_checks import fault_of

RECIPE = """
dataset: {name: dots, images: 80}
preprocess: {size: 16}
model: tinynet
train: {epochs: 1, batch_size: 20, device: cpu}
"""


@pytest.fixture
def run(tmp_path, framework):
    recipe, out = tmp_path / "dots.yaml", tmp_path / "run"
    recipe.write_text(RECIPE)
    assert framework("run", recipe, "--out", out).status == 0
    return out


def test_a_third_party_exporter_is_verified_predicted_evaluated_and_timed(run, framework, tmp_path):
    out = tmp_path / "my.parcel"
    result = framework("export", run, "--out", out, "--json")
    assert result.status == 0, result.err
    assert json.loads(result.out)["passed"]
    assert {"my.parcel", "my.texts", "my.parcel.parity.json"} <= {path.name for path in tmp_path.iterdir()}
    metrics = [json.loads(framework("evaluate", one, "--json").out) for one in (out, run)]
    assert metrics[0]["confusion"] == metrics[1]["confusion"]
    assert json.loads(framework("bench", out, "--batch", "1,2", "--seconds", "0", "--json").out)["batches"]
    assert framework("export", run, "--verify", out).status == 0
    again = framework("export", run, "--out", out)
    assert (again.status, "already exists" in again.err) == (2, True)
    out.unlink()
    companion = framework("export", run, "--out", out)
    assert (companion.status, "my.texts" in companion.err) == (2, True)


def test_the_opset_is_an_option(run, framework, tmp_path):
    for version, name in ((18, "onnx"), (20, "onnx opset=20")):
        assert framework("export", run, "--format", name, "--out", tmp_path / f"{version}.onnx").status == 0
        assert onnx.load(tmp_path / f"{version}.onnx").opset_import[0].version == version


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("onxx", ["exporter 'onxx'", "did you mean 'onnx'", "pt2"]),
        ("safetensors", ["did you mean 'bundle'"]),
        ("onnx opset=99", ["exporter 'onnx'", "'opset' is 99"]),
        ("pt2 opset=20", ["exporter 'pt2'", "'opset'"]),
        ("onnx 'opset", ["--format"]),
    ],
)
def test_a_wrong_format_is_an_error(given, words, run, framework):
    result = framework("export", run, "--format", given)
    assert result.status == 2
    assert [word for word in words if word not in result.err] == []


def test_an_exporter_needs_a_suffix():
    class Blank(Exporter):
        name = "blank"

        def write(self, export, path):
            """Nothing."""

    assert "suffix" in fault_of(Blank)
    assert fault_of(type("Suffixed", (Blank,), {"suffix": ".blank"})) is None


def test_a_file_of_a_write_only_exporter_is_not_compared(run, framework, tmp_path, monkeypatch):
    import framework_stranger

    monkeypatch.delattr(framework_stranger.Parcel, "open")
    result = framework("export", run, "--format", "parcel")
    assert (result.status, "--parity 0" in result.err) == (2, True)
    assert framework("export", run, "--format", "parcel", "--parity", "0").status == 0


@pytest.fixture
def openvino():
    return pytest.importorskip("openvino", reason="openvino is not installed")


def test_an_openvino_model_predicts_like_its_run(openvino, run, framework, tmp_path):
    out = tmp_path / "my.xml"
    report = json.loads(framework("export", run, "--out", out, "--json").out)
    assert report["passed"]
    assert "openvino" in report["versions"]
    assert (tmp_path / "my.bin").stat().st_size > 1000
    assert report["companions"] == {".bin": hashlib.sha256((tmp_path / "my.bin").read_bytes()).hexdigest()}
    registry = Registry.load()
    exported, trained = (Predictor.open(path, registry, "cpu") for path in (out, run))
    assert exported.classes == trained.classes
    random = np.random.default_rng(0)
    for shape in ((16, 16, 3), (31, 17, 3), (1, 40, 3)):
        image = random.integers(0, 256, shape, dtype=np.uint8)
        one, other = (next(iter(predictor.predict(image))) for predictor in (exported, trained))
        assert one.probabilities == pytest.approx(other.probabilities, abs=1e-5)
    assert json.loads(framework("bench", out, "--batch", "1,2", "--seconds", "0", "--json").out)["batches"]
    loaded = openvino.Core().read_model(str(out))
    assert [output.get_any_name() for output in loaded.outputs] == ["probabilities", "logits"]
    assert loaded.inputs[0].get_any_name() == "images"
    assert str(tmp_path) not in out.read_text()


def test_half_the_bytes_of_openvino_weights_are_an_option(openvino, run, framework, tmp_path):
    sizes = []
    for name in ("float32", "float16"):
        out = tmp_path / f"{name}.xml"
        assert framework("export", run, "--format", f"openvino weights={name}", "--out", out, "--parity", 0).status == 0
        sizes.append(out.with_suffix(".bin").stat().st_size)
    assert sizes[1] < 0.7 * sizes[0]


def test_an_incomplete_or_foreign_openvino_model_is_an_error(openvino, run, framework, tmp_path):
    out = tmp_path / "my.xml"
    assert framework("export", run, "--out", out).status == 0
    shutil.copy(out, tmp_path / "alone.xml")
    alone = framework("predict", tmp_path / "alone.xml", "x.png")
    assert (alone.status, "alone.bin" in alone.err) == (2, True)
    (tmp_path / "alone.bin").write_bytes(b"")
    (tmp_path / "alone.xml").write_text("<net/>")
    damaged = framework("predict", tmp_path / "alone.xml", "x.png")
    assert (damaged.status, "alone.xml" in damaged.err) == (2, True)


def test_without_openvino_the_error_says_what_to_install(run, framework, monkeypatch):
    import importlib.util

    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name == "openvino" else found(name, *more)
    )
    result = framework("export", run, "--format", "openvino")
    assert (result.status, "framework[openvino]" in result.err) == (2, True)
