"""Locations in which the folder of a dataset is searched."""

from __future__ import annotations

import os
from pathlib import Path

from framework.data.unicode_names import existing_path
from framework.errors import UserError

VARIABLE = "FRAMEWORK_DATA"


def expand_home(path: Path) -> Path:
    """Replace a leading `~` or `~name` by the user's home folder; raises `UserError` if there is none."""
    try:
        return path.expanduser()
    except RuntimeError:
        user = path.parts[0].removeprefix("~")
        owner = f"of a user '{user}'" if user else "of this user, and HOME is not set"
        raise UserError(f"'{path}': there is no home folder {owner}. Give an absolute path") from None


def candidates(root: Path) -> list[Path]:
    """Possible locations of `root`: itself, then below `$FRAMEWORK_DATA` (without a leading `data/`)."""
    root = expand_home(root)
    places = [root]
    data_folder = os.environ.get(VARIABLE)
    if data_folder and not root.is_absolute():
        below = root.relative_to("data") if root.parts[:1] == ("data",) else root
        places.append(expand_home(Path(data_folder)) / below)
    return places


def find_data(root: Path) -> Path | None:
    """The first candidate that exists, in any Unicode form, or None."""
    return next((place for place in map(Path, map(existing_path, candidates(root))) if place.exists()), None)
