"""`framework export`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from framework.cli.arguments import WEIGHTS_HELP, add_json, add_run, add_run_overrides, beside, require_place
from framework.cli.streams import output_is_optional
from framework.errors import UserError
from framework.registry import Registry
from framework.report.wrapping import fitted
from framework.runs.recipe import recipe_of
from framework.runs.trained import Trained, open_trained

FORMATS = ("onnx", "pt2", "safetensors")
MOST_IMAGES = 5000


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_run(parser, WEIGHTS_HELP)
    parser.add_argument(
        "--format", choices=FORMATS, help="onnx (default), pt2 (torch.export) or safetensors (a bundle)"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="the export (default: RUN.onnx and so on)")
    parser.add_argument(
        "--int8", action="store_true", help="write FILE.int8.onnx too: quantised, smaller and mostly faster"
    )
    parser.add_argument(
        "--parity", type=int, default=MOST_IMAGES, metavar="N",
        help=f"compare run and export on so many images at most (default: {MOST_IMAGES:,}; 0: not at all)",
    )  # fmt: skip
    parser.add_argument(
        "--parity-on", metavar="SPLIT|DIR",
        help="on which images: a split, or a folder (default: validation, or test where there is none)",
    )  # fmt: skip
    parser.add_argument(
        "--verify",
        type=Path,
        metavar="FILE",
        help="write no export: compare this one with the run, and write its parity report",
    )
    add_run_overrides(parser)
    add_json(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Write the export, then compare it with the run; the status is 1 where they do not agree."""
    output_is_optional()
    registry = Registry.load(arguments.plugin)
    trained = open_trained(arguments.run, registry)
    recipe = recipe_of(trained, registry, arguments.overrides)
    kind, out = _target(arguments, trained)
    from framework.export.formats import require
    from framework.export.work import Work

    require(kind)
    work = Work.prepare(trained, registry, recipe, kind, _most(arguments), arguments.parity_on)
    if arguments.verify:
        report: dict[str, Any] | None = work.verify(out)
    else:
        say = (lambda text: None) if arguments.json else (lambda text: print(fitted(text, sys.stdout), flush=True))
        report = work.export(out, arguments.int8, say)
    _print(arguments, out, report)
    return 0


def _most(arguments: argparse.Namespace) -> int:
    number: int = arguments.parity
    if number < 0:
        raise UserError(f"--parity is {number}; it must be 0 or more")
    if number == 0 and (arguments.verify or arguments.int8):
        what = "--verify compares" if arguments.verify else "--int8 needs images to find ranges"
        raise UserError(f"--parity 0 cannot go with it: {what}")
    return number


def _target(arguments: argparse.Namespace, trained: Trained) -> tuple[str, Path]:
    """The format and the file; raises `UserError` where they do not fit each other or the run."""
    from framework.export.formats import SUFFIXES

    if trained.weights.suffix == ".onnx":
        raise UserError(f"'{arguments.run}' is an export already; export the run that it is of")
    given: Path | None = arguments.verify or arguments.out
    by_suffix = {suffix: kind for kind, suffix in SUFFIXES.items()}
    kind = arguments.format or (by_suffix.get(given.suffix, "onnx") if given else "onnx")
    if kind == "safetensors" and trained.folder is None:
        raise UserError(f"'{arguments.run}' is a bundle already")
    if arguments.int8 and kind != "onnx":
        raise UserError(f"--int8 is for --format onnx, not {kind}")
    of = trained.folder.path if trained.folder else Path(Path(arguments.run).name.removesuffix(".safetensors"))
    out = given or beside(of, SUFFIXES[kind])
    if out.suffix != SUFFIXES[kind]:
        raise UserError(f"'{out}': a file of --format {kind} ends in {SUFFIXES[kind]}")
    if arguments.verify:
        if not out.is_file():
            raise UserError(f"--verify: there is no file '{out}'")
        return kind, out
    for path in (out, *([out.with_suffix(".int8.onnx")] if arguments.int8 else [])):
        if path.exists():
            raise UserError(f"'{path}' is there already; remove it, or choose another --out")
    require_place(out, "--out")
    return kind, out


def _print(arguments: argparse.Namespace, out: Path, report: dict[str, Any] | None) -> None:
    from framework.export.report import lines, warnings_of

    if report is None:
        print(json.dumps({"export": str(out), "passed": None}) if arguments.json else "not compared with the run")
        return
    if arguments.json:
        print(json.dumps(report, indent=2, ensure_ascii=False))
    else:
        for line in lines(report):
            print(fitted(f"    {line}", sys.stdout))
        if not arguments.verify:
            print(f"try it: framework {'bench' if out.suffix == '.pt2' else 'predict'} {out}" + _paths(out))
    for warning in warnings_of(report["int8"]) if "int8" in report else ():
        print(fitted(f"warning: {warning}", sys.stderr), file=sys.stderr)


def _paths(out: Path) -> str:
    return "" if out.suffix == ".pt2" else " PATH…"
