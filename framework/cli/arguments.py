"""Arguments that several commands take."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable
from pathlib import Path

from framework.errors import UserError

OVERRIDES_HELP = "set an option, such as train.epochs=3; naming a component (model=resnet34) replaces its section"
RUN_HELP = "a run folder, a bundle's file, an .onnx export, or a bundle that a plugin ships (`framework list bundles`)"
WEIGHTS_HELP = "a run folder, a bundle's file, or a bundle that a plugin ships (`framework list bundles`)"


def add_recipe(parser: argparse.ArgumentParser) -> None:
    """A recipe and its overrides."""
    parser.add_argument("recipe", metavar="RECIPE", help="a YAML file, or the name of a recipe that ships")
    add_plugin(parser)
    add_overrides(parser)


def add_plugin(parser: argparse.ArgumentParser) -> None:
    """`--plugin`."""
    parser.add_argument(
        "--plugin", type=Path, action="append", default=[], metavar="FILE",
        help="a Python file with components, such as my_model.py; may be repeated. A run keeps a copy, which later "
        "commands use",
    )  # fmt: skip


def add_overrides(parser: argparse.ArgumentParser, what: str = OVERRIDES_HELP) -> None:
    """`key=value` anywhere after the first argument; `what` says what that does."""
    parser.add_argument(
        "overrides",
        metavar="key=value",
        nargs="*",
        default=[],
        help=what,
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """`--json`."""
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")


def add_run(parser: argparse.ArgumentParser, takes: str = RUN_HELP) -> None:
    """A run or a bundle, as `open_trained` finds it; `takes` says which of them the command takes."""
    parser.add_argument("run", metavar="RUN", help=takes)
    add_plugin(parser)


def add_runs_and_overrides(parser: argparse.ArgumentParser, several: str, takes: str = RUN_HELP) -> None:
    """Several of them with `key=value` among them; `several` says what is done with them.

    `runs_and_overrides` tells one from the other.
    """
    parser.add_argument("runs", metavar="RUN", nargs="+", help=f"{takes}; {several}")
    add_plugin(parser)
    add_run_overrides(parser)


def add_run_overrides(parser: argparse.ArgumentParser) -> None:
    """`key=value` after a run: see `framework.runs.recipe`."""
    parser.add_argument(
        "overrides",
        metavar="key=value",
        nargs="*",
        default=[],
        help="change what is asked: dataset.root=DIR and its other options, evaluate.…, train.device, train.store",
    )


def add_batch_size(parser: argparse.ArgumentParser) -> None:
    """`--batch-size`; None where it is not given."""
    parser.add_argument(
        "--batch-size", type=int, metavar="N", help="images computed at once (default: as many as in training)"
    )


def require_batch_size(given: int | None) -> None:
    """Raise `UserError` for one below 1."""
    if given is not None and given < 1:
        raise UserError(f"--batch-size is {given}; it must be at least 1")


def add_split(parser: argparse._ActionsContainer) -> None:
    """Which split metrics are of: see `framework.data.splits.evaluation_split`."""
    parser.add_argument(
        "--split", help="train, validation, test or another of the dataset's (default: test, else validation)"
    )


def runs_and_overrides(words: Iterable[str]) -> tuple[list[str], list[str]]:
    """What names a run, and what has the form `key=value` and names nothing that is there."""
    runs: list[str] = []
    overrides: list[str] = []
    for word in words:
        (overrides if "=" in word and not Path(word).exists() else runs).append(word)
    return runs, overrides


def require_place(file: Path, option: str) -> None:
    """Raise `UserError` where no file can be written there: said before the work, not after."""
    if file.is_dir():
        raise UserError(f"{option} {file}: that is a folder; name a file")
    if not file.parent.is_dir():
        raise UserError(f"{option} {file}: there is no folder '{file.parent}'")
    if not os.access(file.parent, os.W_OK):
        raise UserError(f"{option} {file}: nothing can be written in the folder '{file.parent}'; name another place")


def beside(path: Path, suffix: str) -> Path:
    """`runs/a.v2` and `.onnx` give `runs/a.v2.onnx`; `.` gives a name beside the folder that it stands for."""
    if path.name in ("", ".."):
        path = path.resolve()
    return path.with_name(path.name + suffix)
