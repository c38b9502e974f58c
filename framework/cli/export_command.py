"""`framework export`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework.cli.arguments import WEIGHTS_HELP, add_json, add_run, add_run_overrides
from framework.cli.streams import output_is_optional
from framework.export.target import MAX_IMAGES, find_target
from framework.registry import Registry
from framework.report.wrapping import fitted
from framework.runs.recipe import recipe_of
from framework.runs.trained import open_trained

if TYPE_CHECKING:
    from framework.components import Task


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_run(parser, WEIGHTS_HELP)
    parser.add_argument(
        "--format",
        metavar="EXPORTER",
        help="name from `framework list exporters`, or with options: 'onnx opset=20' (default: by --out, or onnx)",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="exported file (default: RUN.onnx, RUN.pt2, …)")
    parser.add_argument(
        "--int8", action="store_true", help="also write FILE.int8.onnx: quantised, smaller and usually faster"
    )
    parser.add_argument(
        "--parity", type=int, default=MAX_IMAGES, metavar="N",
        help=f"maximum number of images for comparing run and export (default: {MAX_IMAGES:,}; 0: no comparison)",
    )  # fmt: skip
    parser.add_argument(
        "--parity-on", metavar="SPLIT|DIR",
        help="images for the comparison: a split or a folder (default: validation, else test)",
    )  # fmt: skip
    parser.add_argument(
        "--verify", type=Path, metavar="FILE",
        help="compare an existing export with the run and write its parity report, without exporting",
    )  # fmt: skip
    add_run_overrides(parser)
    add_json(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Write the export, then compare it with the run; the status is 1 if they differ."""
    output_is_optional()
    registry = Registry.load(arguments.plugin)
    trained = open_trained(arguments.run, registry)
    recipe = recipe_of(trained, registry, arguments.overrides)
    from framework.export.work import Work

    given = arguments.verify or arguments.out
    target = find_target(trained, registry, arguments.format, given, int8=arguments.int8, verify=bool(arguments.verify))
    target.require_images(arguments.parity)
    work = Work.prepare(trained, registry, recipe, target.exporter, arguments.parity, arguments.parity_on)
    if arguments.verify:
        report: dict[str, Any] | None = work.verify(target.file)
    else:
        say = (lambda text: None) if arguments.json else (lambda text: print(fitted(text, sys.stdout), flush=True))
        report = work.export(target.file, arguments.int8, say)
    _print(arguments, target.file, report, work.predictor.task)
    return 0


def _print(arguments: argparse.Namespace, out: Path, report: dict[str, Any] | None, task: Task) -> None:
    from framework.export.report import lines, warnings_of

    if report is None:
        print(json.dumps({"export": str(out), "passed": None}) if arguments.json else "not compared with the run")
        return
    if arguments.json:
        print(json.dumps(report, indent=2, ensure_ascii=False))
    else:
        for line in lines(report, task):
            print(fitted(f"    {line}", sys.stdout))
        if not arguments.verify:
            print(f"try it: framework predict {out} PATH…")
    for warning in warnings_of(report["int8"], task) if "int8" in report else ():
        print(fitted(f"warning: {warning}", sys.stderr), file=sys.stderr)
