"""`framework run`."""

from __future__ import annotations

import argparse
from pathlib import Path

from framework.cli.arguments import add_recipe
from framework.cli.streams import output_is_optional
from framework.registry import Registry
from framework.runs.naming import new_run_path
from framework.runs.recipe import recipe_to_train

TIMED_STEPS = 5
"""Steps to time for each image size in a dry run."""


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_recipe(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", help="run folder (default: runs/RECIPE-N)")
    parser.add_argument("--resume", action="store_true", help="resume the run in --out from its last checkpoint")
    parser.add_argument(
        "--dry-run", action="store_true", help="time a few steps and estimate time and memory, without training"
    )


def execute(arguments: argparse.Namespace) -> int:
    """Train and evaluate, or only estimate time and memory."""
    if not arguments.dry_run:
        output_is_optional()
    recipe, registry = recipe_to_train(
        arguments.recipe, Registry.load(arguments.plugin), arguments.overrides, arguments.out, resume=arguments.resume
    )
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
