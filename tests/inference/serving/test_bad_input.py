"""Invalid requests: each gets an error, and the next request succeeds."""

import io
import json
import os
import socket
import struct
import zlib

import pytest
from PIL import Image

JPEG = {"Content-Type": "image/jpeg"}


def picture(width, height, form):
    file = io.BytesIO()
    Image.effect_noise((width, height), 50).save(file, form)
    return file.getvalue()


def bomb():
    """A PNG of a few bytes with a size of 60000×60000."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(60001))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def chunks(number, size=50_000):
    """A body of unknown length."""
    for _ in range(number):
        yield bytes(size)


def form(boundary="x", end="--x--\r\n", disposition='form-data; name="image"; filename="a.png"'):
    head = f"--x\r\nContent-Disposition: {disposition}\r\n\r\n"
    return {
        "content": head.encode() + b"anything\r\n" + end.encode(),
        "headers": {"Content-Type": f"multipart/form-data; boundary={boundary}"},
    }


BAD = {
    "random bytes": ({"content": os.urandom(5000), "headers": JPEG}, 422, "bad_image", "not an image"),
    "a truncated JPEG": ({"content": picture(99, 99, "JPEG")[:3000], "headers": JPEG}, 422, "bad_image", "damaged"),
    "a decompression bomb": ({"content": bomb(), "headers": JPEG}, 422, "bad_image", "bomb"),
    "more pixels than allowed": ({"content": picture(1010, 1000, "GIF")[:250_000]}, 422, "bad_image", "1,000,000"),
    "an empty file": ({"files": {"image": ("a.png", b"")}}, 422, "bad_image", "the file is empty"),
    "text": ({"content": b"hello", "headers": {"Content-Type": "text/plain"}}, 415, "unsupported_type", "text/plain"),
    "JSON": ({"json": {"image": "…"}}, 415, "unsupported_type", "application/json"),
    "a form of a browser's default": ({"data": {"a": "b"}}, 415, "unsupported_type", "form-urlencoded"),
    "no body": ({}, 400, "empty_body", "empty"),
    "an empty image": ({"content": b"", "headers": JPEG}, 400, "empty_body", "empty"),
    "an empty body of unknown length": ({"content": chunks(0), "headers": JPEG}, 400, "empty_body", "empty"),
    "a form without a file": (form(disposition='form-data; name="a"'), 422, "no_image", "no file"),
    "a form with no file chosen": ({"files": {"a": (None, b"x")}}, 422, "no_image", "no file"),
    "a form that ends early": (form(end=""), 400, "damaged_form", "ends before"),
    "a form of another boundary": (form(boundary="y"), 400, "damaged_form", "cannot be read"),
    "a form without a boundary": (
        {"content": b"x", "headers": {"Content-Type": "multipart/form-data"}},
        400,
        "damaged_form",
        "boundary",
    ),
    "a form with a boundary without end": (form(boundary="x" * 300), 400, "damaged_form", "300"),
    "a thousand files": (
        {"files": [("image", (f"{index}.png", b"x")) for index in range(1000)]},
        413,
        "too_many_files",
        "more than 6 files",
    ),
    "a huge body": ({"content": bytes(2_000_000), "headers": JPEG}, 413, "too_large", "0.3 MB"),
    "a huge body of unknown length": ({"content": chunks(40), "headers": JPEG}, 413, "too_large", "0.3 MB"),
    "a wrong option": ({"content": b"x", "params": {"top": "many"}}, 422, "invalid_option", "query.top"),
    "top 0": ({"content": b"x", "params": {"top": 0}}, 422, "invalid_option", "query.top"),
}


def assert_error(response, status, code, words):
    assert response.status_code == status, response.text
    assert list(response.json()) == ["error"]
    error = response.json()["error"]
    assert error["code"] == code
    assert words in error["message"]
    assert error["hint"]
    assert "Traceback" not in response.text
    assert "/site-packages" not in response.text


def test_text_fields_of_a_form_are_not_counted_as_files(strict, faces):
    texts = {f"field {index}": "text" for index in range(20)}
    response = strict.post(files={"image": ("a.png", faces["happy"])}, data=texts)
    assert [image["name"] for image in response.json()["images"]] == ["a.png"]


@pytest.mark.parametrize("name", BAD)
def test_an_invalid_request_gets_an_error_and_the_next_one_succeeds(strict, faces, name):
    request, status, code, words = BAD[name]
    assert_error(strict.post(**request), status, code, words)
    assert strict.post(content=faces["happy"]).json()["images"][0]["class"] == "happy"
    assert strict.get("/health").json()["queue"] == 0


@pytest.mark.parametrize(
    ("image", "hint"),
    [(bomb(), "send a smaller image"), (picture(1010, 1000, "GIF")[:250_000], "send a smaller image"),
     (b"no image", "send a PNG or JPEG file")],
)  # fmt: skip
def test_the_hint_fits_the_error(strict, image, hint):
    assert strict.post(content=image).json()["error"]["hint"] == hint


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [("GET", "/nothing", 404, "not_found"), ("GET", "/docs", 404, "not_found"),
     ("GET", "/predict", 405, "method_not_allowed"), ("POST", "/model", 405, "method_not_allowed"),
     ("GET", "/page/..%2fapp.py", 404, "not_found")],
)  # fmt: skip
def test_other_errors_have_the_same_form(strict, method, path, status, code):
    import httpx

    assert_error(httpx.request(method, strict.url + path), status, code, "")


def test_an_extremely_wide_image_is_accepted(strict):
    assert "class" in strict.post(content=picture(10_000, 1, "PNG")).json()["images"][0]


def read_response(connection):
    response = b""
    while not response.endswith(b"}}"):
        response += connection.recv(10_000)
    return response


def test_a_client_that_sends_too_much_can_read_the_error(strict):
    head = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: 20000000\r\n\r\n"
    with socket.create_connection(("127.0.0.1", strict.port), timeout=30) as sender:
        sender.sendall(head)
        for _ in range(20):
            sender.sendall(bytes(1_000_000))
        assert read_response(sender).startswith(b"HTTP/1.1 413")


def test_a_body_that_does_not_arrive_times_out(strict, faces):
    with socket.create_connection(("127.0.0.1", strict.port), timeout=30) as slow:
        slow.sendall(b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999\r\n\r\nab")
        response = read_response(slow)
        assert response.startswith(b"HTTP/1.1 408")
        assert json.loads(response.partition(b"\r\n\r\n")[2])["error"]["code"] == "slow_body"
    assert strict.post(content=faces["sad"]).json()["images"][0]["class"] == "sad"


def test_disconnecting_clients_do_not_affect_others(strict, faces):
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", strict.port)) as gone:
            gone.sendall(b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999\r\n\r\nab")
    assert strict.post(content=faces["sad"]).json()["images"][0]["class"] == "sad"


def test_a_name_is_returned_as_sent_up_to_its_maximum_length(strict, faces):
    files = [("a", ("Übermut 😀 <b>.png", faces["sad"])), ("a", ("x" * 1000, faces["sad"]))]
    first, second = strict.post(files=files).json()["images"]
    assert first["name"] == "Übermut 😀 <b>.png"
    assert second["name"] == "x" * 255
