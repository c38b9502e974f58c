"""Training on a GPU: exact resuming, float16, compiled networks, out of memory, evaluation as on the CPU."""

import json
import time

import pytest
import torch
from safetensors.torch import load_file

from framework import Predictor, Registry, RunFolder
from framework.recipe import load_recipe
from framework.training.prepare import prepare_data
from framework.training.running_means import RunningMeans
from framework.training.session import build_session
from framework.training.step import train_step

pytestmark = pytest.mark.cuda

RECIPE = """
dataset: {{name: drawn_faces, train_images: 500, test_images: 50}}
preprocess: {{size: 32, channels: 1}}
augment: [flip, {{name: rotate, degrees: 10}}, contrast, erase, {{name: mixup, until: 0.6}}]
model: resnet18
optimizer: {{name: sgd, lr: 0.02}}
train:
  {{epochs: 2, batch_size: 32, grad_accum_steps: 2, ema: 0.9, clip_grad_norm: 1.0, log_every: 2, device: {device},
    {more}}}
"""


@pytest.fixture
def recipe(tmp_path, device):
    def write(more="checkpoint_every: 0"):
        file = tmp_path / "faces.yaml"
        file.write_text(RECIPE.format(device=device.type, more=more))
        return file

    return write


def lines(folder):
    """The lines of metrics.jsonl without times."""
    timed = {"seconds", "images_per_second"}
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [{key: value for key, value in row.items() if key not in timed} for row in rows]


def test_a_killed_and_resumed_run_is_equal_to_an_uninterrupted_one(recipe, tmp_path, start_framework):
    file = recipe()
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    assert start_framework("run", file, "--out", whole).wait() == 0
    process = start_framework("run", file, "--out", cut)
    while process.poll() is None and len(list((cut / "checkpoints").glob("step-*3.safetensors"))) == 0:
        time.sleep(0.002)
    process.kill()
    process.wait()
    assert start_framework("run", file, "--out", cut, "--resume").wait() == 0
    assert RunFolder(cut).weights.read_bytes() == RunFolder(whole).weights.read_bytes()
    assert lines(cut) == lines(whole)


def test_evaluation_is_equal_to_the_cpu(recipe, tmp_path, framework, device):
    file = recipe()
    assert framework("run", file, "train.epochs=1", "--out", tmp_path / "run").status == 0
    images = torch.randint(0, 256, (40, 1, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    here, there = (Predictor.open(tmp_path / "run", device=name).engine(images) for name in (device.type, "cpu"))
    torch.testing.assert_close(here, there, atol=2e-3, rtol=1e-3)
    assert (here.argmax(1) == there.argmax(1)).float().mean() > 0.95


@pytest.mark.parametrize("precision", ["float16", "bfloat16", "float32"])
@pytest.mark.parametrize("compiled", ["false", "true"])
def test_every_precision_trains_with_and_without_compiling(recipe, tmp_path, framework, device, precision, compiled):
    if device.type == "cpu" and (precision == "float16" or compiled == "true"):
        pytest.skip("float16 and compiling need a GPU")
    file = recipe("deterministic: false")
    options = f"train.precision={precision}", f"train.compile={compiled}", "train.tf32=true", "train.epochs=1"
    result = framework("run", file, *options, "--out", tmp_path / "run")
    assert result.status == 0, result.err
    environment = json.loads((tmp_path / "run" / "environment.json").read_text())
    assert (environment["precision"], environment["compile"]) == (precision, compiled == "true")


@pytest.mark.parametrize("precision", ["float16", "bfloat16"])
@pytest.mark.parametrize("accumulated", [1, 2])
def test_sam_trains_a_compiled_network(recipe, tmp_path, framework, gpu, precision, accumulated):
    options = f"train.precision={precision}", f"train.grad_accum_steps={accumulated}", "train.compile=true"
    file = recipe("deterministic: false")
    result = framework("run", file, *options, "method=sam", "train.epochs=1", "--out", tmp_path / "run")
    assert result.status == 0, result.err
    assert json.loads((tmp_path / "run" / "environment.json").read_text())["compile"] is True


def test_a_compiled_network_has_the_same_weights_after_training(recipe, tmp_path, framework, gpu):
    """With gradient accumulation, gradient clipping and averaged weights."""
    file = recipe("deterministic: false")
    weights = {}
    for compiled in ("false", "true"):
        options = f"train.compile={compiled}", "train.precision=float32", "train.max_steps=3"
        assert framework("run", file, *options, "--out", tmp_path / compiled).status == 0
        weights[compiled] = load_file(tmp_path / compiled / "model.safetensors")
    for name, plain in weights["false"].items():
        torch.testing.assert_close(weights["true"][name], plain, atol=1e-3, rtol=1e-2)


def test_out_of_memory_is_one_error_with_the_option(recipe, tmp_path, framework, gpu):
    options = "train.batch_size=400", "preprocess.size=2048", "train.store=memory", "train.grad_accum_steps=1"
    result = framework("run", recipe(), *options, "--out", tmp_path / "run")
    assert result.status == 1
    assert "memory" in result.err
    assert "train.batch_size" in result.err


@pytest.mark.parametrize(("store", "method"), [("device", "supervised"), ("memory", "supervised"), ("memory", "sam")])
def test_a_training_step_does_not_synchronise(recipe, gpu, store, method):
    registry = Registry.load()
    loaded = load_recipe(recipe(f"store: {store}"), registry, [f"method={method}"])
    session, means = build_session(loaded, *prepare_data(loaded)), RunningMeans()
    for step in range(2):
        train_step(session, step, means)
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        for step in range(2, 14):  # two epochs: blocks of batches are prepared in each
            train_step(session, step, means)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert means.take_recent().loss > 0
