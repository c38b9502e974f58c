"""`framework report`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from framework.cli.arguments import add_run, add_run_overrides, add_split
from framework.cli.streams import output_is_optional
from framework.files import require_writable
from framework.registry import Registry
from framework.report.wrapping import fitted
from framework.runs.naming import report_file
from framework.runs.trained import open_trained

if TYPE_CHECKING:
    from framework.report.report_data import ReportData


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_run(parser)
    add_run_overrides(parser)
    add_split(parser)
    parser.add_argument("--out", type=Path, metavar="FILE", help="HTML file (default: RUN/report.html)")


def execute(arguments: argparse.Namespace) -> int:
    """Write the page, and print its path, the metrics and the missing parts."""
    output_is_optional()
    registry = Registry.load(arguments.plugin)
    trained = open_trained(arguments.run, registry)
    out: Path = arguments.out or report_file(trained)
    require_writable(out, "--out")
    from framework.inference.evaluated_model import EvaluatedModel
    from framework.report.display import PlainDisplay
    from framework.report.run_page import write_report

    model = EvaluatedModel(trained, registry, arguments.overrides, PlainDisplay().reading)
    _print(out, write_report(model, out, arguments.split))
    return 0


def _print(out: Path, data: ReportData) -> None:
    from framework.evaluation.untested import untested_note
    from framework.report.formatting import displayed, interval_text_of, metric_text_of

    print(f"{out}  {out.stat().st_size / 1e3:,.0f} kB, {data.split} split")
    metrics = data.metrics or {}
    for key, form, title in displayed(data.formats, metrics):
        interval = data.intervals.get(key)
        between = f"  95 % interval {interval_text_of(form, *interval)}" if interval else ""
        between += ", bias-corrected" if interval and key == "ece" else ""
        print(f"{title:>20}  {metric_text_of(form, metrics[key])}{between}")
    if untested := metrics and untested_note(metrics, data.split):
        print(f"{'not tested':>20}  {untested}")
    for missing in data.missing_parts:
        remedy = f"\n{'':>20}  {missing.remedy}" if missing.remedy else ""
        print(fitted(f"{'missing':>20}  {missing.part}: {missing.reason}{remedy}", sys.stdout))
