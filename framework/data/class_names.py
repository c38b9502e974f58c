"""Class names that are probably mistakes: two spellings of one name, or missing values written as text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from framework.errors import enumerate_names

MISSING_VALUES = frozenset({"nan", "null", "none", "nil", "na", "n/a", "#n/a", "<na>", "nat", "undefined"})
"""Common texts for a missing value, in lower case."""
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def doubtful_names(classes: Sequence[str]) -> Iterator[str]:
    """A message for each kind of mistake."""
    spelled: dict[str, list[str]] = {}
    for name in classes:
        spelled.setdefault(_spelling(name), []).append(name)
    if alike := [" and ".join(map(repr, names)) for names in spelled.values() if len(names) > 1]:
        yield (
            f"classes whose names differ only in case, separators or notation: {enumerate_names(alike, 6)}. Give each "
            "class one name; if they are different classes, confirm them with dataset.classes=[…]"
        )
    if missing := [repr(name) for name in classes if name.casefold() in MISSING_VALUES]:
        yield f"{enumerate_names(missing, 6)} may be missing labels; if not, confirm them with dataset.classes=[…]"


def _spelling(name: str) -> str:
    """Equal for two spellings of one class name."""
    if NUMBER.fullmatch(name):
        return repr(float(name))
    return re.sub(r"[\s_-]+", " ", name.casefold()).strip() or name
