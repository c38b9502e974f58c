"""Ablations: one recipe with one change at a time, over several seeds.

`python -m tests.benchmarks.ablations recipes/fer2013_fast.yaml CHANGES.yaml --out FOLDER dataset.root=DATA/fer2013`.
CHANGES maps the name of each change to its overrides. Every run is a `framework run` in a separate process, saved as
FOLDER/CHANGE-SEED; existing runs are reused, interrupted ones resumed. Prints a Markdown table with top-1 on the test
split and the mean paired difference from the unchanged recipe with its standard error.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from ruamel.yaml import YAML

UNCHANGED = "unchanged"
HEAD = "| change | top-1 | difference | time |\n| --- | --- | --- | --- |"


def train(recipe: Path, out: Path, overrides: Sequence[str]) -> dict[str, object]:
    """Return the results of the run; train it if it does not exist."""
    if not (out / "results.json").exists():
        command = [sys.executable, "-m", "framework", "run", str(recipe), *overrides, "--out", str(out)]
        command += ["--resume"] if out.is_dir() else []
        log = out.with_name(f"{out.name}.log")
        with log.open("w") as output:
            if subprocess.run(command, stdout=output, stderr=subprocess.STDOUT).returncode:
                sys.exit(f"the run failed; see {log}")
    return json.loads((out / "results.json").read_text())


def file_name(change: str, seed: int) -> str:
    """Name of the run folder, and of the metrics in docs/results/ablations."""
    return f"{change.replace(' ', '-')}-{seed}"


def row(name: str, found: Sequence[dict[str, object]], unchanged: Sequence[dict[str, object]]) -> str:
    """Return a line of the table; both sequences hold one result for each seed."""
    tops = [100 * results["test"]["top1"] for results in found]
    pairs = zip(tops, unchanged, strict=True)
    differences = [top - 100 * results["test"]["top1"] for top, results in pairs]
    cost = sum(r["seconds"]["train"] for r in found) / sum(r["seconds"]["train"] for r in unchanged)
    change = ""
    if name != UNCHANGED:
        change = f"{statistics.mean(differences):+.2f}"
        if len(differences) > 1:
            change += f" ± {statistics.stdev(differences) / len(differences) ** 0.5:.2f}"
    return f"| {name} | {statistics.mean(tops):.2f} % | {change} | {cost:.2f} |"


def main() -> None:
    """Train and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("changes", type=Path, help="YAML: the name of each change and a list of its overrides")
    parser.add_argument("overrides", nargs="*", help="overrides for all runs")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=1)
    arguments = parser.parse_intermixed_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    changes = {UNCHANGED: [], **YAML(typ="safe").load(arguments.changes)}
    results: dict[str, list[dict[str, object]]] = {name: [] for name in changes}
    for seed in range(arguments.seeds):  # seed by seed, so that an interruption leaves complete comparisons
        for name, overrides in changes.items():
            out = arguments.out / file_name(name, seed)
            results[name].append(train(arguments.recipe, out, [*arguments.overrides, *overrides, f"seed={seed}"]))
            print(row(name, results[name], results[UNCHANGED]), flush=True)
    print(f"\n{HEAD}")
    for name, of_change in results.items():
        print(row(name, of_change, results[UNCHANGED]))


if __name__ == "__main__":
    main()
