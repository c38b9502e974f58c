"""The command line: one small module for each command, imported only when it is called."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Mapping, Sequence

from framework.cli.streams import discard, standard_streams
from framework.errors import UserError, did_you_mean
from framework.report.wrapping import fitted

COMMANDS = {
    "run": "train a recipe, then evaluate it on the test split",
    "evaluate": "every figure of a run, or of several together, on any split or folder",
    "profile": "time the parts of a training step, and say what limits it",
    "predict": "classify files and folders with a run",
    "report": "write a page about a run: metrics, mistakes, curves, data",
    "compare": "runs side by side, and whether their differences are more than noise",
    "diff": "what differs between two runs: recipe, data, code, versions, hardware",
    "reproduce": "train a run again from its folder, and say whether the result is the same",
    "serve": "answer over HTTP, for programs and for people",
    "soup": "average the weights of several runs of one network into a new run",
    "bundle": "seal a run into one file, for others to use",
    "export": "write a run as ONNX, torch.export or a bundle, and compare it with the run",
    "bench": "latency and throughput of an export or a run",
    "list": "what is installed: datasets, models, optimizers, …",
    "list runs": "run folders with their metrics, sorted and filtered",
    "show": "one component: its options, defaults and documentation; or a bundle's card",
    "check": "validate a recipe without running it",
    "schema": "JSON Schema of recipes, for editors",
    "plugins": "every plugin: version, where from, what it offers, why it failed",
    "data fetch": "download a data set to where recipes look for it",
    "data check": "find copies, contradictory labels, blank and corrupt images in a recipe's data set",
    "data cache": "list the decoded images that are kept for later runs",
    "new": "write a new recipe, with every option explained",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 0 done, 1 failed, 2 the input was wrong, 130 interrupted."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in arguments
    with standard_streams():
        return _status([argument for argument in arguments if argument != "--debug"], debug)


def _status(arguments: list[str], debug: bool) -> int:
    """Run one command, and report what it ends with."""
    try:
        try:
            return _dispatch(arguments)
        finally:
            sys.stdout.flush()  # that it cannot be written is reported here, not by the interpreter as it exits
    except UserError as error:
        print(_traceback() if debug else fitted(str(error), sys.stderr, indent=4), file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output, such as `head`, has gone
        discard(sys.stdout)
        return 0
    except Exception as error:
        if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":  # torch's own
            print(_traceback() if debug else _out_of_memory(error), file=sys.stderr)
            return 1
        unexpected = (
            f"framework failed unexpectedly: {type(error).__name__}: {error}\n"
            "    This should not happen; repeat the command with --debug to see where"
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
    """The module that does a command's work."""
    return f"framework.cli.{name.replace(' ', '_')}_command"


def _out_of_memory(error: Exception) -> str:
    said = str(error).strip().split("\n")[0]
    return (
        f"the memory is not enough{f': {said}' if said else ''}\n"
        "    Try a smaller train.batch_size (train.grad_accum_steps makes up for it), preprocess.size or network, or "
        "train.store=disk; of predict, evaluate and serve, a smaller --batch-size"
    )


def _traceback() -> str:
    import traceback

    return traceback.format_exc().rstrip()


def command_parser(name: str, summary: str) -> argparse.ArgumentParser:
    """The parser of one command, before the command configures it."""
    return argparse.ArgumentParser(
        f"framework {name}", description=f"{summary[:1].upper()}{summary[1:]}.", allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip


def _help() -> str:
    from framework.cli.plugin_commands import faults_to_stderr, plugin_commands
    from framework.registry import Registry

    registry = Registry.load()
    faults_to_stderr(registry)
    lines = [
        "usage: framework COMMAND …",
        "",
        "One YAML recipe in, a trained and trustworthy image classifier out.",
        "",
        *_summaries(COMMANDS),
    ]
    for plugin, commands in plugin_commands(registry, COMMANDS):
        summaries = {command.name: command.summary for command in commands}
        lines += ["", f"from plugin {plugin.name} ({plugin.distribution} {plugin.version})", *_summaries(summaries)]
    return "\n".join(
        [
            *lines,
            "",
            "framework COMMAND --help explains a command; --debug shows the traceback of an error.",
            "Start with: framework run fer2013_resnet18 dataset=drawn_faces",
        ]
    )


def _summaries(commands: Mapping[str, str]) -> list[str]:
    width = max(map(len, (*COMMANDS, *commands))) + 2
    return [f"  {name:{width}}{summary}" for name, summary in commands.items()]
