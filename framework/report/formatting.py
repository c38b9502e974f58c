"""Metrics as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

HEADLINES = {
    "top1": "top-1",
    "top5": "top-5",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro F1",
    "loss": "loss",
    "ece": "ECE",
}

NO_CURVES = ("per_class", "images", "tested_classes", "f1_classes")


def scalars(metrics: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    """The plain numbers in a tree of metrics by their paths, as `validation/top1`.

    Those of single classes, of which there would be too many curves, and numbers of images and classes are left out.
    """
    found: dict[str, float] = {}
    for key, value in metrics.items():
        if key in NO_CURVES:
            continue
        if isinstance(value, Mapping):
            found |= scalars(value, f"{prefix}{key}/")
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            found[prefix + key] = value
    return found


def share(value: float) -> str:
    """A fraction as a percentage: `61.2 %`."""
    return f"{100 * value:.1f} %"


def headline(key: str, value: float) -> str:
    """One of the headline metrics: losses as they are, everything else as a percentage."""
    return f"{value:.3f}" if key == "loss" else share(value)


def duration(seconds: float) -> str:
    """`45 s`, `3:07 min`, `1:02:09 h`, and from ten hours on without seconds: `12:04 h`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}:{rest:02} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02} h" if hours < 10 else f"{hours}:{minutes:02} h"


def gigabytes(number: float) -> str:
    """`0.83 GB`."""
    return f"{number / 1e9:.2f} GB"


def millions(number: float) -> str:
    """`47.8 M`, `1,814 M`: parameters, multiply-adds."""
    return f"{number / 1e6:.1f} M" if number < 1e8 else f"{number / 1e6:,.0f} M"


def split_rows(metrics: Mapping[str, Mapping[str, Any]]) -> list[list[str]]:
    """A row for each headline figure, a column for each split."""
    keys = [key for key in HEADLINES if any(key in split for split in metrics.values())]
    return [[HEADLINES[key], *(headline(key, split[key]) for split in metrics.values())] for key in keys]


def class_rows(metrics: Mapping[str, Any]) -> list[list[str]]:
    """A row for each class: precision, recall, F1, images; no metrics of a class without images."""
    return [
        [
            name,
            *(share(row[what]) if row["support"] else "–" for what in ("precision", "recall", "f1")),
            f"{row['support']:,}",
        ]
        for name, row in metrics["per_class"].items()
    ]
