"""The splits that folders and tables speak of, under the names that are usual."""

from __future__ import annotations

SPLITS = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "val": "validation",
    "valid": "validation",
    "test": "test",
    "testing": "test",
}


def known_split(name: str) -> str | None:
    """`val` and `Valid` are `validation`; None where the name is not that of a split."""
    return SPLITS.get(name.lower())
