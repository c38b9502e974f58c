"""YAML text and command-line overrides become one plain tree that knows where each of its values came from."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

Path_ = tuple[str | int, ...]


@dataclass(frozen=True)
class Problem:
    """One mistake: where it is, as a person would look for it, and what is wrong."""

    where: str
    message: str
    order: tuple[int, int] = (0, 0)

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"


@dataclass
class Source:
    """The tree that a recipe is validated from.

    `keys` and `values` hold the 0-based (line, column) of each path's key and value in the file; `overrides` holds
    the command-line text of each path that was set there.
    """

    file: str
    tree: dict[str, Any] = field(default_factory=dict)
    keys: dict[Path_, tuple[int, int]] = field(default_factory=dict)
    values: dict[Path_, tuple[int, int]] = field(default_factory=dict)
    overrides: dict[Path_, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def locate(self, path: Path_, *, key: bool = False) -> tuple[str, tuple[int, int]]:
        """Where that path was written, or its nearest ancestor: `file:line:column` or the override's text."""
        for length in range(len(path), 0, -1):
            ancestor = path[:length]
            if ancestor in self.overrides:
                return self.overrides[ancestor], (1_000_000, list(self.overrides).index(ancestor))
            places = self.keys if key or length < len(path) else self.values
            if ancestor in places:
                line, column = places[ancestor]
                return f"{self.file}:{line + 1}:{column + 1}", (line, column)
        return self.file, (0, 0)

    def at(self, path: Path_) -> Any:
        """The value at that path, or None."""
        node: Any = self.tree
        for part in path:
            try:
                node = node[part]
            except (KeyError, IndexError, TypeError):
                return None
        return node


def read_source(file: Path, shown_as: str | None = None) -> Source:
    """Parse one YAML file; what is wrong with it as YAML is in `problems`."""
    source = Source(shown_as or str(file))
    try:
        loaded = YAML(typ="rt", pure=True).load(io.StringIO(file.read_bytes().decode()))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{source.file}:{mark.line + 1}:{mark.column + 1}" if mark else source.file
        source.problems.append(Problem(where, _first_line(error.problem or error.context or "not valid YAML")))
        return source
    except (YAMLError, UnicodeDecodeError, ValueError) as error:
        source.problems.append(Problem(source.file, f"not valid YAML: {_first_line(str(error))}"))
        return source
    if not isinstance(loaded, Mapping):
        given = "empty" if loaded is None else f"a {type(loaded).__name__.removeprefix('Commented').lower()}"
        message = f"a recipe is a mapping of sections such as dataset: and model:, this file is {given}"
        source.problems.append(Problem(f"{source.file}:1:1", message))
        return source
    source.tree = _plain(loaded, (), source, ())
    return source


def apply_override(source: Source, text: str, named_sections: Mapping[str, str | None]) -> None:
    """Set one `a.b=c` in the tree. `named_sections` maps each section that holds a component to its default name."""
    dotted, equals, written = text.partition("=")
    path = tuple(int(part) if part.isdigit() else part for part in dotted.strip().split("."))
    if not equals or not all(str(part) for part in path):
        source.problems.append(Problem(text, "an override has the form key=value, such as train.epochs=3"))
        return
    try:
        value = _plain(YAML(typ="rt", pure=True).load(io.StringIO(written)), path, None, ())
    except YAMLError as error:
        reason = getattr(error, "problem", None) or str(error)
        source.problems.append(Problem(text, f"the value is not valid YAML: {_first_line(reason)}"))
        return
    reason = _set(source.tree, path, value, named_sections)
    if reason:
        source.problems.append(Problem(text, reason))
        return
    for places in (source.keys, source.values, source.overrides):
        for known in [known for known in places if known[: len(path)] == path]:
            del places[known]
    source.overrides[path] = text


def _set(root: Any, path: Path_, value: Any, named_sections: Mapping[str, str | None]) -> str | None:
    """Write `value` at `path` below `root`; the reason where that is impossible."""
    node: Any = root
    for depth, part in enumerate(path):
        if reason := _no_place(node, path, depth):
            return reason
        last = depth == len(path) - 1
        node[part] = value if last else _opened(node, part, depth, named_sections)
        node = node[part]
    return None


def _no_place(node: Any, path: Path_, depth: int) -> str | None:
    """Why nothing can be set in `node` under that part of the path."""
    here, part = ".".join(map(str, path[:depth])), path[depth]
    if isinstance(node, list):
        fits = isinstance(part, int) and part < len(node)
        return None if fits else f"'{here}' is a list of {len(node)}: give an index from 0 to {len(node) - 1}"
    return None if isinstance(node, dict) else f"'{here}' has no options"


def _opened(node: Any, part: str | int, depth: int, named_sections: Mapping[str, str | None]) -> Any:
    """The child that an option is about to be set in: `resnet18` becomes `{name: resnet18}`, nothing a mapping."""
    child = node[part] if isinstance(node, list) and isinstance(part, int) else node.get(part)
    if isinstance(child, str):
        return {"name": child}
    if child is None:
        default = named_sections.get(str(part)) if depth == 0 else None
        return {"name": default} if default else {}
    return child


def _plain(node: Any, path: Path_, source: Source | None, parents: tuple[int, ...]) -> Any:
    """Builtin types instead of ruamel's, with positions noted in `source`."""
    if id(node) in parents and isinstance(node, (Mapping, Sequence)) and not isinstance(node, str):
        raise ValueError(f"'{'.'.join(map(str, path))}' contains itself")
    parents = (*parents, id(node))
    if isinstance(node, Mapping):
        return {
            str(key): _plain(_note(node, key, (*path, str(key)), source), (*path, str(key)), source, parents)
            for key in node
        }
    if isinstance(node, Sequence) and not isinstance(node, str):
        return [
            _plain(_note(node, index, (*path, index), source), (*path, index), source, parents)
            for index in range(len(node))
        ]
    for builtin in (bool, int, float, str):
        if isinstance(node, builtin):
            return builtin(node)
    return node


def _note(parent: Any, key: Any, path: Path_, source: Source | None) -> Any:
    """Keep where that child was written, and return it."""
    if source is not None:
        try:
            is_mapping = isinstance(parent, Mapping)
            places = parent.lc
            source.keys[path] = places.key(key) if is_mapping else places.item(key)
            source.values[path] = places.value(key) if is_mapping else places.item(key)
        except (KeyError, AttributeError, TypeError):
            pass  # a key merged in with `<<` has no place of its own; its parent's is shown
    return parent[key]


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0] if text.strip() else "not valid YAML"
