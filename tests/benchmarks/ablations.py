"""What each part of a recipe brings: the same recipe with one thing changed, over several seeds.

`python -m tests.benchmarks.ablations recipes/fer2013_fast.yaml WAYS.yaml --out FOLDER dataset.root=DATA/fer2013`. WAYS
names each change and its overrides; every run is a `framework run` in a process of its own, kept as FOLDER/WAY-SEED,
and made, or gone on with, only where it is not there yet. Prints a Markdown table: top-1 on test, and the mean
difference to the recipe as it is, seed by seed, with the standard error of that mean.
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

UNCHANGED = "as it is"
HEAD = "| change | top-1 | difference | time |\n| --- | --- | --- | --- |"


def train(recipe: Path, out: Path, overrides: Sequence[str]) -> dict[str, object]:
    """The results of that run, made if need be."""
    if not (out / "results.json").exists():
        command = [sys.executable, "-m", "framework", "run", str(recipe), *overrides, "--out", str(out), "--resume"]
        log = out.with_name(f"{out.name}.log")
        with log.open("w") as output:
            if subprocess.run(command, stdout=output, stderr=subprocess.STDOUT).returncode:
                sys.exit(f"that run failed; {log} says why")
    return json.loads((out / "results.json").read_text())


def file_name(way: str, seed: int) -> str:
    """Of a run's folder, and in docs/results/ablations of its metrics."""
    return f"{way.replace(' ', '-')}-{seed}"


def row(way: str, found: Sequence[dict[str, object]], unchanged: Sequence[dict[str, object]]) -> str:
    """A line of the table; both hold one result for each seed."""
    tops = [100 * results["test"]["top1"] for results in found]
    pairs = zip(tops, unchanged, strict=True)
    differences = [top - 100 * results["test"]["top1"] for top, results in pairs]
    cost = sum(r["seconds"]["train"] for r in found) / sum(r["seconds"]["train"] for r in unchanged)
    change = ""
    if way != UNCHANGED:
        change = f"{statistics.mean(differences):+.2f}"
        if len(differences) > 1:
            change += f" ± {statistics.stdev(differences) / len(differences) ** 0.5:.2f}"
    return f"| {way} | {statistics.mean(tops):.2f} % | {change} | {cost:.2f} |"


def main() -> None:
    """Train and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("ways", type=Path, help="YAML: the change in words, and its overrides as a list")
    parser.add_argument("overrides", nargs="*", help="for all of them")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=1)
    arguments = parser.parse_intermixed_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    ways = {UNCHANGED: [], **YAML(typ="safe").load(arguments.ways)}
    found: dict[str, list[dict[str, object]]] = {way: [] for way in ways}
    for seed in range(arguments.seeds):  # seed by seed: cut short, it leaves whole comparisons
        for way, changes in ways.items():
            out = arguments.out / file_name(way, seed)
            overrides = [*arguments.overrides, *changes, f"seed={seed}"]
            found[way].append(train(arguments.recipe, out, overrides))
            print(row(way, found[way], found[UNCHANGED]), flush=True)
    print(f"\n{HEAD}")
    for way, results in found.items():
        print(row(way, results, found[UNCHANGED]))


if __name__ == "__main__":
    main()
