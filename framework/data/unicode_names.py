"""One Unicode form for the names of classes, images and splits: NFC.

File systems store `é` as one code point (NFC) or as two (NFD, as macOS does). Names are compared in NFC; paths keep
the form of the file system.
"""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path


def nfc(name: str) -> str:
    """The name in NFC: equal for names that differ in their Unicode form alone."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def existing_path(path: str | Path) -> str:
    """The path as the file system stores it: each part that does not exist is tried in its other Unicode form.

    A path that exists in neither form is returned unchanged.
    """
    text = os.fspath(path)
    if text.isascii() or os.path.lexists(text):
        return text
    whole = Path(text)
    found = whole.anchor
    for part in whole.relative_to(whole.anchor).parts:
        forms = (part, nfc(part), unicodedata.normalize("NFD", part))
        existing = [place for form in forms if os.path.lexists(place := os.path.join(found, form))]  # noqa: PTH118
        if not existing:
            return text
        found = existing[0]
    return found
