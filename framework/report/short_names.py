"""What several runs are called beside each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from framework.runs.trained import Trained


def short_names(runs: Sequence[Trained]) -> list[str]:
    """Their names, with as many of the folders before them as tell them apart, and endings where folders do not.

    What is named twice is numbered.
    """
    ways = [names for endings in (False, True) for names in _from_short_to_long(runs, endings)]
    names = max(ways, key=lambda way: len(set(way)))  # the first of the best
    return [
        f"{name} ({names[: index + 1].count(name)})" if names.count(name) > 1 else name
        for index, name in enumerate(names)
    ]


def _from_short_to_long(runs: Sequence[Trained], endings: bool) -> Iterator[list[str]]:
    paths = [_parts(run, endings) for run in runs]
    for number in range(1, max(map(len, paths)) + 1):
        yield ["/".join(path[-number:]) for path in paths]


def _parts(run: Trained, ending: bool) -> tuple[str, ...]:
    """The folders that were named, and the name."""
    if run.name == run.label:
        return (run.name,)
    path = Path(run.label)
    return (*path.parts[:-1], path.name if ending and run.folder is None else run.name)
