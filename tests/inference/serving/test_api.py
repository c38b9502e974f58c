"""The HTTP API."""

import base64
import io
import json

import pytest
from PIL import Image

httpx = pytest.importorskip("httpx", reason="requests need httpx")


@pytest.fixture
def predicted(tmp_path, faces, framework):
    """The output of `framework predict` for the faces."""
    for name, content in faces.items():
        (tmp_path / f"{name}.png").write_bytes(content)
    result = framework("predict", "drawn/faces", *(tmp_path / f"{name}.png" for name in faces), "--json")
    return [json.loads(line) for line in result.out.splitlines()]


def form(faces):
    return [("image", (f"{name}.png", content)) for name, content in faces.items()]


def test_predictions_equal_those_of_framework_predict(server, faces, predicted):
    images = server.post(files=form(faces)).json()["images"]
    assert [image["name"] for image in images] == [f"{name}.png" for name in faces]
    for image, expected in zip(images, predicted, strict=True):
        assert image["class"] == expected["class"]
        assert image["probabilities"] == pytest.approx(expected["probabilities"], abs=1e-5)
        assert image["confidence"] == image["probabilities"][image["class"]]


@pytest.mark.parametrize("path", ["/", "/health", "/model", "/openapi.json"])
def test_head_is_get_without_a_body(server, path):
    get, head = server.get(path), httpx.head(server.url + path, timeout=60)
    assert (head.status_code, head.content) == (get.status_code, b"")
    assert head.headers["Content-Type"] == get.headers["Content-Type"]


@pytest.mark.parametrize("kind", ["image/png", "image/x-anything", "application/octet-stream", None])
def test_the_body_may_be_one_image(server, faces, predicted, kind):
    headers = {"Content-Type": kind} if kind else {}
    (image,) = server.post(content=faces["sad"], headers=headers).json()["images"]
    assert image["probabilities"] == pytest.approx(predicted[1]["probabilities"], abs=1e-5)


def test_top_selects_the_most_probable_classes_in_order(server, faces):
    (image,) = server.post("/predict?top=3", content=faces["happy"]).json()["images"]
    probabilities = list(image["probabilities"].values())
    assert len(probabilities) == 3
    assert probabilities == sorted(probabilities, reverse=True)
    assert next(iter(image["probabilities"])) == image["class"]


def test_a_damaged_file_among_others_has_its_own_error(server, faces):
    files = [*form(faces), ("image", ("notes.txt", b"no image at all"))]
    response = server.post(files=files)
    assert response.status_code == 200
    images = response.json()["images"]
    assert images[3] == {"name": "notes.txt", "error": "not an image, or of an unknown format"}
    assert [image["class"] for image in images[:3]] == list(faces)


def test_an_activation_map_is_a_png_over_the_network_input(server, faces):
    (image,) = server.post("/predict?activation=true", content=faces["happy"]).json()["images"]
    kind, _, encoded = image["activation"].partition(",")
    assert kind == "data:image/png;base64"
    picture = Image.open(io.BytesIO(base64.b64decode(encoded)))
    assert picture.mode == "RGB"
    assert picture.size == (240, 240)  # 48×48, enlarged five times
    assert any(red != blue for red, _, blue in picture.resize((24, 24)).get_flattened_data())


def test_the_model_is_described(server):
    about = server.get("/model").json()
    assert about["name"] == "drawn/faces"
    assert about["classes"][:2] == ["angry", "disgust"]
    low, high = about["metrics"]["test"]["top1_interval"]
    assert low < about["metrics"]["test"]["top1"] < high
    assert about["calibration"]["temperature"] > 0
    assert about["preprocessing"]["height"] == 48
    assert about["versions"]["torch"]
    assert about["card"].startswith("# drawn/faces")
    assert "dataset:" in about["recipe"]
    assert about["limits"]["files"] == 64


def test_health_of_an_idle_server(server):
    assert server.get("/health").json() == {"ready": True, "queue": 0, "queue_limit": 256}


def test_the_api_documents_itself_with_examples(server):
    api = server.get("/openapi.json").json()
    predict = api["paths"]["/predict"]["post"]
    assert set(predict["requestBody"]["content"]) == {"multipart/form-data", "application/octet-stream", "image/*"}
    assert {"200", "400", "403", "408", "413", "415", "422", "500", "503", "504"} <= set(predict["responses"])
    for name in ("PredictionResponse", "ErrorResponse", "Health"):
        assert api["components"]["schemas"][name]["example"]


def test_every_response_has_security_headers(server):
    for path in ("/", "/page/app.js", "/model", "/nothing"):
        headers = server.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in headers
        assert "server" not in headers
