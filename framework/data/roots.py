"""Where a dataset's folder is looked for."""

from __future__ import annotations

import os
from pathlib import Path

from framework.data.unicode_names import existing_path

VARIABLE = "FRAMEWORK_DATA"


def candidates(root: Path) -> list[Path]:
    """The places where `root` may be: itself, then under `$FRAMEWORK_DATA` (without a leading `data/`)."""
    root = root.expanduser()
    places = [root]
    shared = os.environ.get(VARIABLE)
    if shared and not root.is_absolute():
        below = root.relative_to("data") if root.parts[:1] == ("data",) else root
        places.append(Path(shared).expanduser() / below)
    return places


def find_data(root: Path) -> Path | None:
    """The first of the candidate places that exists, in whatever Unicode form, or None."""
    return next((place for place in map(Path, map(existing_path, candidates(root))) if place.exists()), None)
