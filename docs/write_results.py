"""Write the table of docs/results.md from the runs in docs/results/: `python docs/write_results.py`.

`docs/results/runs.yaml` says how each recipe was run; docs/results/RECIPE/*.json are the `results.json` of its runs, as
they were written, one for each seed.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from framework.evaluation.intervals import wilson_interval
from framework.report.figures import duration

DOCS = Path(__file__).parent
PAGE, FOLDER = DOCS / "results.md", DOCS / "results"
BEGIN, END = "<!-- written by docs/write_results.py -->\n", "<!-- end -->\n"
HEAD = (
    "| recipe | top-1, % | without copies, % | seeds | parameters | multiply-adds | epochs | time |\n"
    "| --- | --- | --- | --- | --- | --- | --- | --- |"
)


def results_page(text: str) -> str:
    """The page's text with its table written anew."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + "\n".join(_lines()) + "\n" + END + after


def _lines() -> Iterator[str]:
    yield HEAD
    runs = YAML(typ="safe").load(FOLDER / "runs.yaml")
    for run in runs:
        yield _row(run["recipe"], _found(run["recipe"]))
    yield ""
    for run in runs:
        files = ", ".join(f"[{file.stem}](results/{run['recipe']}/{file.name})" for file in _files(run["recipe"]))
        yield f"- **{run['recipe']}**: {run['what']} `{run['command']}`; {run['machine']}, {run['date']}; {files}."


def _files(recipe: str) -> list[Path]:
    return sorted((FOLDER / recipe).glob("*.json"))


def _found(recipe: str) -> list[dict[str, Any]]:
    return [json.loads(file.read_text(encoding="utf-8")) for file in _files(recipe)]


def _row(recipe: str, found: Sequence[dict[str, Any]]) -> str:
    first = found[0]
    return (
        f"| {recipe} | {_share(found, 'test', 'validation')} | {_share(found, 'test_without_copies')} | {len(found)} | "
        f"{first['parameters'] / 1e6:.2f} M | {first['multiply_adds'] / 1e6:.1f} M | {first['epochs']} | "
        f"{duration(statistics.mean(results['seconds']['total'] for results in found))} |"
    )


def _share(found: Sequence[dict[str, Any]], *splits: str) -> str:
    """One run's with Wilson's 95 % interval, or the mean over seeds with their standard deviation.

    Of the first of the splits that the runs have.
    """
    split = next((name for name in splits if name in found[0]), None)
    if split is None:
        return "–"
    tops = [100 * results[split]["top1"] for results in found]
    if len(tops) > 1:
        return f"**{statistics.mean(tops):.2f}** ± {statistics.stdev(tops):.2f}"
    low, high = wilson_interval(tops[0] / 100, found[0][split]["images"])
    return f"**{tops[0]:.2f}** ({100 * low:.1f} to {100 * high:.1f})"


if __name__ == "__main__":
    PAGE.write_text(results_page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
