"""`framework export`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from framework.cli.arguments import WEIGHTS_HELP, add_json, add_run, add_run_overrides, append_suffix, require_writable
from framework.cli.streams import output_is_optional
from framework.errors import UserError
from framework.registry import Registry
from framework.report.wrapping import fitted
from framework.runs.recipe import recipe_of
from framework.runs.trained import Trained, open_trained

FORMATS = ("onnx", "pt2", "safetensors")
MAX_IMAGES = 5000


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_run(parser, WEIGHTS_HELP)
    parser.add_argument(
        "--format", choices=FORMATS, help="onnx (default), pt2 (torch.export) or safetensors (a bundle)"
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
    kind, out = _target(arguments, trained)
    from framework.export.formats import require
    from framework.export.work import Work

    require(kind)
    work = Work.prepare(trained, registry, recipe, kind, _max_images(arguments), arguments.parity_on)
    if arguments.verify:
        report: dict[str, Any] | None = work.verify(out)
    else:
        say = (lambda text: None) if arguments.json else (lambda text: print(fitted(text, sys.stdout), flush=True))
        report = work.export(out, arguments.int8, say)
    _print(arguments, out, report)
    return 0


def _max_images(arguments: argparse.Namespace) -> int:
    number: int = arguments.parity
    if number < 0:
        raise UserError(f"--parity is {number}; it must be at least 0")
    if number == 0 and (arguments.verify or arguments.int8):
        option = "--verify" if arguments.verify else "--int8"
        raise UserError(f"--parity is 0, but {option} needs images; it must be at least 1")
    return number


def _target(arguments: argparse.Namespace, trained: Trained) -> tuple[str, Path]:
    """The format and the file; raises `UserError` if they do not match each other or the run."""
    from framework.export.formats import SUFFIXES

    if trained.is_export:
        raise UserError(f"'{arguments.run}' is an export; export the run that it was made from")
    given: Path | None = arguments.verify or arguments.out
    by_suffix = {suffix: kind for kind, suffix in SUFFIXES.items()}
    kind = arguments.format or (by_suffix.get(given.suffix, "onnx") if given else "onnx")
    if kind == "safetensors" and trained.folder is None:
        raise UserError(f"'{arguments.run}' is a bundle already")
    if arguments.int8 and kind != "onnx":
        raise UserError(f"--int8 needs --format onnx, not {kind}")
    base = trained.folder.path if trained.folder else Path(Path(arguments.run).name.removesuffix(".safetensors"))
    out = given or append_suffix(base, SUFFIXES[kind])
    if out.suffix != SUFFIXES[kind]:
        raise UserError(f"'{out}': the name of a file in --format {kind} must end in {SUFFIXES[kind]}")
    if arguments.verify:
        if not out.is_file():
            raise UserError(f"--verify: there is no file '{out}'")
        return kind, out
    for path in (out, *([out.with_suffix(".int8.onnx")] if arguments.int8 else [])):
        if path.exists():
            raise UserError(f"'{path}' already exists; remove it or choose another --out")
    require_writable(out, "--out")
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
            print(f"try it: framework predict {out} PATH…")
    for warning in warnings_of(report["int8"]) if "int8" in report else ():
        print(fitted(f"warning: {warning}", sys.stderr), file=sys.stderr)
