"""Downloads FER-2013 with kagglehub, an optional dependency."""

from __future__ import annotations

import shutil
from pathlib import Path

from framework import UserError, expand_home, find_data

DATASET = "msambare/fer2013"


def fetch_from_kaggle(root: Path) -> Path:
    """Download the images to `root` and return it; raises `UserError` if that fails.

    An interrupted copy never looks complete: files are copied to a temporary folder and then moved, `train` last,
    because `train` identifies the dataset.
    """
    place = find_data(root)
    if place is not None and (place.is_file() or any(place.iterdir())):
        raise UserError(f"'{place}' already exists: remove it to fetch FER-2013 again")
    root = expand_home(root).resolve()
    downloaded = _download(root)
    partial = root.with_name(f"{root.name}.partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(downloaded, partial)
        root.mkdir(exist_ok=True)  # not replaced: it may be a working directory
        for part in sorted(partial.iterdir(), key=lambda part: part.name == "train"):
            part.rename(root / part.name)
    except (OSError, shutil.Error) as error:
        raise UserError(
            f"FER-2013 was downloaded to '{downloaded}' but cannot be copied to '{root}': {error}"
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return root


def _download(root: Path) -> Path:
    """The folder in kagglehub's cache."""
    try:
        import kagglehub
    except ImportError:
        raise UserError("fetching FER-2013 needs kagglehub: pip install 'framework[fetch]'") from None
    try:
        downloaded = Path(kagglehub.dataset_download(DATASET))
    except Exception as error:
        raise UserError(
            f"downloading {DATASET} from Kaggle failed: {error}\n"
            f"    Download it in a browser from kaggle.com/datasets/{DATASET} and unpack it to '{root}'"
        ) from error
    if not (downloaded / "train").is_dir():
        raise UserError(f"{DATASET} was downloaded to '{downloaded}' but has no folder train/: its layout has changed")
    return downloaded
