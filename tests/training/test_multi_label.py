"""Training with several labels per image, and with votes, by the command line."""

import json
import signal

import numpy as np
import pytest
from PIL import Image

from framework import Predictions, RunFolder

RECIPE = """
dataset: {name: drawn_shapes, train_images: 120, test_images: 60}
task: multi_label
preprocess: {size: 16}
augment: [flip, {name: mixup, p: 0.5}, {name: cutmix, p: 0.5}]
model: {name: tinynet, dropout: 0.2}
loss: asymmetric
optimizer: {name: adamw, lr: 5e-3}
train: {epochs: 3, batch_size: 16, sampler: balanced, checkpoint_every: 0, log_every: 3, device: cpu}
"""


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    file = tmp_path_factory.mktemp("recipe") / "shapes.yaml"
    file.write_text(RECIPE)
    return file


@pytest.fixture(scope="module")
def trained(recipe, tmp_path_factory, start_framework):
    out = tmp_path_factory.mktemp("whole") / "run"
    process = start_framework("run", recipe, "--out", out)
    assert process.wait() == 0, process.stderr.read()
    return out


def test_a_run_saves_predictions_thresholds_and_metrics(trained):
    run = RunFolder(trained)
    results, thresholds = run.read("results"), run.read("thresholds")
    for split in ("validation", "test"):
        predictions = Predictions.load(run.predictions(split))
        assert predictions.task.name == run.read("model")["task"]["name"] == "multi_label"
        assert predictions.thresholds.tolist() == thresholds["logits"]
        assert predictions.metrics() == results[split]
    assert thresholds["split"] == "validation"
    assert {"map", "micro_f1", "macro_f1", "subset_accuracy", "ranking_loss"} <= set(results["test"])
    best = max(line["validation"]["map"] for line in run.metrics_lines() if line["event"] == "epoch")
    assert results["validation"]["map"] == best


def test_a_killed_and_resumed_run_equals_the_uninterrupted_one(recipe, trained, tmp_path, start_framework, outcome):
    out = tmp_path / "run"
    process = start_framework("run", recipe, "--out", out)
    while not list(out.glob("checkpoints/step-*7.safetensors")) and process.poll() is None:
        pass
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert start_framework("run", recipe, "--out", out, "--resume").wait() == 0
    assert outcome(out) == outcome(trained)
    assert (out / "thresholds.json").read_text() == (trained / "thresholds.json").read_text()


def test_evaluate_prints_the_metrics_of_the_run_and_calibrates(trained, framework):
    results = RunFolder(trained).read("results")
    found = json.loads(framework("evaluate", trained, "--json").out)
    assert {name: found[name] for name in ("map", "micro_f1", "per_class")} == {
        name: results["test"][name] for name in ("map", "micro_f1", "per_class")
    }
    text = framework("evaluate", trained, "--calibrate")
    assert text.status == 0, text.err
    assert "mAP" in text.out
    calibrated = json.loads(framework("evaluate", trained, "--json").out)
    assert calibrated["subset_accuracy"] == pytest.approx(found["subset_accuracy"])
    assert calibrated["map"] == pytest.approx(found["map"])
    assert calibrated["loss"] != found["loss"]
    (trained / "calibration.json").unlink()


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("loss=cross_entropy", ["'cross_entropy'", "bce", "asymmetric"]),
        ("train.monitor=top1", ["'top1'", "map", "micro_f1"]),
        ("task=multi", ["'multi'", "multi_label"]),
        ("evaluate.metrics=[mcc]", ["mcc", "one label"]),
    ],
)
def test_what_does_not_fit_the_task_is_an_error(override, words, recipe, framework, tmp_path):
    result = framework("run", recipe, override, "--out", tmp_path / "run")
    assert result.status == 2
    assert [word for word in words if word not in result.err] == []


def test_data_check_counts_labels_and_compares_label_sets(framework, tmp_path):
    random = np.random.default_rng(0)
    pixels = [random.integers(0, 256, (8, 8, 3), dtype=np.uint8) for _ in range(12)]
    for index, image in enumerate([*pixels, pixels[0], pixels[1]]):
        Image.fromarray(image).save(tmp_path / f"{index:02}.png")
    labels = [["cat|pet", "dog|pet", "pet", ""][index % 4] for index in range(12)]
    rows = "".join(f"{index:02}.png,{label}\n" for index, label in enumerate([*labels, "cat|pet", "dog"]))
    (tmp_path / "table.csv").write_text(f"path,label\n{rows}")
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        "dataset: {name: csv, file: table.csv, label_separator: '|', validation: 0}\ntask: multi_label\nloss: bce\n"
        "preprocess: {size: 8}\nmodel: tinynet\n"
    )
    found = json.loads(framework("data", "check", recipe, f"dataset.file={tmp_path / 'table.csv'}", "--json").out)
    assert found["splits"]["train"]["classes"] == {"cat": 4, "dog": 4, "pet": 10}
    assert found["labels"]["images_without_labels"] == 3
    assert found["contradictions"] == {"groups": 1, "images": 2}
    assert found["duplicates"]["groups"] == 2
    assert {row["class"] for row in found["findings"] if row["problem"] == "contradiction"} == {"dog|pet", "dog"}
    assert any("cat" in advice and "alone" in advice for advice in found["advice"])


def test_votes_are_trained_on_and_evaluated_against(framework, dots_recipe, tmp_path):
    result = framework(
        "run", dots_recipe, "dataset={name: drawn_faces, train_images: 70, test_images: 35, votes: 10}",
        "train.epochs=1", "train.sampler=balanced", "loss.class_weights=balanced", "--out", tmp_path / "run",
    )  # fmt: skip
    assert result.status == 0, result.err
    run = RunFolder(tmp_path / "run")
    predictions = Predictions.load(run.predictions("test"))
    assert predictions.targets.shape == (35, 7)
    assert predictions.labels.tolist() == predictions.targets.argmax(dim=1).tolist()
    assert {"top1", "soft_loss", "total_variation"} <= set(run.read("results")["test"])
    assert predictions.metrics() == run.read("results")["test"]
    assert sum(run.read("data")["test"]["classes"].values()) == pytest.approx(35, abs=1e-3)
    assert framework("evaluate", run.path).status == 0


@pytest.mark.parametrize(
    ("rows", "options", "words"),
    [
        (["a|b", "b", "a", "b"], ["task=single_label", "loss=cross_entropy"], "task=multi_label"),
        (["a|b", "", "a", "b"], ["task=single_label", "loss=cross_entropy"], "task=multi_label"),
        (["", "", "", ""], [], "no image has a label"),
    ],
)
def test_labels_that_do_not_fit_the_task_are_an_error(rows, options, words, framework, tmp_path):
    for index in range(len(rows)):
        Image.fromarray(np.full((8, 8, 3), 40 * index, np.uint8)).save(tmp_path / f"{index}.png")
    lines = [f"{index}.png,{label}" for index, label in enumerate(rows)]
    (tmp_path / "images.csv").write_text("\n".join(["path,label", *lines]) + "\n")
    (tmp_path / "images.yaml").write_text(
        f"dataset: {{name: csv, file: {tmp_path / 'images.csv'}, label_separator: '|', validation: 0}}\n"
        "task: multi_label\npreprocess: {size: 8}\nmodel: {name: speednet, widths: [8, 16, 16]}\nloss: bce\n"
    )
    result = framework("run", tmp_path / "images.yaml", "--out", tmp_path / "run", *options)
    assert result.status == 2
    assert words in result.err


def test_a_column_of_labels_that_is_named_twice_is_an_error(recipe, framework):
    result = framework("check", recipe, "dataset={name: csv, file: images.csv, label_columns: [a, b, b]}")
    assert result.status == 2
    assert "'b' twice" in result.err
