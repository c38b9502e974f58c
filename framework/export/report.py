"""The parity report of an export, as JSON and as text."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from framework.errors import count
from framework.export.parity import LIMIT, Comparison, RunPredictions
from framework.files import write_json, write_text
from framework.runs.environment import package_version

MAX_TOP1_LOSS, MAX_CHANGED = 0.01, 0.1
"""Fractions: quantisation that loses more top-1, or changes more predicted classes, gets a warning."""
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


def write_report(export: Path, report: dict[str, Any]) -> tuple[Path, Path]:
    """Write the report next to the export, as JSON and as Markdown."""
    json_file, text_file = report_files(export)
    write_json(json_file, report)
    items = "".join(f"- {line}\n" for line in lines(report))
    write_text(text_file, f"# {export.name} compared with its run\n\n{items}")
    return json_file, text_file


def report_files(export: Path) -> tuple[Path, Path]:
    """The paths of an export's report, `FILE.parity.json` and `FILE.parity.md`."""
    return export.with_name(f"{export.name}.parity.json"), export.with_name(f"{export.name}.parity.md")


def is_same_file(path: Path, sha256: str) -> bool:
    """Whether the file exists and has that digest."""
    return path.is_file() and digest(path) == sha256


def lines(report: dict[str, Any]) -> Iterator[str]:
    """The report as sentences."""
    skipped = f"; {report['skipped']:,} cannot be read" if report["skipped"] else ""
    yield f"compared with {report['run']} on {count(report['images'], 'image')} of {report['on']}{skipped}"
    yield _found(report, f" (allowed: {report['limit']:g})")
    if full := report["full_decoding"]:
        yield (
            f"with {count(full['reduced_images'], 'large JPEG')} decoded at full size, as other software does: "
            f"{_found(full)}"
        )
    if int8 := report.get("int8"):
        sizes = int8["bytes"]
        yield (
            f"{int8['export']}: {_found(int8)}; {int8['speedup']:.2f} times as fast, "
            f"{sizes['int8'] / 1e6:.1f} MB instead of {sizes['float32'] / 1e6:.1f} MB"
        )
        if int8.get("calibrated_on_compared_images"):
            yield CALIBRATED_ON_COMPARED
    if report["differing"]:
        yield "another class for, among others: " + ", ".join(report["differing"])
    yield "versions: " + ", ".join(f"{name} {number}" for name, number in report["versions"].items())


def warnings_of(int8: dict[str, Any]) -> Iterator[str]:
    """Warnings about the cost of quantisation."""
    top1, changed = int8["top1"], 1 - int8["agreement"]
    if int8.get("calibrated_on_compared_images"):
        yield CALIBRATED_ON_COMPARED
    if top1 and (lost := top1["run"] - top1["export"]) > MAX_TOP1_LOSS:
        yield f"quantisation loses {100 * lost:.1f} points of top-1 accuracy"
    if changed > MAX_CHANGED:
        yield f"quantisation changes {100 * changed:.0f} % of the predicted classes"


def _found(metrics: dict[str, Any], allowed: str = "") -> str:
    ties = f" (and {count(metrics['ties'], 'tie')})" if metrics["ties"] else ""
    text = (
        f"same class on {100 * metrics['agreement']:.6g} %{ties}, "
        f"probabilities differ by up to {metrics['largest_difference']:.1g}{allowed}"
    )
    if top1 := metrics["top1"]:
        text += f", top-1 {100 * top1['export']:.2f} % (run {100 * top1['run']:.2f} %)"
    return text


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
