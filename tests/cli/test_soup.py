"""`framework soup`, on runs of one second."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from framework import Predictor
from framework.training.soup import mean_weights

RECIPE = """
dataset: {name: dots, images: 80}
preprocess: {size: 16}
model: {name: tinynet, dropout: 0.0}
optimizer: {name: adamw, lr: 1e-2}
train: {epochs: 2, batch_size: 20, device: cpu, precision: float32}
"""


@pytest.fixture
def run(tmp_path, framework):
    """Run the recipe with overrides into a folder of that name."""
    recipe = tmp_path / "dots.yaml"
    recipe.write_text(RECIPE)

    def call(out, *overrides):
        result = framework("run", recipe, *overrides, "--out", tmp_path / out)
        assert result.status == 0, result.err
        return tmp_path / out

    return call


def results(folder):
    return json.loads((folder / "results.json").read_text())


def test_weights_are_averaged_and_statistics_recomputed(run, tmp_path, framework):
    runs = run("a"), run("b", "optimizer.lr=5e-3"), run("c", "train.epochs=1")
    done = framework("soup", *runs, "--out", tmp_path / "soup")
    assert done.status == 0, done.err
    states = [load_file(folder / "model.safetensors") for folder in runs]
    soup, mean = load_file(tmp_path / "soup" / "model.safetensors"), mean_weights(states)
    torch.testing.assert_close(soup["9.weight"], torch.stack([state["9.weight"] for state in states]).mean(0))
    assert not torch.equal(soup["4.running_mean"], mean["4.running_mean"])
    plain = tmp_path / "plain"
    assert framework("soup", *runs, "--out", plain, "--recalibrate-bn", 0).status == 0
    assert all(torch.equal(value, mean[name]) for name, value in load_file(plain / "model.safetensors").items())


def test_an_export_is_a_user_error(run, framework, tmp_path):
    one = run("one")
    assert framework("export", one, "--parity", 0).status == 0
    result = framework("soup", one, tmp_path / "one.onnx", "--out", tmp_path / "soup")
    assert (result.status, "one.onnx' is an export" in result.err) == (2, True)


def test_a_soup_of_unevaluated_runs_can_be_reported_and_compared(run, tmp_path, framework):
    runs = run("a"), run("b", "seed=1")
    for folder in runs:
        (folder / "results.json").unlink()
    assert framework("soup", *runs, "--out", tmp_path / "soup").status == 0
    for command in (("report", tmp_path / "soup"), ("compare", tmp_path / "soup", runs[0])):
        result = framework(*command)
        assert result.status == 0, result.err


def test_a_soup_is_a_run_for_all_commands(run, tmp_path, framework):
    runs = run("a"), run("b", "optimizer.lr=5e-3")
    out = tmp_path / "soup"
    done = framework("soup", *runs, "--out", out)
    metrics = results(out)
    assert f"{100 * metrics['test']['top1']:.1f}" in done.out
    assert metrics["soup"]["runs"] == [str(folder) for folder in runs]
    assert json.loads((out / "environment.json").read_text())["soup"] == metrics["soup"]
    again = json.loads(framework("evaluate", out, "--json").out)
    assert again["top1"] == metrics["test"]["top1"]
    assert framework("bundle", out).status == 0
    assert Predictor.open(out).classes == Predictor.open(runs[0]).classes


def test_a_soup_uses_the_given_number_of_views(run, tmp_path, framework):
    out = tmp_path / "soup"
    assert framework("soup", run("a"), run("b", "seed=1"), "evaluate.tta=6", "--out", out).status == 0
    again = json.loads(framework("evaluate", out, "evaluate.tta=6", "--json").out)
    assert json.loads(framework("evaluate", out, "--json").out)["loss"] == again["loss"] == results(out)["test"]["loss"]


def spoiled(folder, factor):
    """A copy of the run whose last layer is multiplied."""
    copy = folder.with_name("copy")
    shutil.copytree(folder, copy)
    state = load_file(copy / "model.safetensors")
    save_file({**state, "9.weight": factor * state["9.weight"]}, copy / "model.safetensors")
    return copy


@pytest.mark.parametrize(("factor", "welcome"), [(1.0, True), (-9.0, False)])
def test_a_greedy_soup_leaves_out_runs_that_worsen_it(factor, welcome, run, tmp_path, framework):
    good = run("good", "dataset.images=240", "train.epochs=8")
    other = spoiled(good, factor)
    done = framework("soup", good, other, "--out", tmp_path / "soup", "--greedy", "--recalibrate-bn", 0)
    assert done.status == 0, done.err
    metrics = results(tmp_path / "soup")
    assert metrics["soup"]["chosen"] == [str(folder) for folder in ([good, other] if welcome else [good])]
    assert metrics["validation"]["top1"] == results(good)["validation"]["top1"]
    assert ("left out" in done.out) is not welcome


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model.width=4", "model.width is 8 in '{a}' and 4 in '{b}'"),
        ("preprocess.size=12", "preprocess.height is 16 in '{a}' and 12 in '{b}'"),
    ],
)
def test_differences_other_than_weights_are_named(override, message, run, tmp_path, framework):
    a, b = run("a"), run("b", override)
    done = framework("soup", a, b, "--out", tmp_path / "soup")
    assert done.status == 2
    assert message.format(a=a, b=b) in done.err
    assert not (tmp_path / "soup").exists()


def test_held_out_images_must_be_the_same(run, tmp_path, framework):
    normal = ("preprocess.mean=[0.3]", "preprocess.std=[0.2]")
    a, b = run("a", *normal), run("b", *normal, "dataset.split_seed=3")
    done = framework("soup", a, b, "--out", tmp_path / "soup")
    assert done.status == 2
    assert "the fingerprint of validation is" in done.err


def test_a_soup_needs_an_empty_folder_and_two_runs(run, tmp_path, framework):
    a, b = run("a"), run("b", "seed=1")
    assert "is not empty" in framework("soup", a, b, "--out", a).err
    assert "two runs" in framework("soup", a, "--out", tmp_path / "soup").err


def test_greedy_needs_validation(run, tmp_path, framework):
    a, b = run("a", "dataset.validation=0"), run("b", "dataset.validation=0", "optimizer.lr=5e-3")
    done = framework("soup", a, b, "--out", tmp_path / "soup", "--greedy", "--recalibrate-bn", 0)
    assert done.status == 2
    assert "--greedy needs validation" in done.err


def test_frozen_statistics_do_not_change_and_the_dtype_is_the_most_precise(run, tmp_path, framework):
    runs = [run(name, f"seed={seed}", "train.freeze=['1.*']") for seed, name in enumerate("ab")]
    states = [load_file(folder / "model.safetensors") for folder in runs]
    half = {name: value.half() if value.is_floating_point() else value for name, value in states[0].items()}
    mean = mean_weights([half, states[1]])
    assert {value.dtype for value in mean.values()} == {value.dtype for value in states[1].values()}
    assert framework("soup", *runs, "--out", tmp_path / "soup").status == 0
    soup = load_file(tmp_path / "soup" / "model.safetensors")
    assert torch.equal(soup["1.running_mean"], states[0]["1.running_mean"])
    assert not torch.equal(soup["4.running_mean"], states[0]["4.running_mean"])
