"""Downloading FER-2013 with kagglehub, an extra."""

from __future__ import annotations

import shutil
from pathlib import Path

from framework import UserError

DATASET = "msambare/fer2013"


def fetch_from_kaggle(root: Path) -> Path:
    """Copy the ImageFolder tree into `root` and return it; raises `UserError` where that is impossible."""
    if (root / "train").is_dir():
        raise UserError(f"'{root}' holds FER-2013 already; remove it to fetch it anew")
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
    shutil.copytree(downloaded, root, dirs_exist_ok=True)
    return root
