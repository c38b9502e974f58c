"""Classes without images in a split, which no metric covers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from framework.errors import count, enumerate_names

SHOWN = 5


def untested_classes(metrics: Mapping[str, Any]) -> list[str]:
    """The names of these classes, from the metrics of a split."""
    return [name for name, row in metrics["per_class"].items() if not row["support"]]


def untested_note(metrics: Mapping[str, Any], split: str) -> str | None:
    """A note on these classes and the macro metrics; None if every class was tested."""
    names = untested_classes(metrics)
    if not names:
        return None
    total = len(metrics["per_class"])
    tested, counted = total - len(names), metrics.get("f1_classes", total)
    return (
        f"{count(len(names), 'class', 'classes')} of {total:,} {'has' if len(names) == 1 else 'have'} no images in "
        f"{split} and {'was' if len(names) == 1 else 'were'} not tested: {enumerate_names(names, SHOWN)}. Means "
        f"over classes cover {tested:,} of {total:,} classes, macro F1 {counted:,} (classes without images that were "
        "predicted count as 0)."
    )
