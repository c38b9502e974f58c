"""Downloading FER-2013 with kagglehub, an extra."""

from __future__ import annotations

import shutil
from pathlib import Path

from framework import UserError, expand_home, find_data

DATASET = "msambare/fer2013"


def fetch_from_kaggle(root: Path) -> Path:
    """Copy the ImageFolder tree to `root` and return it; raises `UserError` where that is impossible.

    It is there whole or not at all: copied under another name, then moved, `train`, by which it is known, as the last.
    """
    place = find_data(root)
    if place is not None and (place.is_file() or any(place.iterdir())):
        raise UserError(f"'{place}' already exists; to download FER-2013 again, remove it")
    root = expand_home(root).resolve()
    downloaded = _download(root)
    partial = root.with_name(f"{root.name}.partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(downloaded, partial)
        root.mkdir(exist_ok=True)  # an existing folder is kept: it may be a working directory
        for part in sorted(partial.iterdir(), key=lambda part: part.name == "train"):
            part.rename(root / part.name)
    except (OSError, shutil.Error) as error:
        raise UserError(
            f"FER-2013 was downloaded to '{downloaded}' and cannot be copied to '{root}': {error}"
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return root


def _download(root: Path) -> Path:
    """The folder in Kaggle's own cache."""
    try:
        import kagglehub
    except ImportError:
        raise UserError("fetching needs kagglehub: pip install 'framework[fetch]'") from None
    try:
        downloaded = Path(kagglehub.dataset_download(DATASET))
    except Exception as error:
        raise UserError(
            f"Kaggle did not give {DATASET}: {error}\n"
            f"    It can be downloaded in a browser from kaggle.com/datasets/{DATASET} and unpacked to '{root}'"
        ) from error
    if not (downloaded / "train").is_dir():
        raise UserError(f"{DATASET} was downloaded to '{downloaded}' and has no train/ in it: its layout has changed")
    return downloaded
