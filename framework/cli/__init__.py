"""The command line: one module per command, imported when the command is called."""

from __future__ import annotations

import argparse
import importlib
import re
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn

from framework.cli.streams import discard, standard_streams
from framework.errors import UserError, did_you_mean
from framework.report.wrapping import fitted

COMMANDS = {
    "run": "train a network by a recipe, then evaluate it on the test split",
    "evaluate": "compute metrics of a run or an ensemble on a split or folder",
    "profile": "time the phases of a training step and find the bottleneck",
    "predict": "classify image files and folders",
    "report": "write an HTML report: metrics, mistakes, learning curves, data",
    "compare": "compare runs, with significance tests",
    "diff": "show the differences of two runs: recipe, data, code, versions",
    "reproduce": "train a run again from its folder and compare the results",
    "serve": "serve predictions over HTTP, as an API and a web page",
    "soup": "average the weights of runs of the same network (model soup)",
    "bundle": "pack a run into one file for distribution",
    "export": "export a run (ONNX, torch.export, …) and verify its predictions",
    "bench": "measure latency and throughput of an export or a run",
    "list": "list installed components, recipes and bundles",
    "list runs": "list run folders with their metrics",
    "show": "show documentation and options of a component, or a model card",
    "check": "validate a recipe without running it",
    "schema": "print the JSON Schema of recipes, for editors",
    "plugins": "list plugins: version, location, components, errors",
    "plugins check": "run the conformance checks on a plugin",
    "data fetch": "download a dataset",
    "data check": "find duplicates, conflicting labels, blank and corrupt images",
    "data cache": "list or clear the cache of decoded images",
    "new recipe": "write a new recipe with all options and their documentation",
    "new plugin": "write an installable plugin with components, tests and a README",
}
RENAMED = {"--find": "--detect", "--views": "--tta", "--refresh": "--recalibrate-bn"}
"""Former names of options, with the current ones."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0 success, 1 failure, 2 invalid input, 130 interrupted."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in arguments
    with standard_streams():
        return _status([argument for argument in arguments if argument != "--debug"], debug)


def _status(arguments: list[str], debug: bool) -> int:
    """Run one command and print its error, if any."""
    try:
        try:
            return _dispatch(arguments)
        finally:
            sys.stdout.flush()  # report write errors here rather than when the interpreter exits
    except UserError as error:
        print(_traceback() if debug else fitted(str(error), sys.stderr, indent=4), file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of the output, such as `head`, has exited
        discard(sys.stdout)
        return 0
    except Exception as error:
        if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":  # torch's own
            print(_traceback() if debug else _out_of_memory(error), file=sys.stderr)
            return 1
        unexpected = (
            f"internal error: {type(error).__name__}: {error}\n"
            "    This is a bug in framework. Repeat the command with --debug for the traceback."
        )
        print(_traceback() if debug else unexpected, file=sys.stderr)
        return 1


def _dispatch(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(fitted(_help(), sys.stdout, indent=4))
        return 0
    if arguments[0] in ("-V", "--version"):
        from importlib.metadata import version

        print(f"framework {version('framework')}")
        return 0
    name, rest = _command(arguments)
    if name in COMMANDS:
        command = importlib.import_module(module_of(name))
        parser = command_parser(name, COMMANDS[name])
        command.configure(parser)
        status: int = command.execute(parser.parse_intermixed_args(rest))
        return status
    if group := _group(name):
        return _dispatch_group(name, group, rest)
    from framework.cli.plugin_commands import run_plugin_command

    return run_plugin_command(name, rest, COMMANDS, command_parser)


def _command(arguments: list[str]) -> tuple[str, list[str]]:
    """The name of the command, of two words where there is such a command, and what follows it."""
    words = 2 if " ".join(arguments[:2]) in COMMANDS else 1
    return " ".join(arguments[:words]), arguments[words:]


def _group(word: str) -> list[str]:
    """The commands of two words that begin with that word."""
    return [name for name in COMMANDS if name.startswith(f"{word} ")]


def _dispatch_group(word: str, group: list[str], rest: list[str]) -> int:
    """Print the commands of a group, such as `data`; raises `UserError` for one that is not in it."""
    if rest and rest[0] not in ("-h", "--help"):
        name = f"{word} {rest[0]}"
        raise UserError(f"there is no command '{name}'{did_you_mean(name, group)} (commands: {', '.join(group)})")
    print("\n".join([f"usage: framework {word} …", "", *_summaries({name: COMMANDS[name] for name in group})]))
    return 0


def module_of(name: str) -> str:
    """The module of a command."""
    return f"framework.cli.{name.replace(' ', '_')}_command"


def _out_of_memory(error: Exception) -> str:
    reason = str(error).strip().split("\n")[0]
    return (
        f"{reason if 'out of memory' in reason else f'out of memory: {reason}'.removesuffix(': ')}\n"
        "    In training, use a smaller train.batch_size (with more train.grad_accum_steps), a smaller preprocess.size "
        "or model, or train.store=disk; in predict, evaluate and serve, a smaller --batch-size"
    )


def _traceback() -> str:
    import traceback

    return traceback.format_exc().rstrip()


def command_parser(name: str, summary: str) -> argparse.ArgumentParser:
    """The parser of one command, to be configured by the command."""
    return _Parser(
        f"framework {name}", description=f"{summary[:1].upper()}{summary[1:]}.", allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Exit with status 2; an unknown option gets a suggestion."""
        options = [option for action in self._actions for option in action.option_strings]
        unknown = re.search(r"unrecognized arguments: (?:.* )?(--[^ =]+)", message)
        if unknown and (former := RENAMED.get(unknown[1])) in options:
            message += f"; did you mean '{former}'?"
        elif unknown:
            message += did_you_mean(unknown[1], options)
        super().error(message)


def _help() -> str:
    from framework.cli.plugin_commands import faults_to_stderr, plugin_commands, registry_of_commands

    lines = [
        "usage: framework COMMAND …",
        "",
        "One YAML recipe in, a trained and trustworthy image classifier out.",
        "",
        *_summaries(COMMANDS),
    ]
    if registry := registry_of_commands():
        faults_to_stderr(registry)
        for plugin, commands in plugin_commands(registry, COMMANDS):
            summaries = {command.name: command.summary for command in commands}
            lines += ["", f"from plugin {plugin.name} ({plugin.distribution} {plugin.version})", *_summaries(summaries)]
    return "\n".join(
        [
            *lines,
            "",
            "framework COMMAND --help: options of a command; --debug: traceback of an error",
            "First training: framework run fer2013_resnet18 dataset=drawn_faces",
        ]
    )


def _summaries(commands: Mapping[str, str]) -> list[str]:
    width = max(map(len, (*COMMANDS, *commands))) + 2
    return [f"  {name:{width}}{summary}" for name, summary in commands.items()]
