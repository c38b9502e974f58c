"""What the options of `train` do, on a run that takes a second."""

import json
import math
from types import SimpleNamespace

import pytest
import torch

from framework import Dataset, Predictor, Registry, RunFolder
from framework.data.splits import build_splits
from framework.evaluation.predictions import Predictions
from framework.recipe import Train
from framework.training.checkpoints import Checkpoints
from framework.training.keeper import Keeper, Position
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
    """Run the recipe with overrides; the run folder, the results and what was printed."""
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


def test_it_learns(run):
    folder, _ = run("train.epochs=24", "dataset.images=480", "scheduler=cosine")
    assert folder.read("results")["test"]["top1"] > 0.75


def test_two_runs_of_one_recipe_have_equal_weights_and_another_seed_has_others(run):
    first, second, other = run(out="a")[0], run(out="b")[0], run("seed=1", out="c")[0]
    assert first.weights.read_bytes() == second.weights.read_bytes()
    assert first.weights.read_bytes() != other.weights.read_bytes()


def test_accumulating_two_half_batches_is_one_step_of_the_whole(run):
    # The network's normalisation sees half batches; without it both are the same sum.
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


def test_averaged_weights_are_those_that_are_kept(run):
    plain, averaged = run("train.epochs=1", out="plain")[0], run("train.epochs=1", "train.ema=0.99", out="averaged")[0]
    assert [line["loss"] for line in steps(plain)] == [line["loss"] for line in steps(averaged)]
    assert not torch.equal(weights(plain)["9.weight"], weights(averaged)["9.weight"])


def test_slow_weights_are_kept_and_change_the_course_of_training(run):
    plain = run("train.epochs=1", out="plain")[0]
    ahead = run("train.epochs=1", "train.lookahead={every: 2, decay: 0.5}", out="ahead")[0]
    assert [line["loss"] for line in steps(plain)][:2] == [line["loss"] for line in steps(ahead)][:2]
    assert steps(plain)[2]["loss"] != steps(ahead)[2]["loss"]
    assert not torch.equal(weights(plain)["9.weight"], weights(ahead)["9.weight"])


def test_one_average_is_kept_not_two(run):
    _, result = run("train.ema=0.9", "train.lookahead.every=5", status=2)
    assert "has both 'ema' and 'lookahead'" in result.err


def test_statistics_are_of_the_weights_that_are_kept_where_that_is_asked_for(run):
    plain = run("train.epochs=1", "train.ema=0.9", out="plain")[0]
    refreshed = run("train.epochs=1", "train.ema=0.9", "train.recalibrate_bn=2", out="refreshed")[0]
    assert torch.equal(weights(plain)["9.weight"], weights(refreshed)["9.weight"])
    assert not torch.equal(weights(plain)["4.running_mean"], weights(refreshed)["4.running_mean"])
    assert weights(refreshed)["4.num_batches_tracked"] == 2


def test_frozen_parameters_and_their_statistics_stay_as_they_were(run):
    folder = run("train.freeze=['0.*', '1.*']", "train.epochs=1", out="frozen")[0]
    start = run("train.max_steps=1", "optimizer={name: plain_sgd, lr: 1e-30}", out="start")[0]
    frozen, initial = weights(folder), weights(start)
    assert torch.equal(frozen["0.weight"], initial["0.weight"])
    assert torch.equal(frozen["1.running_mean"], torch.zeros(8))
    assert not torch.equal(frozen["4.running_mean"], torch.zeros(8))
    assert not torch.equal(frozen["3.weight"], initial["3.weight"])


def test_a_freeze_pattern_that_matches_nothing_is_an_error(run):
    _, result = run("train.freeze=['layer9.*']", status=2)
    assert "no parameter matches 'layer9.*'" in result.err


def test_max_steps_ends_training_and_the_schedule_fits_it(run):
    folder = run("train.max_steps=5", "scheduler=one_cycle")[0]
    assert folder.read("results")["steps"] == 5
    falling = [1e-2 * (1 + math.cos(math.pi * step / 4)) / 2 for step in range(4)]  # from the second step on
    assert [line["lr"] for line in steps(folder)] == pytest.approx([4e-4, *falling], rel=1e-4)


def test_the_learning_rate_of_a_line_is_the_one_that_its_step_used(run):
    folder = run("scheduler={name: multi_step, milestones: [1]}", "train.epochs=2")[0]
    rates = {epoch: {line["lr"] for line in steps(folder) if line["epoch"] == epoch} for epoch in (1, 2)}
    assert rates == {1: {1e-2}, 2: {1e-3}}
    assert epochs(folder)[-1]["lr"] == steps(folder)[-1]["lr"]


def test_max_time_ends_training_and_says_so(run):
    folder, result = run("train.max_time=0.001")
    results = folder.read("results")
    assert (results["steps"], results["stopped"]) == (1, "max_time")
    assert "train.max_time was reached" in result.out
    assert 0 <= results["test"]["top1"] <= 1


def test_images_grow_to_their_size_and_the_network_is_tried_at_each(run):
    _, result = run("train.progressive_resize.start=8", out="grown")
    assert "1×16×16, growing from 8" in result.out
    _, result = run("train.progressive_resize.start=8", "model=linear_probe", out="fixed")
    assert "growing" not in result.out
    _, result = run("train.progressive_resize.start=16", out="large", status=2)
    assert "train.progressive_resize.start is 16; it must be below preprocess.size, 16" in result.err


def test_patience_ends_training_when_nothing_is_gained(run):
    folder, result = run("optimizer={name: plain_sgd, lr: 1e-30}", "train.epochs=9", "train.patience=2")
    assert folder.read("results")["stopped"] == "patience"
    assert len(epochs(folder)) == folder.read("results")["kept"]["epoch"] + 2 < 9
    assert "train.patience" in result.out


def test_the_best_epoch_is_kept_or_the_last_where_that_is_asked_for(run):
    folder = run("train.epochs=6", "train.monitor=loss", out="best")[0]
    losses = [line["validation"]["loss"] for line in epochs(folder)]
    kept = folder.read("results")
    assert kept["kept"]["epoch"] == losses.index(min(losses)) + 1
    assert kept["validation"]["loss"] == min(losses)
    assert run("train.epochs=3", "train.keep=last", out="last")[0].read("results")["kept"]["epoch"] == 3


def test_a_loss_that_is_not_finite_stops_the_run_names_the_step_and_keeps_the_last_good_checkpoint(run):
    folder, result = run("loss=explodes", "train.checkpoint_every=0", "train.log_every=50", status=1)
    assert "the loss is not finite any more: step 5 (epoch 1)" in result.err
    kept = sorted(folder.checkpoints.glob("step-*"))
    assert [file.name for file in kept] == ["step-00000003.safetensors", "step-00000004.safetensors"]
    assert str(kept[-1]) in result.err
    assert "Traceback" not in result.err


def test_weights_that_are_not_finite_are_neither_a_checkpoint_nor_kept(run):
    explodes = "loss={name: explodes, gradient_only: true}"
    folder, result = run(explodes, "train.checkpoint_every=0", "train.log_every=50", out="within", status=1)
    assert "a weight is not finite any more: step 5 (epoch 1)" in result.err
    kept = sorted(folder.checkpoints.glob("step-*"))
    assert [file.name for file in kept] == ["step-00000003.safetensors", "step-00000004.safetensors"]
    assert str(kept[-1]) in result.err

    folder, result = run(explodes, "train.max_steps=5", "dataset.validation=0", out="last", status=1)
    assert "a weight is not finite any more: step 5 (epoch 1)" in result.err
    assert not folder.best_weights.exists()


def test_class_weights_reach_the_loss(run):
    plain, weighted = run(out="plain")[0], run("loss.class_weights={top_left: 9.0}", out="weighted")[0]
    assert steps(plain)[0]["loss"] != steps(weighted)[0]["loss"]


def test_balanced_sampling_reaches_the_batches(run):
    plain, balanced = run(out="plain")[0], run("train.sampler=balanced", out="balanced")[0]
    assert steps(plain)[0]["loss"] != steps(balanced)[0]["loss"]


def test_plateau_follows_the_validation_figure(run):
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
    ("override", "message"),
    [
        ("train.device=cuda:7", "train.device is 'cuda:7'"),
        ("train.precision=float16", "needs a GPU"),
        ("model=wrong_shape", "logits of shape (2, 4)"),
        ("model=picky", "cannot take 1×16×16 images"),
        ("loss=tiring loss.learned=true", "loss 'tiring' has parameters that no optimizer trains: rate"),
        ("model=resnet18 train.batch_size=1", "train.batch_size: set 2 or more"),
        ("dataset.validation=0 train.patience=1", "train.patience needs a validation split"),
        ("dataset.validation=0 scheduler=plateau", "this scheduler needs a validation split"),
    ],
)
def test_parts_that_do_not_fit_are_told_before_training(override, message, run):
    if "cuda" in override and torch.cuda.is_available():
        pytest.skip("there is a CUDA device here")
    _, result = run(*override.split(), status=2)
    assert message in result.err


def test_without_validation_the_last_epoch_is_kept(run):
    folder = run("dataset.validation=0")[0]
    results = folder.read("results")
    assert "validation" not in results
    assert results["kept"]["epoch"] == 2
    assert "top1" in results["test"]


def test_callbacks_are_told_everything_in_order(run):
    folder = run("callbacks=[{name: diary}]", "train.epochs=2")[0]
    diary = [json.loads(line) for line in (folder.path / "diary.jsonl").read_text().splitlines()]
    names = [entry["hook"] for entry in diary]
    assert names[0] == "run_start"
    assert names[-1] == "run_end"
    assert names.count("epoch_end") == 2
    assert names.count("step_end") == len(steps(folder)) > 2


def test_an_callback_that_a_run_can_do_without_may_fail_and_the_terminal_says_so(run):
    folder, result = run("callbacks=[{name: fragile, hook: epoch_end}]", "train.epochs=2")
    message = "callback 'fragile' failed in epoch_end: ConnectionError: nobody is there; the run goes on"
    assert result.out.count(message) == 1
    assert "callback 'fragile' missed 2 of 4 messages" in result.out
    assert folder.results.is_file()


def test_an_callback_that_cannot_start_is_an_error_and_the_run_goes_on_without_it(run):
    folder, result = run("callbacks=[{name: fragile, hook: run_start}]", status=2)
    assert "callback 'fragile' cannot start: ConnectionError: nobody is there" in result.err
    run("callbacks=[]", "--resume")
    assert folder.results.is_file()


def test_an_callback_that_has_started_is_told_that_another_cannot(run):
    _, result = run("callbacks=[{name: fragile, hook: run_start}, {name: fragile, hook: none}]", status=2)
    assert result.out.count("stopped by UserError") == 2


def test_callbacks_see_wrong_and_right_images_of_validation(run):
    folder, result = run("callbacks=[{name: fragile, hook: none}]", "train.epochs=2")
    epochs = [json.loads(line) for line in (folder.path / "seen.jsonl").read_text().splitlines()]
    assert [len(shown) for shown in epochs] == [4, 4]
    assert "shown 4 at the end" in result.out


def test_without_validation_there_is_nothing_to_show_until_the_test_split_at_the_end(run):
    folder, result = run("callbacks=[{name: fragile, hook: none}]", "train.epochs=1", "dataset.validation=0")
    assert (folder.path / "seen.jsonl").read_text() == "[]\n"
    assert "shown 4 at the end" in result.out


def test_callbacks_are_told_that_a_run_stopped(run):
    _, result = run("callbacks=[{name: fragile, hook: none}]", "optimizer.lr=1e30", status=1)
    assert "stopped by RunFailed" in result.out


def test_an_callback_with_a_misspelt_hook_is_an_error(run):
    _, result = run("callbacks=[misspelt]", status=2)
    assert "callback 'misspelt'" in result.err
    assert "epoch_ends" in result.err


def test_the_csv_callback_writes_a_row_for_each_epoch(run):
    folder = run("callbacks=[csv]")[0]
    rows = (folder.path / "metrics.csv").read_text().splitlines()
    assert rows[0].startswith("epoch,step,lr,seconds,train_loss,train_top1,validation_loss")
    assert [row.split(",")[0] for row in rows[1:]] == ["1", "2"]


def test_speed_is_that_of_steps_without_checkpoints_and_sessions_before(run, monkeypatch):
    clock = [0.0]

    def takes(seconds, does):
        def timed(*arguments):
            clock[0] += seconds
            return does(*arguments)

        return timed

    monkeypatch.setattr("framework.training.pace.time", SimpleNamespace(perf_counter=lambda: clock[0]))
    monkeypatch.setattr("framework.training.loop.train_step", takes(1, train_step))
    monkeypatch.setattr(Checkpoints, "save", takes(100, Checkpoints.save))
    options = "train.epochs=1", "train.log_every=3", "train.keep_checkpoints=100"
    folder, _ = run(*options, "train.checkpoint_every=0")
    assert {line["images_per_second"] for line in steps(folder)} == {20}

    for file in [folder.results, *sorted(folder.checkpoints.glob("step-*"))[4:]]:
        file.unlink()
    run(*options, "train.checkpoint_every=1h", "--resume")
    assert [(line["step"], line["images_per_second"]) for line in steps(folder)] == [(3, 20), (6, 20), (9, 20)]


def test_the_speed_of_an_epoch_is_that_of_its_own_training_without_validation(run, monkeypatch):
    clock, seconds_of_a_step = [0.0], iter([1] * 27 + [4] * 27)

    def slow_step(*arguments):
        clock[0] += next(seconds_of_a_step)
        return train_step(*arguments)

    def slow_validation(session):
        clock[0] += 1000
        return validate(session)

    validate = Session.validate
    monkeypatch.setattr("framework.training.pace.time", SimpleNamespace(perf_counter=lambda: clock[0]))
    monkeypatch.setattr("framework.training.loop.train_step", slow_step)
    monkeypatch.setattr(Session, "validate", slow_validation)
    folder, _ = run("train.epochs=2", "dataset.images=600")
    first, second = epochs(folder)
    assert first["step"] == 27
    assert (first["images_per_second"], second["images_per_second"]) == (20, 5)
    assert folder.read("results")["images_per_second"] == 8


def test_patience_counts_from_the_best_epoch_whichever_is_kept():
    keeper = Keeper.__new__(Keeper)
    keeper.recipe = Train(keep="last", patience=2, monitor="top1")
    keeper.position, kept = Position(), []
    keeper.session = SimpleNamespace(batches=SimpleNamespace(steps_per_epoch=1), averaging=SimpleNamespace(model=None))
    keeper.run = SimpleNamespace(best_weights=None)
    without = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("framework.training.keeper.save_weights", lambda file, model: kept.append(1))
        for top1 in (0.6, 0.5, 0.55, 0.4, 0.7):
            keeper._keep_if_better({"top1": top1})
            without.append(keeper.position.epochs_without_gain)
    assert without == [0, 1, 2, 3, 0]
    assert len(kept) == 5


def test_a_mistake_that_needs_no_image_leaves_no_folder_behind(run, tmp_path):
    run("dataset.validation=0", "train.patience=1", status=2)
    assert not (tmp_path / "run").exists()


def test_a_class_of_which_no_image_can_be_read_is_an_error(tmp_path, photos, framework):
    for file in (photos / "red").iterdir():
        file.write_bytes(b"no image")
    recipe = tmp_path / "photos.yaml"
    recipe.write_text(RECIPE.replace("dataset: dots", f"dataset: {{name: folder, root: {photos}, on_bad_image: skip}}"))
    result = framework("run", recipe, "--out", tmp_path / "run")
    assert (result.status, "no training image of red can be read" in result.err) == (2, True)
