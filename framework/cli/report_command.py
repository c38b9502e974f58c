"""`framework report`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from framework.cli.arguments import add_run, add_run_overrides, add_split, require_place
from framework.cli.streams import output_is_optional
from framework.registry import Registry
from framework.report.wrapping import fitted
from framework.runs.trained import Trained, open_trained

if TYPE_CHECKING:
    from framework.report.evidence import Evidence


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_run(parser)
    add_run_overrides(parser)
    add_split(parser)
    parser.add_argument("--out", type=Path, metavar="FILE", help="the page (default: RUN/report.html)")


def execute(arguments: argparse.Namespace) -> int:
    """Write the page, and say where it is and what is missing in it."""
    output_is_optional()
    registry = Registry.load(arguments.plugin)
    trained = open_trained(arguments.run, registry)
    out: Path = arguments.out or _default_out(trained)
    require_place(out, "--out")
    from framework.files import write_text
    from framework.inference.evaluated_model import EvaluatedModel
    from framework.report.display import PlainDisplay
    from framework.report.evidence import gather
    from framework.report.run_page import run_page

    model = EvaluatedModel(trained, registry, arguments.overrides, PlainDisplay().reading)
    evidence = gather(model, arguments.split)
    write_text(out, run_page(evidence, trained.name))
    _print(out, evidence)
    return 0


def _default_out(trained: Trained) -> Path:
    if trained.folder:
        return trained.folder.path / "report.html"
    path = Path(trained.label)
    return path.with_suffix(".html") if path.is_file() else Path(f"{path.name}.html")


def _print(out: Path, evidence: Evidence) -> None:
    from framework.evaluation.untested import untested_note
    from framework.report.formatting import HEADLINES, headline

    print(f"{out}  {out.stat().st_size / 1e3:,.0f} kB, {evidence.split} split")
    for key in HEADLINES if evidence.metrics else ():
        if evidence.metrics and key in evidence.metrics:
            interval = evidence.intervals.get(key)
            between = f"  95 % interval {100 * interval[0]:.1f} to {100 * interval[1]:.1f}" if interval else ""
            between += ", bias-corrected" if interval and key == "ece" else ""
            print(f"{HEADLINES[key]:>20}  {headline(key, evidence.metrics[key])}{between}")
    if untested := evidence.metrics and untested_note(evidence.metrics, evidence.split):
        print(f"{'not tested':>20}  {untested}")
    for gap in evidence.gaps:
        remedy = f"\n{'':>20}  {gap.remedy}" if gap.remedy else ""
        print(fitted(f"{'without ' + gap.part:>20}  {gap.why}{remedy}", sys.stdout))
