"""The command line: one small module for each command, imported only when it is called."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from framework.errors import UserError, did_you_mean

COMMANDS = {
    "run": "train a recipe, then evaluate it on the test split",
    "evaluate": "every figure of a run, or of several together, on any split or folder",
    "profile": "time the parts of a training step, and say what limits it",
    "predict": "classify files and folders with a run",
    "report": "write a page about a run: figures, mistakes, curves, data",
    "compare": "runs side by side, and whether their differences are more than noise",
    "serve": "answer over HTTP, for programs and for people",
    "bundle": "seal a run into one file, for others to use",
    "list": "what is installed: datasets, models, optimizers, …",
    "show": "one component: its options, defaults and documentation; or a bundle's card",
    "check": "validate a recipe without running it",
    "schema": "JSON Schema of recipes, for editors",
    "plugins": "every plugin: version, where from, what it offers, why it failed",
    "data": "fetch a data set",
    "new": "write a new recipe, with every option explained",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 0 done, 1 failed, 2 the input was wrong, 130 interrupted."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in arguments
    try:
        return _dispatch([argument for argument in arguments if argument != "--debug"])
    except UserError as error:
        print(_traceback() if debug else error, file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output, such as `head`, has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        unexpected = (
            f"framework failed unexpectedly: {type(error).__name__}: {error}\n"
            "    This should not happen; repeat the command with --debug to see where"
        )
        print(_traceback() if debug else unexpected, file=sys.stderr)
        return 1


def _dispatch(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(_help())
        return 0
    if arguments[0] in ("-V", "--version"):
        from importlib.metadata import version

        print(f"framework {version('framework')}")
        return 0
    name, rest = arguments[0], arguments[1:]
    if name not in COMMANDS:
        raise UserError(f"there is no command '{name}'{did_you_mean(name, COMMANDS)} (commands: {', '.join(COMMANDS)})")
    command = importlib.import_module(f"framework.cli.{name}_command")
    parser = command_parser(name)
    command.configure(parser)
    status: int = command.execute(parser.parse_intermixed_args(rest))
    return status


def _traceback() -> str:
    import traceback

    return traceback.format_exc().rstrip()


def command_parser(name: str) -> argparse.ArgumentParser:
    """The parser of one command, before the command configures it."""
    return argparse.ArgumentParser(
        f"framework {name}", description=COMMANDS[name].capitalize() + ".", allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip


def _help() -> str:
    width = max(map(len, COMMANDS)) + 2
    return "\n".join(
        [
            "usage: framework COMMAND …",
            "",
            "One YAML recipe in, a trained and trustworthy image classifier out.",
            "",
            *(f"  {name:{width}}{summary}" for name, summary in COMMANDS.items()),
            "",
            "framework COMMAND --help explains a command; --debug shows the traceback of an error.",
            "Start with: framework run fer2013_resnet18 dataset=drawn_faces",
        ]
    )
