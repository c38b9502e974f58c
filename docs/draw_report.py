"""Draw docs/pictures/report.png from a report: `python docs/draw_report.py RUN` (needs playwright and chromium).

The picture in the documentation shows `framework run recipes/fer2013_fast.yaml dataset=drawn_faces train.epochs=8
dataset.validation=0.1 --out runs/faces`.
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from framework.cli import main as framework

PICTURE = Path(__file__).parent / "pictures" / "report.png"
HEIGHT = 1240
GAP = 24
VIEWS = ((1000, "light", ""), (390, "dark", "#examples"))
"""Width, colour scheme and anchor of each view."""
COLOURS = 256


def main(run: str) -> None:
    """Write the report and place two screenshots of it side by side."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        page = Path(folder) / "report.html"
        if framework(["report", run, "--out", str(page)]):
            raise SystemExit(1)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        views = [_view(browser, page, *view) for view in VIEWS]
        browser.close()
    whole = Image.new("RGB", (sum(view.width for view in views) + GAP * (len(views) + 1), HEIGHT + 2 * GAP), "#8d949e")
    left = GAP
    for view in views:
        whole.paste(view, (left, GAP))
        left += view.width + GAP
    whole.quantize(COLOURS, dither=Image.Dither.NONE).save(PICTURE, optimize=True)
    print(f"{PICTURE}  {PICTURE.stat().st_size / 1e3:.0f} kB")


def _view(browser: Browser, page: Path, width: int, colours: str, anchor: str) -> Image.Image:
    scheme = {"color_scheme": colours, "reduced_motion": "reduce"}
    context = browser.new_context(viewport={"width": width, "height": HEIGHT}, **scheme)  # type: ignore[arg-type]
    tab = context.new_page()
    tab.goto(page.as_uri() + anchor)
    shot = Image.open(io.BytesIO(tab.screenshot())).convert("RGB")
    context.close()
    return shot


if __name__ == "__main__":
    main(sys.argv[1])
