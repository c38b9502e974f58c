"""Documents as texts, to be stored in one file with weights or a graph."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from framework.errors import UserError
from framework.files import unicode_text

TEXTS = ("recipe", "card", "decoding", "framework")
"""Documents that are text; all others are JSON."""


def pack(documents: Mapping[str, Any]) -> dict[str, str]:
    """The text of each document; names that are not UTF-8 are escaped."""
    return {
        name: unicode_text(content if name in TEXTS else json.dumps(content, ensure_ascii=False))
        for name, content in documents.items()
    }


def unpack(texts: Mapping[str, str], path: Path) -> dict[str, Any]:
    """The inverse of `pack`; raises `UserError` if one of them, read from `path`, is damaged."""
    try:
        return {name: text if name in TEXTS else json.loads(text) for name, text in texts.items()}
    except json.JSONDecodeError as error:
        raise UserError(f"{path}: damaged: {error}") from None
