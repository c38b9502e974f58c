"""A real server in a process of its own, and images of faces."""

import io
import re
import shutil
from dataclasses import dataclass

import pytest

httpx = pytest.importorskip("httpx", reason="requests need httpx")
pytest.importorskip("fastapi", reason="serving needs the extra `serve`")

FACES = ("happy", "sad", "surprise")
NARROW = ("--max-body", "0.3", "--max-files", "6", "--max-pixels", "1000000", "--timeout", "1", "--queue", "6")
FRIEND = "https://example.org"
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]  # fmt: skip


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


@pytest.fixture(scope="session")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="driving a browser needs playwright")
    if BROWSER is None:
        pytest.skip("there is no chromium here")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=BROWSER, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, server):
    """Open the page of a server; at the end it has sent no request to another host, and logged nothing but `noted`."""
    opened = []

    def open_page(noted=(), of=server, **options):
        context = browser.new_context(**options)
        page = context.new_page()
        messages, requests = [], []
        page.on("console", lambda message: messages.append(message.text))
        page.on("pageerror", lambda error: messages.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(of.url)
        page.locator("#facts").get_by_text("7 classes").wait_for()
        opened.append((context, messages, requests, noted, of))
        return page

    yield open_page
    for context, messages, requests, noted, of in opened:
        context.close()
        assert [text for text in messages if not any(part in text for part in noted)] == []
        assert [url for url in requests if not url.startswith((of.url, "blob:", "data:"))] == []


HALVES = """import time

from framework import Detector, Region


class Halves(Detector):
    \"\"\"The two halves of an image, none of a black one; fails for a white one, is slow for a gray one.\"\"\"

    name = "halves"

    def build(self):
        def find(image):
            if image.min() == 255:
                raise RuntimeError("/secret/place")
            if image.min() == image.max() == 128:
                time.sleep(2)
            width, height = image.shape[2] // 2, image.shape[1]
            return [Region(x, 0, width, height, 0.5) for x in (0, width)] if image.any() else []

        return find
"""


@pytest.fixture(scope="session")
def halves(tmp_path_factory):
    """A plugin file with a detector."""
    file = tmp_path_factory.mktemp("plugin") / "halves.py"
    file.write_text(HALVES)
    return file


@pytest.fixture(scope="session")
def detecting(serve, halves):
    """A server that classifies the two halves of an image."""
    return serve("--plugin", halves, "--detect", "halves")


@pytest.fixture
def two_faces(tmp_path, faces):
    """Files by name: a happy face left of a sad one in gray, in RGB and rotated by EXIF; plain images."""
    from PIL import Image

    left, right = (Image.open(io.BytesIO(faces[name])).convert("L") for name in ("happy", "sad"))
    both = Image.new("L", (left.width + right.width, left.height))
    both.paste(left, (0, 0))
    both.paste(right, (left.width, 0))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be rotated by 90° clockwise
    files = {name: tmp_path / f"{name}.png" for name in ("gray", "colour", "rotated", "black", "white", "middle")}
    both.save(files["gray"])
    both.convert("RGB").save(files["colour"])
    both.transpose(Image.Transpose.ROTATE_90).save(files["rotated"], exif=exif)
    Image.new("L", (60, 40)).save(files["black"])
    Image.new("L", (60, 40), 255).save(files["white"])
    Image.new("L", (60, 40), 128).save(files["middle"])
    return files
