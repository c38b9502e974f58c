"""The main commands, on a run of one second."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from framework.evaluation.predictions import Predictions

RECIPE = """
dataset: {name: folder, root: ROOT, test: 0.25}
preprocess: {size: 12, channels: 3}
model: tinynet
train: {epochs: 3, batch_size: 5, device: cpu}
"""


@pytest.fixture
def recipe(tmp_path, photos):
    file = tmp_path / "photos.yaml"
    file.write_text(RECIPE.replace("ROOT", str(photos)))
    return file


@pytest.fixture
def run(tmp_path, recipe, framework):
    out = tmp_path / "run"
    result = framework("run", recipe, "--out", out)
    assert result.status == 0, result.err
    return out


def test_the_summary_has_the_metrics_the_folder_and_the_next_command(tmp_path, recipe, framework):
    out = tmp_path / "elsewhere"
    result = framework("run", recipe, "--out", out)
    assert f"framework evaluate {out}" in result.out
    for word in ("top-1", "balanced accuracy", "macro F1", "ECE", "validation", "test"):
        assert word in result.out
    assert result.err == ""


def test_a_run_without_a_folder_gets_the_next_free_one(tmp_path, recipe, framework, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        assert framework("run", recipe, "train.epochs=1").status == 0
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["photos-1", "photos-2"]


def test_a_failed_start_can_be_repeated_with_the_same_command(tmp_path, recipe, photos, framework):
    damaged = next(photos.rglob("*.png"))
    good = damaged.read_bytes()
    damaged.write_bytes(b"not an image")
    out = tmp_path / "run"
    assert framework("run", recipe, "--out", out).status == 2
    assert not out.exists()
    damaged.write_bytes(good)
    result = framework("run", recipe, "--out", out, "train.epochs=1")
    assert result.status == 0, result.err


def test_a_failed_start_does_not_remove_an_existing_folder(tmp_path, recipe, framework):
    out = tmp_path / "run"
    out.mkdir()
    assert framework("run", recipe, "dataset.root=nowhere", "--out", out).status == 2
    assert out.is_dir()


def test_single_view_validation_is_that_of_the_best_epoch(run):
    results = json.loads((run / "results.json").read_text())
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    epochs = {line["epoch"]: line for line in lines if line["event"] == "epoch"}
    kept = epochs[results["kept"]["epoch"]]["validation"]
    assert kept == {name: figure for name, figure in results["validation"].items() if name != "per_class"}


def test_the_run_folder_has_all_files(run):
    names = {path.name for path in run.iterdir()}
    assert names == {
        "recipe.yaml", "results.json", "metrics.jsonl", "model.safetensors", "model.json", "data.json",
        "environment.json", "checkpoints", "predictions", "training_images.safetensors",
    }  # fmt: skip
    results = json.loads((run / "results.json").read_text())
    assert {"validation", "test", "seconds", "images_per_second"} <= set(results)
    assert {"train", "total"} == set(results["seconds"])
    model = json.loads((run / "model.json").read_text())
    assert model["classes"] == ["blue", "red"]
    assert model["preprocess"]["channels"] == 3
    environment = json.loads((run / "environment.json").read_text())
    assert environment["packages"]["torch"]
    assert environment["plugins"]["stranger"]["version"] == "1.2"
    data = json.loads((run / "data.json").read_text())
    assert len(data["train"]["fingerprint"]) == 64
    assert data["train"]["classes"] == {"blue": 13, "red": 13}


def test_the_saved_recipe_runs_again_to_the_same_weights(run, tmp_path, framework):
    assert framework("run", run / "recipe.yaml", "--out", tmp_path / "again").status == 0
    assert (tmp_path / "again" / "model.safetensors").read_bytes() == (run / "model.safetensors").read_bytes()


def test_evaluate_gives_the_metrics_of_the_run(run, framework):
    results = json.loads((run / "results.json").read_text())
    for split in ("test", "validation"):
        metrics = json.loads(framework("evaluate", run, "--split", split, "--json").out)
        assert {key: metrics[key] for key in results[split]} == results[split]


def test_evaluate_uses_the_validation_split_without_a_test_split(recipe, tmp_path, framework):
    out = tmp_path / "untested"
    assert framework("run", recipe, "dataset.test=null", "--out", out).status == 0
    metrics = json.loads(framework("evaluate", out, "--json").out)
    results = json.loads((out / "results.json").read_text())
    assert (metrics["split"], metrics["loss"]) == ("validation", results["validation"]["loss"])
    neither = framework("evaluate", out, "dataset.validation=0")
    assert (neither.status, neither.err) == (2, "there is no split 'test' (splits: train)\n")


def test_evaluate_accepts_a_folder_with_class_names(run, photos, framework):
    for image in (photos / "blue").iterdir():
        image.unlink()
    (photos / "blue").rmdir()
    metrics = json.loads(framework("evaluate", run, "--folder", photos, "--json").out)
    assert metrics["images"] == 20
    assert metrics["per_class"]["red"]["support"] == 20
    assert metrics["per_class"]["blue"]["support"] == 0
    assert metrics["top1"] > 0.9


def test_evaluate_accepts_a_table_of_images(run, photos, tmp_path, framework):
    (tmp_path / "some.csv").write_text("name\nred/01.png\nred/02.png\nblue/03.png\n")
    metrics = json.loads(framework("evaluate", run, "--folder", photos, "--only", tmp_path / "some.csv", "--json").out)
    assert metrics["images"] == 3
    assert metrics["per_class"]["red"]["support"] == 2


def test_evaluate_averages_several_runs(run, recipe, photos, tmp_path, framework):
    assert framework("run", recipe, "seed=1", "preprocess.size=16", "--out", tmp_path / "other").status == 0
    runs = (run, tmp_path / "other")
    together = json.loads(framework("evaluate", *runs, "--folder", photos, "--json").out)
    tables = [framework("predict", one, photos, "--json").out.splitlines() for one in runs]
    rows = [[json.loads(line) for line in table] for table in tables]
    losses = []
    for first, second in zip(*rows, strict=True):
        true = "red" if "/red/" in first["name"] else "blue"
        losses.append(-np.log((first["probabilities"][true] + second["probabilities"][true]) / 2))
    assert together["loss"] == pytest.approx(np.mean(losses), rel=1e-4)


def test_runs_with_different_classes_are_not_an_ensemble(run, framework):
    result = framework("evaluate", run, "drawn/faces")
    assert result.status == 2
    assert f"{run} has blue, red; drawn/faces has angry" in result.err


def test_evaluate_uses_the_given_number_of_views(run, framework):
    by_option, by_flag = (
        framework("evaluate", run, *more, "--json").out for more in (["evaluate.tta=2"], ["--tta", "2"])
    )
    assert by_option == by_flag != framework("evaluate", run, "--json").out


def test_evaluate_reports_the_allowed_numbers_of_views(run, framework):
    result = framework("evaluate", run, "--tta", "3")
    assert result.status == 2
    assert "1, 2, 6 or 10" in result.err


def test_a_calibrated_run_predicts_calibrated_probabilities(unsure_photos, run, photos, framework):
    before = json.loads(framework("evaluate", run, "--folder", photos, "--json").out)
    result = framework("evaluate", run, "--split", "validation", "--calibrate", "--json")
    calibration = json.loads((run / "calibration.json").read_text())
    assert json.loads(result.out)["calibration"] == calibration
    assert calibration["loss_after"] == pytest.approx(json.loads(result.out)["loss"])
    after = json.loads(framework("evaluate", run, "--folder", photos, "--json").out)
    assert after["confusion"] == before["confusion"]
    assert after["loss"] != before["loss"]
    lines = [json.loads(line) for line in framework("predict", run, photos, "--json").out.splitlines()]
    true = [line["probabilities"]["red" if "/red/" in line["name"] else "blue"] for line in lines]
    assert after["loss"] == pytest.approx(-np.mean(np.log(true)), rel=1e-4)


def test_calibrating_twice_gives_the_same(unsure_photos, run, framework):
    first = framework("evaluate", run, "--calibrate", "--json").out
    assert framework("evaluate", run, "--calibrate", "--json").out == first != ""


def test_calibration_needs_the_tta_of_the_run(unsure_photos, run, framework):
    result = framework("evaluate", run, "--calibrate", "--tta", 2)
    assert (result.status, "evaluate.tta, 1, not 2" in result.err) == (2, True)
    assert not (run / "calibration.json").exists()


def test_a_run_without_a_recorded_number_of_views_is_calibrated(unsure_photos, run, framework):
    model = json.loads((run / "model.json").read_text())
    del model["evaluation"]["tta"]
    (run / "model.json").write_text(json.dumps(model))
    assert framework("evaluate", run, "--calibrate").status == 0


def test_without_a_fitting_temperature_none_is_saved(run, framework):
    result = framework("evaluate", run, "--calibrate", "--split", "validation")
    assert (result.status, "no temperature fits" in result.err) == (2, True)
    assert not (run / "calibration.json").exists()


def test_calibration_of_a_run_without_validation_is_a_user_error(recipe, tmp_path, framework):
    framework("run", recipe, "dataset.validation=0", "--out", tmp_path / "run")
    result = framework("evaluate", tmp_path / "run", "--calibrate")
    assert result.status == 2
    assert "no split 'validation'" in result.err


def test_the_saved_predictions_have_the_metrics_of_the_run(run):
    results = json.loads((run / "results.json").read_text())
    for split in ("validation", "test"):
        assert Predictions.load(run / "predictions" / f"{split}.safetensors").metrics() == results[split]


def test_evaluate_rejects_unknown_classes(run, photos, framework):
    (photos / "red").rename(photos / "green")
    result = framework("evaluate", run, "--folder", photos)
    assert result.status == 2
    assert "green" in result.err
    assert "blue, red" in result.err


def test_evaluate_prints_a_table(run, framework):
    out = framework("evaluate", run).out
    assert "precision" in out
    assert "confusion matrix" in out


@pytest.mark.parametrize("split", ["tets", "private_test"])
def test_evaluate_reports_the_known_splits(split, run, framework):
    result = framework("evaluate", run, "--split", split)
    assert result.status == 2
    assert "splits: " in result.err
    assert "validation" in result.err


def test_predict_classifies_files_and_folders(run, photos, framework):
    result = framework("predict", run, photos / "red", photos / "blue" / "00.png", "--json")
    lines = [json.loads(line) for line in result.out.splitlines()]
    assert result.status == 0
    assert len(lines) == 21
    assert lines[-1]["class"] == "blue"
    assert sum(line["class"] == "red" for line in lines) == 20
    assert sum(lines[0]["probabilities"].values()) == pytest.approx(1)


def test_predict_agrees_with_evaluate(run, photos, framework):
    lines = [json.loads(line) for line in framework("predict", run, photos, "--json").out.splitlines()]
    right = sum(f"/{line['class']}/" in line["name"] for line in lines) / len(lines)
    metrics = json.loads(framework("evaluate", run, "--folder", photos, "--json").out)
    assert metrics["top1"] == pytest.approx(right)


def test_predict_reports_a_bad_file_and_continues(run, photos, framework):
    (photos / "red" / "05.png").write_bytes(b"not an image")
    result = framework("predict", run, photos / "red")
    assert result.status == 1
    assert "05.png  cannot be read: not an image" in result.out
    assert len(result.out.splitlines()) == 20
    assert "1 file of 20 cannot be read" in result.err


def test_predict_writes_a_table(run, photos, tmp_path, framework):
    table = tmp_path / "predictions.csv"
    framework("predict", run, photos / "red", "--csv", table)
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 20
    assert {"name", "class", "blue", "red", "error"} == set(rows[0])
    assert float(rows[0]["blue"]) + float(rows[0]["red"]) == pytest.approx(1)


def test_predict_accepts_images_of_any_mode_and_size(run, tmp_path, framework):
    folder = tmp_path / "odd"
    folder.mkdir()
    red = np.zeros((40, 90, 3), dtype=np.uint8)
    red[..., 0] = 200
    Image.fromarray(red).save(folder / "wide.jpg")
    Image.fromarray(red).convert("RGBA").save(folder / "alpha.png")
    Image.fromarray(red).convert("P").save(folder / "palette.gif")
    Image.fromarray(red).convert("CMYK").save(folder / "cmyk.jpg")
    Image.fromarray(red[..., 0].astype(np.uint16) * 256).save(folder / "deep.png")
    result = framework("predict", run, folder, "--json")
    lines = [json.loads(line) for line in result.out.splitlines()]
    assert result.status == 0
    assert len(lines) == 5
    assert {line["class"] for line in lines if "deep" not in line["name"]} == {"red"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["evaluate", "nowhere"], "there is no run folder or bundle 'nowhere'"),
        (["predict", "nowhere", "x.jpg"], "there is no run folder or bundle 'nowhere'"),
        (["predict", "RUN", "nowhere.jpg"], "there is no file or folder 'nowhere.jpg'"),
        (["predict", "RUN", "RECIPES", "--top", "0"], "--top is 0; it must be at least 1"),
        (["evaluate", "RECIPES"], "is not a run folder"),
    ],
)
def test_a_missing_file_or_run_is_a_user_error(arguments, message, run, tmp_path, framework):
    places = {"RUN": run, "RECIPES": tmp_path}
    result = framework(*(places.get(argument, argument) for argument in arguments))
    assert result.status == 2
    assert message in result.err


def test_bad_images_are_listed_and_stop_the_run_before_training(recipe, photos, tmp_path, framework):
    (photos / "red" / "00.png").write_bytes(b"")
    (photos / "blue" / "01.png").write_bytes(b"<html>")
    result = framework("run", recipe, "dataset.test=null", "dataset.validation=0", "--out", tmp_path / "run")
    assert result.status == 2
    assert "red/00.png: the file is empty" in result.err
    assert "blue/01.png: not an image" in result.err
    assert not (tmp_path / "run" / "metrics.jsonl").exists()


def test_bad_images_are_skipped_and_recorded_if_requested(recipe, photos, tmp_path, framework):
    (photos / "red" / "00.png").write_bytes(b"")
    out = tmp_path / "run"
    overrides = ("dataset.on_bad_image=skip", "dataset.test=null", "dataset.validation=0")
    result = framework("run", recipe, *overrides, "--out", out)
    assert result.status == 0
    assert json.loads((out / "data.json").read_text())["train"]["skipped"] == [
        {"name": "red/00.png", "reason": "the file is empty"}
    ]
    assert "1 unreadable image" in result.out


def test_evaluate_and_predict_use_the_tta_of_the_recipe(recipe, photos, tmp_path, framework):
    out = tmp_path / "run"
    assert framework("run", recipe, "evaluate.tta=2", "--out", out).status == 0
    results = json.loads((out / "results.json").read_text())
    metrics = {tta: json.loads(framework("evaluate", out, *tta, "--json").out) for tta in [(), ("evaluate.tta=1",)]}
    assert metrics[()]["loss"] == results["test"]["loss"]
    assert metrics[("evaluate.tta=1",)]["loss"] != results["test"]["loss"]
    Image.fromarray(np.asarray(Image.open(photos / "red" / "00.png"))[:, ::-1]).save(tmp_path / "mirrored.png")
    lines = framework("predict", out, photos / "red" / "00.png", tmp_path / "mirrored.png", "--json").out.splitlines()
    one, other = (json.loads(line)["probabilities"] for line in lines)
    assert one == pytest.approx(other, abs=1e-5)


def test_a_dry_run_estimates_and_writes_nothing(recipe, tmp_path, framework, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.iterdir())
    result = framework("run", recipe, "--dry-run")
    assert result.status == 0
    assert "      time  about " in result.out
    assert "memory" in result.out
    assert set(tmp_path.iterdir()) == before


def test_a_run_is_usable_without_plugins_used_only_in_training(run, photos, framework):
    text = (run / "recipe.yaml").read_text()
    (run / "recipe.yaml").write_text(text.replace("name: adamw", "name: gone"))
    assert framework("predict", run, photos / "red").status == 0
