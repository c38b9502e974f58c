"""`framework data check`, and runs with its findings."""

import csv
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

RECIPE = """
dataset: {name: folder, root: ROOT, validation: 0.25}
preprocess: {size: 12, channels: 3}
model: tinynet
train: {epochs: 1, batch_size: 5, device: cpu}
"""
SHARED = Path(os.environ.get("FRAMEWORK_DATA", Path(__file__).parents[2] / ".." / "shared" / "data" / "unpacked"))


@pytest.fixture
def recipe(tmp_path, photos):
    """Train and test, with copies of the test image `red/00.png` and of a training image, and with a blank one."""
    root = tmp_path / "data"
    for name in ("blue", "red"):
        shutil.copytree(photos / name, root / "train" / name)
        (root / "test" / name).mkdir(parents=True)
        for image in sorted((root / "train" / name).iterdir())[:4]:
            shutil.move(image, root / "test" / name / image.name)
    shutil.copy(root / "test/red/00.png", root / "train/red/a.png")
    shutil.copy(root / "train/red/10.png", root / "train/red/b.png")
    Image.fromarray(np.zeros((12, 16, 3), dtype=np.uint8)).save(root / "train/blue/c.png")
    file = tmp_path / "photos.yaml"
    file.write_text(RECIPE.replace("ROOT", str(root)))
    return file


@pytest.fixture
def table(recipe, framework, tmp_path):
    file = tmp_path / "found.csv"
    result = framework("data", "check", recipe, "--csv", file)
    assert result.status == 0, result.err
    return file


def results(run):
    return json.loads((run / "results.json").read_text())


def data(run):
    return json.loads((run / "data.json").read_text())


def test_the_output_has_counts_examples_and_next_steps(recipe, framework):
    out = framework("data", "check", recipe, "dataset.validation=0").out
    assert "folder: train 35, test 8 images of 2 classes\nall images are 12×16, colour\n" in out
    assert "          exact copies         2  " in out
    assert "leak: of 8 images of test 1 has an exact copy and 0 a near copy in train\n" in out
    assert "  test/red/00.png (test, red)" in out
    assert f"    framework data check {recipe} dataset.validation=0 --csv findings.csv\n" in out
    assert out.endswith(f"    framework run {recipe} dataset.validation=0 dataset.drop=findings.csv\n")


def test_the_table_has_a_row_for_each_finding(table):
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {(row["name"], row["class"], row["problem"], row["keep"]) for row in rows} >= {
        ("train/red/a.png", "red", "duplicate", "no"),
        ("test/red/00.png", "red", "duplicate", "yes"),
        ("train/blue/c.png", "blue", "blank", "no"),
    }
    assert len(rows) == 5


def test_the_json_has_the_same_content(recipe, table, framework):
    answer = json.loads(framework("data", "check", recipe, "--json").out)
    with table.open(newline="") as file:
        assert answer["findings"] == list(csv.DictReader(file))
    assert answer["duplicates"] == {"groups": 2, "surplus": 2}


@pytest.mark.parametrize(("arguments", "status"), [([], 0), (["--strict"], 1)])
def test_findings_are_a_failure_only_with_strict(recipe, framework, arguments, status):
    assert framework("data", "check", recipe, *arguments).status == status


def test_after_dropping_there_are_no_findings(recipe, table, framework):
    result = framework("data", "check", recipe, f"dataset.drop={table}", "--strict")
    assert result.status == 0
    assert result.out.endswith("No problems found.\n")


def test_the_drop_table_of_a_recipe_is_extended_and_not_replaced(recipe, framework, tmp_path):
    (tmp_path / "mine.csv").write_text("name\ntrain/red/a.png\n")
    recipe.write_text(recipe.read_text().replace("validation: 0.25", f"validation: 0, drop: {tmp_path / 'mine.csv'}"))
    out = framework("data", "check", recipe).out
    assert f"    framework data check {recipe} --csv more-findings.csv\n" in out
    assert out.endswith(f"(2 of train), add the rows to {tmp_path / 'mine.csv'}.\n")


@pytest.mark.parametrize("option", ["drop", "keep"])
def test_the_table_of_the_recipe_is_not_overwritten(recipe, table, framework, option):
    before = table.read_bytes()
    result = framework("data", "check", recipe, f"dataset.{option}={table}", "--csv", table)
    assert result.status == 2
    assert f"dataset.{option}" in result.err
    assert table.read_bytes() == before


def test_a_table_that_cannot_be_written_is_an_error(recipe, framework, tmp_path):
    result = framework("data", "check", recipe, "--csv", tmp_path / "nowhere" / "x.csv")
    assert result.status == 2
    assert "there is no folder" in result.err


def test_a_run_leaves_out_and_reports_the_images_of_the_drop_table(recipe, table, framework, tmp_path):
    out = tmp_path / "run"
    assert framework("run", recipe, f"dataset.drop={table}", "--out", out).status == 0
    described = data(out)
    assert sum(described[split]["images"] for split in ("train", "validation")) == 32
    dropped = {name for split in ("train", "validation", "test") for name in described[split]["dropped"]}
    assert {"train/red/a.png", "train/blue/c.png"} < dropped
    assert framework("report", out).status == 0
    page = (out / "report.html").read_text()
    assert "dropped by dataset.drop" in page
    assert "train/blue/c.png" in page
    assert (out / "drop.csv").read_bytes() == table.read_bytes()
    assert framework("run", out / "recipe.yaml", "--out", tmp_path / "again").status == 0
    assert (tmp_path / "again" / "model.safetensors").read_bytes() == (out / "model.safetensors").read_bytes()
    assert framework("evaluate", out).status == 0


def test_a_run_is_not_resumed_with_another_table(recipe, table, framework, tmp_path):
    out = tmp_path / "run"
    arguments = ("run", recipe, f"dataset.drop={table}", "--out", out)
    assert framework(*arguments).status == 0
    (out / "results.json").unlink()
    assert framework(*arguments, "--resume").status == 0
    (out / "results.json").unlink()
    table.write_text("name\ntrain/red/a.png\n")
    result = framework(*arguments, "--resume")
    assert result.status == 2
    assert "differ from those of the run" in result.err


@pytest.mark.parametrize("store", ["memory", "disk", "stream"])
def test_a_run_reports_test_images_without_a_copy_in_train(recipe, framework, tmp_path, store):
    out = tmp_path / "run"
    arguments = ("dataset.validation=0", f"train.store={store}")
    assert framework("run", recipe, *arguments, "--out", out).status == 0
    both = results(out)
    assert (both["test"]["images"], both["test_without_copies"]["images"]) == (8, 7)
    assert both["test_without_copies"]["per_class"]["red"]["support"] == 3
    metrics = json.loads(framework("evaluate", out, "--without-copies", "--json").out)
    assert {key: metrics[key] for key in both["test_without_copies"]} == both["test_without_copies"]


def test_a_soup_has_metrics_without_copies_of_its_own(recipe, framework, tmp_path):
    runs = [tmp_path / name for name in ("first", "second")]
    for out, rate in zip(runs, ("1e-2", "3e-3"), strict=True):
        arguments = ("dataset.validation=0", f"optimizer={{name: adamw, lr: {rate}}}")
        assert framework("run", recipe, *arguments, "--out", out).status == 0
    soup = tmp_path / "soup"
    assert framework("soup", *runs, "--out", soup).status == 0
    own = results(soup)["test_without_copies"]
    metrics = json.loads(framework("evaluate", soup, "--without-copies", "--json").out)
    assert {key: metrics[key] for key in own} == own
    assert own["loss"] != results(runs[0])["test_without_copies"]["loss"]


def test_the_summary_reports_copies(recipe, framework, tmp_path):
    out = framework("run", recipe, "dataset.validation=0", "--out", tmp_path / "run").out
    assert "Of 8 test images 1 has an exact copy in train.\nWithout them: top-1 " in out


def test_a_run_without_copies_has_no_second_metrics(recipe, table, framework, tmp_path):
    assert framework("run", recipe, f"dataset.drop={table}", "--out", tmp_path / "run").status == 0
    assert "test_without_copies" not in results(tmp_path / "run")


def test_a_test_split_with_only_copies_has_no_images_left(recipe, framework, tmp_path):
    for image in (tmp_path / "data/test").rglob("*.png"):
        shutil.copy(image, tmp_path / "data/train" / image.parent.name / f"copy-{image.name}")
    out = tmp_path / "run"
    result = framework("run", recipe, "dataset.validation=0", "--out", out)
    assert result.status == 0
    assert results(out)["test_without_copies"] == {"images": 0}
    assert "Of 8 test images 8 have an exact copy in train.\n" in result.out
    assert framework("evaluate", out, "--without-copies").status == 2


@pytest.mark.parametrize("option", ["--without-copies", "--calibrate"])
def test_evaluate_lists_the_bad_images_of_all_splits_at_once(recipe, framework, tmp_path, option):
    out, root = tmp_path / "run", tmp_path / "data"
    assert framework("run", recipe, "--out", out).status == 0
    for image in [root / "test/red/00.png", *(root / "train/blue").iterdir()]:
        image.write_bytes(b"")
    result = framework("evaluate", out, option)
    assert result.status == 2
    assert "test/red/00.png" in result.err
    assert "train/blue/" in result.err


def test_the_known_errors_of_fer2013_are_found(framework):
    root = SHARED / "fer2013"
    if not (root / "train").is_dir():
        pytest.skip(f"FER-2013 is not under FRAMEWORK_DATA ({SHARED})")
    overrides = ("dataset.validation=0", f"dataset.root={root}", "dataset.test_usage=PublicTest")
    answer = json.loads(framework("data", "check", "fer2013_fast", *overrides, "--json").out)
    assert answer["splits"]["train"]["images"] == 28709
    leaks = answer["leaks"]
    assert leaks["test"]["train"]["exact"] == 280
    black = {row["name"] for row in answer["findings"] if row["problem"] == "blank"}
    if "private_test" in leaks:
        assert leaks["private_test"]["train"]["exact"] == 288
        assert answer["duplicates"]["surplus"] == 1853
        assert answer["contradictions"]["groups"] == 57
    else:
        assert answer["duplicates"]["surplus"] == 1532
        assert answer["contradictions"]["groups"] == 47
    assert 12 <= len(black) <= 20


def test_findings_are_printed_even_if_their_table_cannot_be_written(recipe, framework, tmp_path):
    """A name that is too long for a file system, which is noticed when the file is written."""
    for options, found in (([], "exact copies"), (["--json"], '"problem": "duplicate"')):
        result = framework("data", "check", recipe, "--csv", tmp_path / f"{'x' * 250}.csv", *options)
        assert (result.status, found in result.out, "cannot write" in result.err) == (1, True, True)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_is_not_writable_is_reported_before_images_are_read(recipe, framework, tmp_path):
    (tmp_path / "shut").mkdir(mode=0o500)
    result = framework("data", "check", recipe, "--csv", tmp_path / "shut" / "found.csv")
    assert (result.status, "--csv" in result.err, result.out) == (2, True, "")
