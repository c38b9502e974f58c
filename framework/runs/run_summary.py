"""Run folders in one line each: found below a folder, finished or not."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework.component_checks import FIXED_METRICS
from framework.components import KINDS, Task
from framework.errors import UserError
from framework.evaluation.intervals import wilson_interval
from framework.recipe.flat import flat_recipe, nested_recipe
from framework.registry import DEFAULT_TASK, default_task
from framework.runs.folder import RunFolder

if TYPE_CHECKING:
    from framework.registry import Registry

SPLITS = ("test", "validation")
"""The metrics are those of the first one that the run was evaluated on."""
METRICS = ("images", "top1", "top5", "balanced_accuracy", "macro_f1", "ece", "loss")
"""The fixed ones that are shown; metric components follow."""


@dataclass(frozen=True)
class RunSummary:
    """A run folder; what is not known is None."""

    path: Path
    status: str
    """`finished`, `unfinished` or `damaged`."""
    problem: str | None = None
    """What is wrong with a damaged one."""
    recipe: str | None = None
    """The recipe's name, from the command that started the run."""
    components: Mapping[str, str] = field(default_factory=dict)
    """The names of model, dataset, …, with their variants: `timm/convnext_atto`."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """The recipe by option: `{"train.epochs": 8, …}`."""
    epochs: int | None = None
    """Done; `settings` has the number planned."""
    split: str | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    """Of `split`; of an unfinished run, those of the best epoch so far."""
    seconds: float | None = None
    """From start to end, over all sessions."""
    date: str = ""
    """When its files were last written, as ISO 8601 in local time."""

    task: type[Task] = field(default_factory=lambda: type(default_task()))

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval of accuracy, such as top-1."""
        accuracy = self.metrics.get(self.task.accuracy)
        return None if accuracy is None else wilson_interval(accuracy, self.metrics["images"])

    def as_dict(self) -> dict[str, Any]:
        """As JSON types."""
        document = {**vars(self), "path": str(self.path), "metrics": dict(self.metrics)}
        del document["task"]
        return {**document, f"{self.task.accuracy}_interval": None if self.interval is None else list(self.interval)}


def find_runs(folders: Sequence[Path]) -> Iterator[RunFolder]:
    """The run folders among `folders` and below them, sorted by path; raises `UserError` where there is no folder."""
    for folder in folders:
        if not folder.is_dir():
            raise UserError(f"there is no folder '{folder}'")
        yield from _below(RunFolder(folder))


def summarise(run: RunFolder, registry: Registry) -> RunSummary:
    """The run in a few words; never raises for what is wrong with its files."""
    finished = run.results.is_file() and run.weights.is_file()
    try:
        text = run.recipe.read_text(encoding="utf-8")
        components = _components(nested_recipe(text, str(run.recipe)), registry)
        return RunSummary(
            run.path,
            "finished" if finished else "unfinished",
            recipe=_recipe_name(run),
            components=components,
            task=registry.find(Task, components.get("task", DEFAULT_TASK)),
            settings=flat_recipe(text),
            date=_date(run),
            **(_results(run) if finished else _progress(run)),
        )
    except (UserError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return RunSummary(run.path, "damaged", str(error), date=_date(run))


def _below(run: RunFolder) -> Iterator[RunFolder]:
    """The folder, if it is a run, else the runs in its folders; links are not followed."""
    if run.recipe.is_file():
        yield run
        return
    try:
        inside = sorted(path for path in run.path.iterdir() if path.is_dir() and not path.name.startswith("."))
    except OSError:
        return
    for path in inside:
        if not path.is_symlink() or RunFolder(path).recipe.is_file():
            yield from _below(RunFolder(path))


def _recipe_name(run: RunFolder) -> str | None:
    """What followed `framework run`; the name of the folder for the recipe of another run."""
    if not run.environment.is_file():
        return None
    words = shlex.split(run.read("environment").get("command", ""))
    if "run" not in words[:-1]:
        return None
    named = Path(words[words.index("run") + 1])
    return named.parent.name if named.name == "recipe.yaml" else named.stem


def _components(tree: Mapping[str, Any], registry: Registry) -> dict[str, str]:
    found = {}
    for kind in KINDS:
        section = tree.get(kind.kind)
        if isinstance(section, Mapping):
            name = str(section.get("name"))
            try:
                variant = section.get(registry.find(kind, name).shorthand or "")
            except UserError:  # its plugin is not installed
                variant = None
            found[kind.kind] = f"{name}/{variant}" if variant else name
    return found


def _results(run: RunFolder) -> dict[str, Any]:
    results = run.read("results")
    split = next((split for split in SPLITS if split in results), None)
    return {
        "epochs": results.get("epochs"),
        "split": split,
        "metrics": _metrics(results[split]) if split else {},
        "seconds": results.get("seconds", {}).get("total"),
    }


def _progress(run: RunFolder) -> dict[str, Any]:
    lines = [line for line in run.metrics_lines() if line.get("event") == "epoch"]
    best = next((line["validation"] for line in reversed(lines) if line.get("kept") and "validation" in line), None)
    return {
        "epochs": lines[-1]["epoch"] if lines else 0,
        "split": "validation" if best else None,
        "metrics": _metrics(best) if best else {},
    }


def _metrics(metrics: Mapping[str, Any]) -> dict[str, float]:
    more = [name for name, value in metrics.items() if name not in FIXED_METRICS and value is not None]
    return {name: metrics[name] for name in (*METRICS, *more) if name in metrics}


def _date(run: RunFolder) -> str:
    times = [file.stat().st_mtime for file in (run.recipe, run.metrics, run.results) if file.is_file()]
    return datetime.fromtimestamp(max(times, default=0)).isoformat(timespec="seconds")
