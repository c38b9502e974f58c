"""Runs whose recipes differ in their seed only: mean and standard deviation of their metrics."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from framework.recipe.flat import affects_training
from framework.report.compared_run import ComparedRun
from framework.report.formatting import Formats, displayed

MAY_DIFFER = ("seed", "train.device")
"""Options that affect training and may differ in a group: seeds are often trained in parallel, each on its device."""


@dataclass(frozen=True)
class SeedGroup:
    """Two or more runs by seed, in the order of the command."""

    runs: Mapping[Any, ComparedRun]
    formats: Formats
    """How the metrics are displayed."""

    @property
    def metrics(self) -> dict[str, tuple[float, float]]:
        """Mean and sample standard deviation of each metric that all runs have."""
        found = [run.metrics for run in self.runs.values()]
        keys = [key for key, _, _ in displayed(self.formats, *found) if all(one.get(key) is not None for one in found)]
        values = {key: [one[key] for one in found] for key in keys}
        return {key: (statistics.fmean(of), statistics.stdev(of)) for key, of in values.items()}

    def as_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return {
            "runs": [run.trained.label for run in self.runs.values()],
            "seeds": list(self.runs),
            "mean": {key: mean for key, (mean, _) in self.metrics.items()},
            "standard_deviation": {key: deviation for key, (_, deviation) in self.metrics.items()},
        }

    def __str__(self) -> str:
        """`a-1, -2 (seeds 0, 1): top-1 62.4 ± 0.5 % (mean and standard deviation of 2 runs)`."""
        name = next(iter(self.metrics))
        mean, deviation = self.metrics[name]
        return (
            f"{_enumerated([run.name for run in self.runs.values()])} (seeds {', '.join(map(str, self.runs))}): "
            f"{self.formats[name].title} {100 * mean:.1f} ± {100 * deviation:.1f} % "
            f"(mean and standard deviation of {len(self.runs)} runs)"
        )


def seed_groups(
    runs: Sequence[ComparedRun], differences: Mapping[str, Sequence[Any]], formats: Formats | None = None
) -> list[SeedGroup]:
    """All groups; `differences` has a value for each run, by option.

    Options that do not affect training may differ, and the device. Of runs with the same seed only the first counts. A
    soup, which has the recipe of its first member, belongs to no group.
    """
    if "seed" not in differences:
        return []
    formats = formats or runs[0].task.metric_formats
    relevant = [
        values for option, values in differences.items() if option not in MAY_DIFFER and affects_training(option)
    ]
    found: dict[str, dict[Any, ComparedRun]] = {}
    for index, run in enumerate(runs):
        if "soup" not in run.trained.documents.get("results", {}):
            recipe = repr([values[index] for values in relevant])
            found.setdefault(recipe, {}).setdefault(differences["seed"][index], run)
    return [SeedGroup(by_seed, formats) for by_seed in found.values() if len(by_seed) > 1]


def _enumerated(names: Sequence[str]) -> str:
    """`a-1, -2, -3`."""
    stem = names[0].rpartition("-")[0]
    prefix = stem if all(name.startswith(f"{stem}-") for name in names) else ""
    return ", ".join([names[0], *(name.removeprefix(prefix) for name in names[1:])])
