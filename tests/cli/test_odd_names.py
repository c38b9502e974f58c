"""Names of classes, files and folders with markup, or that are not UTF-8, are not changed."""

import csv
import json
import os
import shutil

import pytest

RECIPE = """
dataset: {name: folder, root: ROOT, test: 0.25}
preprocess: {size: 12, channels: 3}
model: tinynet
train: {epochs: 1, batch_size: 5, device: cpu}
"""
NO_UTF8 = os.fsdecode(b"caf\xe9.png")


@pytest.fixture
def recipe(tmp_path, photos):
    file = tmp_path / "photos.yaml"
    file.write_text(RECIPE.replace("ROOT", str(photos)))
    return file


def test_brackets_are_not_markup(tmp_path, photos, recipe, framework, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (photos / "blue").rename(photos / "[other]")
    (photos / "red").rename(photos / "[bold]red")
    runs = ["[red]one", "[/two"]
    for run in runs:
        assert framework("run", recipe, "--out", run).status == 0
    assert framework("export", runs[0], "--parity", 0, "--out", "[dim]x.onnx").status == 0
    calls = {
        ("evaluate", runs[0]): ("[other]", "[bold]red"),
        ("compare", *runs): ("[red]one", "two"),
        ("soup", *runs, "--out", "soup"): ("[red]one", "[/two"),
        ("bench", "[dim]x.onnx", "--batch", 1, "--seconds", 0): ("[dim]x.onnx",),
    }
    for call, names in calls.items():
        result = framework(*call)
        assert result.status == 0, result.err
        for name in names:
            assert name in result.out


def test_a_closing_bracket_does_not_end_a_command(tmp_path, photos, recipe, framework):
    root = tmp_path / "[" / "a"
    root.parent.mkdir()
    shutil.copytree(photos, root)
    (root / "red").rename(root / "[")
    run = tmp_path / "run"
    assert framework("run", recipe, f"dataset.root={root}", "--out", run).status == 0
    result = framework("evaluate", run)
    assert result.status == 0, result.err


def test_a_file_name_that_is_not_utf8_works_in_data_check_and_run(tmp_path, photos, recipe, framework):
    shutil.copy(photos / "red" / "00.png", photos / "red" / NO_UTF8)
    table = tmp_path / "found.csv"
    result = framework("data", "check", recipe, "--csv", table)
    assert result.status == 0, result.err
    with table.open(newline="", errors="surrogateescape") as file:
        names = {row["name"] for row in csv.DictReader(file) if row["keep"] == "no"}
    assert names in ({f"red/{NO_UTF8}"}, {"red/00.png"})
    table.write_bytes(b"name\nred/" + os.fsencode(NO_UTF8) + b"\n")
    run = tmp_path / "run"
    result = framework("run", recipe, f"dataset.drop={table}", "--out", run)
    assert result.status == 0, result.err
    dropped = [name for split in json.loads((run / "data.json").read_text()).values() for name in split["dropped"]]
    assert set(dropped) == {f"red/{NO_UTF8}"}
    assert framework("evaluate", run).status == 0


def test_an_unreadable_file_whose_name_is_not_utf8_is_named(tmp_path, photos, recipe, framework):
    (photos / "red" / NO_UTF8).write_bytes(b"no image")
    run = tmp_path / "run"
    result = framework("run", recipe, "dataset.on_bad_image=skip", "--out", run)
    assert result.status == 0, result.err
    skipped = [
        bad["name"] for split in json.loads((run / "data.json").read_text()).values() for bad in split["skipped"]
    ]
    assert skipped == [f"red/{NO_UTF8}"]
    found = json.loads(framework("data", "check", recipe, "--json").out)["findings"]
    assert [row["name"] for row in found if row["problem"] == "corrupt"] == [f"red/{NO_UTF8}"]


def test_a_class_name_that_is_not_utf8_works_in_run_report_and_bundle(tmp_path, photos, recipe, framework):
    (photos / "red").rename(photos / os.fsdecode(b"caf\xe9"))
    run = tmp_path / "my[1]-run"
    assert framework("run", recipe, "--out", run).status == 0
    assert framework("report", run).status == 0
    assert framework("bundle", run, "--out", tmp_path / "x.safetensors").status == 0
    result = framework("evaluate", tmp_path / "x.safetensors")
    assert result.status == 0, result.err


def test_brackets_in_a_recipe_name_get_numbered_run_folders(tmp_path, recipe, framework, monkeypatch):
    monkeypatch.chdir(tmp_path)
    recipe.rename(tmp_path / "my[1].yaml")
    for _ in range(2):
        assert framework("run", "my[1].yaml").status == 0
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["my[1]-1", "my[1]-2"]
