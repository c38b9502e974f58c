"""A training that starts with the weights of a finished one."""

import json
import shutil
from functools import partial

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from framework import Model
from framework.data.preprocess import Preprocessor
from framework.evaluation.predictions import Predictions
from framework.training.start import describe_start

RECIPE = """
dataset: {name: folder, root: PHOTOS, validation: 0.2}
preprocess: {size: 16, mean: [0.5], std: [0.25]}
model: {name: tinynet, dropout: 0.0}
optimizer: {name: sgd, lr: 1e-9, momentum: 0.0}
train: {epochs: 1, batch_size: 8, device: cpu, precision: float32}
"""
HEAD = ("9.weight", "9.bias")


class Dense(Model):
    """One whose weights to begin with are of photographs."""

    name = "dense"

    def build(self):
        """Nothing."""

    def pretrained_normalisation(self):
        return (0.485, 0.456, 0.406), (0.2, 0.2, 0.2)


@pytest.fixture
def run(tmp_path, photos, framework):
    """Train for an epoch that leaves weights where they are, unless overrides say otherwise; the outcome."""
    recipe = tmp_path / "photos.yaml"
    recipe.write_text(RECIPE.replace("PHOTOS", str(photos)))
    return lambda out, *overrides: framework("run", recipe, *overrides, "--out", tmp_path / out)


@pytest.fixture
def trained(run, tmp_path):
    """A finished training of blue and red, whose weights moved."""
    assert run("trained", "optimizer.lr=0.05").status == 0
    return tmp_path / "trained"


def weights(folder):
    return load_file(folder / "model.safetensors")


def parameters(folder):
    return {name: value for name, value in weights(folder).items() if name.endswith(("weight", "bias"))}


def test_the_same_classes_start_with_every_weight(trained, run, tmp_path):
    done = run("next", f"train.init_from={trained}", "seed=1")
    assert (done.status, f"start  the weights of '{trained}'\n" in done.out) == (0, True), done.err
    assert done.out.index("start  the weights") < done.out.index("val loss")  # not inside the table of epochs
    torch.testing.assert_close(parameters(tmp_path / "next"), parameters(trained), atol=1e-6, rtol=0)


def test_rows_of_the_classifier_go_by_the_names_of_classes(trained, run, photos, tmp_path):
    shutil.copytree(photos / "blue", photos / "amber")
    done = run("next", f"train.init_from={trained}", "seed=1")
    assert (done.status, f"the weights of '{trained}'; anew: amber" in done.out) == (0, True), done.err
    before, after = parameters(trained), parameters(tmp_path / "next")
    for name, value in after.items():
        kept = value[1:] if name in HEAD else value
        torch.testing.assert_close(kept, before[name], atol=1e-6, rtol=0)
    assert after["9.weight"].shape[0] == 3


def test_equally_many_other_classes_have_a_classifier_of_their_own(trained, run, photos, tmp_path):
    (photos / "blue").rename(photos / "cat")
    (photos / "red").rename(photos / "dog")
    done = run("next", f"train.init_from={trained}", "seed=1")
    assert (done.status, "its classifier anew" in done.out) == (0, True), done.err
    before, after = parameters(trained), parameters(tmp_path / "next")
    assert [name for name in sorted(after) if not torch.allclose(after[name], before[name], atol=1e-6)] == sorted(HEAD)


def test_classes_in_another_order_keep_their_rows(trained, run, photos, tmp_path):
    classes = json.loads((trained / "model.json").read_text())
    classes["classes"].reverse()
    (trained / "model.json").write_text(json.dumps(classes))
    assert run("next", f"train.init_from={trained}").status == 0
    torch.testing.assert_close(
        parameters(tmp_path / "next")["9.weight"], parameters(trained)["9.weight"].flip(0), atol=1e-6, rtol=0
    )


def test_a_bundle_in_half_precision_will_do(trained, run, framework, tmp_path):
    bundle = tmp_path / "trained.safetensors"
    assert framework("bundle", trained, "--half", "--out", bundle).status == 0
    assert run("next", f"train.init_from={bundle}").status == 0
    after = parameters(tmp_path / "next")
    assert all(value.dtype == torch.float32 for value in after.values())
    torch.testing.assert_close(after, parameters(trained), atol=1e-3, rtol=1e-3)


def test_an_average_starts_there_too(trained, run, tmp_path):
    assert run("next", f"train.init_from={trained}", "train.ema=0.9", "seed=1").status == 0
    torch.testing.assert_close(parameters(tmp_path / "next"), parameters(trained), atol=1e-6, rtol=0)


def test_another_normalisation_is_said_with_what_to_type(trained, run):
    done = run("next", f"train.init_from={trained}", "preprocess.mean=[0.25]")
    assert "they saw images normalised by mean [0.5, 0.5, 0.5] and std [0.25, 0.25, 0.25]" in done.out
    assert "preprocess.mean=[0.5,0.5,0.5] preprocess.std=[0.25,0.25,0.25]" in done.out


@pytest.mark.parametrize(
    ("mean", "std", "said"),
    [
        ((0.5,) * 3, (0.5,) * 3, "preprocess.mean=[0.485,0.456,0.406] preprocess.std=[0.2,0.2,0.2]"),
        ((0.5,), (0.2,), "preprocess.mean=[0.449] preprocess.std=[0.2]"),
        ((0.449,), (0.2,), None),
    ],
)
def test_so_it_is_of_pretrained_weights(mean, std, said):
    preprocess = Preprocessor(64, 64, len(mean), "crop", mean, std)
    told = [*describe_start(Dense(), None, ["a", "b"], preprocess)]
    assert [sentence.partition("; for theirs: ")[2] for sentence in told] == ([said] if said else [])


def test_another_network_is_refused_with_both(trained, run, tmp_path):
    done = run("next", f"train.init_from={trained}", "preprocess.channels=1")
    assert done.status == 2
    assert f"train.init_from: '{trained}' is another network" in done.err
    there, here = (line for line in done.err.splitlines() if "model: {name: tinynet" in line)
    assert (there.split()[0], here.split()[0]) == ("there:", "here:")
    assert (there[-13:], here[-13:]) == (" channels: 3}", " channels: 1}")
    assert "these tensors differ: 0.weight\n" in done.err
    assert not (tmp_path / "next").exists()


def test_a_classifier_of_another_width_is_another_network(run, photos, tmp_path):
    assert run("flat", "model=linear_probe").status == 0
    (photos / "blue").rename(photos / "cat")
    done = run("next", f"train.init_from={tmp_path / 'flat'}", "model=linear_probe", "preprocess.size=32")
    assert (done.status, "these tensors differ: 1.weight\n" in done.err) == (2, True), done.err


@pytest.mark.parametrize(
    ("given", "says"),
    [("runs/nothing", "there is no run folder or bundle 'runs/nothing'"), ("photos.yaml", "photos.yaml")],
)
def test_what_is_not_there_is_refused_before_images_are_read(run, given, says, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    done = run("next", f"train.init_from={given}", "dataset.root=nowhere")
    assert (done.status, done.err.startswith("train.init_from: "), says in done.err) == (2, True, True)


@pytest.mark.parametrize("command", [["run", "--dry-run"], ["profile", "--steps", 1]], ids=["dry run", "profile"])
def test_what_only_measures_takes_the_same_start(command, trained, run, framework, tmp_path):
    name, *options = command
    measured = partial(framework, name, tmp_path / "photos.yaml", *options)
    assert measured(f"train.init_from={trained}").status == 0
    nowhere = measured("train.init_from=runs/nothing")
    assert (nowhere.status, "there is no run folder or bundle 'runs/nothing'" in nowhere.err) == (2, True)
    other = measured(f"train.init_from={trained}", "preprocess.channels=1")
    assert (other.status, "is another network" in other.err) == (2, True)


def test_an_export_is_refused(trained, run, framework, tmp_path):
    assert framework("export", trained, "--parity", 0).status == 0
    done = run("next", f"train.init_from={tmp_path / 'trained.onnx'}")
    assert (done.status, "trained.onnx' is an export" in done.err) == (2, True)


WARM = "model={name: warm, inside: {name: tinynet, dropout: 0.0}, weights: PLACE/model.safetensors}"


@pytest.mark.parametrize(
    "network",
    [
        "model={name: timm, arch: resnet10t, pretrained: true}",
        "model={name: resnet18, pretrained: true}",
        WARM,
        "model={name: warm, inside: {name: resnet18, pretrained: true}}",
    ],
)
def test_weights_come_from_one_place(network, run, trained):
    done = run("next", network.replace("PLACE", str(trained)), f"train.init_from={trained}")
    assert (done.status, "init_from" in done.err) == (2, True)


def test_a_trained_network_needs_the_weights_no_more_that_it_began_with(trained, run, framework, tmp_path):
    runs = [tmp_path / name for name in ("next", "other")]
    for out in runs:
        assert run(out, WARM.replace("PLACE", str(trained)), "seed=1").status == 0
    torch.testing.assert_close(parameters(runs[0]), parameters(trained), atol=1e-6, rtol=0)
    trained.rename(tmp_path / "gone")
    assert framework("evaluate", runs[0], "--split", "validation").status == 0
    document = json.loads((runs[1] / "model.json").read_text())
    document["model"]["weights"] = None
    (runs[1] / "model.json").write_text(json.dumps(document))
    done = framework("soup", *runs, "--out", tmp_path / "soup")
    assert done.status == 0, done.err


def test_a_run_goes_on_without_what_it_started_from(trained, run, framework, tmp_path, outcome):
    """Its checkpoint has the weights by then."""
    options = f"train.init_from={trained}", "optimizer.lr=0.01", "train.epochs=2"
    assert run("whole", *options).status == 0
    assert run("halved", *options).status == 0
    folder = tmp_path / "halved"
    (folder / "results.json").unlink()
    sorted((folder / "checkpoints").iterdir())[-1].unlink()
    trained.rename(tmp_path / "gone")
    done = framework("run", folder / "recipe.yaml", "--out", folder, "--resume")
    assert done.status == 0, done.err
    assert outcome(folder)["weights"] == outcome(tmp_path / "whole")["weights"]


def test_the_emotion_model_that_comes_along_starts_one_of_other_classes(run):
    network = "model={name: speednet, depth: 3}", "preprocess.size=48", "preprocess.channels=1"
    done = run("next", *network, "train.init_from=fer2013/compact")
    assert (done.status, "the weights of 'fer2013/compact'; its classifier anew" in done.out) == (0, True), done.err


def seen(folder):
    """How many images of each split the run to start from was trained on, as the run recorded it."""
    data = json.loads((folder / "data.json").read_text())
    return {split: described["seen_by_start"] for split, described in data.items() if split != "train"}


def test_the_same_held_out_images_cause_no_warning(trained, run, tmp_path):
    done = run("next", f"train.init_from={trained}", "seed=1")
    assert (done.status, "were training images" in done.out) == (0, False), done.err
    assert seen(tmp_path / "next") == {"validation": 0}


def test_held_out_images_that_the_first_run_was_trained_on_are_counted(trained, run, framework, tmp_path):
    """Another split seed holds out other images: those that both held out are no fault."""
    other = f"train.init_from={trained}", "dataset.split_seed=1", "dataset.test=0.2"
    done = run("next", *other)
    number = seen(tmp_path / "next")
    assert 0 < number["validation"] <= 8
    assert 0 < number["test"] <= 8
    assert f"{number['validation']} of 8 validation images" in done.out
    assert f"were training images of '{trained}'" in done.out
    assert "were training images" in framework("run", tmp_path / "photos.yaml", *other, "--dry-run").out
    assert framework("report", tmp_path / "next").status == 0
    assert f"{number['test']} of 8 test images" in (tmp_path / "next" / "report.html").read_text()


def test_moved_and_renamed_training_images_are_found_by_their_pixels(trained, run, photos, tmp_path):
    """A folder with ready-made splits: what was held out before is what training is on now."""
    validation = set(Predictions.load(trained / "predictions" / "validation.safetensors").names)
    for file in sorted(photos.rglob("*.png")):
        split = "train" if file.relative_to(photos).as_posix() in validation else "val"
        target = tmp_path / "moved" / split / file.parent.name / f"x{file.name}"
        target.parent.mkdir(parents=True, exist_ok=True)
        file.rename(target)
    options = f"dataset.root={tmp_path / 'moved'}", "dataset.validation=null", "train.batch_size=4"
    done = run("next", f"train.init_from={trained}", *options)
    assert (done.status, "32 of 32 validation images were training images" in done.out) == (0, True), (
        done.err + done.out
    )


def test_other_images_of_the_same_names_are_no_training_images(trained, run, photos, tmp_path):
    for file in photos.rglob("*.png"):
        Image.open(file).rotate(180).save(file)
    done = run("next", f"train.init_from={trained}", "dataset.split_seed=1")
    assert (done.status, seen(tmp_path / "next")) == (0, {"validation": 0}), done.err


def test_at_another_size_training_images_are_found_by_their_names(trained, run, tmp_path):
    options = f"train.init_from={trained}", "preprocess.size=24", "dataset.split_seed=1"
    assert run("next", *options).status == 0
    assert run("same", f"train.init_from={trained}", "dataset.split_seed=1").status == 0
    assert seen(tmp_path / "next") == seen(tmp_path / "same") != {"validation": 0}


def test_training_images_of_the_run_before_the_last_count_too(trained, run, photos, tmp_path):
    few = [path for index, path in enumerate(sorted(photos.rglob("*.png"))) if index % 2]
    for path in few:
        target = tmp_path / "few" / path.relative_to(photos)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    small = f"dataset.root={tmp_path / 'few'}", "train.batch_size=4"
    assert run("middle", f"train.init_from={trained}", *small).status == 0
    assert run("direct", f"train.init_from={trained}", "dataset.split_seed=1").status == 0
    assert run("last", f"train.init_from={tmp_path / 'middle'}", "dataset.split_seed=1").status == 0
    assert seen(tmp_path / "last")["validation"] >= seen(tmp_path / "direct")["validation"] > 0


def test_a_resumed_run_still_says_what_was_seen(trained, run, framework, tmp_path):
    options = f"train.init_from={trained}", "dataset.split_seed=1"
    assert run("next", *options).status == 0
    folder = tmp_path / "next"
    before, listed = seen(folder), (folder / "training_images.safetensors").read_bytes()
    (folder / "results.json").unlink()
    assert framework("run", folder / "recipe.yaml", "--out", folder, "--resume").status == 0
    assert (seen(folder), (folder / "training_images.safetensors").read_bytes()) == (before, listed)


def test_evaluate_counts_training_images_and_says_where_they_are_not_known(trained, framework, photos, tmp_path):
    def seen_of(*arguments):
        result = framework("evaluate", *arguments, "--json")
        assert result.status == 0, result.err
        return json.loads(result.out)["trained_on"]

    bundle = tmp_path / "x.safetensors"
    assert framework("bundle", trained, "--out", bundle).status == 0
    assert seen_of(trained, "--split", "validation") == 0
    assert "training images" not in framework("evaluate", trained, "--split", "validation").out
    assert seen_of(trained, "--folder", photos) == 32
    assert "warning: 32 of 40 images" in framework("evaluate", trained, "--folder", photos).out
    assert seen_of(bundle, "--folder", photos) is None
    assert "is not known" in framework("evaluate", bundle, "--folder", photos).out
    assert seen_of(trained, bundle, "--folder", photos) is None
