"""`framework run`."""

from __future__ import annotations

import argparse
from pathlib import Path

from framework.cli.arguments import add_recipe
from framework.cli.streams import output_is_optional
from framework.errors import UserError
from framework.recipe import load_recipe
from framework.registry import Registry
from framework.runs.naming import new_run_path

TIMED_STEPS = 5
"""Of each image size, in a dry run."""


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_recipe(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", help="the run folder (default: runs/RECIPE-N)")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint in --out")
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="build everything, time a few steps, estimate time and memory, train nothing",
    )


def execute(arguments: argparse.Namespace) -> int:
    """Train, or try whether it would."""
    if not arguments.dry_run:
        output_is_optional()
    if arguments.resume and arguments.out is None:
        raise UserError("--resume needs the folder of the run to go on with: --out DIR")
    registry = Registry.load()
    recipe = load_recipe(arguments.recipe, registry, arguments.overrides)
    from framework.report.display import choose_display

    display = choose_display()
    if arguments.dry_run:
        from framework.training.profiling import profile

        with display:
            display.estimated(profile(recipe, registry, display, steps=TIMED_STEPS))
        return 0
    from framework.training.run import run_recipe

    out = arguments.out or new_run_path(arguments.recipe)
    with display:
        run_recipe(recipe, registry, out, display, resume=arguments.resume)
    return 0
