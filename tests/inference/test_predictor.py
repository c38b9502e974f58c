"""`Predictor.predict` from Python: accepted images, order, reading ahead."""

import io
import itertools
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from framework import BadImage, Predictor, Region, UserError


@pytest.fixture(scope="module")
def predictor():
    return Predictor.open("drawn/faces", device="cpu")


@pytest.fixture
def files(photos):
    return sorted(photos.rglob("*.png"))


def test_paths_bytes_and_named_bytes_are_the_same_image(predictor, files):
    path, content = files[0], files[0].read_bytes()
    predictions = list(predictor.predict([path, str(path), content, ("from a message", content)]))
    assert [prediction.name for prediction in predictions] == [str(path), str(path), "image", "from a message"]
    assert len({prediction.probabilities for prediction in predictions}) == 1


def test_predictions_are_in_order_with_bad_images_among_them(predictor, files):
    images = [files[0], b"", files[1], BadImage("folder", "locked"), ("nothing", b"text"), files[2]]
    predictions = list(predictor.predict(images))
    assert [prediction.error for prediction in predictions] == [
        None, "the file is empty", None, "locked", "not an image, or of an unknown format", None,
    ]  # fmt: skip
    assert [bool(prediction.probabilities) for prediction in predictions] == [True, False, True, False, False, True]


def test_several_batches_are_predicted_like_single_images(predictor, files):
    many = list(itertools.islice(itertools.cycle(files), predictor.batch_size * 2 + 3))
    predictions = list(predictor.predict(many))
    assert [prediction.name for prediction in predictions] == list(map(str, many))
    (alone,) = predictor.predict([many[-1]])
    assert predictions[-1].probabilities == pytest.approx(alone.probabilities, abs=1e-5)


def test_the_batch_size_can_be_set(predictor, files):
    sizes = []
    smaller = predictor.with_batch_size(3)
    watched = replace(smaller, engine=lambda images: sizes.append(len(images)) or predictor.engine(images))
    predictions = list(watched.predict(files[:8]))
    assert sizes == [3, 3, 2]
    for prediction, expected in zip(predictions, predictor.predict(files[:8]), strict=True):
        assert prediction.probabilities == pytest.approx(expected.probabilities, abs=1e-5)


def test_images_may_be_endless(predictor, files):
    taken = itertools.count()
    endless = (files[next(taken) % len(files)] for _ in itertools.count())
    predictions = predictor.predict(endless)
    assert next(predictions).error is None
    predictions.close()
    assert next(taken) < 4 * predictor.batch_size + 100


def test_no_images_give_no_predictions(predictor):
    assert list(predictor.predict([])) == []


def test_warning_filters_are_restored(predictor, files):
    before = list(warnings.filters)
    list(predictor.predict(files[:3]))
    assert warnings.filters == before


def test_warning_filters_are_the_caller_s_between_predictions(predictor, files):
    before = list(warnings.filters)
    first, second = predictor.predict(files[:2]), predictor.predict(files[:2])
    for predictions in (first, second, first, second):
        assert next(predictions).error is None
        assert warnings.filters == before
    assert [*first, *second] == []
    assert warnings.filters == before


def test_top_is_sorted_and_empty_without_probabilities(predictor, files):
    prediction, damaged = predictor.predict([files[0], b""])
    top = predictor.top(prediction, 2)
    assert [probability for _, probability in top] == sorted(prediction.probabilities, reverse=True)[:2]
    assert top[0][0] == predictor.classes[prediction.probabilities.index(top[0][1])]
    assert predictor.top(damaged, 3) == []


def test_an_image_without_detections_has_neither_probabilities_nor_an_error(predictor, files):
    (prediction,) = predictor.predict(files[:1], find=lambda image: [])
    assert (prediction.probabilities, prediction.error, prediction.region) == ((), None, None)


def test_keep_is_called_with_each_region(predictor, files):
    regions = {}
    region = Region(2, 3, 5, 4)
    (prediction,) = predictor.predict(
        files[:1], lambda image: [region], lambda name, part: regions.update({name: part.shape})
    )
    assert prediction.region == region
    assert regions == {f"{files[0]}#1": (3, 4, 5)}


def test_a_detector_gets_large_photographs_at_full_size(predictor, tmp_path):
    file = Path(tmp_path / "large.jpg")
    Image.new("RGB", (1600, 800)).save(file)
    shapes = []
    list(predictor.predict([file], find=lambda image: shapes.append(image.shape) or []))
    assert shapes == [(3, 800, 1600)]


def test_a_failing_detector_is_a_user_error(predictor, files):
    with pytest.raises(UserError, match="the detector failed on"):
        list(predictor.predict(files[:1], find=lambda image: 1 / 0))


@pytest.fixture
def pixels(files):
    """Uint8 H×W×3 of the first file."""
    return np.array(Image.open(files[0]))


def test_one_image_is_accepted_in_every_form(predictor, files, pixels):
    forms = {
        "text": str(files[0]),
        "path": files[0],
        "bytes": files[0].read_bytes(),
        "bytearray": bytearray(files[0].read_bytes()),
        "opened": Image.open(files[0]),
        "array": pixels,
        "tensor": torch.from_numpy(pixels).permute(2, 0, 1),
        "batch of one": pixels[None],
        "tensors": torch.from_numpy(pixels).permute(2, 0, 1)[None],
        "texts": np.array([str(files[0])]),
        "generator": (file for file in files[:1]),
        "named": [("face", pixels)],
    }
    predictions = {form: list(predictor.predict(given)) for form, given in forms.items()}
    assert {form: len(given) for form, given in predictions.items()} == dict.fromkeys(forms, 1)
    assert {given[0].error for given in predictions.values()} == {None}
    assert len({given[0].probabilities for given in predictions.values()}) == 1
    names = {form: given[0].name for form, given in predictions.items()}
    assert names["text"] == names["path"] == names["opened"] == names["texts"] == str(files[0])
    assert (names["array"], names["named"]) == ("image", "face")


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P", "1", "I;16", "CMYK"])
def test_pixels_are_predicted_like_a_file_of_them(predictor, mode, pixels, tmp_path):
    image = Image.fromarray(pixels).convert("L" if mode == "I;16" else mode).convert(mode)
    image.save(tmp_path / "a.tiff")
    given = [image, tmp_path / "a.tiff"]
    if mode in ("L", "LA", "RGB", "RGBA"):
        array = np.array(image)
        given += [array, torch.from_numpy(array.reshape(*array.shape[:2], -1)).permute(2, 0, 1)]
    assert len({prediction.probabilities for prediction in predictor.predict(given)}) == 1


def test_exif_orientation_is_applied_to_pil_images_too(predictor, pixels, tmp_path):
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
    read, opened = predictor.predict([tmp_path / "a.png", Image.open(tmp_path / "a.png")])
    assert read.probabilities == opened.probabilities


def test_one_pil_image_can_be_given_repeatedly(predictor, files):
    predictions = list(predictor.predict([Image.open(files[0])] * 100))
    assert len({prediction.probabilities for prediction in predictions}) == 1
    assert predictions[0].error is None


def test_images_without_pixels_and_damaged_ones_have_their_own_errors(predictor, files):
    cut = Image.open(io.BytesIO(files[0].read_bytes()[:200]))
    predictions = list(predictor.predict([np.zeros((0, 4), np.uint8), cut, files[0]]))
    assert [prediction.error is None for prediction in predictions] == [False, False, True]


@pytest.mark.parametrize(
    "given",
    [
        5,
        None,
        {"a.jpg": 1},
        io.BytesIO(b"image"),
        np.uint8(3),
        np.zeros((), np.uint8),
        np.zeros(4, np.uint8),
        np.zeros((4, 4)),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((4, 4), bool),
        np.zeros((3, 4, 9), np.uint8),
        np.zeros((2, 2, 2, 2, 2), np.uint8),
        torch.zeros(3, 4, 4),
        torch.zeros(4, 4, dtype=torch.uint8),
        torch.zeros(9, 4, 3, dtype=torch.uint8),
        [5],
        [["a.jpg"]],
        [("name", 5)],
        [("name", "a.jpg", "b.jpg")],
    ],
    ids=lambda given: type(given).__name__,
)
def test_other_objects_are_a_type_error_with_the_accepted_types(predictor, given):
    with pytest.raises(TypeError, match="an image is a path"):
        list(predictor.predict(given))
