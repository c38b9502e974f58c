"""`framework export`."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from pathlib import Path
from typing import Any

from framework.cli.arguments import WEIGHTS_HELP, add_json, add_run, add_run_overrides, append_suffix, require_writable
from framework.cli.streams import output_is_optional
from framework.components import Exporter
from framework.errors import UserError
from framework.registry import Registry
from framework.report.wrapping import fitted
from framework.runs.bundle import SUFFIX
from framework.runs.export_file import exporter_of
from framework.runs.recipe import recipe_of
from framework.runs.trained import Trained, open_trained

MAX_IMAGES = 5000


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
    registry = Registry.load()
    trained = open_trained(arguments.run, registry)
    recipe = recipe_of(trained, registry, arguments.overrides)
    exporter, out = _target(arguments, trained, registry)
    exporter.require()
    from framework.export.work import Work

    work = Work.prepare(trained, registry, recipe, exporter, _max_images(arguments), arguments.parity_on)
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


def _target(arguments: argparse.Namespace, trained: Trained, registry: Registry) -> tuple[Exporter, Path]:
    """The exporter and the file; raises `UserError` if they do not match each other or the run."""
    if trained.is_export:
        raise UserError(f"'{arguments.run}' is an export; export the run that it was made from")
    given: Path | None = arguments.verify or arguments.out
    exporter = _exporter(arguments.format, given, registry)
    if exporter.suffix == SUFFIX and trained.folder is None:
        raise UserError(f"'{arguments.run}' is a bundle already")
    if arguments.int8 and exporter.name != "onnx":
        raise UserError(f"--int8 needs --format onnx, not {exporter.name}")
    base = trained.folder.path if trained.folder else Path(Path(arguments.run).name.removesuffix(SUFFIX))
    out = given or append_suffix(base, exporter.suffix)
    if out.suffix != exporter.suffix:
        raise UserError(f"'{out}': the name of a file in --format {exporter.name} must end in {exporter.suffix}")
    if arguments.verify:
        if not out.is_file():
            raise UserError(f"--verify: there is no file '{out}'")
        return exporter, out
    companions = [*exporter.companions, *([".int8.onnx"] if arguments.int8 else [])]
    for path in (out, *(out.with_suffix(suffix) for suffix in companions)):
        if path.exists():
            raise UserError(f"'{path}' already exists; remove it or choose another --out")
    require_writable(out, "--out")
    return exporter, out


def _exporter(named: str | None, out: Path | None, registry: Registry) -> Exporter:
    """By `--format`, or by the suffix of the file, or `onnx`."""
    from framework.recipe.loading import validate_component

    if named is None:
        found = exporter_of(out, registry) if out else None
        return found() if found else validate_component(Exporter, "onnx", registry)
    try:
        name, *options = shlex.split(named)
    except ValueError:
        raise UserError(
            f"--format is {named!r}; it must be the name of an exporter with options, such as 'onnx opset=20'"
        ) from None
    return validate_component(Exporter, name, registry, options)


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
