"""The options of `train`, on runs that take a second."""

import json
import math
from types import SimpleNamespace

import pytest
import torch

from framework import Dataset, Predictor, Registry, RunFolder
from framework.data.splits import build_splits
from framework.evaluation.predictions import Predictions
from framework.training.checkpoints import Checkpoints
from framework.training.progress import Progress
from framework.training.session import Session
from framework.training.step import train_step

RECIPE = """
dataset: dots
preprocess: {size: 16}
model: {name: tinynet, dropout: 0.0}
optimizer: {name: adamw, lr: 1e-2}
scheduler: constant
train: {epochs: 2, batch_size: 20, log_every: 1, device: cpu, precision: float32}
"""


@pytest.fixture
def run(tmp_path, framework):
    """Run the recipe with overrides; returns the run folder and the result of the command."""
    recipe = tmp_path / "dots.yaml"
    recipe.write_text(RECIPE)

    def call(*overrides, out="run", status=0):
        result = framework("run", recipe, *overrides, "--out", tmp_path / out)
        assert result.status == status, result.err
        return RunFolder(tmp_path / out), result

    return call


def steps(folder):
    return [line for line in folder.metrics_lines() if line["event"] == "step"]


def epochs(folder):
    return [line for line in folder.metrics_lines() if line["event"] == "epoch"]


def weights(folder):
    from safetensors.torch import load_file

    return load_file(folder.weights)


def test_training_reaches_a_good_accuracy(run):
    folder, _ = run("train.epochs=24", "dataset.images=480", "scheduler=cosine")
    assert folder.read("results")["test"]["top1"] > 0.75


def test_weights_are_a_function_of_recipe_and_seed(run):
    first, second, other = run(out="a")[0], run(out="b")[0], run("seed=1", out="c")[0]
    assert first.weights.read_bytes() == second.weights.read_bytes()
    assert first.weights.read_bytes() != other.weights.read_bytes()


def test_two_accumulated_batches_equal_one_large_batch(run):
    # Without batch normalisation, which would get half batches.
    common = ("model=linear_probe", "train.max_steps=3")
    whole = run(*common, "train.batch_size=40", out="whole")[0]
    halves = run(*common, "train.batch_size=20", "train.grad_accum_steps=2", out="halves")[0]
    for name, value in weights(whole).items():
        torch.testing.assert_close(weights(halves)[name], value, rtol=1e-4, atol=1e-6)
    assert [line["step"] for line in steps(halves)] == [1, 2, 3]


def test_gradients_are_clipped(run):
    common = ("model=linear_probe", "train.max_steps=1")
    start = weights(run(*common, "optimizer={name: plain_sgd, lr: 1e-30}", out="start")[0])
    free = weights(run(*common, "optimizer=plain_sgd", out="free")[0])
    clipped = weights(run(*common, "optimizer=plain_sgd", "train.clip_grad_norm=1e-6", out="clipped")[0])
    moved = sum((free[name] - value).norm() for name, value in start.items())
    barely = sum((clipped[name] - value).norm() for name, value in start.items())
    assert barely < 1e-5 < moved


def test_averaged_weights_are_saved(run):
    plain, averaged = run("train.epochs=1", out="plain")[0], run("train.epochs=1", "train.ema=0.99", out="averaged")[0]
    assert [line["loss"] for line in steps(plain)] == [line["loss"] for line in steps(averaged)]
    assert not torch.equal(weights(plain)["9.weight"], weights(averaged)["9.weight"])


def test_lookahead_changes_training_and_saves_the_slow_weights(run):
    plain = run("train.epochs=1", out="plain")[0]
    ahead = run("train.epochs=1", "train.lookahead={every: 2, decay: 0.5}", out="ahead")[0]
    assert [line["loss"] for line in steps(plain)][:2] == [line["loss"] for line in steps(ahead)][:2]
    assert steps(plain)[2]["loss"] != steps(ahead)[2]["loss"]
    assert not torch.equal(weights(plain)["9.weight"], weights(ahead)["9.weight"])


def test_ema_and_lookahead_exclude_each_other(run):
    _, result = run("train.ema=0.9", "train.lookahead.every=5", status=2)
    assert "'ema' and 'lookahead'" in result.err


def test_recalibrate_bn_changes_the_saved_statistics_only(run):
    plain = run("train.epochs=1", "train.ema=0.9", out="plain")[0]
    refreshed = run("train.epochs=1", "train.ema=0.9", "train.recalibrate_bn=2", out="refreshed")[0]
    assert torch.equal(weights(plain)["9.weight"], weights(refreshed)["9.weight"])
    assert not torch.equal(weights(plain)["4.running_mean"], weights(refreshed)["4.running_mean"])
    assert weights(refreshed)["4.num_batches_tracked"] == 2


def test_frozen_parameters_and_their_statistics_do_not_change(run):
    folder = run("train.freeze=['0.*', '1.*']", "train.epochs=1", out="frozen")[0]
    start = run("train.max_steps=1", "optimizer={name: plain_sgd, lr: 1e-30}", out="start")[0]
    frozen, initial = weights(folder), weights(start)
    assert torch.equal(frozen["0.weight"], initial["0.weight"])
    assert torch.equal(frozen["1.running_mean"], torch.zeros(8))
    assert not torch.equal(frozen["4.running_mean"], torch.zeros(8))
    assert not torch.equal(frozen["3.weight"], initial["3.weight"])


def test_a_freeze_pattern_without_a_match_is_an_error(run):
    _, result = run("train.freeze=['layer9.*']", status=2)
    assert "train.freeze" in result.err
    assert "'layer9.*'" in result.err


def test_max_steps_ends_training_and_the_schedule(run):
    folder = run("train.max_steps=5", "scheduler=one_cycle")[0]
    assert folder.read("results")["steps"] == 5
    falling = [1e-2 * (1 + math.cos(math.pi * step / 4)) / 2 for step in range(4)]  # from the second step on
    assert [line["lr"] for line in steps(folder)] == pytest.approx([4e-4, *falling], rel=1e-4)


def test_the_logged_learning_rate_is_that_of_the_step(run):
    folder = run("scheduler={name: multi_step, milestones: [1]}", "train.epochs=2")[0]
    rates = {epoch: {line["lr"] for line in steps(folder) if line["epoch"] == epoch} for epoch in (1, 2)}
    assert rates == {1: {1e-2}, 2: {1e-3}}
    assert epochs(folder)[-1]["lr"] == steps(folder)[-1]["lr"]


def test_max_time_ends_training(run):
    folder, result = run("train.max_time=0.001")
    results = folder.read("results")
    assert (results["steps"], results["stopped"]) == (1, "max_time")
    assert "train.max_time" in result.out
    assert 0 <= results["test"]["top1"] <= 1


def test_progressive_resizing_is_used_only_if_the_network_takes_all_sizes(run):
    _, result = run("train.progressive_resize.start=8", out="grown")
    assert "1×16×16, growing from 8" in result.out
    _, result = run("train.progressive_resize.start=8", "model=linear_probe", out="fixed")
    assert "1×16×16, growing" not in result.out
    _, result = run("train.progressive_resize.start=16", out="large", status=2)
    assert "train.progressive_resize.start is 16; it must be below preprocess.size" in result.err


def test_patience_ends_training(run):
    folder, result = run("optimizer={name: plain_sgd, lr: 1e-30}", "train.epochs=9", "train.patience=2")
    assert folder.read("results")["stopped"] == "patience"
    assert len(epochs(folder)) == folder.read("results")["kept"]["epoch"] + 2 < 9
    assert "train.patience" in result.out


def test_keep_selects_the_best_or_the_last_epoch(run):
    folder = run("train.epochs=6", "train.monitor=loss", out="best")[0]
    losses = [line["validation"]["loss"] for line in epochs(folder)]
    kept = folder.read("results")
    assert kept["kept"]["epoch"] == losses.index(min(losses)) + 1
    assert kept["validation"]["loss"] == min(losses)
    assert run("train.epochs=3", "train.keep=last", out="last")[0].read("results")["kept"]["epoch"] == 3


def test_a_loss_that_is_not_finite_stops_the_run(run):
    folder, result = run("loss=explodes", "train.checkpoint_every=0", "train.log_every=50", status=1)
    assert "the loss is not finite: step 5 (epoch 1)" in result.err
    kept = sorted(folder.checkpoints.glob("step-*"))
    assert [file.name for file in kept] == ["step-00000003.safetensors", "step-00000004.safetensors"]
    assert str(kept[-1]) in result.err
    assert "Traceback" not in result.err


def test_weights_that_are_not_finite_are_not_saved(run):
    explodes = "loss={name: explodes, gradient_only: true}"
    folder, result = run(explodes, "train.checkpoint_every=0", "train.log_every=50", out="within", status=1)
    assert "a weight is not finite: step 5 (epoch 1)" in result.err
    kept = sorted(folder.checkpoints.glob("step-*"))
    assert [file.name for file in kept] == ["step-00000003.safetensors", "step-00000004.safetensors"]
    assert str(kept[-1]) in result.err

    folder, result = run(explodes, "train.max_steps=5", "dataset.validation=0", out="last", status=1)
    assert "a weight is not finite: step 5 (epoch 1)" in result.err
    assert not folder.best_weights.exists()


def test_class_weights_change_the_loss(run):
    plain, weighted = run(out="plain")[0], run("loss.class_weights={top_left: 9.0}", out="weighted")[0]
    assert steps(plain)[0]["loss"] != steps(weighted)[0]["loss"]


def test_balanced_sampling_changes_the_batches(run):
    plain, balanced = run(out="plain")[0], run("train.sampler=balanced", out="balanced")[0]
    assert steps(plain)[0]["loss"] != steps(balanced)[0]["loss"]


def test_plateau_follows_the_validation_metric(run):
    still = "optimizer={name: plain_sgd, lr: 1e-20}"
    folder = run("scheduler={name: plateau, patience: 0}", still, "train.epochs=3")[0]
    assert [line["lr"] for line in epochs(folder)] == pytest.approx([1e-20, 1e-21, 1e-22])


def test_bfloat16_trains_and_evaluates_in_float32(run):
    exact, folder = run("train.epochs=1", out="exact")[0], run("train.precision=bfloat16", "train.epochs=1")[0]
    assert folder.read("environment")["precision"] == "bfloat16"
    assert {value.dtype for value in weights(folder).values()} == {torch.float32, torch.int64}
    assert steps(folder)[0]["loss"] != steps(exact)[0]["loss"]

    predictor, kept = Predictor.open(folder.path, device="cpu"), Predictions.load(folder.predictions("validation"))
    images = build_splits(Registry.load().find(Dataset, "dots")())["validation"]
    pixels = torch.stack([predictor.preprocess(images.read(index)) for index in range(len(images))])
    with torch.no_grad():
        logits = predictor.engine.model(predictor.preprocess.network_input(pixels))
    assert logits.dtype == torch.float32
    torch.testing.assert_close(kept.logits, logits, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("train.device=cuda:7", "'cuda:7'"),
        ("train.precision=float16", "train.precision=float16"),
        ("model=wrong_shape", "logits of shape (2, 4)"),
        ("model=picky", "preprocess.size: the nearest sizes that work are 112×112"),
        ("loss=tiring loss.learned=true", "loss 'tiring' has parameters, which no optimizer trains: rate"),
        ("model=resnet18 train.batch_size=1", "train.batch_size: set 2"),
        ("dataset.validation=0 train.patience=1", "train.patience needs a validation split"),
        ("dataset.validation=0 scheduler=plateau", "dataset.validation"),
    ],
)
def test_parts_that_do_not_fit_are_an_error_before_training(override, words, run):
    if "cuda" in override and torch.cuda.is_available():
        pytest.skip("there is a CUDA device here")
    _, result = run(*override.split(), status=2)
    assert words in result.err


def test_without_validation_the_last_epoch_is_saved(run):
    folder = run("dataset.validation=0")[0]
    results = folder.read("results")
    assert "validation" not in results
    assert results["kept"]["epoch"] == 2
    assert "top1" in results["test"]


def test_hooks_are_called_in_order(run):
    folder = run("callbacks=[{name: diary}]", "train.epochs=2")[0]
    diary = [json.loads(line) for line in (folder.path / "diary.jsonl").read_text().splitlines()]
    names = [entry["hook"] for entry in diary]
    assert names[0] == "run_start"
    assert names[-1] == "run_end"
    assert names.count("epoch_end") == 2
    assert names.count("step_end") == len(steps(folder)) > 2


def test_failures_of_an_optional_callback_are_printed_and_the_run_continues(run):
    folder, result = run("callbacks=[{name: fragile, hook: epoch_end}]", "train.epochs=2")
    assert result.out.count("callback 'fragile' failed in epoch_end: ConnectionError: connection refused") == 1
    assert "callback 'fragile' failed in 2 of 4 calls" in result.out
    assert folder.results.is_file()


def test_a_callback_that_cannot_start_is_an_error(run):
    folder, result = run("callbacks=[{name: fragile, hook: run_start}]", status=2)
    assert "callback 'fragile'" in result.err
    assert "ConnectionError: connection refused" in result.err
    run("callbacks=[]", "--resume")
    assert folder.results.is_file()


def test_run_stopped_is_called_if_another_callback_cannot_start(run):
    _, result = run("callbacks=[{name: fragile, hook: run_start}, {name: fragile, hook: none}]", status=2)
    assert result.out.count("stopped by UserError") == 2


def test_callbacks_get_examples_of_the_validation_split(run):
    folder, result = run("callbacks=[{name: fragile, hook: none}]", "train.epochs=2")
    epochs = [json.loads(line) for line in (folder.path / "seen.jsonl").read_text().splitlines()]
    assert [len(shown) for shown in epochs] == [4, 4]
    assert "shown 4 at the end" in result.out


def test_without_validation_examples_are_of_the_test_split(run):
    folder, result = run("callbacks=[{name: fragile, hook: none}]", "train.epochs=1", "dataset.validation=0")
    assert (folder.path / "seen.jsonl").read_text() == "[]\n"
    assert "shown 4 at the end" in result.out


def test_run_stopped_is_called_after_a_failure(run):
    _, result = run("callbacks=[{name: fragile, hook: none}]", "optimizer.lr=1e30", status=1)
    assert "stopped by RunFailed" in result.out


def test_a_callback_with_a_misspelt_hook_is_an_error(run):
    _, result = run("callbacks=[misspelt]", status=2)
    assert "callback 'misspelt'" in result.err
    assert "epoch_ends" in result.err


def test_the_csv_callback_writes_a_row_for_each_epoch(run):
    folder = run("callbacks=[csv]")[0]
    rows = (folder.path / "metrics.csv").read_text().splitlines()
    assert rows[0].startswith("epoch,step,lr,seconds,train_loss,train_top1,validation_loss")
    assert [row.split(",")[0] for row in rows[1:]] == ["1", "2"]


def test_throughput_excludes_checkpoints_and_earlier_sessions(run, monkeypatch):
    clock = [0.0]

    def takes(seconds, does):
        def timed(*arguments):
            clock[0] += seconds
            return does(*arguments)

        return timed

    monkeypatch.setattr("framework.training.throughput.time", SimpleNamespace(perf_counter=lambda: clock[0]))
    monkeypatch.setattr("framework.training.loop.train_step", takes(1, train_step))
    monkeypatch.setattr(Checkpoints, "save", takes(100, Checkpoints.save))
    options = "train.epochs=1", "train.log_every=3", "train.keep_checkpoints=100"
    folder, _ = run(*options, "train.checkpoint_every=0")
    assert {line["images_per_second"] for line in steps(folder)} == {20}

    for file in [folder.results, *sorted(folder.checkpoints.glob("step-*"))[4:]]:
        file.unlink()
    run(*options, "train.checkpoint_every=1h", "--resume")
    assert [(line["step"], line["images_per_second"]) for line in steps(folder)] == [(3, 20), (6, 20), (9, 20)]


def test_throughput_of_an_epoch_excludes_validation(run, monkeypatch):
    clock, seconds_of_a_step = [0.0], iter([1] * 27 + [4] * 27)

    def slow_step(*arguments):
        clock[0] += next(seconds_of_a_step)
        return train_step(*arguments)

    def slow_validation(session):
        clock[0] += 1000
        return validate(session)

    validate = Session.validate
    monkeypatch.setattr("framework.training.throughput.time", SimpleNamespace(perf_counter=lambda: clock[0]))
    monkeypatch.setattr("framework.training.loop.train_step", slow_step)
    monkeypatch.setattr(Session, "validate", slow_validation)
    folder, _ = run("train.epochs=2", "dataset.images=600")
    first, second = epochs(folder)
    assert first["step"] == 27
    assert (first["images_per_second"], second["images_per_second"]) == (20, 5)
    assert folder.read("results")["images_per_second"] == 8


def test_epochs_without_gain_are_counted_from_the_best_epoch():
    progress, without = Progress(), []
    for score in (-0.6, -0.5, -0.55, -0.4, -0.7):
        progress.add_score(score)
        without.append(progress.epochs_without_gain)
    assert without == [0, 1, 2, 3, 0]


def test_patience_counts_from_the_best_epoch_with_keep_last(run):
    options = "optimizer={name: plain_sgd, lr: 1e-30}", "train.epochs=9", "train.patience=2", "train.keep=last"
    folder, _ = run(*options)
    assert folder.read("results")["stopped"] == "patience"
    assert folder.read("results")["kept"]["epoch"] == len(epochs(folder)) < 9
    assert all(line["kept"] for line in epochs(folder))


def test_the_schedule_does_not_advance_after_a_skipped_step(run, monkeypatch):
    monkeypatch.setattr("framework.training.loop.train_step", lambda *step: train_step(*step) and step[1] != 1)
    folder, _ = run("scheduler={name: cosine, warmup: 0}", "train.max_steps=4")
    first, second, third, _ = (line["lr"] for line in steps(folder))
    assert first > second == third


def test_an_error_before_training_leaves_no_folder(run, tmp_path):
    run("dataset.validation=0", "train.patience=1", status=2)
    assert not (tmp_path / "run").exists()


def test_a_class_without_readable_images_is_an_error(tmp_path, photos, framework):
    for file in (photos / "red").iterdir():
        file.write_bytes(b"no image")
    recipe = tmp_path / "photos.yaml"
    recipe.write_text(RECIPE.replace("dataset: dots", f"dataset: {{name: folder, root: {photos}, on_bad_image: skip}}"))
    result = framework("run", recipe, "--out", tmp_path / "run")
    assert (result.status, "no training image of red" in result.err) == (2, True)
