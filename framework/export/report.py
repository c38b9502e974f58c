"""What was found of an export: as JSON, and as lines for people."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from framework.errors import count
from framework.export.parity import LIMIT, Answered, Comparison
from framework.files import write_json, write_text

ACCURACY_WORTH_A_WARNING, ANSWERS_WORTH_A_WARNING = 0.01, 0.1
"""That quantisation may lose or change, as fractions of one, before that is said aloud."""
CALIBRATED_ON_COMPARED = (
    "the int8 file was calibrated on the images that it was compared on, so these metrics are better than those on "
    "other images; dataset.root=DIR says where the training images are"
)
PACKAGES = ("framework", "torch", "numpy", "pillow", "onnx", "onnxruntime")


def parity_report(
    export: Path, run: str, answered: Answered, same: Comparison, full: Comparison | None
) -> dict[str, Any]:
    """The report as JSON types; `full` is the comparison with files decoded at their full size, where that differs."""
    return {
        "export": export.name,
        "sha256": _digest(export),
        "run": run,
        "passed": same.passed,
        "limit": LIMIT,
        "on": answered.sample.label,
        "skipped": answered.skipped,
        **same.as_dict(),
        "full_decoding": None if full is None else {"images_decoded_smaller": len(answered.large), **full.as_dict()},
        "versions": {name: found for name in PACKAGES if (found := _version(name))},
    }


def int8_report(export: Path, comparison: Comparison, speed_ratio: float, sizes: tuple[int, int]) -> dict[str, Any]:
    """Of the quantised file, beside the run; `sizes` are bytes of the exact and of the quantised file."""
    return {
        "export": export.name,
        "sha256": _digest(export),
        **comparison.as_dict(),
        "times_as_fast": speed_ratio,
        "bytes": {"float32": sizes[0], "int8": sizes[1]},
    }


def write_report(export: Path, report: dict[str, Any]) -> tuple[Path, Path]:
    """Beside the export: `FILE.parity.json` and, for people, `FILE.parity.md`."""
    beside = report_files(export)
    write_json(beside[0], report)
    write_text(
        beside[1], f"# {export.name} beside its run\n\n" + "\n".join(f"- {line}" for line in lines(report)) + "\n"
    )
    return beside


def report_files(export: Path) -> tuple[Path, Path]:
    """Where the report on an export lies: for programs, and for people."""
    return export.with_name(f"{export.name}.parity.json"), export.with_name(f"{export.name}.parity.md")


def is_same_file(path: Path, sha256: str) -> bool:
    """Whether a file is there, with that digest."""
    return path.is_file() and _digest(path) == sha256


def lines(report: dict[str, Any]) -> Iterator[str]:
    """What it says, in sentences."""
    skipped = f", {report['skipped']:,} more could not be read" if report["skipped"] else ""
    yield f"compared with {report['run']} on {count(report['images'], 'image')} of {report['on']}{skipped}"
    yield _found(report) + f"; {report['limit']:g} are allowed"
    if full := report["full_decoding"]:
        yield (
            f"where the {full['images_decoded_smaller']:,} large JPEGs are decoded at their full size, as other "
            f"software does: {_found(full)}"
        )
    if int8 := report.get("int8"):
        sizes = int8["bytes"]
        yield (
            f"{int8['export']}: {_found(int8)}; {int8['times_as_fast']:.2f} times as fast, "
            f"{sizes['int8'] / 1e6:.1f} MB instead of {sizes['float32'] / 1e6:.1f} MB"
        )
        if int8.get("calibrated_on_compared_images"):
            yield CALIBRATED_ON_COMPARED
    if report["differing"]:
        yield "other predictions, among others, for: " + ", ".join(report["differing"])
    yield "versions: " + ", ".join(f"{name} {number}" for name, number in report["versions"].items())


def warnings_of(int8: dict[str, Any]) -> Iterator[str]:
    """What quantisation costs, where that is much."""
    top1, changed = int8["top1"], 1 - int8["same_answers"]
    if int8.get("calibrated_on_compared_images"):
        yield CALIBRATED_ON_COMPARED
    if top1 and (lost := top1["run"] - top1["export"]) > ACCURACY_WORTH_A_WARNING:
        yield f"quantisation loses {100 * lost:.1f} points of accuracy"
    if changed > ANSWERS_WORTH_A_WARNING:
        yield f"quantisation changes {100 * changed:.0f} % of the predictions"


def _found(metrics: dict[str, Any]) -> str:
    ties = f" ({count(metrics['ties'], 'tie')} besides)" if metrics["ties"] else ""
    text = (
        f"the same answer on {100 * metrics['same_answers']:.6g} %{ties}, "
        f"probabilities differ by {metrics['largest_difference']:.1g} at most"
    )
    if top1 := metrics["top1"]:
        text += f", top-1 {100 * top1['export']:.2f} % (run {100 * top1['run']:.2f} %)"
    return text


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
