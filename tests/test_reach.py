"""Whether a server can be reached, with servers on this machine."""

import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from framework import unreachable


class NotFound(BaseHTTPRequestHandler):
    """Responds with 404."""

    def do_HEAD(self):
        self.send_error(404)

    def log_message(self, *arguments):
        """Log nothing."""


def test_a_server_that_responds_with_an_error_can_be_reached():
    with HTTPServer(("127.0.0.1", 0), NotFound) as server:
        threading.Thread(target=server.handle_request).start()
        assert unreachable(f"http://127.0.0.1:{server.server_port}/weights.pth") is None


def test_a_closed_port_and_an_unknown_name_cannot_be_reached():
    for url in ("http://127.0.0.1:9", "http://nowhere.invalid"):
        assert unreachable(url).startswith(f"{url} cannot be reached: ")


@pytest.mark.parametrize("request_", [None, lambda url: threading.Event().wait()], ids=["urllib", "another client"])
def test_a_server_that_does_not_respond_is_given_up_after_the_timeout(request_):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        assert unreachable(url, request_, seconds=0.1).startswith(url)
