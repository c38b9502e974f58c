"""All commands on runs with several labels per image, and reports of votes."""

import csv
import io
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import framework as api
from framework import Predictions, Predictor, RunFolder
from framework.evaluation.predictions import averaged
from framework.export.parity import LIMIT, RunPredictions, compare
from framework.export.sample import Sample
from framework.registry import Registry
from framework.runs.trained import open_trained

CLASSES = ("circle", "cross", "dark", "square", "striped", "triangle")
RECIPE = """
dataset: {name: drawn_shapes, train_images: 200, test_images: 60, validation: 0.2}
task: multi_label
preprocess: {size: 16}
model: {name: speednet, widths: [8, 16, 16]}
loss: bce
optimizer: {name: adamw, lr: 1e-2}
train: {epochs: 2, batch_size: 16, device: cpu}
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory, start_framework):
    """Two runs of one recipe, and one with votes for a single label."""
    folder = tmp_path_factory.mktemp("runs")
    (folder / "shapes.yaml").write_text(RECIPE)
    shapes = folder / "shapes.yaml"
    faces = (
        "dataset={name: drawn_faces, votes: 10, train_images: 70, test_images: 70, validation: 0.2}",
        "task=single_label", "loss=cross_entropy",
    )  # fmt: skip
    for name, more in {"one": (), "two": ("seed=1",), "votes": faces}.items():
        process = start_framework("run", shapes, "--out", folder / name, *more)
        assert process.wait() == 0, process.stderr.read()
    return folder


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(0)
    for index in range(5):
        pixels = random.integers(0, 40 + 50 * index, (20, 20, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{index}.png")
    return folder


def saved(run):
    return Predictions.load(RunFolder(run).predictions("test"))


def above(probabilities, thresholds):
    """The labels above their threshold, the most probable first."""
    names = [name for name, value in probabilities.items() if value > thresholds[name]]
    return sorted(names, key=lambda name: -probabilities[name])


def thresholds_of(run):
    predictor = Predictor.open(str(run))
    return dict(zip(predictor.classes, predictor.thresholds, strict=True))


def test_a_report_has_the_metrics_of_the_task_and_a_section_on_co_occurrence(runs, framework, tmp_path):
    out = tmp_path / "report.html"
    found = framework("report", runs / "one", "--out", out)
    assert found.status == 0, found.err
    page, metrics = out.read_text(), RunFolder(runs / "one").read("results")["test"]
    assert f"{100 * metrics['map']:.1f} %" in found.out
    for text in ("Co-occurrence", "mAP", "micro F1", "subset accuracy", "AP</th>", "threshold</th>", "Label accuracy"):
        assert text in page
    for absent in ("Top-1", "Confusion matrix<", "balanced accuracy"):
        assert absent not in page
    assert page.count('class="tile"') >= 12
    assert page.count('<tr><th scope="row">circle</th>') >= 2


def test_a_report_lists_hits_wrong_and_missed_labels_of_an_example(runs):
    from framework.inference.evaluated_model import EvaluatedModel
    from framework.report.report_data import collect_report_data

    registry = Registry.load()
    data = collect_report_data(EvaluatedModel(open_trained(runs / "one", registry), registry), "test")
    predictions = saved(runs / "one")
    places = {name: index for index, name in enumerate(predictions.names)}
    for example in (*data.examples.mistakes, *data.examples.correct):
        index = places[example.name]
        true, predicted = set(predictions.label_names[index]), set(predictions.predicted_names[index])
        assert {name for name, _ in example.hits} == true & predicted
        assert {name for name, _ in example.wrong} == predicted - true
        assert {name for name, _ in example.missed} == true - predicted
        assert example.correct == (true == predicted)


def test_compare_tests_subset_accuracy_by_image_and_resamples_the_other_metrics(runs, framework, tmp_path):
    found = json.loads(framework("compare", runs / "one", runs / "two", "--json").out)
    baseline, other = found["runs"]
    one, two = saved(runs / "one"), saved(runs / "two")
    difference = other["compared_with_baseline"]
    assert baseline["subset_accuracy"] == one.correct.double().mean()
    assert difference["gained"] == int((two.correct & ~one.correct).sum())
    assert difference["other_subset_accuracy"] == two.correct.double().mean()
    assert "top1_interval" not in baseline
    assert set(difference["metrics"]) == {"map", "micro_f1", "macro_f1", "ranking_loss"}
    change = difference["metrics"]["map"]
    assert change["difference"] == pytest.approx(other["map"] - baseline["map"])
    assert change["interval"][0] <= change["difference"] <= change["interval"][1]
    assert [group["seeds"] for group in found["seed_groups"]] == [[0, 1]]
    page = tmp_path / "page.html"
    text = framework("compare", runs / "one", runs / "two", "--html", page).out
    assert "AP of classes" in text
    assert "Validation mAP" in page.read_text()


def test_runs_of_different_tasks_are_not_compared(runs, framework):
    found = framework("compare", runs / "one", runs / "votes")
    assert found.status == 2
    assert "multi_label" in found.err
    assert "single_label" in found.err


def test_predict_shows_the_labels_above_their_thresholds(runs, pictures, framework):
    thresholds = thresholds_of(runs / "one")
    lines = [json.loads(line) for line in framework("predict", runs / "one", pictures, "--json").out.splitlines()]
    assert len(lines) == 5
    for line in lines:
        assert set(line) == {"name", "labels", "probabilities"}
        assert line["labels"] == above(line["probabilities"], thresholds)
    text = framework("predict", runs / "one", pictures).out.splitlines()
    for line, shown in zip(lines, text, strict=True):
        before = shown.partition("  |  ")[0]
        assert all(label in before for label in line["labels"])
        assert bool(line["labels"]) != ("no label" in before)
    rows = csv.DictReader(io.StringIO(framework("predict", runs / "one", pictures, "--csv", "-").out))
    assert [row["labels"] for row in rows] == ["|".join(line["labels"]) for line in lines]


def test_predict_abstains_below_a_probability(runs, pictures, framework):
    out = framework("predict", runs / "one", pictures, "--json", "--abstain-below", "1").out
    lines = [json.loads(line) for line in out.splitlines()]
    assert all(line["labels"] == [] for line in lines)
    assert any(line["guess"] for line in lines)


def test_predictions_in_python_have_labels(runs, pictures):
    thresholds = thresholds_of(runs / "one")
    for prediction in api.load(runs / "one", progress=False).predict(sorted(pictures.iterdir())):
        assert list(prediction.labels) == above(dict(prediction.top(6)), thresholds)
        assert prediction.label == prediction.top(1)[0][0]
    evaluation = api.evaluate(runs / "one", progress=False)
    assert f"map={evaluation.metrics['map']:.4f}" in repr(evaluation)


def test_a_prediction_of_a_single_label_has_one(pictures):
    (prediction,) = api.load("drawn/faces", progress=False).predict(pictures / "0.png")
    assert prediction.labels == (prediction.label,)


def test_an_ensemble_has_the_mean_of_the_thresholds(runs, framework):
    found = json.loads(framework("evaluate", runs / "one", runs / "two", "--json").out)
    one, two = thresholds_of(runs / "one"), thresholds_of(runs / "two")
    for name, row in found["per_class"].items():
        assert row["threshold"] == pytest.approx((one[name] + two[name]) / 2, abs=1e-6)


def test_list_runs_shows_the_monitored_metric_of_each_task(runs, framework):
    metrics = RunFolder(runs / "one").read("results")["test"]
    alone = framework("list", "runs", runs / "one", runs / "two").out
    assert "mAP" in alone.splitlines()[0]
    assert f"{100 * metrics['map']:.1f} %" in alone
    mixed = framework("list", "runs", runs, "--sort", "map").out
    assert "top-1" in mixed
    assert mixed.splitlines()[0].split()[4] == "metric"
    row = json.loads(framework("list", "runs", runs / "one", "--json").out)[0]
    assert row["subset_accuracy_interval"][0] < metrics["subset_accuracy"] < row["subset_accuracy_interval"][1]


@pytest.mark.parametrize("suffix", ["onnx", "pt2"])
def test_an_export_has_task_and_thresholds_and_decides_as_its_run(runs, pictures, framework, tmp_path, suffix):
    if suffix == "onnx":
        pytest.importorskip("onnxscript")
        pytest.importorskip("onnxruntime")
    out = tmp_path / f"shapes.{suffix}"
    found = framework("export", runs / "one", "--out", out, "--parity", "40", "--json")
    assert found.status == 0, found.err
    report = json.loads(found.out)
    assert (report["agreement"], report["images"]) == (1, 40)
    assert report["subset_accuracy"]["run"] == report["subset_accuracy"]["export"]
    assert thresholds_of(out) == pytest.approx(thresholds_of(runs / "one"))
    run, export = (
        [json.loads(line)["labels"] for line in framework("predict", which, pictures, "--json").out.splitlines()]
        for which in (runs / "one", out)
    )
    assert run == export
    evaluated = json.loads(framework("evaluate", out, "--json").out)
    assert evaluated["map"] == pytest.approx(RunFolder(runs / "one").read("results")["test"]["map"], abs=1e-3)
    assert framework("report", out, "--out", tmp_path / "report.html").status == 0
    assert framework("bench", out, "--seconds", "0.01", "--batch", "1").status == 0
    assert framework("compare", runs / "one", out).status == 0


def test_parity_compares_the_decisions_at_the_thresholds(runs):
    predictor = Predictor.open(str(runs / "one"))
    limits = np.array(predictor.thresholds)
    source = api.ImageArrays(np.zeros((3, 3, 16, 16), np.uint8), np.eye(6, dtype=np.float32)[:3], CLASSES)
    near, far = np.zeros(6), np.zeros(6)
    near[1], far[1] = LIMIT / 2, 10 * LIMIT
    expected = np.stack([limits - near, limits - far, limits + far])
    run = RunPredictions(
        Sample("shapes", source, [0, 1, 2], True), expected, [], 0, predictor.classes, predictor.task, "sigmoid",
        predictor.threshold_logits,
    )  # fmt: skip
    found = compare(run, np.stack([limits + near, limits + far, limits + far]))
    assert (found.same_class, found.ties, len(found.differing)) == (1, 1, 1)
    assert set(found.as_dict()) >= {"subset_accuracy"}


def test_a_bundle_has_task_thresholds_and_a_card_without_top_1(runs, pictures, framework, tmp_path):
    out = tmp_path / "shapes.safetensors"
    assert framework("bundle", runs / "one", "--out", out).status == 0
    assert thresholds_of(out) == thresholds_of(runs / "one")
    run, bundle = (framework("predict", which, pictures, "--json").out for which in (runs / "one", out))
    assert run == bundle
    card = open_trained(out, Registry.load()).card
    assert "| mAP | micro F1 | macro F1 | subset accuracy (95 % interval) | ECE |" in card
    assert all(f"{name} {100 * value:.1f} %" in card for name, value in thresholds_of(out).items())
    assert "top-1" not in card


def test_a_soup_and_a_reproduction_of_several_labels(runs, framework, start_framework, tmp_path):
    found = framework("soup", runs / "one", runs / "two", "--out", tmp_path / "soup")
    assert found.status == 0, found.err
    assert "mAP" in found.out
    assert framework("report", tmp_path / "soup", "--out", tmp_path / "soup.html").status == 0
    again = start_framework("reproduce", runs / "one", "--out", tmp_path / "again", "--json")  # as many threads
    out, error = again.communicate()
    assert again.returncode == 0, error
    assert json.loads(out)["agreement"] == "bytes"


def test_a_report_of_votes_has_the_distance_to_their_distribution(runs, framework, tmp_path):
    out = tmp_path / "report.html"
    found = framework("report", runs / "votes", "--out", out)
    metrics = RunFolder(runs / "votes").read("results")["test"]
    assert f"{metrics['soft_loss']:.3f}" in found.out
    page = out.read_text()
    for text in ("top-1", "loss on votes", "distance to votes", "Confusion matrix"):
        assert text in page


def test_runs_of_different_tasks_are_no_ensemble(runs, framework, tmp_path):
    single = tmp_path / "single"
    votes = "dataset={name: drawn_faces, votes: 10, train_images: 70, test_images: 70, validation: 0.2}"
    options = "task=single_label", "loss=bce", "preprocess.channels=3", votes
    assert framework("run", runs / "shapes.yaml", "--out", single, *options).status == 0
    members = [Predictions.load(RunFolder(run).predictions("test")) for run in (single, single, runs / "one")]
    averaged(members[:2])
    other = replace(members[1], task=members[2].task)
    with pytest.raises(api.UserError, match="same task, not single_label and multi_label"):
        averaged([members[0], other])


def test_runs_of_different_tasks_are_no_soup(runs, framework, tmp_path):
    single = tmp_path / "single"
    shutil.copytree(runs / "one", single)
    document = json.loads((single / "model.json").read_text())
    (single / "model.json").write_text(json.dumps(document | {"task": {"name": "single_label"}}))
    result = framework("soup", runs / "one", single, "--out", tmp_path / "soup")
    assert result.status == 2
    assert "task is multi_label" in result.err
    assert "single_label" in result.err


@pytest.mark.parametrize("logits", [[0.0] * 5, [0.0] * 7, ["a"] * 6, [float("nan")] * 6, None])
def test_damaged_thresholds_are_an_error(logits, runs, pictures, framework, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(runs / "one", run)
    (run / "thresholds.json").write_text(json.dumps({"logits": logits}))
    result = framework("predict", run, pictures)
    assert result.status == 2
    assert "thresholds" in result.err


def test_an_export_with_other_thresholds_is_not_that_of_the_run(runs, framework, tmp_path):
    run, export = tmp_path / "run", tmp_path / "one.onnx"
    shutil.copytree(runs / "one", run)
    assert framework("export", run, "--out", export).status == 0
    (run / "thresholds.json").write_text(json.dumps({"logits": [50.0] * 6}))
    result = framework("export", run, "--verify", export)
    assert result.status == 1
    assert "thresholds" in result.err
