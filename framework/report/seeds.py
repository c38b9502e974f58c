"""Runs whose recipes differ in their seed alone: the mean of their metrics, and how far the seed moves them."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from framework.recipe.flat import affects_training
from framework.report.formatting import HEADLINES

if TYPE_CHECKING:
    from framework.report.comparison import Compared

APART = ("seed", "train.device")
"""Options in which the runs of a group may differ: seeds are often trained in parallel, each on its own device."""


@dataclass(frozen=True)
class SeedGroup:
    """Two or more of them, by seed, in the order in which they were named."""

    runs: Mapping[Any, Compared]

    @property
    def metrics(self) -> dict[str, tuple[float, float]]:
        """Mean and standard deviation (of a sample, by n - 1) of each figure that all of them have."""
        found = [run.metrics for run in self.runs.values()]
        values = {key: [one[key] for one in found] for key in HEADLINES if all(key in one for one in found)}
        return {key: (statistics.fmean(of), statistics.stdev(of)) for key, of in values.items()}

    def as_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return {
            "runs": [run.trained.label for run in self.runs.values()],
            "seeds": list(self.runs),
            "mean": {key: mean for key, (mean, _) in self.metrics.items()},
            "standard_deviation": {key: deviation for key, (_, deviation) in self.metrics.items()},
        }

    def in_words(self) -> str:
        """`a-1, -2 (seeds 0, 1): top-1 62.4 ± 0.5 % (mean and standard deviation of 2 runs)`."""
        mean, deviation = self.metrics["top1"]
        return (
            f"{_enumerated([run.name for run in self.runs.values()])} (seeds {', '.join(map(str, self.runs))}): "
            f"{HEADLINES['top1']} {100 * mean:.1f} ± {100 * deviation:.1f} % "
            f"(mean and standard deviation of {len(self.runs)} runs)"
        )


def seed_groups(runs: Sequence[Compared], differences: Mapping[str, Sequence[Any]]) -> list[SeedGroup]:
    """All of them; `differences` has a value for each run, by option.

    Options without effect on training may differ too, and the device. A seed counts once, whatever else is compared of
    its run, and a
    soup, whose recipe is that of its first run, never.
    """
    if "seed" not in differences:
        return []
    deciding = [values for option, values in differences.items() if option not in APART and affects_training(option)]
    found: dict[str, dict[Any, Compared]] = {}
    for index, run in enumerate(runs):
        if "soup" not in run.trained.documents.get("results", {}):
            others = repr([values[index] for values in deciding])
            found.setdefault(others, {}).setdefault(differences["seed"][index], run)
    return [SeedGroup(by_seed) for by_seed in found.values() if len(by_seed) > 1]


def _enumerated(names: Sequence[str]) -> str:
    """`a-1, -2, -3`."""
    stem = names[0].rpartition("-")[0]
    shared = stem if all(name.startswith(f"{stem}-") for name in names) else ""
    return ", ".join([names[0], *(name.removeprefix(shared) for name in names[1:])])
