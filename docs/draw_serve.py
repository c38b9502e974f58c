"""Draw docs/pictures/serve.png from a real server in a real browser: `python docs/draw_serve.py` (needs chromium)."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from framework.components import Dataset
from framework.registry import Registry

PICTURE = Path(__file__).parent / "pictures" / "serve.png"
SHOWN = ("happy", "surprise")


def write_faces(folder: Path) -> list[Path]:
    """Write one drawn face for each emotion in `SHOWN`."""
    dataset = Registry.load().find(Dataset, "drawn_faces")
    drawn = dataset(train_images=14, test_images=70, difficulty=0.4).build()["test"]
    names = [drawn.classes[label] for label in drawn.labels]
    files = []
    for name in SHOWN:
        files.append(folder / f"{name}.png")
        Image.fromarray(drawn.read(names.index(name))[0]).save(files[-1])
    return files


def draw(url: str, faces: list[Path]) -> None:
    """Take a screenshot of the page with both predictions."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 940, "height": 400}, reduced_motion="reduce")
        page.goto(url)
        page.set_input_files("#files", faces)
        page.locator(".top-class").nth(len(faces) - 1).wait_for()
        page.screenshot(path=PICTURE, full_page=True)
        browser.close()


def main() -> None:
    """Start the server, draw the page, stop the server."""
    command = [sys.executable, "-m", "framework", "serve", "drawn/faces"]
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server,
    ):
        url = next(found[0] for line in server.stdout or () if (found := re.search(r"http://[\d.:]+", line)))
        draw(url, write_faces(Path(folder)))
        server.terminate()


if __name__ == "__main__":
    main()
