"""A table of runs: chosen by options of their recipes, sorted by a metric or an option."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from framework.components import Metric, MetricFormat
from framework.errors import UserError, did_you_mean, enumerate_names
from framework.recipe.loading import validate_component
from framework.registry import Registry
from framework.report.formatting import duration, metric_text_of, percent_range
from framework.runs.run_summary import RunSummary

COLUMNS = ("path", "recipe", "status", "epochs", "seconds", "date")
RIGHT = ("epochs", "metric", "of", "time")
"""Columns that are aligned to the right."""


def filtered(runs: Sequence[RunSummary], conditions: Sequence[str]) -> list[RunSummary]:
    """The runs whose recipes meet every condition `option=value`; a value may be a pattern such as `resnet*`.

    Raises `UserError` for an option that no run has.
    """
    for condition in conditions:
        option, equals, value = condition.partition("=")
        if not equals:
            raise UserError(f"--filter {condition}: a condition has the form option=value, such as model=resnet18")
        if runs and not any(_values(run, option) for run in runs):
            known = sorted({known for run in runs for known in (*run.settings, *run.components)})
            raise UserError(f"--filter {condition}: no run has the option '{option}'{did_you_mean(option, known)}")
        runs = [run for run in runs if any(_equal(found, value) for found in _values(run, option))]
    return list(runs)


def ordered(
    runs: Sequence[RunSummary], key: str | None, registry: Registry, *, reverse: bool = False
) -> list[RunSummary]:
    """Sorted by a column, a metric (the best first) or an option of the recipe; runs without a value come last."""
    if key is None:
        return list(reversed(runs)) if reverse else list(runs)
    formats = {name: form for run in runs for name, form in run.task.metric_formats.items()}
    values = {run.path: _sort_value(run, key) for run in runs}
    if runs and all(value is None for value in values.values()) and key not in (*COLUMNS, *formats):
        known = [*COLUMNS, *formats, *sorted({option for run in runs for option in run.settings})]
        hint = did_you_mean(key, known)
        raise UserError(f"--sort {key}: no run has it{hint} (such as {enumerate_names([*COLUMNS, *formats])})")
    is_metric = key in formats or any(key in run.metrics for run in runs)
    descending = (is_metric and _greater_is_better(key, formats, registry)) != reverse
    known_runs = [run for run in runs if values[run.path] is not None]
    known_runs.sort(key=lambda run: _natural(values[run.path]), reverse=descending)
    return [*known_runs, *(run for run in runs if values[run.path] is None)]


def columns(runs: Sequence[RunSummary]) -> dict[str, str]:
    """The titles of the columns by name; that of the metric is its name if it is the same for all runs."""
    monitored = {run.task.metric_formats[run.task.monitor].title for run in runs}
    titles = {name: name for name in ("run", "recipe", "model", "epochs", "metric", "95 % interval", "of", "time")}
    return {**titles, "metric": monitored.pop() if len(monitored) == 1 else "metric", "": ""}


def rows(runs: Sequence[RunSummary]) -> Iterator[list[str]]:
    """The cells below `columns`."""
    mixed = columns(runs)["metric"] == "metric"
    for run in runs:
        planned = run.settings.get("train.epochs")
        form, value = run.task.metric_formats[run.task.monitor], run.metrics.get(run.task.monitor)
        interval = run.interval if run.task.monitor == run.task.accuracy else None
        yield [
            str(run.path),
            run.recipe or "–",
            run.components.get("model", "–"),
            "–" if run.epochs is None else f"{run.epochs}" if run.epochs == planned else f"{run.epochs} of {planned}",
            (f"{form.title} " if mixed and value is not None else "") + metric_text_of(form, value),
            "–" if interval is None else percent_range(*interval),
            "–" if run.split is None else f"{run.metrics['images']:,} {run.split}",
            "–" if run.seconds is None else duration(run.seconds),
            run.problem or ("" if run.status == "finished" else run.status),
        ]


def _greater_is_better(metric: str, formats: Mapping[str, MetricFormat], registry: Registry) -> bool:
    if metric in formats:
        return formats[metric].greater_is_better
    try:
        return validate_component(Metric, metric, registry).greater_is_better
    except UserError:  # its plugin is not installed
        return True


def _values(run: RunSummary, option: str) -> list[Any]:
    """What a condition on the option is compared with: for a component, its name; for a list, each entry's."""
    if option in run.components:
        return [run.components[option], run.settings.get(f"{option}.name")]
    if option in run.settings:
        return [run.settings[option]]
    inside = re.compile(rf"{re.escape(option)}\.\d+(\.name)?")
    return [value for path, value in run.settings.items() if inside.fullmatch(path)]


def _equal(found: Any, written: str) -> bool:
    try:
        value = YAML(typ="safe").load(written)
    except YAMLError:
        value = written
    numbers = all(isinstance(one, (int, float)) and not isinstance(one, bool) for one in (found, value))
    if numbers or isinstance(found, (bool, list)) or found is None:
        return bool(found == value)
    return fnmatchcase(str(found), written)


def _sort_value(run: RunSummary, key: str) -> Any:
    if key in run.metrics:
        return run.metrics[key]
    if key in COLUMNS:
        value = getattr(run, key)
        return str(value) if key == "path" else value
    return run.components.get(key, run.settings.get(key))


def _natural(value: Any) -> list[tuple[int, float, str]]:
    """Numbers by value, texts with the numbers in them by value: `run-2` before `run-10`."""
    if isinstance(value, (int, float)):
        return [(0, float(value), "")]
    parts = re.split(r"(\d+)", str(value))
    return [(0, float(part), "") if part.isdigit() else (1, 0.0, part) for part in parts if part]
