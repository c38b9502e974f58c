"""`framework report`: the content of the page, that it is self-contained and escaped, and missing parts."""

import base64
import io
import json
import re
import shutil

import numpy as np
import pytest
from PIL import Image

from framework.evaluation.calibration import fit_temperature
from framework.evaluation.intervals import wilson_interval
from framework.evaluation.predictions import Predictions
from framework.report.formatting import percent, percent_range
from framework.runs.bundle import read_bundle

SCRIPT = "<script>alert(1)<|script>"


@pytest.fixture
def report(framework, page, tmp_path):
    """Write a report and parse the page; `report.printed` is the output of the command."""

    def write(run, *arguments):
        out = tmp_path / "page.html"
        result = framework("report", run, "--out", out, *arguments)
        assert result.status == 0, result.err
        write.printed = " ".join(result.out.split())
        return page(out)

    return write


def test_metrics_equal_results_json_and_have_intervals(run, report):
    metrics = json.loads((run / "results.json").read_text())["test"]
    text = report(run).text
    interval = percent_range(*wilson_interval(metrics["top1"], metrics["images"]))
    assert re.search(rf"top-1 {re.escape(percent(metrics['top1']))} {interval} %", text)
    for name, key in (("balanced accuracy", "balanced_accuracy"), ("macro F1", "macro_f1"), ("ECE", "ece")):
        assert re.search(rf"{name} {re.escape(percent(metrics[key]))} \d+\.\d to \d+\.\d %", text)
    assert f"loss {metrics['loss']:.3f}" in text


def test_the_page_is_in_the_run_folder_by_default_and_its_path_is_printed(run, framework):
    result = framework("report", run)
    assert (run / "report.html").is_file()
    assert str(run / "report.html") in result.out
    assert "top-1" in result.out


def test_the_page_is_reproducible(run, report):
    assert report(run).source == report(run).source


def test_class_table_and_confusion_matrix_equal_the_predictions(run, report):
    metrics = json.loads((run / "results.json").read_text())["test"]
    matrix = Predictions.load(run / "predictions" / "test.safetensors").confusion().matrix().tolist()
    text = report(run).text
    for name, row in metrics["per_class"].items():
        assert f"{name} {row['support']} {percent(row['precision'])} {percent(row['recall'])}" in text
    for name, counts in zip(metrics["per_class"], matrix, strict=True):
        cells = " ".join(f"{100 * number / sum(counts):.0f} {number}" if number else "·" for number in counts)
        assert f"{name} {cells} {sum(counts)}" in text


def test_the_page_has_no_scripts_and_no_external_resources(run, report):
    page = report(run)
    assert "http://" not in page.source
    assert "https://" not in page.source
    assert page.all("script") == page.all("link") == page.all("iframe") == []
    policy = next(meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'")
    assert all(image["src"].startswith("data:image/") for image in page.all("img"))
    assert "url(" not in page.source
    assert "@import" not in page.source


def test_names_are_escaped(run, report):
    page = report(run)
    assert SCRIPT in page.text
    assert "onerror" in page.text
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)


def test_the_recipe_is_shown_unchanged(run, report):
    assert (run / "recipe.yaml").read_text() in "".join(report(run).words)


def test_command_versions_and_fingerprints_are_shown(run, report):
    environment, data = (json.loads((run / f"{name}.json").read_text()) for name in ("environment", "data"))
    text = report(run).text
    for fact in (environment["command"], environment["packages"]["torch"], data["test"]["fingerprint"]):
        assert fact in text


def test_small_images_are_lossless_and_link_to_their_files(run, made, report):
    page = report(run)
    links = [link["href"] for link in page.all("a") if link["href"].startswith("file:")]
    pictures = [image for image in page.all("img") if image["src"].startswith("data:image/png")]
    assert links
    files = {path.as_uri(): path for path in (made / "photos").rglob("*.png")}
    shown = {np.asarray(Image.open(io.BytesIO(base64.b64decode(picture["src"].partition(",")[2])))).tobytes()
             for picture in pictures}  # fmt: skip
    for link in links:
        assert np.asarray(Image.open(files[link])).tobytes() in shown


def test_mistakes_are_sorted_by_confidence(run, report):
    predictions = Predictions.load(run / "predictions" / "test.safetensors")
    confidence = predictions.probabilities.amax(dim=1)
    wrong = (~predictions.correct).nonzero().flatten().tolist()
    assert 2 < len(wrong) <= 12
    pictures = [image["alt"] for image in report(run).all("img") if image["alt"] in predictions.names]
    worst_first = sorted(wrong, key=lambda index: -confidence[index])
    assert pictures[: len(wrong)] == [predictions.names[index] for index in worst_first]


def test_an_uncalibrated_run_gets_a_temperature_fitted_on_the_saved_validation_predictions(run, report):
    validation = Predictions.load(run / "predictions" / "validation.safetensors")
    temperature = fit_temperature(validation.logits, validation.labels, validation.activation)
    text = report(run).text
    assert f"temperature of {temperature:.3f}" in text
    assert f"on {len(validation)} validation images" in text
    assert f"framework evaluate {run} --calibrate" in text


def test_a_calibrated_run_is_shown_at_its_temperature(run, report, framework):
    assert framework("evaluate", run, "--calibrate").status == 0
    calibration = json.loads((run / "calibration.json").read_text())
    text = report(run).text
    assert f"temperature of {calibration['temperature']:.3f}" in text
    assert "--calibrate" not in text
    metrics = json.loads(framework("evaluate", run, "--json").out)
    assert f"ECE {percent(metrics['ece'])} " in text
    assert f"loss {metrics['loss']:.3f}" in text


def test_overrides_are_evaluated_again(run, report, framework):
    metrics = json.loads(framework("evaluate", run, "--tta", 6, "--json").out)
    page = report(run, "evaluate.tta=6")
    assert f"ECE {percent(metrics['ece'])} " in page.text
    assert "missing" not in report.printed


def test_a_run_without_validation_split_has_no_temperature(made, tmp_path, framework, report):
    out = tmp_path / "bare"
    framework("run", made / "recipe.yaml", "dataset.validation=0", "train.epochs=1", "--out", out)
    assert "dataset.validation=0.1" in report(out).text
    assert "missing temperature: " in report.printed


def test_without_the_dataset_only_the_images_are_missing(run, no_photos, report):
    metrics = json.loads((run / "results.json").read_text())["test"]
    page = report(run)
    assert percent(metrics["top1"]) in page.text
    assert page.all("img") == []
    assert "dataset.root=DIR" in page.text
    assert "missing examples: " in report.printed


def blacken(photos):
    for path in photos.rglob("*.png"):
        Image.new("RGB", (16, 12), "black").save(path)


def test_a_dataset_root_on_the_command_line_is_evaluated(run, photos, report, framework):
    blacken(photos)
    metrics = json.loads(framework("evaluate", run, f"dataset.root={photos}", "--json").out)
    assert f"loss {metrics['loss']:.3f}" in report(run, f"dataset.root={photos}").text


def test_a_moved_dataset_is_named_on_the_command_line(run, photos, no_photos, report):
    page = report(run, f"dataset.root={photos}")
    assert page.all("img")
    assert any(link["href"].startswith(photos.as_uri()) for link in page.all("a"))


def test_changed_images_are_not_shown(run, made, photos, report):
    recipe = run / "recipe.yaml"
    recipe.write_text(recipe.read_text().replace(str(made / "photos"), str(photos)))
    blacken(photos)
    page = report(run)
    assert page.all("img") == []
    selected = page.text.count("the image has changed")
    assert selected
    assert re.search(r"missing images: (\d+) of \1 images ", report.printed)


def test_predictions_that_were_not_saved_are_computed(run, made, report, page):
    before = report(run).text
    for file in (run / "predictions").iterdir():
        file.unlink()
    assert report(run).text == before


def test_without_predictions_and_dataset_the_metrics_of_results_json_are_shown(run, no_photos, report):
    for file in (run / "predictions").iterdir():
        file.unlink()
    metrics = json.loads((run / "results.json").read_text())["test"]
    page = report(run)
    assert percent(metrics["macro_f1"]) in page.text
    assert not any(table.get("class") == "matrix" for table in page.all("table"))
    assert "missing predictions: " in report.printed


def test_a_bundle_has_a_report_without_learning_curves(run, tmp_path, framework, report):
    bundle = tmp_path / "sealed.safetensors"
    assert framework("bundle", run, "--out", bundle).status == 0
    metrics = json.loads((run / "results.json").read_text())["test"]
    assert percent(metrics["top1"]) in report(bundle).text
    assert "missing learning curves: " in report.printed


def test_a_bundle_of_a_run_without_evaluation_has_a_report_without_metrics(run, tmp_path, no_photos, framework, report):
    bundle = tmp_path / "bare.safetensors"
    (run / "results.json").unlink()
    shutil.rmtree(run / "predictions")
    assert framework("bundle", run, "--out", bundle).status == 0
    assert "results" not in read_bundle(bundle)
    text = report(bundle).text
    assert "top-1" not in text
    assert "Trained" not in text


def test_another_split_is_reported(run, report):
    metrics = json.loads((run / "results.json").read_text())["validation"]
    page = report(run, "--split", "validation")
    assert f"on {metrics['images']} validation images" in page.text
    assert any(aside["class"] == "callout" for aside in page.all("aside"))  # the temperature was fitted on this split


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--split", "tets"], "there is no split 'tets'"),
        (["--split", "seconds"], "there is no split 'seconds'"),
        (["dataset.rot=x"], "dataset.rot=x: "),
        (["preprocess.size=24"], "'preprocess.size' cannot be changed"),
        (["train.batch_size=2"], "'train.batch_size' cannot be changed"),
        (["dataset.root=nowhere"], "nowhere"),
        (["--out", "nowhere/page.html"], "--out nowhere/page.html: there is no folder"),
    ],
)
def test_wrong_arguments_are_errors(arguments, message, run, framework):
    result = framework("report", run, *arguments)
    assert result.status == 2
    assert message in result.err


def test_many_classes_have_an_image_as_matrix_and_sorted_tables(run, tmp_path, no_photos, report):
    import torch

    number = 120
    random = torch.Generator().manual_seed(0)
    labels = torch.arange(600) % number
    logits = torch.randn(600, number, generator=random)
    logits[torch.arange(600), labels] += 2
    classes = tuple(f"class {index}" for index in range(number))
    names = tuple(f"{index}.png" for index in range(600))
    Predictions(classes, names, labels, logits).save(run / "predictions" / "test.safetensors")
    page = report(run)
    assert page.all("img")[0]["alt"] == "confusion matrix"
    predictions = Predictions.load(run / "predictions" / "test.safetensors")
    recalls = predictions.metrics()["per_class"]
    lowest = min(recalls, key=lambda name: recalls[name]["f1"])
    assert page.text.index(f"F1 {lowest} 5 ") > 0
    assert f"{predictions.confusion().confused_pairs - 10:,} other pairs" in page.text
    assert len(page.source) < 400_000


def test_a_sample_of_all_classes_has_activation_maps(run, report):
    page = report(run)
    maps = [image["alt"] for image in page.all("img") if image["alt"].startswith("activation map of ")]
    assert len(maps) == 12
    assert {name.removeprefix("activation map of ").partition("/")[0] for name in maps} == {
        "blue", "green & 'grey'", SCRIPT
    }  # fmt: skip
