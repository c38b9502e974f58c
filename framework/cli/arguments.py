"""Arguments of several commands."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

OVERRIDES_HELP = "set an option, such as train.epochs=3; a component (model=resnet34) replaces its section"
WEIGHTS_HELP = "run folder, bundle file, or name from `framework list bundles`"
RUN_HELP = "run folder, bundle file, name from `framework list bundles`, or .onnx or .pt2 export"


def add_recipe(parser: argparse.ArgumentParser) -> None:
    """`RECIPE` and its overrides."""
    parser.add_argument("recipe", metavar="RECIPE", help="YAML file, or name from `framework list recipes`")
    add_plugin(parser)
    add_overrides(parser)


def add_plugin(parser: argparse.ArgumentParser) -> None:
    """`--plugin`, a list of files."""
    parser.add_argument(
        "--plugin", type=Path, action="append", default=[], metavar="FILE",
        help="Python file with components, such as my_model.py; may be repeated. A run keeps a copy, which later "
        "commands use",
    )  # fmt: skip


def add_overrides(parser: argparse.ArgumentParser, help_text: str = OVERRIDES_HELP) -> None:
    """`key=value`, anywhere after the first argument."""
    parser.add_argument("overrides", metavar="key=value", nargs="*", default=[], help=help_text)


def add_json(parser: argparse.ArgumentParser) -> None:
    """`--json`."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def add_run(parser: argparse.ArgumentParser, help_text: str = RUN_HELP) -> None:
    """`RUN`: a trained network for `open_trained`."""
    parser.add_argument("run", metavar="RUN", help=help_text)
    add_plugin(parser)


def add_runs_and_overrides(parser: argparse.ArgumentParser, several: str, help_text: str = RUN_HELP) -> None:
    """Several runs and `key=value` in any order, for `runs_and_overrides`; `several` describes the use of the runs."""
    parser.add_argument("runs", metavar="RUN", nargs="+", help=f"{help_text}; {several}")
    add_plugin(parser)
    add_run_overrides(parser)


def add_run_overrides(parser: argparse.ArgumentParser) -> None:
    """`key=value` after a run: see `framework.runs.recipe`."""
    add_overrides(parser, "set an option of dataset (such as dataset.root=DIR), evaluate, train.device or train.store")


def add_batch_size(parser: argparse.ArgumentParser) -> None:
    """`--batch-size`, None by default."""
    parser.add_argument("--batch-size", type=int, metavar="N", help="images per forward pass (default: as in training)")


def add_detect(parser: argparse.ArgumentParser) -> None:
    """`--detect`: see `framework.inference.detection`."""
    parser.add_argument(
        "--detect", metavar="DETECTOR",
        help="classify the regions found by a detector, such as faces or 'faces margin=0.2' (see `framework list "
        "detectors`); none: whole images (default: the detector that the bundle names, else none)",
    )  # fmt: skip


def add_split(parser: argparse._ActionsContainer) -> None:
    """`--split`: see `framework.data.splits.evaluation_split`."""
    parser.add_argument(
        "--split", help="train, validation, test or another split of the dataset (default: test, else validation)"
    )


def runs_and_overrides(words: Iterable[str]) -> tuple[list[str], list[str]]:
    """Runs, and overrides: words of the form `key=value` that are not existing paths."""
    runs: list[str] = []
    overrides: list[str] = []
    for word in words:
        (overrides if "=" in word and not Path(word).exists() else runs).append(word)
    return runs, overrides
