"""Messages about images, and the range of pixel values in all commands."""

import json

import numpy as np
import pytest
from PIL import Image

RECIPE = """
dataset: {name: folder, root: ROOT, test: 0.25, channels: 1}
preprocess: {size: 12, channels: 1}
model: tinynet
train: {epochs: 1, batch_size: 5, device: cpu}
"""


@pytest.fixture
def recipe(tmp_path):
    file = tmp_path / "scans.yaml"
    file.write_text(RECIPE.replace("ROOT", str(tmp_path / "scans")))
    return file


def make_scans(root, bits, height=12, width=12):
    """16-bit PNG files of values with so many bits."""
    random = np.random.default_rng(0)
    for name, base in (("dark", 0), ("light", 2 ** (bits - 1))):
        (root / name).mkdir(parents=True, exist_ok=True)
        for index in range(12):
            values = random.integers(base, base + 2 ** (bits - 1), (height, width), dtype=np.uint16)
            values[0, 0] = 2**bits - 1
            Image.fromarray(values).save(root / name / f"{index:02}.png")


@pytest.mark.parametrize("bits", [8, 12])
def test_shallow_values_in_deep_files_are_reported_with_the_option_to_set(bits, tmp_path, recipe, framework):
    make_scans(tmp_path / "scans", bits)
    result = framework("run", recipe, "--out", tmp_path / "black")
    assert result.status == 0, result.err
    option = f"dataset.bit_depth={bits}"
    assert option in result.out + result.err
    assert f"value_range=[0,{2**bits - 1}]" in result.out + result.err
    again = framework("run", recipe, "--dry-run")  # the images are kept by now
    assert option in again.out + again.err
    mended = framework("run", recipe, option, "--out", tmp_path / "run")
    assert mended.status == 0, mended.err
    assert "bit_depth=" not in mended.out
    saved = json.loads((tmp_path / "run" / "model.json").read_text())
    assert saved["preprocess"]["value_range"] == [0, 2**bits - 1]


def test_prediction_evaluation_and_export_decode_as_in_training(tmp_path, recipe, framework):
    scans = tmp_path / "scans"
    make_scans(scans, 12)
    run, bundle, onnx = tmp_path / "run", tmp_path / "x.safetensors", tmp_path / "x.onnx"
    assert framework("run", recipe, "dataset.bit_depth=12", "--out", run).status == 0
    for path in scans.rglob("*.png"):  # the same images in 8 bits, rounded as 12 bits are
        values = np.asarray(Image.open(path)) / 4095 * 255
        target = tmp_path / "plain" / path.relative_to(scans)
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.rint(values).astype(np.uint8)).save(target)

    def predicted(network, folder):
        result = framework("predict", network, folder, "--json")
        assert result.status == 0, result.err
        return [row["probabilities"] for row in map(json.loads, result.out.splitlines())]

    expected = predicted(run, tmp_path / "plain" / "dark")
    assert predicted(run, scans / "dark") == expected
    assert framework("bundle", run, "--out", bundle).status == 0
    assert predicted(bundle, scans / "dark") == expected
    assert framework("export", run, "--out", onnx).status == 0
    np.testing.assert_allclose(
        [list(row.values()) for row in predicted(onnx, scans / "dark")],
        [list(row.values()) for row in expected],
        atol=1e-5,
    )

    def top1(*arguments):
        result = framework("evaluate", run, "--json", *arguments)
        assert result.status == 0, result.err
        return json.loads(result.out)["loss"]

    assert top1("--folder", scans) == top1("--folder", tmp_path / "plain")
    assert top1() == top1(f"dataset.root={tmp_path / 'plain'}", "dataset.bit_depth=8")


def test_values_outside_the_range_are_reported(tmp_path, recipe, framework):
    make_scans(tmp_path / "scans", 12)
    result = framework("run", recipe, "dataset.bit_depth=10", "--dry-run")
    assert result.status == 0, result.err
    assert "bit_depth=12" in result.out + result.err


@pytest.mark.parametrize(
    "options", [["dataset.value_range=[5,5]"], ["dataset.value_range=[0,9]", "dataset.bit_depth=9"]]
)
def test_an_invalid_range_is_a_user_error(options, recipe, framework):
    assert framework("check", recipe, *options).status == 2


@pytest.mark.parametrize(
    ("width", "fit", "expected"),
    [(48, "crop", "75%"), (17, "crop", "29%"), (16, "crop", None), (48, "pad", None), (48, "stretch", None)],
)
def test_cropping_more_than_a_quarter_is_reported(width, fit, expected, tmp_path, recipe, framework):
    make_scans(tmp_path / "scans", 16, 12, width)
    result = framework("run", recipe, f"preprocess.fit={fit}", "--dry-run")
    assert result.status == 0, result.err
    if expected is None:
        assert "cuts away" not in result.out + result.err
    else:
        assert expected in result.out + result.err
        assert "preprocess.fit=pad" in result.out + result.err


def test_predict_reports_nearly_black_deep_images(tmp_path, recipe, framework):
    scans, run = tmp_path / "scans", tmp_path / "run"
    make_scans(scans, 12)
    assert framework("run", recipe, "--out", run).status == 0
    result = framework("predict", run, scans)
    assert result.status == 0
    assert "24 images with more than 8 bits" in result.err
    assert "dataset.bit_depth=12" in result.err
    assert framework("run", recipe, "dataset.bit_depth=12", "--out", tmp_path / "scaled").status == 0
    assert "bit_depth" not in framework("predict", tmp_path / "scaled", scans).err


def test_data_check_gives_the_advice_of_a_run_and_strict_counts_it(tmp_path, recipe, framework):
    make_scans(tmp_path / "scans", 12, 12, 48)
    result = framework("data", "check", recipe, "--strict")
    assert result.status == 1
    assert "75%" in result.out
    assert "preprocess.fit=pad" in result.out
    assert "dataset.bit_depth=12" in result.out
    assert "No problems found." not in result.out
    assert len(json.loads(framework("data", "check", recipe, "--json").out)["advice"]) == 2
    mended = framework("data", "check", recipe, "preprocess.fit=pad", "dataset.bit_depth=12", "--strict")
    assert mended.status == 0
    assert "No problems found." in mended.out


def test_data_check_strict_counts_notes(tmp_path, recipe, framework):
    make_scans(tmp_path / "scans", 16)
    (tmp_path / "scans" / "light").rename(tmp_path / "scans" / "Dark")
    result = framework("data", "check", recipe, "--strict")
    assert json.loads(framework("data", "check", recipe, "--json").out)["notes"]
    assert result.status == 1
    assert "No problems found." not in result.out
