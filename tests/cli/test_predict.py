"""`framework predict`: inputs, outputs, unusual and unreadable images."""

import csv
import io
import json
import os
import signal
import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

from framework.evaluation.predictions import Predictions

RECIPE = """
dataset: {name: folder, root: ROOT, test: 0.25, validation: 0.25}
preprocess: {size: 12, channels: 3}
model: tinynet
train: {epochs: 5, batch_size: 5, device: cpu}
"""


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A folder for what the tests of this file share, and change nothing in."""
    return tmp_path_factory.mktemp("shared")


@pytest.fixture
def run(shared, photos, framework):
    """A run that tells red from blue, calibrated."""
    out = shared / "run"
    if not out.exists():
        recipe = shared / "recipe.yaml"
        recipe.write_text(RECIPE.replace("ROOT", str(photos)))
        assert framework("run", recipe, "--out", out).status == 0
        (out / "calibration.json").write_text(json.dumps({"temperature": 1.5}))
    return out


@pytest.fixture
def red(tmp_path):
    """A red picture, left half brighter."""
    pixels = np.zeros((24, 32, 3), dtype=np.uint8)
    pixels[..., 0] = 180
    pixels[:, :16, 0] = 240
    file = tmp_path / "red.png"
    Image.fromarray(pixels).save(file)
    return file


def predictions(result):
    return [json.loads(line) for line in result.out.splitlines()]


def test_the_probabilities_are_calibrated(run, photos, framework):
    temperature = json.loads((run / "calibration.json").read_text())["temperature"]
    kept = Predictions.load(run / "predictions" / "test.safetensors")
    expected = (torch.as_tensor(kept.logits).double() / temperature).softmax(1)
    # the photos are drawn anew for each test, always the same ones
    lines = predictions(framework("predict", run, *(photos / name for name in kept.names), "--json"))
    found = torch.tensor([list(line["probabilities"].values()) for line in lines], dtype=torch.float64)
    assert temperature != 1
    assert torch.allclose(found, expected, atol=1e-5)


def test_patterns_are_expanded(run, photos, framework):
    assert len(predictions(framework("predict", run, f"{photos}/**/0[0-4].png", "--json"))) == 10


def test_a_path_given_twice_is_classified_twice(run, red, framework):
    first, second = predictions(framework("predict", run, red, red, "--json"))
    assert first == second


@pytest.mark.parametrize(("option", "end"), [("-", "\n"), ("--stdin", "\n"), ("-0", "\0")])
def test_paths_are_read_from_standard_input(option, end, run, photos, red, tmp_path, framework, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(f"{photos / 'red'}{end}{red}{end}".encode())))
    lines = predictions(framework("predict", run, option, "--json"))
    assert [line["class"] for line in lines] == ["red"] * 21


def test_a_missing_file_of_a_list_is_reported_on_its_line(run, red, framework, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(f"nowhere.png\n{red}\n".encode())))
    result = framework("predict", run, "-")
    assert result.status == 1
    first, second = result.out.splitlines()
    assert first == "nowhere.png  cannot be read: there is no such file"
    assert second.startswith(f"{red}  red ")
    assert "1 file of 2 cannot be read" in result.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "images to classify"),
        (["nowhere/*.png"], "there is no file or folder 'nowhere/*.png'"),
        (["EMPTY"], "empty' has no images"),
        (["RED", "RUN"], "run' is a trained network"),
        (["drawn/faces", "RED"], "run drawn/faces`. "),
        (["RED", "--abstain-below", "2"], "--abstain-below is 2.0; it is a probability"),
        (["RED", "--csv", "-", "--json"], "both write to standard output"),
        (["RED", "--csv", "nowhere/x.csv"], "cannot write 'nowhere/x.csv': No such file"),
        (["RED", "--save-crops", "crops"], "--save-crops needs --detect"),
        (["RED", "--detect", "tile"], "did you mean 'tiles'?"),
        (["RED", "--detect", "tiles rows=0"], "rows"),
        (["RED", "--detect", "'"], "--detect is"),
    ],
)
def test_invalid_arguments_are_reported_before_the_network_is_loaded(arguments, message, run, red, tmp_path, framework):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").touch()
    places = {"RED": red, "EMPTY": tmp_path / "empty", "RUN": run}
    result = framework("predict", run, *(places.get(argument, argument) for argument in arguments))
    assert result.status == 2
    assert message in result.err
    assert result.out == ""


def test_distillation_from_an_export_is_not_suggested(run, tmp_path, framework):
    (tmp_path / "export.onnx").touch()
    result = framework("predict", run, tmp_path / "export.onnx")
    assert (result.status, "`framework evaluate " in result.err, "name: distill" in result.err) == (2, True, False)


def test_ignored_files_of_a_folder_are_counted(run, photos, framework):
    (photos / "red" / "notes.txt").touch()
    result = framework("predict", run, photos / "red")
    assert result.status == 0
    assert "1 file in folders ignored" in result.err


def test_below_the_threshold_no_class_is_predicted(run, tmp_path, framework):
    file = tmp_path / "purple.png"
    Image.new("RGB", (16, 12), (170, 50, 170)).save(file)
    best = max(predictions(framework("predict", run, file, "--json"))[0]["probabilities"].values())
    (sure,) = predictions(framework("predict", run, file, "--json", "--abstain-below", best - 1e-3))
    assert sure["class"] == sure["guess"]
    unsure = ("predict", run, file, "--abstain-below", (best + 1) / 2)
    result = framework(*unsure, "--json")
    assert (predictions(result)[0]["class"], predictions(result)[0]["guess"]) == (None, sure["class"])
    assert "abstained from 1 of 1 image" in result.err
    assert f"  abstained: {sure['class']} " in framework(*unsure).out
    (row,) = csv.DictReader(io.StringIO(framework(*unsure, "--csv", "-").out))
    assert (row["class"], row["guess"]) == ("", sure["class"])


def test_top_is_the_number_of_classes_per_line(run, red, framework):
    assert "blue" not in framework("predict", run, red, "--top", "1").out
    assert "blue" in framework("predict", run, red, "--top", "2").out


def test_csv_on_standard_output_is_the_only_output(run, red, framework):
    rows = list(csv.reader(io.StringIO(framework("predict", run, red, "--csv", "-").out)))
    assert rows[0] == ["name", "class", "blue", "red", "error"]
    assert rows[1][:2] == [str(red), "red"]
    assert len(rows) == 2


def test_any_file_name_is_safe_in_every_form(run, red, tmp_path, framework):
    names = ["a b.png", "line\nbreak.png", 'quo"te,.png', "日本 é.png", "\x1b[31m.png", os.fsdecode(b"\xff.png")]
    for name in names:
        (tmp_path / "odd").mkdir(exist_ok=True)
        (tmp_path / "odd" / name).write_bytes(red.read_bytes())
    folder, table = tmp_path / "odd", tmp_path / "table.csv"
    as_json = framework("predict", run, folder, "--json", "--csv", table)
    expected = {f"{folder}/{name}" for name in names}
    assert {line["name"] for line in predictions(as_json)} == expected
    with table.open(newline="", errors="surrogateescape") as file:
        assert {row["name"] for row in csv.DictReader(file)} == expected
    plain = framework("predict", run, folder).out
    assert len(plain.splitlines()) == len(names)
    assert plain.replace("\n", "").isprintable()


def test_images_of_every_mode_are_read_or_reported(run, red, tmp_path, framework):
    folder = tmp_path / "modes"
    folder.mkdir()
    image = Image.open(red)
    for mode, ending in [("1", "png"), ("L", "png"), ("LA", "png"), ("P", "png"), ("RGBA", "png"), ("CMYK", "tif")]:
        image.convert(mode).save(folder / f"{mode}.{ending}")
    Image.fromarray(np.full((8, 8), 40000, dtype=np.uint16)).save(folder / "I16.png")
    Image.fromarray(np.ones((8, 8), dtype=np.float32)).save(folder / "float.tif")
    result = framework("predict", run, folder, "--json")
    lines = {line["name"].rpartition("/")[2]: line for line in predictions(result)}
    assert "floating-point pixels" in lines.pop("float.tif")["error"]
    assert result.status == 1
    for name in ("P.png", "RGBA.png", "CMYK.tif"):
        assert lines[name]["class"] == "red"
    assert all(sum(line["probabilities"].values()) == pytest.approx(1) for line in lines.values())


@pytest.mark.parametrize("size", [(1, 1), (10000, 1), (1, 10000), (6000, 4000)])
def test_images_of_every_size_are_read(size, run, tmp_path, framework):
    file = tmp_path / "sized.jpg"
    Image.new("RGB", size, (200, 20, 20)).save(file)
    assert predictions(framework("predict", run, file, "--json"))[0]["class"] == "red"


def test_every_exif_orientation_is_applied(run, red, tmp_path, framework):
    from framework.data.decode import ORIENTATIONS

    undo = {6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}  # the others undo themselves
    files = [red]
    for orientation in range(2, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        turned = Image.open(red).transpose(undo.get(orientation, ORIENTATIONS[orientation]))
        files.append(tmp_path / f"{orientation}.png")
        turned.save(files[-1], exif=exif)
    lines = predictions(framework("predict", run, *files, "--json"))
    assert len(lines) == 8
    for line in lines:
        assert line["probabilities"] == pytest.approx(lines[0]["probabilities"], abs=1e-6)


def test_bad_files_are_reported_and_the_others_classified(run, red, tmp_path, framework):
    folder = tmp_path / "bad"
    folder.mkdir()
    (folder / "empty.png").touch()
    (folder / "text.png").write_text("hello")
    (folder / "truncated.png").write_bytes(red.read_bytes()[:-40])
    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    bomb = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    (folder / "bomb.png").write_bytes(bomb + red.read_bytes()[33:])
    (folder / "link.png").symlink_to("nowhere")
    (folder / "good.png").write_bytes(red.read_bytes())
    result = framework("predict", run, folder)
    assert result.status == 1
    lines = dict(line.removeprefix(f"{folder}/").split("  ", 1) for line in result.out.splitlines())
    assert lines["good.png"].startswith("red ")
    assert lines["empty.png"] == "cannot be read: the file is empty"
    assert lines["text.png"] == "cannot be read: not an image, or of an unknown format"
    assert lines["truncated.png"].startswith("cannot be read: damaged: ")
    assert "bomb" in lines["bomb.png"]
    assert lines["link.png"] == "cannot be read: a broken link"
    assert "5 files of 6 cannot be read" in result.err


def test_detected_regions_are_classified_separately(run, photos, tmp_path, framework):
    pixels = np.hstack([np.asarray(Image.open(photos / name / "00.png")) for name in ("red", "blue")])
    file = tmp_path / "both.png"
    Image.fromarray(pixels).save(file)
    result = framework("predict", run, file, "--detect", "tiles rows=1", "--json", "--save-crops", tmp_path / "crops")
    first, second = predictions(result)
    assert (first["name"], first["box"], first["class"]) == (f"{file}#1", [0, 0, 16, 12], "red")
    assert (second["name"], second["box"], second["class"]) == (f"{file}#2", [16, 0, 16, 12], "blue")
    crops = sorted((tmp_path / "crops").rglob("*.png"))
    assert [crop.name for crop in crops] == ["both.png#1.png", "both.png#2.png"]
    assert np.array_equal(np.asarray(Image.open(crops[1])), pixels[:, 16:])
    assert " (16×12 at 16,0)  blue " in framework("predict", run, file, "--detect", "tiles rows=1").out
    rows = csv.DictReader(io.StringIO(framework("predict", run, file, "--detect", "tiles rows=1", "--csv", "-").out))
    assert [(row["x"], row["width"], row["class"]) for row in rows] == [("0", "16", "red"), ("16", "16", "blue")]


def test_a_closed_pipe_ends_the_command_silently(run, photos, start_framework):
    process = start_framework("predict", run, *[photos] * 400, "--csv", "-")
    process.stdout.readline()
    process.stdout.close()
    process.stdout = None
    assert process.stderr.read() == ""
    assert process.wait() == 0


def test_an_interrupted_command_reports_its_progress(run, photos, tmp_path, start_framework):
    table = tmp_path / "table.csv"
    process = start_framework("predict", run, *[photos] * 2000, "--json", "--csv", table)
    first = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    out, err = process.stdout.read(), process.stderr.read()
    assert process.wait() == 130
    assert json.loads(first)["class"]
    assert "interrupted after " in err
    assert "Traceback" not in err
    done = len((first + out).splitlines())
    assert 0 < done < 80_000
    assert abs(len(table.read_text().splitlines()) - 1 - done) <= 1


@pytest.mark.parametrize("command", ["predict", "evaluate", "serve"])
def test_a_batch_size_below_one_is_a_user_error(command, framework, photos):
    result = framework(command, "drawn/faces", *([photos] if command == "predict" else []), "--batch-size", 0)
    assert result.status == 2
    assert "--batch-size is 0" in result.err


def test_the_batch_size_does_not_change_predictions(framework, photos):
    predictions = [
        framework("predict", "drawn/faces", photos, "--json", "--batch-size", size).out.splitlines() for size in (1, 7)
    ]
    one, seven = ([json.loads(line) for line in lines] for lines in predictions)
    assert [answer["name"] for answer in one] == [answer["name"] for answer in seven]
    assert [answer["class"] for answer in one] == [answer["class"] for answer in seven]
