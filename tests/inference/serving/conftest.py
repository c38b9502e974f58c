"""A real server in a process of its own, and images of faces."""

import io
import re
from dataclasses import dataclass

import pytest

httpx = pytest.importorskip("httpx", reason="requests need httpx")
pytest.importorskip("fastapi", reason="serving needs the extra `serve`")

FACES = ("happy", "sad", "surprise")
NARROW = ("--max-body", "0.3", "--max-files", "6", "--max-pixels", "1000000", "--timeout", "1", "--queue", "6")
FRIEND = "https://example.org"


@dataclass(frozen=True)
class Served:
    """A running server."""

    process: object
    url: str
    port: int

    def post(self, path="/predict", **request):
        return httpx.post(self.url + path, timeout=60, **request)

    def get(self, path):
        return httpx.get(self.url + path, timeout=60)


@pytest.fixture(scope="session")
def serve(start_framework):
    """Start `framework serve` on a free port and wait until it is ready."""

    def start(*arguments, run="drawn/faces"):
        process = start_framework("serve", run, "--port", "0", *arguments)
        for line in process.stdout:
            if found := re.search(r"http://[\d.]+:(\d+)", line):
                port = int(found[1])
                return Served(process, f"http://127.0.0.1:{port}", port)
        raise AssertionError(process.stderr.read())

    return start


@pytest.fixture(scope="session")
def server(serve):
    """A server with default limits."""
    return serve()


@pytest.fixture(scope="session")
def strict(serve):
    """A server with narrow limits that accepts requests of one other site."""
    return serve(*NARROW, "--allow-origin", FRIEND)


@pytest.fixture(scope="session")
def faces():
    """PNG files by class."""
    from PIL import Image

    from framework.components import Dataset
    from framework.registry import Registry

    drawn = Registry.load().find(Dataset, "drawn_faces")(train_images=14, test_images=70).build()["test"]
    found = {}
    for index, label in enumerate(drawn.labels):
        file = io.BytesIO()
        Image.fromarray(drawn.read(index)[0]).save(file, "PNG")
        found.setdefault(drawn.classes[label], file.getvalue())
    return {name: found[name] for name in FACES}
