"""`framework profile`."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from framework.cli.arguments import add_json, add_recipe
from framework.errors import UserError, count
from framework.recipe import load_recipe
from framework.registry import Registry
from framework.report.wrapping import fitted

if TYPE_CHECKING:
    from rich.console import Console

    from framework.training.profiling import Profile, SizeProfile

BAR = 40
"""Length of the longest bar, in characters."""


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_recipe(parser)
    parser.add_argument("--steps", type=int, default=30, help="steps to time for each image size (default: 30)")
    add_json(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Time some training steps; nothing is written."""
    if arguments.steps < 1:
        raise UserError(f"--steps is {arguments.steps}; it must be at least 1")
    registry = Registry.load(arguments.plugin)
    recipe = load_recipe(arguments.recipe, registry, arguments.overrides)
    from framework.report.display import SilentDisplay, choose_display
    from framework.training.profiling import profile

    display = SilentDisplay() if arguments.json else choose_display()
    with display:
        found = profile(recipe, registry, display, arguments.steps)
    if arguments.json:
        print(json.dumps(_as_dict(found), indent=2))
    else:
        _print(found)
    return 0


def _print(profile: Profile) -> None:
    from framework.report.console import plain_console
    from framework.report.formatting import duration, gigabytes
    from framework.report.overview import overview
    from framework.training.profiling import advice

    console = plain_console()
    for name, value in overview(profile.session):
        print(fitted(f"{name:>10}  {value}", sys.stdout))
    for size in profile.sizes:
        console.print()
        _print_size(console, size)
    console.print()
    estimate = f"about {duration(profile.seconds)}, including evaluation, and {gigabytes(profile.memory)} of memory"
    for sentence in [f"The run takes {estimate}.", *advice(profile)]:
        print(fitted(sentence, sys.stdout))


def _print_size(console: Console, size: SizeProfile) -> None:
    from rich.text import Text

    from framework.training.profiling import ARITHMETIC

    height, width = size.image_size
    steps = f"{count(size.steps, 'step')} of {count(size.images, 'image')}"
    console.print(Text.assemble((f"{height}×{width}", "bold"), f", {steps}"))
    longest = max(size.phases.values())
    for phase, seconds in size.phases.items():
        line = f"{phase:>10}  {seconds * 1e3:8.1f} ms {size.fraction(phase):6.1%}  "
        bar = "━" * round(max(1, min(BAR, console.width - len(line))) * seconds / longest)
        console.print(Text.assemble(line, (bar, "green" if phase in ARITHMETIC else "yellow")))
    whole = (
        f"{'step':>10}  {size.seconds * 1e3:8.1f} ms   {size.images_per_second:,.0f} images/s, "
        f"{size.fraction(*ARITHMETIC):.1%} of what a bare loop would reach"
    )
    print(fitted(whole, sys.stdout))


def _as_dict(profile: Profile) -> dict[str, object]:
    from framework.training.profiling import ARITHMETIC, advice

    return {
        "sizes": [
            {
                "image_size": size.image_size,
                "steps": size.steps,
                "images_per_step": size.images,
                "phase_seconds": size.phases,
                "images_per_second": size.images_per_second,
                "fraction_of_bare_loop": size.fraction(*ARITHMETIC),
            }
            for size in profile.sizes
        ],
        "seconds": profile.seconds,
        "epochs": profile.session.recipe.train.epochs,
        "memory_bytes": profile.memory,
        "advice": advice(profile),
    }
