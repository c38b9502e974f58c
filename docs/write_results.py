"""Write the tables of docs/results.md from the runs in docs/results/: `python docs/write_results.py`.

docs/results/runs.yaml lists the commands, docs/results/RECIPE/*.json are the `results.json` files of the runs, and
docs/results/ablations/CHANGE-SEED.json those that `tests/benchmarks/ablations.py` compares.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from framework.evaluation.intervals import wilson_interval
from framework.report.formatting import duration

DOCS = Path(__file__).parent
PAGE, FOLDER = DOCS / "results.md", DOCS / "results"
SPLITS = ("test", "validation")
"""The reported accuracy is that of the first split that a run has."""

sys.path.insert(0, str(DOCS.parent))
from tests.benchmarks import ablations  # noqa: E402


def results_page(text: str) -> str:
    """Return the page's text with new tables."""
    runs = YAML(typ="safe").load(FOLDER / "runs.yaml")
    tables = {"runs": _runs(runs), "how they were run": _sources(runs), "TTA": _tta(), "ablations": _ablations()}
    for name, lines in tables.items():
        begin, end = f"<!-- {name}: by docs/write_results.py -->\n", f"<!-- end of {name} -->\n"
        before, _, rest = text.partition(begin)
        _, _, after = rest.partition(end)
        text = before + begin + "".join(f"{line}\n" for line in lines) + end + after
    return text


def _runs(runs: Iterable[dict[str, Any]]) -> Iterator[str]:
    yield "| recipe | top-1, % | without copies, % | runs | parameters | multiply-adds | epochs | time |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    for run in runs:
        found = [json.loads(file.read_text(encoding="utf-8")) for file in _files(run)]
        seconds = min(results["seconds"]["total"] for results in found)  # others may have been paused
        yield (
            f"| `{run['recipe']}` | {_top1(found, *SPLITS)} | {_top1(found, 'test_without_copies')} | {len(found)} | "
            f"{found[0]['parameters'] / 1e6:.2f} M | {found[0]['multiply_adds'] / 1e6:.1f} M | {found[0]['epochs']} | "
            f"{duration(seconds)} |"
        )


def _sources(runs: Iterable[dict[str, Any]]) -> Iterator[str]:
    for run in runs:
        files = ", ".join(f"[{file.stem}](results/{file.parent.name}/{file.name})" for file in _files(run))
        yield f"- `{run['command']}` ({run['machine']}, {run['date']}; {files}): {run['what']}"


def _files(run: dict[str, Any]) -> list[Path]:
    return sorted((FOLDER / run["recipe"]).glob("*.json"))


def _top1(found: Sequence[dict[str, Any]], *splits: str) -> str:
    """Top-1 of one run with Wilson's 95 % interval, or the mean over seeds with their standard deviation."""
    split = next((name for name in splits if name in found[0]), None)
    if split is None:
        return "–"
    tops = [100 * results[split]["top1"] for results in found]
    if len(tops) > 1:
        return f"**{statistics.mean(tops):.2f}** ± {statistics.stdev(tops):.2f}"
    low, high = wilson_interval(tops[0] / 100, found[0][split]["images"])
    return f"**{tops[0]:.2f}** ({100 * low:.1f} to {100 * high:.1f})"


def _tta() -> Iterator[str]:
    """One run, evaluated with different numbers of views: docs/results/tta/RECIPE-VIEWS.json."""
    yield "| run | views | top-1 | loss |"
    yield "| --- | --- | --- | --- |"
    for recipe, number, file in sorted(_tta_files()):
        metrics = json.loads(file.read_text(encoding="utf-8"))
        name = f"[`{recipe}`](results/tta/{file.name})"
        yield f"| {name} | {number} | {100 * metrics['top1']:.2f} % | {metrics['loss']:.3f} |"


def _tta_files() -> Iterator[tuple[str, int, Path]]:
    for file in (FOLDER / "tta").glob("*.json"):
        recipe, _, number = file.stem.rpartition("-")
        yield recipe, int(number), file


def _ablations() -> Iterator[str]:
    changes = YAML(typ="safe").load(DOCS.parent / "tests" / "benchmarks" / "fer2013_ablations.yaml")
    unchanged = _results_of(ablations.UNCHANGED)
    yield ablations.HEAD
    for change in (ablations.UNCHANGED, *changes):
        if results := _results_of(change):
            yield ablations.row(change, results, unchanged[: len(results)])


def _results_of(change: str) -> list[dict[str, Any]]:
    """One result for each seed."""
    files = (FOLDER / "ablations" / f"{ablations.file_name(change, seed)}.json" for seed in range(100))
    return [json.loads(file.read_text(encoding="utf-8")) for file in files if file.is_file()]


if __name__ == "__main__":
    PAGE.write_text(results_page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
