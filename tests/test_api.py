"""`framework.train`, `load`, `evaluate` and `compare` do what the commands of the command line do."""

import io
import json
import subprocess
import sys

import numpy as np
import PIL.Image
import pytest
import torch

from framework import Interrupted, Recipe, RunFailed, RunFolder, UserError, compare, evaluate, load, train
from framework.cli import main

TIMINGS = {"seconds", "images_per_second", "peak_memory_bytes"}
RECIPE = {
    "dataset": {"name": "drawn_faces", "train_images": 140, "test_images": 70},
    "preprocess": {"size": 16, "channels": 1},
    "model": {"name": "speednet", "widths": [8, 8, 8]},
    "train": {"epochs": 2, "batch_size": 42, "log_every": 2, "device": "cpu"},
}


def without_timings(line):
    return {key: value for key, value in line.items() if key not in TIMINGS}


def command(*arguments):
    assert main([str(argument) for argument in arguments]) == 0


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Trained from Python and, with the same recipe, by the command line."""
    folder = tmp_path_factory.mktemp("runs")
    run = train(RECIPE, out=folder / "python", progress=False)
    (folder / "recipe.yaml").write_text(json.dumps(RECIPE))  # JSON is YAML
    command("run", folder / "recipe.yaml", "--out", folder / "command")
    return run, folder / "command"


@pytest.fixture
def faces(tmp_path):
    """A folder with images of two of the classes."""
    random = np.random.default_rng(0)
    for name in ("happy", "sad"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for index in range(3):
            pixels = random.integers(0, 256, (48, 48), np.uint8)
            PIL.Image.fromarray(pixels).save(tmp_path / "photos" / name / f"{index}.png")
    return tmp_path / "photos"


def test_training_from_python_and_by_the_command_line_gives_the_same_run(runs):
    run, by_command = runs
    folders = RunFolder(run.path), RunFolder(by_command)
    assert folders[0].weights.read_bytes() == folders[1].weights.read_bytes()
    assert without_timings(folders[0].read("results")) == without_timings(folders[1].read("results"))
    assert run.metrics == load(by_command).metrics


def test_metrics_history_and_predictions_are_those_of_the_run_folder(runs):
    run, _ = runs
    folder = RunFolder(run.path)
    assert run.metrics["test"] == folder.read("results")["test"]
    assert set(run.metrics) >= {"validation", "test"}
    history = run.history
    assert [epoch["epoch"] for epoch in history.epochs] == [1, 2]
    assert [step["step"] for step in history.steps] == [2, 4, 6]
    assert history.epochs[-1]["validation"]["top1"] == run.metrics["validation"]["top1"]
    predictions = run.predictions("test")
    assert predictions.metrics()["top1"] == run.metrics["test"]["top1"]
    assert len(predictions) == 70


def test_options_are_nested_dicts_or_dotted_names(runs, tmp_path):
    run, _ = runs
    once = {"epochs": 1, "max_steps": 1}
    nested = train(run.recipe, out=tmp_path / "a", train=once, optimizer={"lr": 0.01}, progress=False)
    dotted = {"train.epochs": 1, "train.max_steps": 1, "optimizer.lr": 0.01}
    flat = train(run.path / "recipe.yaml", out=tmp_path / "b", progress=False, **dotted)
    assert nested.recipe == flat.recipe
    assert (nested.recipe.train.epochs, nested.recipe.train.batch_size) == (1, 42)
    assert isinstance(nested.recipe, Recipe)
    assert nested.metrics == flat.metrics


def test_a_shipped_recipe_is_named_and_its_dataset_replaced(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = train("fer2013_resnet18", dataset=RECIPE["dataset"], model=RECIPE["model"], preprocess={"size": 16},
                train={**RECIPE["train"], "max_steps": 1, "progressive_resize": None}, progress=False)  # fmt: skip
    assert str(run.path) == "runs/fer2013_resnet18-1"
    assert run.recipe.dataset.train_images == 140


def test_a_component_of_a_plugin_file_is_trained_and_opened_again(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        "from framework import Model, hookimpl\n"
        "class Flat(Model):\n"
        '    """One layer."""\n'
        "    name = 'flat'\n"
        "    def build(self, num_classes, channels, image_size):\n"
        "        from torch import nn\n"
        "        return nn.Sequential(nn.Flatten(), nn.Linear(channels * image_size[0] * image_size[1], num_classes))\n"
        "@hookimpl\n"
        "def components():\n"
        "    return [Flat]\n"
    )
    steps = {**RECIPE["train"], "max_steps": 1}
    run = train(RECIPE, out=tmp_path / "run", model="flat", train=steps, plugin=file, progress=False)
    image = np.zeros((16, 16), np.uint8)
    assert load(run.path).predict(image)[0].probabilities == run.predict(image)[0].probabilities


def test_resuming_a_finished_run_returns_it(runs):
    run, _ = runs
    again = train(RECIPE, out=run.path, resume=True, progress=False)
    assert again.metrics == run.metrics


def test_mistakes_raise_the_message_of_the_command_line(runs, tmp_path, capfd):
    run, _ = runs
    status = main(["run", "drawn_faces", "modle=x", "train.epochs=no", "loss=none", "--out", str(tmp_path / "run")])
    printed = capfd.readouterr().err
    with pytest.raises(UserError) as raised:
        train("drawn_faces", modle="x", train={"epochs": "no"}, loss="none", out=tmp_path / "run")
    assert (status, raised.value.exit_status, f"{raised.value}\n") == (2, 2, printed)
    assert issubclass(RunFailed, UserError)
    assert issubclass(Interrupted, UserError)
    with pytest.raises(UserError, match="--out"):
        train("drawn_faces", resume=True)
    with pytest.raises(UserError, match=r"train\.epochs"):
        load(run.path, train={"epochs": 3})
    with pytest.raises(UserError, match="drawn/faces"):
        load("drawn/fases")
    assert capfd.readouterr().out == ""


def test_evaluating_gives_the_json_of_the_command_line(runs, faces, capfd):
    run, by_command = runs
    capfd.readouterr()
    for arguments, evaluation in (
        ([run.path], evaluate(run)),
        ([run.path, by_command, "--split", "validation"], evaluate([run, by_command], split="validation")),
        (["drawn/faces", "--folder", faces, "--batch-size", 2], evaluate("drawn/faces", faces, batch_size=2)),
        ([run.path, "--tta", 2, "dataset.test_images=35"], evaluate(run, tta=2, dataset={"test_images": 35})),
    ):
        command("evaluate", *arguments, "--json")
        assert json.loads(capfd.readouterr().out) == json.loads(json.dumps(evaluation.as_dict()))
    assert evaluate(run).metrics["top1"] == run.metrics["test"]["top1"]
    with pytest.raises(UserError, match="--split"):
        evaluate(run, faces, split="test")


def test_calibration_is_saved_and_applies_to_the_open_run(tmp_path):
    """Of a network that is neither perfect nor at chance level: the bundle, after one small step."""
    bundle = load("drawn/faces")
    dataset = {"name": "drawn_faces", "train_images": 280, "test_images": 14, "validation": 0.8}
    steps = {"init_from": "drawn/faces", "max_steps": 1, "batch_size": 28, "device": "cpu", "keep": "last"}
    run = train(
        bundle.recipe, out=tmp_path / "run", dataset=dataset, train=steps, optimizer={"lr": 1e-6}, progress=False
    )
    image = np.full((48, 48), 100, np.uint8)
    before = run.predict(image)[0].probability
    calibration = evaluate(run, calibrate=True, progress=False).calibration
    assert RunFolder(run.path).read("calibration") == calibration.as_dict()
    assert run.predict(image)[0].probability != before


def test_any_form_of_image_is_predicted(tmp_path):
    model = load("drawn/faces")
    picture = PIL.Image.fromarray(np.random.default_rng(0).integers(0, 256, (48, 48), np.uint8))
    content = io.BytesIO()
    picture.save(content, "png")
    file = tmp_path / "face.png"
    file.write_bytes(content.getvalue())
    pixels = np.asarray(picture)
    forms = [picture, pixels, torch.from_numpy(pixels.copy())[None], str(file), file, content.getvalue(), ("x", file)]
    predictions = model.predict(forms)
    assert [prediction.name for prediction in predictions][3:] == [str(file), str(file), "image", "x"]
    assert len({prediction.probabilities for prediction in predictions}) == 1
    (one,) = model.predict(pixels)
    assert one.label in model.classes
    assert one.probability == max(one.probabilities)
    assert dict(one.top(7)) == dict(zip(model.classes, one.probabilities, strict=True))
    with pytest.raises(TypeError):
        model.predict(3)


def test_an_unreadable_image_has_an_error_instead_of_a_label(tmp_path):
    good, bad = load("drawn/faces").predict([np.zeros((48, 48), np.uint8), tmp_path / "missing.png"])
    assert (good.error, bad.probabilities) == (None, ())
    for attribute in ("label", "probability"):
        with pytest.raises(UserError, match=r"missing\.png"):
            getattr(bad, attribute)


def test_regions_of_a_detector_are_predicted():
    image = np.zeros((48, 96), np.uint8)
    predictions = load("drawn/faces").predict([("image", image)], detect="tiles rows=1 columns=2")
    assert [prediction.name for prediction in predictions] == ["image#1", "image#2"]
    with pytest.raises(UserError, match="detector"):
        load("drawn/faces").predict(image, detect="nothing")


def test_comparing_gives_the_json_of_the_command_line(runs, capfd, tmp_path):
    run, by_command = runs
    comparison = compare([run, by_command, "drawn/faces"], dataset=RECIPE["dataset"], html=tmp_path / "page.html")
    capfd.readouterr()
    dataset = f"dataset={json.dumps(RECIPE['dataset'])}"
    command("compare", run.path, by_command, "drawn/faces", dataset, "--json")
    assert json.loads(capfd.readouterr().out) == json.loads(json.dumps(comparison.as_dict()))
    assert "McNemar" in str(comparison)
    assert "<html" in (tmp_path / "page.html").read_text()
    with pytest.raises(UserError):
        compare([run])


def test_report_and_export_return_their_files(runs, tmp_path):
    run, _ = runs
    assert "<html" in run.report(tmp_path / "report.html", split="validation").read_text()
    bundle = load(run.export(tmp_path / "model.safetensors", parity=0))
    assert (bundle.classes, bundle.metrics) == (run.classes, run.metrics)
    assert bundle.history.epochs == ()
    exported = load(run.export(tmp_path / "model.pt2", parity=10))
    image = np.full((16, 16), 100, np.uint8)
    expected = run.predict(image)[0].probabilities
    assert exported.predict(image)[0].probabilities == pytest.approx(expected, abs=1e-4)
    with pytest.raises(UserError, match="already exists"):
        run.export(tmp_path / "model.pt2")
    with pytest.raises(UserError, match="pdf"):
        run.export(format="pdf")


def test_only_progress_is_printed(tmp_path, capfd):
    quiet = {**RECIPE["train"], "max_steps": 1}
    train(RECIPE, out=tmp_path / "a", train=quiet, progress=False)
    assert capfd.readouterr() == ("", "")
    train(RECIPE, out=tmp_path / "b", train=quiet)
    assert str(tmp_path / "b") in capfd.readouterr().out


def test_importing_the_functions_and_a_wrong_recipe_need_no_torch():
    script = """
import sys
from framework import UserError, compare, evaluate, load, train
try:
    train("drawn_faces", modle="x")
except UserError:
    print("torch" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout == b"False\n"
