"""Short unique names of runs and images."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePath

from framework.runs.trained import Trained


def short_names(runs: Sequence[Trained]) -> list[str]:
    """Names of the runs, with parent folders, and then file endings, as far as they are needed to be unique.

    Repeated runs are numbered.
    """
    candidates = [names for endings in (False, True) for names in _from_short_to_long(runs, endings)]
    names = max(candidates, key=lambda names: len(set(names)))  # the shortest of the best
    return [
        f"{name} ({names[: index + 1].count(name)})" if names.count(name) > 1 else name
        for index, name in enumerate(names)
    ]


def short_paths(names: Iterable[str]) -> dict[str, str]:
    """Short paths of images: file name and folder, with more parent folders if two would be equal otherwise."""
    parts = {name: PurePath(name).parts for name in names}
    deepest = max((len(path) for path in parts.values()), default=0)
    for number in range(2, max(deepest, 2) + 1):
        short = {name: str(PurePath(*path[-number:])) for name, path in parts.items()}
        if len(set(short.values())) == len(short):
            break
    return short


def _from_short_to_long(runs: Sequence[Trained], endings: bool) -> Iterator[list[str]]:
    paths = [_parts(run, endings) for run in runs]
    for number in range(1, max(map(len, paths)) + 1):
        yield ["/".join(path[-number:]) for path in paths]


def _parts(run: Trained, ending: bool) -> tuple[str, ...]:
    """The folders in the label, and the name."""
    if run.name == run.label:
        return (run.name,)
    path = Path(run.label)
    return (*path.parts[:-1], path.name if ending and run.folder is None else run.name)
