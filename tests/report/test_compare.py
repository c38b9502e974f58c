"""`framework compare`: metrics of several runs and the significance of their differences."""

import json
import shutil

import pytest
import torch
from PIL import Image

from framework.evaluation.intervals import wilson_interval
from framework.evaluation.paired import paired
from framework.evaluation.predictions import Predictions


@pytest.fixture
def compared(framework):
    """The JSON of a comparison."""

    def compare(*arguments):
        result = framework("compare", *arguments, "--json")
        assert result.status == 0, result.err
        return json.loads(result.out)

    return compare


def predictions(run, split="test"):
    return Predictions.load(run / "predictions" / f"{split}.safetensors")


def rewrite(run, change):
    """Replace the saved predictions; `change` maps names, labels and logits to new ones."""
    old = predictions(run)
    names, labels, logits = change(old.names, old.labels, old.logits)
    Predictions(old.classes, names, labels, logits).save(run / "predictions" / "test.safetensors")


def difference_of(comparison):
    return comparison["runs"][1]["compared_with_baseline"]


def perfect(names, labels, logits):
    return names, labels, torch.nn.functional.one_hot(labels, logits.shape[1]).float() * 9


def test_metrics_and_costs_equal_results_json(run, other, compared):
    found = compared(run, other)["runs"]
    for row, folder in zip(found, (run, other), strict=True):
        results = json.loads((folder / "results.json").read_text())
        for key in ("top1", "balanced_accuracy", "macro_f1", "ece", "loss", "images"):
            assert row[key] == results["test"][key]
        for key in ("parameters", "multiply_adds", "seconds", "images_per_second"):
            assert row[key] == results[key]
        assert row["top1_interval"] == list(wilson_interval(row["top1"], row["images"]))


def test_the_difference_is_computed_from_the_saved_predictions(run, other, compared):
    difference = compared(run, other)["runs"][1]["compared_with_baseline"]
    direct = paired(predictions(run), predictions(other))
    assert difference["images"] == len(predictions(run))
    assert (difference["gained"], difference["lost"], difference["p"]) == (direct.gained, direct.lost, direct.p)
    assert difference["difference"] == pytest.approx(direct.other_accuracy - direct.first_accuracy)
    assert difference["interval"][0] <= difference["difference"] <= difference["interval"][1]


def test_a_run_does_not_differ_from_itself(run, compared):
    found = compared(run, run)
    difference = found["runs"][1]["compared_with_baseline"]
    assert [difference[key] for key in ("difference", "gained", "lost", "p", "significant")] == [0, 0, 0, 1, False]
    assert found["recipe_differences"] == {}


def test_a_large_difference_is_significant_and_a_small_one_is_not(run, other, framework):
    rewrite(other, perfect)
    assert "significantly better" in " ".join(framework("compare", run, other).out.split())
    assert "significantly worse" in " ".join(framework("compare", other, run).out.split())

    def one_wrong(names, labels, logits):
        names, labels, logits = perfect(names, labels, logits)
        return names, labels, torch.cat([logits[:1].roll(1, dims=1), logits[1:]])

    rewrite(run, one_wrong)
    out = " ".join(framework("compare", run, other).out.split())
    assert "1 image correct only in" in out
    assert "not significant" in out


def test_p_is_adjusted_for_the_number_of_comparisons(run, other, compared):
    alone = compared(run, other)["runs"][1]["compared_with_baseline"]["p"]
    for row in compared(run, other, other)["runs"][1:]:
        assert row["compared_with_baseline"]["p"] == pytest.approx(min(1, 2 * alone))


@pytest.mark.parametrize("typed", ["evaluate.tta=6", "dataset.root=PHOTOS"])
def test_overrides_are_evaluated_again(typed, run, other, photos, compared, framework):
    for path in photos.rglob("*.png"):
        Image.open(path).transpose(Image.Transpose.ROTATE_180).save(path)
    typed = typed.replace("PHOTOS", str(photos))
    found = compared(run, other, typed)["runs"]
    for row, folder in zip(found, (run, other), strict=True):
        metrics = json.loads(framework("evaluate", folder, typed, "--json").out)
        assert (row["loss"], row["ece"]) == (metrics["loss"], metrics["ece"])
        assert row["loss"] != json.loads((folder / "results.json").read_text())["test"]["loss"]


def test_a_calibrated_run_is_compared_at_its_temperature(run, other, compared, framework):
    assert framework("evaluate", run, "--calibrate").status == 0
    metrics = json.loads(framework("evaluate", run, "--json").out)
    row = compared(run, other)["runs"][0]
    assert (row["loss"], row["ece"]) == (metrics["loss"], metrics["ece"])
    assert row["loss"] != json.loads((run / "results.json").read_text())["test"]["loss"]


def test_common_images_with_different_pixels_are_counted(run, other, framework, compared):
    assert difference_of(compared(run, other))["other_pixels"] == 0
    kept = predictions(other)
    kept.hashes[:3] += 1
    kept.save(other / "predictions" / "test.safetensors")
    assert difference_of(compared(run, other))["other_pixels"] == 3
    assert "pixels of 3 differ" in " ".join(framework("compare", run, other).out.split())
    document = json.loads((other / "model.json").read_text())
    document["preprocess"]["height"] = 24
    (other / "model.json").write_text(json.dumps(document))
    assert difference_of(compared(run, other))["other_pixels"] == 0


def test_recipes_are_compared_option_by_option(run, other, compared, framework):
    assert compared(run, other)["recipe_differences"] == {"train.epochs": [3, 1], "seed": [0, 1]}
    out = framework("compare", run, other).out
    assert "train.epochs" in out
    assert "train.batch_size" not in out


def test_a_removed_transform_is_one_row(run, other, framework, tmp_path, page):
    recipe = (run / "recipe.yaml").read_text()
    without = recipe.replace("augment:", "augment:\n  - name: rotate\n    degrees: 6.0\n    p: 1.0", 1)
    (run / "recipe.yaml").write_text(without.replace("1.0\n []", "1.0\n").replace("1.0 []", "1.0"))
    out = framework("compare", run, other, "--html", tmp_path / "page.html").out
    rows = [line.split() for line in out[out.index("recipe differences") :].splitlines() if "rotate" in line]
    assert rows == [["augment.rotate", "rotate", "(degrees", "6,", "p", "1)", "–"]]
    assert "augment.rotate rotate (degrees 6, p 1) –" in page(tmp_path / "page.html").text
    assert "not set" not in out


def test_a_damaged_recipe_of_a_run_is_an_error(run, other, framework):
    (other / "recipe.yaml").write_text("seed: [")
    result = framework("compare", run, other)
    assert (result.status, "damaged" in result.err) == (2, True)


def test_tta_and_int8_of_an_export_are_recipe_differences(run, other, compared):
    shutil.copyfile(run / "recipe.yaml", other / "recipe.yaml")
    assert compared(run, other)["recipe_differences"] == {}
    (other / "recipe.yaml").write_text((run / "recipe.yaml").read_text().replace("seed: 0", "seed: 1", 1))
    assert len(compared(run, other)["seed_groups"]) == 1
    document = json.loads((other / "model.json").read_text())
    document["evaluation"]["tta"] = 2
    (other / "model.json").write_text(json.dumps({**document, "int8": True}))
    found = compared(run, other)
    assert found["recipe_differences"] == {"seed": [0, 1], "evaluate.tta": [1, 2], "int8": [False, True]}
    assert found["seed_groups"] == []


def test_only_common_images_are_compared(run, other, compared):
    rewrite(other, lambda names, labels, logits: (names[4:], labels[4:], logits[4:]))
    difference = difference_of(compared(run, other))
    assert (difference["images"], difference["left_out"]) == (len(predictions(other)), 4)


def test_runs_without_common_images_are_an_error(run, other, framework):
    rewrite(other, lambda names, labels, logits: (tuple(f"else/{name}" for name in names), labels, logits))
    result = framework("compare", run, other)
    assert result.status == 2
    assert "no image in common" in result.err
    assert "'else/" in result.err


def test_a_run_without_predictions_and_dataset_has_metrics_and_no_difference(run, other, no_photos, framework):
    (other / "predictions" / "test.safetensors").unlink()
    top1 = json.loads((other / "results.json").read_text())["test"]["top1"]
    out = " ".join(framework("compare", run, other).out.split())
    assert f"{100 * top1:.1f} %" in out
    assert "other and run cannot be compared" in out


def test_metrics_before_calibration_are_marked(run, other, no_photos, framework, compared):
    (other / "predictions" / "test.safetensors").unlink()
    assert "before calibration" not in framework("compare", run, other).out
    (other / "calibration.json").write_text(json.dumps({"temperature": 1.5}))
    assert "before calibration" in " ".join(framework("compare", run, other).out.split())
    assert "before calibration" in compared(run, other)["runs"][1]["no_predictions"]


def test_a_bundle_is_compared_with_a_run(run, other, tmp_path, framework, compared):
    bundle = tmp_path / "sealed.safetensors"
    assert framework("bundle", other, "--out", bundle).status == 0
    rows = compared(run, bundle)["runs"]
    assert rows[1]["top1"] == json.loads((other / "results.json").read_text())["test"]["top1"]
    assert rows[1]["compared_with_baseline"]["images"] == rows[0]["images"]


def test_another_split_is_compared(run, other, compared):
    validation = json.loads((run / "results.json").read_text())["validation"]
    found = compared(run, other, "--split", "validation")
    assert found["split"] == "validation"
    assert found["runs"][0]["top1"] == validation["top1"]


def test_the_validation_split_is_used_if_a_run_has_no_test_split(run, other, compared):
    results = json.loads((other / "results.json").read_text())
    del results["test"]
    (other / "results.json").write_text(json.dumps(results))
    (other / "predictions" / "test.safetensors").unlink()
    found = compared(run, other)
    assert found["split"] == "validation"
    assert [row["top1"] for row in found["runs"]] == [
        json.loads((folder / "results.json").read_text())["validation"]["top1"] for folder in (run, other)
    ]


def test_the_page_has_metrics_results_and_curves_and_no_external_resources(run, other, tmp_path, framework, page):
    out = tmp_path / "comparison.html"
    printed = framework("compare", run, other, "--html", out)
    found = page(out)
    words = " ".join(printed.out.split())
    result = words[words.index("other: ") : words.index("recipe differences")].strip()
    for text in (result, "balanced accuracy", "Validation loss", "train.epochs", "McNemar"):
        assert text in found.text
    assert found.all("svg")
    assert found.all("script") == found.all("img") == []
    assert "http" not in found.source.replace("http-equiv", "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["RUN"], "two or more runs"),
        (["RUN", "nowhere"], "there is no run folder or bundle 'nowhere'"),
        (["RUN", "RUN", "--split", "tets"], "has no metrics of the split 'tets': there is no split 'tets'"),
        (["RUN", "RUN", "--split", "seconds"], "has no metrics of the split 'seconds': there is no split 'seconds'"),
        (["RUN", "RUN", "dataset.rot=x"], "dataset.rot=x: "),
        (["RUN", "RUN", "dataset.root=nowhere"], "nowhere"),
        (["RUN", "RUN", "model=resnet18"], "'model' cannot be changed"),
        (["RUN", "RUN", "--html", "nowhere/x.html"], "there is no folder"),
    ],
)
def test_wrong_arguments_are_errors(arguments, message, run, framework):
    result = framework("compare", *(run if argument == "RUN" else argument for argument in arguments))
    assert result.status == 2
    assert message in result.err
