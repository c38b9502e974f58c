"""Numbers as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

METRIC_NAMES = {
    "top1": "top-1",
    "top5": "top-5",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro F1",
    "loss": "loss",
    "ece": "ECE",
}

NOT_SCALARS = ("per_class", "images", "tested_classes", "f1_classes")


def scalars(metrics: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    """The numbers in a tree of metrics by path, such as `validation/top1`, for trackers.

    Metrics of single classes, of which there may be thousands, and numbers of images and classes are left out.
    """
    found: dict[str, float] = {}
    for key, value in metrics.items():
        if key in NOT_SCALARS:
            continue
        if isinstance(value, Mapping):
            found |= scalars(value, f"{prefix}{key}/")
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            found[prefix + key] = value
    return found


def percent(value: float) -> str:
    """A fraction as a percentage: `61.2 %`."""
    return f"{100 * value:.1f} %"


def metric_text(key: str, value: float) -> str:
    """The loss with three decimals, all other metrics as a percentage."""
    return f"{value:.3f}" if key == "loss" else percent(value)


def percent_range(low: float, high: float) -> str:
    """An interval of fractions: `58.1 to 64.3`, in percent."""
    return f"{100 * low:.1f} to {100 * high:.1f}"


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


def metric_rows(metrics: Mapping[str, Mapping[str, Any]]) -> list[list[str]]:
    """A row for each metric in `METRIC_NAMES`, a column for each split."""
    keys = [key for key in METRIC_NAMES if any(key in split for split in metrics.values())]
    return [[METRIC_NAMES[key], *(metric_text(key, split[key]) for split in metrics.values())] for key in keys]
