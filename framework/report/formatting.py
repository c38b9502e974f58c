"""Numbers as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from framework.attribution import full_name
from framework.components import Component

if TYPE_CHECKING:
    from framework.components import Metric, MetricFormat, Task

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


Formats = Mapping[str, "MetricFormat | Metric"]
"""How metrics are displayed, by name and in order."""


def formats_of(task: Task, components: Sequence[Metric] = ()) -> Formats:
    """The formats of the metrics of a task and of components."""
    return {**task.metric_formats, **{full_name(component): component for component in components}}


def displayed(
    formats: Formats, *metrics: Mapping[str, Any], percent_first: bool = False
) -> list[tuple[str, MetricFormat | Metric, str]]:
    """Name, format and title of each metric that one of `metrics` has; metric components come last."""
    rows = [(key, form, form.title or key) for key, form in formats.items() if any(key in one for one in metrics)]
    if percent_first:
        rows.sort(
            key=lambda row: (isinstance(row[1], Component), not isinstance(row[1], Component) and not row[1].percent)
        )
    return rows


def sentence_case(title: str) -> str:
    """`Top-1` for `top-1`; `mAP` stays."""
    return title[:1].upper() + title[1:] if title.partition(" ")[0].islower() else title


def metric_text_of(form: MetricFormat | Metric, value: float | None) -> str:
    """A percentage, or three decimals for metrics that are not fractions; `–` if undefined."""
    return "–" if value is None else percent(value) if form.percent else f"{value:.3f}"


def interval_text_of(form: MetricFormat | Metric, low: float, high: float) -> str:
    """`58.1 to 64.3`, in the unit of the metric."""
    return percent_range(low, high) if form.percent else f"{low:.3f} to {high:.3f}"


CLASS_METRICS = {"f1": "F1", "average_precision": "AP"}


def class_metric_title(key: str) -> str:
    """The title of a column of a table of classes."""
    return CLASS_METRICS.get(key, key.replace("_", " "))


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


def metric_rows(metrics: Mapping[str, Mapping[str, Any]], formats: Formats) -> list[list[str]]:
    """A row for each metric, a column for each split; an empty cell if a split does not have the metric."""
    return [
        [title, *(metric_text_of(form, split[key]) if key in split else "" for split in metrics.values())]
        for key, form, title in displayed(formats, *metrics.values())
    ]
