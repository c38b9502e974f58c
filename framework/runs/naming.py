"""Default names: of the folder of a run, and of its report."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from framework.runs.trained import Trained


def new_run_path(recipe: str, parent: Path = Path("runs")) -> Path:
    """`parent/RECIPE-1`, or the next free number."""
    stem = Path(recipe).stem
    taken = [path.name.removeprefix(f"{stem}-") for path in parent.glob(f"{glob.escape(stem)}-*")]
    number = max((int(name) for name in taken if name.isdigit()), default=0) + 1
    return parent / f"{stem}-{number}"


def report_file(trained: Trained) -> Path:
    """`RUN/report.html`; for a bundle or an export, in the current folder or beside it."""
    if trained.folder:
        return trained.folder.path / "report.html"
    path = Path(trained.label)
    return path.with_suffix(".html") if path.is_file() else Path(f"{path.name}.html")
