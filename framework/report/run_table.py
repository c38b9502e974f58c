"""A table of runs: chosen by options of their recipes, sorted by a metric or an option."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from framework.components import Metric
from framework.errors import UserError, did_you_mean, enumerate_names
from framework.recipe.loading import validate_component
from framework.registry import Registry
from framework.report.formatting import METRIC_NAMES, duration, percent, percent_range
from framework.runs.run_summary import RunSummary

COLUMNS = ("path", "recipe", "status", "epochs", "seconds", "date")
LOWER_IS_BETTER = ("loss", "ece")
TITLES = ("run", "recipe", "model", "epochs", "top-1", "95 % interval", "of", "time", "")


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
    values = {run.path: _sort_value(run, key) for run in runs}
    if runs and all(value is None for value in values.values()) and key not in (*COLUMNS, *METRIC_NAMES):
        known = [*COLUMNS, *METRIC_NAMES, *sorted({option for run in runs for option in run.settings})]
        hint = did_you_mean(key, known)
        raise UserError(f"--sort {key}: no run has it{hint} (such as {enumerate_names([*COLUMNS, *METRIC_NAMES])})")
    is_metric = key in METRIC_NAMES or any(key in run.metrics for run in runs)
    descending = (is_metric and _greater_is_better(key, registry)) != reverse
    known_runs = [run for run in runs if values[run.path] is not None]
    known_runs.sort(key=lambda run: _natural(values[run.path]), reverse=descending)
    return [*known_runs, *(run for run in runs if values[run.path] is None)]


def rows(runs: Sequence[RunSummary]) -> Iterator[list[str]]:
    """The cells below `TITLES`."""
    for run in runs:
        planned = run.settings.get("train.epochs")
        top1, interval = run.metrics.get("top1"), run.interval
        yield [
            str(run.path),
            run.recipe or "–",
            run.components.get("model", "–"),
            "–" if run.epochs is None else f"{run.epochs}" if run.epochs == planned else f"{run.epochs} of {planned}",
            "–" if top1 is None else percent(top1),
            "–" if interval is None else percent_range(*interval),
            "–" if run.split is None else f"{run.metrics['images']:,} {run.split}",
            "–" if run.seconds is None else duration(run.seconds),
            run.problem or ("" if run.status == "finished" else run.status),
        ]


def _greater_is_better(metric: str, registry: Registry) -> bool:
    if metric in METRIC_NAMES:
        return metric not in LOWER_IS_BETTER
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
