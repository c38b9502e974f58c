"""`framework bundle`, and bundles in other commands."""

import json

import pytest
from safetensors.numpy import load_file, save_file


@pytest.fixture
def run(tmp_path, photos, framework):
    recipe = tmp_path / "photos.yaml"
    recipe.write_text(
        f"dataset: {{name: folder, root: {photos}, test: 0.25}}\npreprocess: {{size: 12, channels: 3}}\n"
        "model: tinynet\ntrain: {epochs: 2, batch_size: 5, device: cpu}\n"
    )
    assert framework("run", recipe, "--out", tmp_path / "run").status == 0
    return tmp_path / "run"


def test_a_bundle_predicts_like_its_run(run, photos, framework):
    result = framework("bundle", run)
    assert result.status == 0, result.err
    bundle = run.with_suffix(".safetensors")
    predictions = [framework("predict", trained, photos / "red", "--json").out for trained in (run, bundle)]
    assert predictions[0] == predictions[1] != ""
    assert metrics_of(bundle, framework) == metrics_of(run, framework)


def metrics_of(trained, framework):
    """Without `trained_on`, which a bundle does not know."""
    return json.loads(framework("evaluate", trained, "--json").out) | {"trained_on": None}


def test_a_bundle_keeps_the_calibration(unsure_photos, run, framework):
    temperature = json.loads(framework("evaluate", run, "--calibrate", "--json").out)["calibration"]["temperature"]
    framework("bundle", run)
    assert metrics_of(run.with_suffix(".safetensors"), framework) == metrics_of(run, framework)
    card = framework("show", "bundle", run.with_suffix(".safetensors")).out
    assert f"temperature {temperature:.3f}" in card
    assert "blue 13, red 13" in card


def test_half_precision_halves_the_file_and_rounds_the_weights(run, framework):
    whole, half = run.with_name("whole.safetensors"), run.with_name("half.safetensors")
    assert framework("bundle", run, "--out", whole).status == 0
    result = framework("bundle", run, "--half", "--out", half)
    assert (result.status, f"framework evaluate {half}" in result.out) == (0, True), result.err
    exact, rounded = load_file(whole), load_file(half)
    for name, tensor in exact.items():
        expected = tensor.astype("float16") if tensor.dtype == "float32" else tensor
        assert rounded[name].dtype == expected.dtype
        assert (rounded[name] == expected).all()
    assert sum(tensor.nbytes for tensor in rounded.values()) < 0.6 * sum(tensor.nbytes for tensor in exact.values())
    assert "rounded to half precision" in framework("show", "bundle", half).out
    assert "rounded" not in framework("show", "bundle", whole).out


def test_half_precision_predicts_nearly_like_the_run(run, framework):
    assert framework("bundle", run, "--half").status == 0
    exact, rounded = (
        json.loads(framework("evaluate", of, "--json").out)["loss"] for of in (run, run.with_suffix(".safetensors"))
    )
    assert exact != rounded == pytest.approx(exact, abs=1e-2)


def test_weights_beyond_half_precision_are_an_error(run, framework):
    weights = load_file(run / "model.safetensors")
    name = next(name for name, tensor in weights.items() if tensor.dtype == "float32")
    weights[name] = weights[name] + 70_000
    save_file(weights, run / "model.safetensors")
    result = framework("bundle", run, "--half")
    assert (result.status, f"'{name}' has a value of 7e+04" in result.err) == (2, True)
    assert not run.with_suffix(".safetensors").exists()


def test_shipped_bundles_are_listed_with_their_metrics(framework):
    told = [line.split(maxsplit=1) for line in framework("list", "bundles").out.splitlines()]
    assert ["drawn/faces", "7 classes, top-1 94.1 % of 1,000 test images, 0.3 MB"] in told
    assert ["fer2013/compact", "7 classes, top-1 70.1 % of 3,589 test images, 3.9 MB"] in told


def test_the_emotion_model_is_small_and_accurate(framework):
    from framework_fer2013 import bundles

    assert bundles()["compact"].stat().st_size < 5e6
    documents = json.loads(framework("show", "bundle", "fer2013/compact", "--json").out)
    assert documents["results"]["test"]["images"] == 3589
    assert documents["results"]["test"]["top1"] > 0.6587


def test_a_bundle_is_named_by_its_plugin(framework):
    assert "bundles: faces" in framework("plugins").out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["RUN", "--out", "x.zip"], ".safetensors"),
        (["RUN", "--out", "nowhere/x.safetensors"], "there is no folder 'nowhere'"),
        (["drawn/faces"], "is a bundle already"),
        (["drawn/facse"], "did you mean 'drawn/faces'?"),
        (["RUN/recipe.yaml"], "is not a run folder, a bundle"),
    ],
)
def test_what_cannot_be_bundled_is_a_user_error(arguments, message, run, framework):
    result = framework("bundle", *(argument.replace("RUN", str(run)) for argument in arguments))
    assert (result.status, message in result.err) == (2, True), result.err


def test_an_existing_file_is_not_overwritten(run, framework):
    assert framework("bundle", run).status == 0
    result = framework("bundle", run)
    assert result.status == 2
    assert "run.safetensors'" in result.err


def test_calibrating_a_bundle_is_a_user_error(framework):
    result = framework("evaluate", "drawn/faces", "--calibrate")
    assert result.status == 2
    assert "--calibrate" in result.err
