"""`framework report`: what the page says, that it is self-contained and harmless, and what is said to be missing."""

import base64
import io
import json
import re
import shutil

import numpy as np
import pytest
from PIL import Image

from framework.evaluation.intervals import wilson_interval
from framework.evaluation.predictions import Predictions
from framework.runs.bundle import read_bundle

SCRIPT = "<script>alert(1)<|script>"


@pytest.fixture
def report(framework, page, tmp_path):
    """Write a report and read the page; `report.said` is what the terminal showed."""

    def write(run, *arguments):
        out = tmp_path / "page.html"
        result = framework("report", run, "--out", out, *arguments)
        assert result.status == 0, result.err
        write.said = result.out
        return page(out)

    return write


def percent(value):
    return f"{100 * value:.1f} %"


def test_the_headline_metrics_are_those_of_the_results_with_their_intervals(run, report):
    metrics = json.loads((run / "results.json").read_text())["test"]
    text = report(run).text
    low, high = wilson_interval(metrics["top1"], metrics["images"])
    assert f"top-1 {percent(metrics['top1'])} {100 * low:.1f} to {100 * high:.1f} %" in text
    for name, key in (("balanced accuracy", "balanced_accuracy"), ("macro F1", "macro_f1"), ("ECE", "ece")):
        assert re.search(rf"{name} {re.escape(percent(metrics[key]))} \d+\.\d to \d+\.\d %", text)
    assert f"loss {metrics['loss']:.3f}" in text


def test_the_page_lies_in_the_run_by_default_and_the_terminal_says_where(run, framework):
    result = framework("report", run)
    assert (run / "report.html").is_file()
    assert str(run / "report.html") in result.out
    assert "top-1" in result.out


def test_the_same_run_gives_the_same_page(run, report):
    assert report(run).source == report(run).source


def test_every_class_has_its_row_and_the_matrix_its_counts(run, report):
    metrics = json.loads((run / "results.json").read_text())["test"]
    matrix = Predictions.load(run / "predictions" / "test.safetensors").confusion().matrix().tolist()
    text = report(run).text
    for name, row in metrics["per_class"].items():
        assert f"{name} {row['support']} {percent(row['precision'])} {percent(row['recall'])}" in text
    for name, counts in zip(metrics["per_class"], matrix, strict=True):
        cells = " ".join(f"{100 * number / sum(counts):.0f} {number}" if number else "·" for number in counts)
        assert f"{name} {cells} {sum(counts)}" in text


def test_nothing_is_fetched_and_no_script_runs(run, report):
    page = report(run)
    assert "http://" not in page.source
    assert "https://" not in page.source
    assert page.all("script") == page.all("link") == page.all("iframe") == []
    policy = next(meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'")
    assert all(image["src"].startswith("data:image/") for image in page.all("img"))
    assert "url(" not in page.source
    assert "@import" not in page.source


def test_names_that_would_do_harm_are_text(run, report):
    page = report(run)
    assert SCRIPT in page.text
    assert "onerror" in page.text
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)


def test_the_recipe_is_on_the_page_as_it_was_saved(run, report):
    assert (run / "recipe.yaml").read_text() in "".join(report(run).words)


def test_what_made_the_run_is_on_the_page(run, report):
    environment, data = (json.loads((run / f"{name}.json").read_text()) for name in ("environment", "data"))
    text = report(run).text
    for said in (environment["command"], environment["packages"]["torch"], data["test"]["fingerprint"]):
        assert said in text


def test_pictures_are_the_images_themselves_pixel_by_pixel_and_lead_to_their_files(run, made, report):
    page = report(run)
    links = [link["href"] for link in page.all("a") if link["href"].startswith("file:")]
    pictures = [image for image in page.all("img") if image["src"].startswith("data:image/png")]
    assert links
    files = {path.as_uri(): path for path in (made / "photos").rglob("*.png")}
    shown = {np.asarray(Image.open(io.BytesIO(base64.b64decode(picture["src"].partition(",")[2])))).tobytes()
             for picture in pictures}  # fmt: skip
    for link in links:
        assert np.asarray(Image.open(files[link])).tobytes() in shown


def test_the_most_confident_mistake_comes_first(run, report):
    predictions = Predictions.load(run / "predictions" / "test.safetensors")
    confidence = predictions.probabilities.amax(dim=1)
    wrong = (~predictions.correct).nonzero().flatten().tolist()
    assert 2 < len(wrong) <= 12
    pictures = [image["alt"] for image in report(run).all("img") if image["alt"] in predictions.names]
    worst_first = sorted(wrong, key=lambda index: -confidence[index])
    assert pictures[: len(wrong)] == [predictions.names[index] for index in worst_first]


def test_a_temperature_is_fitted_on_the_kept_validation_answers_and_says_so(run, report):
    text = report(run).text
    assert "fitted for this report on" in text
    assert f"framework evaluate {run} --calibrate" in text


def test_the_temperature_of_a_calibrated_run_is_used(run, report, framework):
    assert framework("evaluate", run, "--calibrate").status == 0
    calibration = json.loads((run / "calibration.json").read_text())
    text = report(run).text
    assert f"temperature of {calibration['temperature']:.3f}" in text
    assert "belongs to the run" in text
    metrics = json.loads(framework("evaluate", run, "--json").out)
    assert f"ECE {percent(metrics['ece'])} " in text
    assert f"loss {metrics['loss']:.3f}" in text


def test_what_is_typed_is_looked_at_anew(run, report, framework):
    metrics = json.loads(framework("evaluate", run, "--tta", 6, "--json").out)
    page = report(run, "evaluate.tta=6")
    assert f"ECE {percent(metrics['ece'])} " in page.text
    assert "are not there any more, or are others" not in page.text


def test_a_run_without_validation_says_why_there_is_no_temperature_and_what_to_do(made, tmp_path, framework, report):
    out = tmp_path / "bare"
    framework("run", made / "recipe.yaml", "dataset.validation=0", "train.epochs=1", "--out", out)
    text = report(out).text
    assert "held no validation images out" in text
    assert "dataset.validation=0.1" in text
    assert "without temperature" in report.said


def test_without_the_data_everything_else_is_there_and_the_gap_is_named_on_page_and_terminal(run, no_photos, report):
    metrics = json.loads((run / "results.json").read_text())["test"]
    page = report(run)
    assert percent(metrics["top1"]) in page.text
    assert page.all("img") == []
    assert "The images cannot be had" in page.text
    assert "dataset.root=DIR" in page.text
    assert "without pictures" in report.said


def blacken(photos):
    for path in photos.rglob("*.png"):
        Image.new("RGB", (16, 12), "black").save(path)


def test_other_images_of_the_same_names_have_metrics_of_their_own(run, photos, report, framework):
    blacken(photos)
    metrics = json.loads(framework("evaluate", run, f"dataset.root={photos}", "--json").out)
    assert f"loss {metrics['loss']:.3f}" in report(run, f"dataset.root={photos}").text


def test_the_data_may_be_named_anew(run, photos, no_photos, report):
    page = report(run, f"dataset.root={photos}")
    assert page.all("img")
    assert any(link["href"].startswith(photos.as_uri()) for link in page.all("a"))


def test_images_that_are_others_by_now_are_not_shown(run, made, photos, report):
    recipe = run / "recipe.yaml"
    recipe.write_text(recipe.read_text().replace(str(made / "photos"), str(photos)))
    blacken(photos)
    page = report(run)
    assert page.all("img") == []
    assert "another image by now" in page.text
    assert "without images" in report.said


def test_answers_that_were_not_kept_are_computed(run, made, report, page):
    before = report(run).text
    for file in (run / "predictions").iterdir():
        file.unlink()
    assert report(run).text == before


def test_without_answers_and_data_the_metrics_are_those_of_the_results(run, no_photos, report):
    for file in (run / "predictions").iterdir():
        file.unlink()
    metrics = json.loads((run / "results.json").read_text())["test"]
    text = report(run).text
    assert percent(metrics["macro_f1"]) in text
    assert "cannot be computed again" in text
    assert "without predictions" in report.said


def test_a_bundle_has_a_report_too(run, tmp_path, framework, report):
    bundle = tmp_path / "sealed.safetensors"
    assert framework("bundle", run, "--out", bundle).status == 0
    metrics = json.loads((run / "results.json").read_text())["test"]
    text = report(bundle).text
    assert percent(metrics["top1"]) in text
    assert "a bundle does not hold the course of its training" in text.replace("A bundle", "a bundle")


def test_a_bundle_of_a_run_that_was_never_evaluated_has_a_report(run, tmp_path, no_photos, framework, report):
    bundle = tmp_path / "bare.safetensors"
    (run / "results.json").unlink()
    shutil.rmtree(run / "predictions")
    assert framework("bundle", run, "--out", bundle).status == 0
    assert "results" not in read_bundle(bundle)
    assert "There are no metrics." in report(bundle).text
    assert "It was trained" not in report(bundle).text


def test_another_split_may_be_asked_for(run, report):
    metrics = json.loads((run / "results.json").read_text())["validation"]
    text = report(run, "--split", "validation").text
    assert f"Of {metrics['images']} validation images" in text
    assert "on others ECE will be somewhat higher" in text


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
def test_what_was_typed_wrong_is_said(arguments, message, run, framework):
    result = framework("report", run, *arguments)
    assert result.status == 2
    assert message in result.err


def test_many_classes_are_summarised(run, tmp_path, no_photos, report):
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
    assert "120 classes are sorted by F1, the lowest first" in page.text
    assert "more kinds of mistake are rarer" in page.text
    assert len(page.source) < 400_000


def test_activation_maps_stand_beside_a_sample_of_every_class(run, report):
    page = report(run)
    maps = [image["alt"] for image in page.all("img") if image["alt"].startswith("where the network looked at ")]
    assert len(maps) == 12
    assert {name.removeprefix("where the network looked at ").partition("/")[0] for name in maps} == {
        "blue", "green & 'grey'", SCRIPT
    }  # fmt: skip
