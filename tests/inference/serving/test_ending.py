"""Start and shutdown of the server."""

import asyncio
import signal
import socket

import pytest
import torch
import uvicorn

from framework.errors import UserError
from framework.inference.predictor import Predictor
from framework.inference.serving.server import _Server, listen


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGHUP])
def test_requests_in_progress_are_finished_after_sigterm_and_sighup(sent, serve, faces):
    server = serve()
    image = faces["happy"]
    head = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(image)
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as flight:
        flight.sendall(head + image[:100])
        server.get("/health")  # by now the server has received the start of the other request
        server.process.send_signal(sent)
        while True:  # until it accepts no more connections
            try:
                socket.create_connection(("127.0.0.1", server.port), timeout=60).close()
            except ConnectionError:
                break
        flight.sendall(image[100:])
        response = b"".join(iter(lambda: flight.recv(10_000), b""))
    assert response.startswith(b"HTTP/1.1 200")
    assert b'"class":"happy"' in response
    out, err = server.process.communicate(timeout=60)
    assert (server.process.returncode, err) == (0, "")
    assert "1 image" in out


def test_an_interrupted_server_ends_with_130_and_one_on_all_addresses_warns(serve):
    server = serve("--host", "0.0.0.0")
    server.process.send_signal(signal.SIGINT)
    _, err = server.process.communicate(timeout=60)
    assert server.process.returncode == 130
    warning, ended = err.splitlines()
    assert "authentication" in warning
    assert "0 images" in ended


def test_a_port_in_use_is_the_user_s_error(framework):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = framework("serve", "drawn/faces", "--port", port)
    assert result.status == 2
    assert f"cannot listen on 127.0.0.1, port {port}" in result.err
    assert "--port" in result.err


def test_the_port_is_taken_before_the_model_is_loaded():
    with listen("127.0.0.1", 0) as first, pytest.raises(UserError, match="cannot listen"):
        listen("127.0.0.1", first.getsockname()[1])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--host", "no.such.host.invalid"], "--host no.such.host.invalid"),
        (["--port", "70000"], "ports are 0 to 65535"),
        (["--max-body", "0"], "--max-body is 0.0; it must be more than 0"),
        (["--timeout", "inf"], "--timeout is inf; it must be more than 0 and finite"),
        (["--timeout", "nan"], "--timeout is nan"),
        (["--max-pixels", "99999999999"], "no image of more than"),
        (["--queue", "10"], "less than --max-files 64"),
    ],
)
def test_invalid_options_are_rejected(framework, arguments, words):
    result = framework("serve", "drawn/faces", *arguments)
    assert (result.status, result.out) == (2, "")
    assert words in result.err
    assert "Traceback" not in result.err


def test_a_network_that_cannot_predict_is_not_served(framework, monkeypatch):
    def too_large(self, images):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(Predictor, "probabilities", too_large)
    result = framework("serve", "drawn/faces", "--port", 0)
    assert (result.status, result.out) == (1, "")
    assert result.err.startswith("CUDA out of memory.")
    assert "Traceback" not in result.err


def test_a_server_that_did_not_start_prints_no_address(monkeypatch):
    async def refused(self, sockets=None):
        self.should_exit = True

    monkeypatch.setattr(uvicorn.Server, "startup", refused)
    called = []
    asyncio.run(_Server(uvicorn.Config(None), lambda: called.append("open")).startup())
    assert called == []


def test_a_missing_run_is_named(framework):
    result = framework("serve", "nothing")
    assert (result.status, "'nothing'" in result.err) == (2, True)
