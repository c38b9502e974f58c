"""Draw docs/pictures/run.svg from a real run: `python docs/draw_run.py` (some minutes on a laptop)."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from framework.recipe import load_recipe
from framework.registry import Registry
from framework.report.console import plain_console
from framework.report.live import LiveDisplay
from framework.training.run import run_recipe

if TYPE_CHECKING:
    from rich.console import Console

PICTURE = Path(__file__).parent / "pictures" / "run.svg"
COMMAND = "framework run recipes/fer2013_resnet18.yaml dataset=drawn_faces"


class RecordingDisplay(LiveDisplay):
    """Records the lines of the terminal output."""

    def __init__(self, console: Console, folder: Path) -> None:
        super().__init__(console)
        self.folder = folder

    def line(self, text: str = "", style: str = "") -> None:
        """Record a line, with the usual name of the run folder."""
        super().line(text.replace(str(self.folder), "runs/fer2013_resnet18-1"), style)


def main() -> None:
    """Run the main job on drawn faces and write the picture."""
    console = plain_console(record=True, width=92, file=io.StringIO())
    console.print(f"$ {COMMAND}", style="bold green")
    registry = Registry.load()
    _, _, recipe, *overrides = COMMAND.split()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        run_recipe(load_recipe(recipe, registry, overrides), registry, out, RecordingDisplay(console, out))
    PICTURE.write_text(console.export_svg(title="framework"), encoding="utf-8")


if __name__ == "__main__":
    main()
