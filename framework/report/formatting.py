"""Numbers as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from framework.attribution import full_name

if TYPE_CHECKING:
    from framework.components import Metric

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


def metric_keys(*metrics: Mapping[str, Any]) -> list[str]:
    """The names of all metrics that are single numbers, the fixed ones first."""
    found = dict.fromkeys(key for one in metrics for key in one if key not in NOT_SCALARS)
    return [*(key for key in METRIC_NAMES if key in found), *(key for key in found if key not in METRIC_NAMES)]


def metric_title(key: str, components: Sequence[Metric] = ()) -> str:
    """The name of a metric in tables."""
    component = _component(key, components)
    return METRIC_NAMES.get(key) or (component.title if component else "") or key


def metric_text(key: str, value: float | None, components: Sequence[Metric] = ()) -> str:
    """A percentage, or three decimals for the loss and for components that are not fractions; `–` if undefined."""
    if value is None:
        return "–"
    return percent(value) if is_percentage(key, components) else f"{value:.3f}"


def is_percentage(key: str, components: Sequence[Metric] = ()) -> bool:
    """Whether the metric is displayed in percent."""
    component = _component(key, components)
    return component.percent if component else key in METRIC_NAMES and key != "loss"


def interval_text(key: str, low: float, high: float, components: Sequence[Metric] = ()) -> str:
    """`58.1 to 64.3`, in the unit of the metric."""
    return percent_range(low, high) if is_percentage(key, components) else f"{low:.3f} to {high:.3f}"


def _component(key: str, components: Sequence[Metric]) -> Metric | None:
    return next((component for component in components if full_name(component) == key), None)


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


def metric_rows(metrics: Mapping[str, Mapping[str, Any]], components: Sequence[Metric] = ()) -> list[list[str]]:
    """A row for each metric, a column for each split; an empty cell if a split does not have the metric."""
    return [
        [
            metric_title(key, components),
            *(metric_text(key, split[key], components) if key in split else "" for split in metrics.values()),
        ]
        for key in metric_keys(*metrics.values())
    ]
