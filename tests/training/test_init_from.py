"""`train.init_from`: initial weights from a finished run."""

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
from framework.training.init_from import describe_initial

RECIPE = """
dataset: {name: folder, root: PHOTOS, validation: 0.2}
preprocess: {size: 16, mean: [0.5], std: [0.25]}
model: {name: tinynet, dropout: 0.0}
optimizer: {name: sgd, lr: 1e-9, momentum: 0.0}
train: {epochs: 1, batch_size: 8, device: cpu, precision: float32}
"""
HEAD = ("9.weight", "9.bias")


class Dense(Model):
    """Has pretrained weights."""

    name = "dense"

    def build(self):
        """Not used."""

    def pretrained_normalisation(self):
        return (0.485, 0.456, 0.406), (0.2, 0.2, 0.2)


@pytest.fixture
def run(tmp_path, photos, framework):
    """Train for an epoch, with a learning rate that does not change the weights unless overrides set another."""
    recipe = tmp_path / "photos.yaml"
    recipe.write_text(RECIPE.replace("PHOTOS", str(photos)))
    return lambda out, *overrides: framework("run", recipe, *overrides, "--out", tmp_path / out)


@pytest.fixture
def trained(run, tmp_path):
    """A finished run on blue and red with a real learning rate."""
    assert run("trained", "optimizer.lr=0.05").status == 0
    return tmp_path / "trained"


def weights(folder):
    return load_file(folder / "model.safetensors")


def parameters(folder):
    return {name: value for name, value in weights(folder).items() if name.endswith(("weight", "bias"))}


def test_the_same_classes_get_all_weights(trained, run, tmp_path):
    done = run("next", f"train.init_from={trained}", "seed=1")
    assert (done.status, f"initialised from '{trained}'\n" in done.out) == (0, True), done.err
    assert done.out.index("initialised from") < done.out.index("val loss")  # not inside the table of epochs
    torch.testing.assert_close(parameters(tmp_path / "next"), parameters(trained), atol=1e-6, rtol=0)


def test_rows_of_the_classifier_are_matched_by_class_name(trained, run, photos, tmp_path):
    shutil.copytree(photos / "blue", photos / "amber")
    done = run("next", f"train.init_from={trained}", "seed=1")
    assert (done.status, "rows of amber re-initialised" in done.out) == (0, True), done.err
    before, after = parameters(trained), parameters(tmp_path / "next")
    for name, value in after.items():
        kept = value[1:] if name in HEAD else value
        torch.testing.assert_close(kept, before[name], atol=1e-6, rtol=0)
    assert after["9.weight"].shape[0] == 3


def test_the_classifier_of_other_classes_is_re_initialised(trained, run, photos, tmp_path):
    (photos / "blue").rename(photos / "cat")
    (photos / "red").rename(photos / "dog")
    done = run("next", f"train.init_from={trained}", "seed=1")
    assert (done.status, "the classifier re-initialised" in done.out) == (0, True), done.err
    before, after = parameters(trained), parameters(tmp_path / "next")
    assert [name for name in sorted(after) if not torch.allclose(after[name], before[name], atol=1e-6)] == sorted(HEAD)


def test_classes_in_another_order_get_their_rows(trained, run, photos, tmp_path):
    classes = json.loads((trained / "model.json").read_text())
    classes["classes"].reverse()
    (trained / "model.json").write_text(json.dumps(classes))
    assert run("next", f"train.init_from={trained}").status == 0
    torch.testing.assert_close(
        parameters(tmp_path / "next")["9.weight"], parameters(trained)["9.weight"].flip(0), atol=1e-6, rtol=0
    )


def test_weights_can_come_from_a_bundle_in_half_precision(trained, run, framework, tmp_path):
    bundle = tmp_path / "trained.safetensors"
    assert framework("bundle", trained, "--half", "--out", bundle).status == 0
    assert run("next", f"train.init_from={bundle}").status == 0
    after = parameters(tmp_path / "next")
    assert all(value.dtype == torch.float32 for value in after.values())
    torch.testing.assert_close(after, parameters(trained), atol=1e-3, rtol=1e-3)


def test_an_average_has_the_same_initial_weights(trained, run, tmp_path):
    assert run("next", f"train.init_from={trained}", "train.ema=0.9", "seed=1").status == 0
    torch.testing.assert_close(parameters(tmp_path / "next"), parameters(trained), atol=1e-6, rtol=0)


def test_another_normalisation_is_printed_with_the_options_to_set(trained, run):
    done = run("next", f"train.init_from={trained}", "preprocess.mean=[0.25]")
    assert "mean [0.5, 0.5, 0.5] and std [0.25, 0.25, 0.25]" in done.out
    assert "preprocess.mean=[0.5,0.5,0.5] preprocess.std=[0.25,0.25,0.25]" in done.out


@pytest.mark.parametrize(
    ("mean", "std", "options"),
    [
        ((0.5,) * 3, (0.5,) * 3, "preprocess.mean=[0.485,0.456,0.406] preprocess.std=[0.2,0.2,0.2]"),
        ((0.5,), (0.2,), "preprocess.mean=[0.449] preprocess.std=[0.2]"),
        ((0.449,), (0.2,), None),
    ],
)
def test_another_normalisation_of_pretrained_weights_is_printed(mean, std, options):
    preprocess = Preprocessor(64, 64, len(mean), "crop", mean, std)
    sentences = [*describe_initial(Dense(), None, ["a", "b"], preprocess)]
    assert [sentence.endswith(options) for sentence in sentences] == ([True] if options else [])


def test_another_network_is_an_error_that_describes_both(trained, run, tmp_path):
    done = run("next", f"train.init_from={trained}", "preprocess.channels=1")
    assert done.status == 2
    assert f"train.init_from: '{trained}'" in done.err
    there, here = (line for line in done.err.splitlines() if "model: {name: tinynet" in line)
    assert (there.split()[0], here.split()[0]) == ("there:", "here:")
    assert (there[-13:], here[-13:]) == (" channels: 3}", " channels: 1}")
    assert "these tensors differ: 0.weight\n" in done.err
    assert not (tmp_path / "next").exists()


def test_a_classifier_with_another_number_of_inputs_is_another_network(run, photos, tmp_path):
    assert run("flat", "model=linear_probe").status == 0
    (photos / "blue").rename(photos / "cat")
    done = run("next", f"train.init_from={tmp_path / 'flat'}", "model=linear_probe", "preprocess.size=32")
    assert (done.status, "these tensors differ: 1.weight\n" in done.err) == (2, True), done.err


@pytest.mark.parametrize(
    ("source", "word"),
    [("runs/nothing", "'runs/nothing'"), ("photos.yaml", "photos.yaml")],
)
def test_a_missing_run_is_an_error_before_images_are_read(run, source, word, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    done = run("next", f"train.init_from={source}", "dataset.root=nowhere")
    assert (done.status, done.err.startswith("train.init_from: "), word in done.err) == (2, True, True)


@pytest.mark.parametrize("command", [["run", "--dry-run"], ["profile", "--steps", 1]], ids=["dry run", "profile"])
def test_dry_run_and_profile_load_the_same_weights(command, trained, run, framework, tmp_path):
    name, *options = command
    measured = partial(framework, name, tmp_path / "photos.yaml", *options)
    assert measured(f"train.init_from={trained}").status == 0
    nowhere = measured("train.init_from=runs/nothing")
    assert (nowhere.status, "'runs/nothing'" in nowhere.err) == (2, True)
    other = measured(f"train.init_from={trained}", "preprocess.channels=1")
    assert (other.status, "tensors differ: 0.weight" in other.err) == (2, True)


def test_weights_cannot_come_from_an_export(trained, run, framework, tmp_path):
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
def test_init_from_and_pretrained_exclude_each_other(network, run, trained):
    done = run("next", network.replace("PLACE", str(trained)), f"train.init_from={trained}")
    assert (done.status, "init_from" in done.err) == (2, True)


def test_a_finished_run_does_not_need_its_initial_weights(trained, run, framework, tmp_path):
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


def test_a_run_is_resumed_without_its_initial_weights(trained, run, framework, tmp_path, outcome):
    """The checkpoint has the weights."""
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


def test_weights_can_come_from_a_plugin_s_bundle(run):
    network = "model={name: speednet, depth: 3}", "preprocess.size=48", "preprocess.channels=1"
    done = run("next", *network, "train.init_from=fer2013/compact")
    assert done.status == 0, done.err
    assert "initialised from 'fer2013/compact'; the classifier re-initialised" in done.out


def seen(folder):
    """How many images of each split the initial weights were trained on, from `data.json`."""
    data = json.loads((folder / "data.json").read_text())
    return {split: described["seen_by_init"] for split, described in data.items() if split != "train"}


def test_the_same_held_out_images_cause_no_warning(trained, run, tmp_path):
    done = run("next", f"train.init_from={trained}", "seed=1")
    assert (done.status, "were training images" in done.out) == (0, False), done.err
    assert seen(tmp_path / "next") == {"validation": 0}


def test_held_out_images_that_the_initial_weights_were_trained_on_are_counted(trained, run, framework, tmp_path):
    """Another split seed holds out other images; images that both runs held out are not counted."""
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
    """A folder with given splits: the run trains on the images that were held out before."""
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


def test_other_images_with_the_same_names_are_not_counted(trained, run, photos, tmp_path):
    for file in photos.rglob("*.png"):
        Image.open(file).rotate(180).save(file)
    done = run("next", f"train.init_from={trained}", "dataset.split_seed=1")
    assert (done.status, seen(tmp_path / "next")) == (0, {"validation": 0}), done.err


def test_at_another_size_training_images_are_found_by_their_names(trained, run, tmp_path):
    options = f"train.init_from={trained}", "preprocess.size=24", "dataset.split_seed=1"
    assert run("next", *options).status == 0
    assert run("same", f"train.init_from={trained}", "dataset.split_seed=1").status == 0
    assert seen(tmp_path / "next") == seen(tmp_path / "same") != {"validation": 0}


def test_training_images_of_earlier_runs_are_counted(trained, run, photos, tmp_path):
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


def test_a_resumed_run_keeps_the_number_of_seen_images(trained, run, framework, tmp_path):
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
