"""`framework run`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from framework.cli.arguments import add_recipe
from framework.cli.streams import output_is_optional
from framework.errors import UserError
from framework.recipe import load_recipe
from framework.registry import Registry
from framework.runs.folder import RunFolder
from framework.runs.naming import new_run_path
from framework.runs.plugin_files import require_same_files, warn_of_other_files, with_plugin_files
from framework.runs.plugins import naming_missing_plugins

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
    if arguments.resume and arguments.out is None:
        raise UserError("--resume needs the run folder: --out DIR")
    registry, environment = Registry.load(arguments.plugin), _environment(arguments)
    if environment:
        registry = _resumed(arguments.out, environment, registry)
    with naming_missing_plugins(str(arguments.out), environment, registry):
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


def _resumed(out: Path, environment: dict[str, Any], registry: Registry) -> Registry:
    """The registry with the plugin files that the run in `out` was started with."""
    require_same_files(str(out), environment, registry)
    warn_of_other_files(str(out), environment, registry)
    return with_plugin_files(str(out), RunFolder(out), environment, registry)


def _environment(arguments: argparse.Namespace) -> dict[str, Any]:
    """The recorded environment, with plugins, of the run to resume; empty for a new run."""
    resumed = arguments.resume and (arguments.out / "environment.json").is_file()
    environment: dict[str, Any] = RunFolder(arguments.out).read("environment") if resumed else {}
    return environment
