"""An export from beginning to end: written, compared with its run, and renamed only if both agree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from framework.components import Exporter, Task
from framework.errors import RunFailed, UserError, count
from framework.export.formats import remove, rename, write
from framework.export.int8 import IMAGES, write_int8
from framework.export.parity import RunPredictions, compare, predict_at_full_size, predict_with_export, predict_with_run
from framework.export.report import digest, int8_report, is_same_file, others, parity_report, report_files, write_report
from framework.export.sample import Sample, find_sample, split_sample
from framework.export.timing import speedup
from framework.files import read_json
from framework.inference.predictor import Predictor
from framework.recipe.sections import Recipe
from framework.registry import Registry
from framework.runs.trained import Trained


@dataclass(frozen=True)
class Work:
    """A run to export, and the images for the comparison."""

    predictor: Predictor
    registry: Registry
    exporter: Exporter
    recipe: Recipe
    sample: Sample | None

    @classmethod
    def prepare(
        cls,
        trained: Trained,
        registry: Registry,
        recipe: Recipe,
        exporter: Exporter,
        number: int,
        requested: str | None,
    ) -> Work:
        """Find the images and open the run; raises `UserError` if there are no images."""
        sample = find_sample(recipe, trained.classes, requested, number) if number else None
        predictor = Predictor.open(trained, registry, "cpu").with_tta(recipe.evaluate.tta)
        if sample is not None:
            sample = replace(sample, values=recipe.dataset.sample_range or predictor.preprocess.value_range)
        return cls(predictor, registry, exporter, recipe, sample)

    def export(self, out: Path, int8: bool, say: Callable[[str], None]) -> dict[str, Any] | None:
        """Export to `out`; returns the parity report, or None without a comparison.

        Raises `RunFailed` if predictions differ: the file then gets the name `STEM.mismatch.SUFFIX`.
        """
        for stale in report_files(out):  # of an earlier file of that name
            stale.unlink(missing_ok=True)
        unverified = out.with_name(f"{out.stem}.unverified{out.suffix}")
        write(self.exporter, self.predictor, unverified, out.stem)
        if self.sample is None:
            rename(self.exporter, unverified, out)
            say(self._line(out))
            return None
        try:
            run = predict_with_run(self.predictor, self.sample)
            report = self._compared(unverified, run)
        except BaseException:
            remove(self.exporter, unverified)
            raise
        if not report["passed"]:
            mismatch = out.with_name(f"{out.stem}.mismatch{out.suffix}")
            rename(self.exporter, unverified, mismatch)
            raise _mismatch(mismatch, report, self.predictor.task)
        rename(self.exporter, unverified, out)
        say(self._line(out))
        report["export"] = out.name
        write_report(out, report, self.predictor.task)
        if int8:
            report["int8"] = self._quantised(out, run)
            say(_line(out.with_suffix(".int8.onnx")))
            write_report(out, report, self.predictor.task)
        return report

    def verify(self, export: Path) -> dict[str, Any]:
        """The parity report of an existing export; raises `RunFailed` if predictions differ."""
        assert self.sample is not None
        report = self._compared(export, predict_with_run(self.predictor, self.sample))
        if not report["passed"]:
            raise _mismatch(export, report, self.predictor.task)
        report = _with_int8(export, report)
        write_report(export, report, self.predictor.task)
        return report

    def _line(self, out: Path) -> str:
        """The file, with the size of all of its files."""
        return _line(out, *(out.with_suffix(suffix) for suffix in self.exporter.companions))

    def _compared(self, export: Path, run: RunPredictions) -> dict[str, Any]:
        opened = Predictor.open(export, self.registry, "cpu")
        if opened.classes != self.predictor.classes:
            raise RunFailed(f"{export} has the classes {', '.join(opened.classes)}; the run has other classes")
        if opened.trained.thresholds != self.predictor.trained.thresholds:
            raise RunFailed(f"{export} has other thresholds than the run: export the run again")
        exported = predict_with_export(opened.engine, run, self.predictor.preprocess.least_side)
        full = None
        if run.reduced:
            full = compare(run, predict_at_full_size(opened.engine, run, exported))
        report = parity_report(export, self.predictor.trained.label, run, compare(run, exported), full)
        companions = {suffix: digest(export.with_suffix(suffix)) for suffix in self.exporter.companions}
        return report | ({"companions": companions} if companions else {})

    def _quantised(self, exported: Path, run: RunPredictions) -> dict[str, Any]:
        out, calibration = exported.with_suffix(".int8.onnx"), self._to_calibrate()
        write_int8(exported, out, self.predictor, calibration)
        exact, quantised = (Predictor.open(file, self.registry).engine for file in (exported, out))
        preprocess = self.predictor.preprocess
        predictions = predict_with_export(quantised, run, preprocess.least_side)
        ratio = speedup(exact, quantised, (preprocess.height, preprocess.width))
        sizes = exported.stat().st_size, out.stat().st_size
        return int8_report(out, compare(run, predictions), ratio, sizes) | {
            "calibrated_on": calibration.label,
            "calibrated_on_compared_images": calibration.label == run.sample.label,
        }

    def _to_calibrate(self) -> Sample:
        """Training images, or if they are missing the images of the comparison."""
        assert self.sample is not None
        try:
            sample = split_sample(self.recipe, self.predictor.classes, "train", IMAGES)
            return replace(sample, values=self.predictor.preprocess.value_range)
        except UserError:
            return self.sample


def _with_int8(export: Path, report: dict[str, Any]) -> dict[str, Any]:
    """Keep the earlier report's part on the quantised file if that file is unchanged."""
    earlier, _ = report_files(export)
    int8 = read_json(earlier).get("int8") if earlier.is_file() else None
    if int8 is None or not is_same_file(export.with_name(int8["export"]), int8["sha256"]):
        return report
    return {**report, "int8": int8}


def _line(path: Path, *more: Path) -> str:
    return f"{path}  {sum(file.stat().st_size for file in (path, *more)) / 1e6:.1f} MB"


def _mismatch(export: Path, report: dict[str, Any], task: Task) -> RunFailed:
    json_file, _ = write_report(export, {**report, "export": export.name}, task)
    changed = round(report["images"] * (1 - report["agreement"])) - report["ties"]
    return RunFailed(
        f"the export differs from the run: {others(task)} on {changed:,} of {count(report['images'], 'image')}, "
        f"probabilities differ by up to {report['largest_difference']:.2g} (allowed: {report['limit']:g}).\n"
        f"    Do not use it. The file is kept as {export}; see {json_file}"
    )
