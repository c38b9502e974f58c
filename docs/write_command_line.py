"""Write docs/command-line.md from the commands' own parsers: `python docs/write_command_line.py`."""

from __future__ import annotations

import importlib
import os
from pathlib import Path

from framework.cli import COMMANDS, command_parser, module_of

PAGE = Path(__file__).parent / "command-line.md"
INTRODUCTION = """# Command line

Written by `python docs/write_command_line.py` from the commands themselves; do not edit.

Exit status: 0 done, 1 failed, 2 the input was wrong, 130 interrupted. Errors go to standard error without a
traceback; `--debug`, anywhere, shows it.
"""


def command_line_page() -> str:
    """The page's text."""
    os.environ["COLUMNS"] = "100"
    os.environ["NO_COLOR"] = "1"
    sections = [INTRODUCTION]
    for name in COMMANDS:
        parser = command_parser(name)
        importlib.import_module(module_of(name)).configure(parser)
        sections.append(f"## framework {name}\n\n```text\n{parser.format_help().rstrip()}\n```\n")
    return "\n".join(sections)


if __name__ == "__main__":
    PAGE.write_text(command_line_page(), encoding="utf-8")
