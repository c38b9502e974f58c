"""The default folder of a run."""

from __future__ import annotations

import glob
from pathlib import Path


def new_run_path(recipe: str, parent: Path = Path("runs")) -> Path:
    """`parent/RECIPE-1`, or the next free number."""
    stem = Path(recipe).stem
    taken = [path.name.removeprefix(f"{stem}-") for path in parent.glob(f"{glob.escape(stem)}-*")]
    number = max((int(name) for name in taken if name.isdigit()), default=0) + 1
    return parent / f"{stem}-{number}"
