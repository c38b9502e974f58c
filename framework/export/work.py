"""One export from beginning to end: written, compared with its run, and only then called by its name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework.errors import RunFailed, UserError, count
from framework.export.formats import write
from framework.export.int8 import IMAGES, write_int8
from framework.export.opened import open_export
from framework.export.parity import Answered, ask_export, ask_export_in_full, ask_run, compare
from framework.export.report import int8_report, is_same_file, parity_report, report_files, write_report
from framework.export.sample import Sample, find_sample, split_sample
from framework.export.timing import speed_ratio
from framework.files import read_json
from framework.inference.predictor import Predictor

if TYPE_CHECKING:
    from framework.recipe.sections import Recipe
    from framework.registry import Registry
    from framework.runs.trained import Trained


@dataclass(frozen=True)
class Work:
    """A run, and the images that its export is compared on."""

    predictor: Predictor
    registry: Registry
    kind: str
    recipe: Recipe
    sample: Sample | None

    @classmethod
    def prepare(
        cls, trained: Trained, registry: Registry, recipe: Recipe, kind: str, number: int, asked: str | None
    ) -> Work:
        """Find the images first: raises `UserError` where they are absent, before anything takes time."""
        sample = find_sample(recipe, trained.classes, asked, number) if number else None
        predictor = Predictor.open(trained, registry, "cpu").with_tta(recipe.evaluate.tta)
        if sample is not None:
            sample = replace(sample, values=recipe.dataset.sample_range or predictor.preprocess.value_range)
        return cls(predictor, registry, kind, recipe, sample)

    def export(self, out: Path, int8: bool, say: Callable[[str], None]) -> dict[str, Any] | None:
        """The report, or None where there is nothing to compare on.

        Raises `RunFailed` where predictions differ: what was written then lies under a name that says so.
        """
        for stale in report_files(out):  # on a file of that name that is there no more
            stale.unlink(missing_ok=True)
        unverified = out.with_name(f"{out.stem}.unverified{out.suffix}")
        write(self.kind, self.predictor, unverified, out.stem)
        if self.sample is None:
            unverified.replace(out)
            say(_line(out))
            return None
        try:
            answered = ask_run(self.predictor, self.sample)
            report = self._compared(unverified, answered)
        except BaseException:  # an interruption, too
            unverified.unlink(missing_ok=True)
            raise
        if not report["passed"]:
            mismatch = out.with_name(f"{out.stem}.mismatch{out.suffix}")
            unverified.replace(mismatch)
            raise _mismatch(mismatch, report)
        unverified.replace(out)
        say(_line(out))
        report["export"] = out.name
        write_report(out, report)
        if int8:
            report["int8"] = self._quantised(out, answered)
            say(_line(out.with_suffix(".int8.onnx")))
            write_report(out, report)
        return report

    def verify(self, export: Path) -> dict[str, Any]:
        """The report on an export that is there; raises `RunFailed` where predictions differ."""
        assert self.sample is not None
        report = self._compared(export, ask_run(self.predictor, self.sample))
        if not report["passed"]:
            raise _mismatch(export, report)
        report = _with_int8(export, report)
        write_report(export, report)
        return report

    def _compared(self, export: Path, answered: Answered) -> dict[str, Any]:
        opened = open_export(export, self.registry)
        if opened.classes != self.predictor.classes:
            raise RunFailed(f"{export} knows the classes {', '.join(opened.classes)}; the run knows others")
        exported = ask_export(opened.compute, answered, self.predictor.preprocess.least_side)
        full = None
        if answered.large:
            full = compare(answered, ask_export_in_full(opened.compute, answered, exported))
        return parity_report(export, self.predictor.trained.label, answered, compare(answered, exported), full)

    def _quantised(self, exported: Path, answered: Answered) -> dict[str, Any]:
        out, calibration = exported.with_suffix(".int8.onnx"), self._to_calibrate()
        write_int8(exported, out, self.predictor, calibration)
        exact, whole = open_export(exported, self.registry), open_export(out, self.registry)
        predictions = ask_export(whole.compute, answered, self.predictor.preprocess.least_side)
        ratio = speed_ratio(exact.compute, whole.compute, exact.size)
        sizes = exported.stat().st_size, out.stat().st_size
        return int8_report(out, compare(answered, predictions), ratio, sizes) | {
            "calibrated_on": calibration.label,
            "calibrated_on_compared_images": calibration.label == answered.sample.label,
        }

    def _to_calibrate(self) -> Sample:
        """Training images; where those are not here, the images that are compared."""
        assert self.sample is not None
        try:
            sample = split_sample(self.recipe, self.predictor.classes, "train", IMAGES)
            return replace(sample, values=self.predictor.preprocess.value_range)
        except UserError:
            return self.sample


def _with_int8(export: Path, report: dict[str, Any]) -> dict[str, Any]:
    """With what an earlier report says of the quantised file, where that is the same still."""
    earlier, _ = report_files(export)
    int8 = read_json(earlier).get("int8") if earlier.is_file() else None
    if int8 is None or not is_same_file(export.with_name(int8["export"]), int8["sha256"]):
        return report
    return {**report, "int8": int8}


def _line(path: Path) -> str:
    return f"{path}  {path.stat().st_size / 1e6:.1f} MB"


def _mismatch(export: Path, report: dict[str, Any]) -> RunFailed:
    json_file, _ = write_report(export, {**report, "export": export.name})
    others = round(report["images"] * (1 - report["same_answers"])) - report["ties"]
    return RunFailed(
        f"the export differs from the run: other predictions on {others:,} of {count(report['images'], 'image')}, "
        f"probabilities differ by {report['largest_difference']:.2g} (allowed: "
        f"{report['limit']:g}).\n    It is kept as {export}, not to be used; see {json_file}"
    )
