"""`framework evaluate`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from framework.cli.arguments import (
    add_batch_size,
    add_json,
    add_runs_and_overrides,
    add_split,
    runs_and_overrides,
)
from framework.cli.streams import output_is_optional
from framework.errors import UserError
from framework.registry import Registry
from framework.report.wrapping import fitted
from framework.runs.trained import open_trained


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_runs_and_overrides(parser, "several runs are an ensemble: their predictions are averaged")
    which = parser.add_mutually_exclusive_group()
    add_split(which)
    which.add_argument(
        "--folder", type=Path, metavar="DIR", help="evaluate on a folder with one subfolder of images per class"
    )
    parser.add_argument("--only", type=Path, metavar="CSV", help="use only the images named in this CSV file")
    parser.add_argument(
        "--without-copies", action="store_true", help="leave out images with an exact copy in the train split"
    )
    add_batch_size(parser)
    parser.add_argument("--tta", metavar="N", help="views per image for test-time augmentation: 1, 2, 6 or 10")
    parser.add_argument(
        "--calibrate",
        action="store_true",
        help="first fit a temperature on the validation split and save it in the run folder, for all later predictions",
    )
    add_json(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Print the metrics."""
    named, overrides = runs_and_overrides([*arguments.runs, *arguments.overrides])
    if not named:
        raise UserError("give a run first: framework evaluate RUN [key=value …]")
    if arguments.tta is not None:
        overrides.append(f"evaluate.tta={arguments.tta}")
    if arguments.calibrate:
        output_is_optional()
    registry = Registry.load(arguments.plugin)
    trained = [open_trained(name, registry) for name in named]
    from framework.inference.evaluated_model import EvaluatedModel
    from framework.inference.evaluation import evaluate
    from framework.report.display import PlainDisplay, SilentDisplay

    evaluation = evaluate(
        [EvaluatedModel(run, registry, overrides) for run in trained],
        SilentDisplay() if arguments.json else PlainDisplay(),
        split=arguments.split, folder=arguments.folder, only=arguments.only,
        without_copies=arguments.without_copies, batch_size=arguments.batch_size, calibrate=arguments.calibrate,
    )  # fmt: skip
    if arguments.json:
        print(json.dumps(evaluation.as_dict(), indent=2, ensure_ascii=False))
        return 0
    from framework.report.split import print_split

    print_split(evaluation)
    if evaluation.note:
        print(fitted(f"\n{evaluation.note}", sys.stdout))
    return 0
