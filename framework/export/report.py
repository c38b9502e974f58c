"""The parity report of an export, as JSON and as text."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework.errors import count
from framework.export.parity import LIMIT, Comparison, RunPredictions
from framework.files import write_json, write_text
from framework.registry import default_task
from framework.runs.environment import package_version

if TYPE_CHECKING:
    from framework.components import Task

MAX_LOSS, MAX_CHANGED = 0.01, 0.1
"""Fractions: quantisation that loses more accuracy, or changes more predictions, gets a warning."""
CALIBRATED_ON_COMPARED = (
    "the int8 file was calibrated on the images of this comparison, so its metrics are optimistic; give the folder of "
    "the training images with dataset.root=DIR"
)
PACKAGES = ("framework", "torch", "numpy", "pillow", "onnx", "onnxruntime", "openvino")


def parity_report(
    export: Path, name: str, run: RunPredictions, same: Comparison, full: Comparison | None
) -> dict[str, Any]:
    """The report as JSON types; `full` is the comparison at full decoding size, if some JPEGs were decoded reduced."""
    return {
        "export": export.name,
        "sha256": digest(export),
        "run": name,
        "passed": same.passed,
        "limit": LIMIT,
        "on": run.sample.label,
        "skipped": run.skipped,
        **same.as_dict(),
        "full_decoding": None if full is None else {"reduced_images": len(run.reduced), **full.as_dict()},
        "versions": {name: found for name in PACKAGES if (found := package_version(name))},
    }


def int8_report(export: Path, comparison: Comparison, speedup: float, sizes: tuple[int, int]) -> dict[str, Any]:
    """The quantised file compared with the run; `sizes` are the bytes of the float32 file and of the quantised one."""
    return {
        "export": export.name,
        "sha256": digest(export),
        **comparison.as_dict(),
        "speedup": speedup,
        "bytes": {"float32": sizes[0], "int8": sizes[1]},
    }


def write_report(export: Path, report: dict[str, Any], task: Task) -> tuple[Path, Path]:
    """Write the report next to the export, as JSON and as Markdown."""
    json_file, text_file = report_files(export)
    write_json(json_file, report)
    items = "".join(f"- {line}\n" for line in lines(report, task))
    write_text(text_file, f"# {export.name} compared with its run\n\n{items}")
    return json_file, text_file


def report_files(export: Path) -> tuple[Path, Path]:
    """The paths of an export's report, `FILE.parity.json` and `FILE.parity.md`."""
    return export.with_name(f"{export.name}.parity.json"), export.with_name(f"{export.name}.parity.md")


def is_same_file(path: Path, sha256: str) -> bool:
    """Whether the file exists and has that digest."""
    return path.is_file() and digest(path) == sha256


def lines(report: dict[str, Any], task: Task) -> Iterator[str]:
    """The report as sentences."""
    skipped = f"; {report['skipped']:,} cannot be read" if report["skipped"] else ""
    yield f"compared with {report['run']} on {count(report['images'], 'image')} of {report['on']}{skipped}"
    yield _found(report, task, f" (allowed: {report['limit']:g})")
    if full := report["full_decoding"]:
        yield (
            f"with {count(full['reduced_images'], 'large JPEG')} decoded at full size, as other software does: "
            f"{_found(full, task)}"
        )
    if int8 := report.get("int8"):
        sizes = int8["bytes"]
        yield (
            f"{int8['export']}: {_found(int8, task)}; {int8['speedup']:.2f} times as fast, "
            f"{sizes['int8'] / 1e6:.1f} MB instead of {sizes['float32'] / 1e6:.1f} MB"
        )
        if int8.get("calibrated_on_compared_images"):
            yield CALIBRATED_ON_COMPARED
    if report["differing"]:
        yield f"{others(task)} for, among others: " + ", ".join(report["differing"])
    yield "versions: " + ", ".join(f"{name} {number}" for name, number in report["versions"].items())


def warnings_of(int8: dict[str, Any], task: Task | None = None) -> Iterator[str]:
    """Warnings about the cost of quantisation; `task` is that of the run (default: `single_label`)."""
    task = task or default_task()
    accuracy, changed = int8[task.accuracy], 1 - int8["agreement"]
    title = task.metric_formats[task.accuracy].title
    if int8.get("calibrated_on_compared_images"):
        yield CALIBRATED_ON_COMPARED
    if accuracy and (lost := accuracy["run"] - accuracy["export"]) > MAX_LOSS:
        yield f"quantisation loses {100 * lost:.1f} points of {title.removesuffix(' accuracy')} accuracy"
    if changed > MAX_CHANGED:
        yield f"quantisation changes {100 * changed:.0f} % of the predictions"


def others(task: Task) -> str:
    """`another class`, `other labels`."""
    (name,) = task.fields(())
    return {"class": "another class"}.get(name, f"other {name}")


def _found(metrics: dict[str, Any], task: Task, allowed: str = "") -> str:
    (name,) = task.fields(())
    ties = f" (and {count(metrics['ties'], 'tie')})" if metrics["ties"] else ""
    text = (
        f"same {name} on {100 * metrics['agreement']:.6g} %{ties}, "
        f"probabilities differ by up to {metrics['largest_difference']:.1g}{allowed}"
    )
    if found := metrics[task.accuracy]:
        title = task.metric_formats[task.accuracy].title
        text += f", {title} {100 * found['export']:.2f} % (run {100 * found['run']:.2f} %)"
    return text


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
