"""All commands use sigmoids for a network trained with binary cross entropy."""

import json

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from framework.evaluation.predictions import Predictions
from framework.runs.trained import open_trained

RECIPE = """
dataset: {name: folder, root: ROOT, test: 0.3, validation: 0.25}
preprocess: {size: 12, channels: 3}
model: tinynet
loss: bce
train: {epochs: 2, batch_size: 8, device: cpu}
"""


@pytest.fixture
def run(tmp_path, unsure_photos, framework):
    (tmp_path / "recipe.yaml").write_text(RECIPE.replace("ROOT", str(unsure_photos)))
    result = framework("run", tmp_path / "recipe.yaml", "--out", tmp_path / "run")
    assert result.status == 0, result.err
    return tmp_path / "run"


def kept(run, split="test"):
    return Predictions.load(run / "predictions" / f"{split}.safetensors")


def binary_cross_entropy(predictions):
    one_hot = F.one_hot(predictions.labels, len(predictions.classes)).double()
    losses = F.binary_cross_entropy_with_logits(predictions.logits.double(), one_hot, reduction="none")
    return losses.sum(1).mean().item()


def probabilities(result):
    assert result.status == 0, result.err
    lines = [json.loads(line) for line in result.out.splitlines()]
    return {line["name"]: list(line["probabilities"].values()) for line in lines}


def test_the_run_saves_its_activation_and_uses_it_for_metrics(run, framework):
    assert json.loads((run / "model.json").read_text())["evaluation"]["activation"] == "sigmoid"
    predictions, metrics = kept(run), json.loads((run / "results.json").read_text())["test"]
    assert predictions.activation == "sigmoid"
    assert metrics["loss"] == pytest.approx(binary_cross_entropy(predictions))
    confidence, predicted = predictions.logits.double().sigmoid().max(1)
    gap = (predicted == predictions.labels).double() - confidence
    parts = [gap[(confidence > i / 15) & (confidence <= (i + 1) / 15)].sum().abs() for i in range(15)]
    assert metrics["ece"] == pytest.approx(sum(parts).item() / len(gap))
    assert json.loads(framework("evaluate", run, "--json").out)["loss"] == pytest.approx(metrics["loss"], rel=1e-5)


def test_predictions_of_run_bundle_and_export_are_sigmoids_of_its_logits(run, unsure_photos, framework):
    predictions = kept(run)
    expected = dict(zip(predictions.names, predictions.logits.double().sigmoid().tolist(), strict=True))
    files = [unsure_photos / name for name in predictions.names]
    assert framework("bundle", run).status == 0
    result = framework("export", run, "--format", "onnx", "--out", run.with_suffix(".onnx"))
    assert result.status == 0, result.err  # it was compared with the run on real files
    for classifier in (run, run.with_suffix(".safetensors"), run.with_suffix(".onnx")):
        given = probabilities(framework("predict", classifier, *files, "--json"))
        for file, name in zip(files, predictions.names, strict=True):
            assert given[str(file)] == pytest.approx(expected[name], abs=1e-5)
    assert not np.allclose([sum(row) for row in expected.values()], 1, atol=1e-3)
    assert "need not sum to one" in framework("show", "bundle", run.with_suffix(".safetensors")).out


def test_calibration_uses_the_activation(run, framework):
    result = framework("evaluate", run, "--split", "validation", "--calibrate", "--json")
    assert result.status == 0, result.err
    calibration, predictions = json.loads((run / "calibration.json").read_text()), kept(run, "validation")
    assert calibration["loss_before"] == pytest.approx(binary_cross_entropy(predictions), rel=1e-5)
    best = calibration["temperature"]
    for temperature in (best, 0.9 * best, 1.1 * best):
        assert binary_cross_entropy(predictions.at_temperature(temperature)) >= calibration["loss_after"] - 1e-6


def test_the_report_uses_sigmoids(run, framework):
    assert framework("report", run).status == 0
    page = (run / "report.html").read_text()
    assert f"{binary_cross_entropy(kept(run)):.3f}" in page
    assert "binary cross entropy" in page


def test_a_run_trained_with_softmax_is_evaluated_with_softmax(run, framework, tmp_path):
    out = tmp_path / "softmax"
    assert framework("run", tmp_path / "recipe.yaml", "loss=cross_entropy", "--out", out).status == 0
    predictions, metrics = kept(out), json.loads((out / "results.json").read_text())["test"]
    assert metrics["loss"] == pytest.approx(F.cross_entropy(predictions.logits.double(), predictions.labels).item())
    together = framework("evaluate", run, out)
    assert (together.status, "same activation" in together.err) == (2, True)
    soup = framework("soup", run, out, "--out", tmp_path / "soup")
    assert (soup.status, "the activation is sigmoid" in soup.err) == (2, True)


def test_a_student_must_have_the_activation_of_its_teachers(run, framework, tmp_path):
    teach = [f"loss.teachers=[{run}]", "train.epochs=1", "--out"]
    refused = framework("run", tmp_path / "recipe.yaml", "loss=distill", *teach, tmp_path / "refused")
    assert (refused.status, "was trained with sigmoid" in refused.err) == (2, True)
    done = framework("run", tmp_path / "recipe.yaml", "loss=distill", "loss.base=bce", *teach, tmp_path / "student")
    assert done.status == 0, done.err
    from framework import Registry

    assert open_trained(tmp_path / "student", Registry.load()).activation == "sigmoid"


def test_sigmoid_students_learn_the_teachers_probabilities():
    from framework_torch._distilling import _divergence

    taught = torch.rand(5, 3, generator=torch.Generator().manual_seed(0))
    same, other = taught.logit(), torch.zeros(5, 3)
    assert _divergence(taught, same, "sigmoid").item() == pytest.approx(0, abs=1e-6)
    direct = taught * (taught / 0.5).log() + (1 - taught) * ((1 - taught) / 0.5).log()
    assert _divergence(taught, other, "sigmoid").item() == pytest.approx(direct.sum(1).mean().item(), rel=1e-5)


def test_an_unknown_activation_is_a_fault_of_the_loss(run, framework, tmp_path, monkeypatch):
    from framework_torch.losses import BinaryCrossEntropy

    monkeypatch.setattr(BinaryCrossEntropy, "activation", lambda self: "tanh")
    result = framework("run", tmp_path / "recipe.yaml", "--out", tmp_path / "wrong")
    assert result.status == 2
    assert all(word in result.err for word in ("loss 'bce'", "'tanh'", "softmax, sigmoid"))
