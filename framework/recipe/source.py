"""A recipe file and command-line overrides become one plain tree that knows where each of its values came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from framework.errors import UserError
from framework.recipe.tree import SURROGATE, Path_, Place, YamlTree, dotted

COMMAND_LINE = 1_000_000
"""A line after all lines of a file: overrides are reported last."""


@dataclass(frozen=True)
class Problem:
    """One mistake: where it is, as a person would look for it, and what is wrong."""

    where: str
    message: str
    order: Place = (0, 0)

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"


@dataclass
class Source:
    """The tree that a recipe is validated from.

    `keys` and `values` hold the 0-based (line, column) of each path's key and value in the file; `texts` holds numbers,
    booleans and nulls as they are written; `overrides` holds the command-line text of each path that was set there.
    """

    file: str
    tree: dict[str, Any] = field(default_factory=dict)
    keys: dict[Path_, Place] = field(default_factory=dict)
    values: dict[Path_, Place] = field(default_factory=dict)
    texts: dict[Path_, str] = field(default_factory=dict)
    overrides: dict[Path_, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    readable: bool = True
    """Whether there is a tree to speak of."""

    def locate(self, path: Path_, *, key: bool = False) -> tuple[str, Place]:
        """Where that path was written, or what made it or holds it: `file:line:column` or the override's text."""
        for length in range(len(path), -1, -1):
            part = path[:length]
            places = self.keys if part in self.keys and (key or length < len(path)) else self.values
            if part in self.overrides:
                return self._override(part)
            if part in places:
                line, column = places[part]
                return f"{self.file}:{line + 1}:{column + 1}", (line, column)
            if below := [known for known in self.overrides if length and known[:length] == part]:
                return self._override(below[-1])
        return self.file, (0, 0)

    def _override(self, path: Path_) -> tuple[str, Place]:
        return self.overrides[path], (COMMAND_LINE, list(self.overrides).index(path))

    def at(self, path: Path_) -> Any:
        """The value at that path, or None."""
        node: Any = self.tree
        for part in path:
            try:
                node = node[part]
            except (KeyError, IndexError, TypeError):
                return None
        return node

    def take_as_written(self, path: Path_) -> bool:
        """Make the value at that path the text that it was written as; whether that can be done.

        A number can be meant as text anywhere, null and booleans only as entries of a list, such as class names.
        """
        parent, value = self.at(path[:-1]), self.at(path)
        in_list = isinstance(parent, list)
        if path not in self.texts or (not in_list and (value is None or isinstance(value, bool))):
            return False
        parent[path[-1]] = self.texts[path]
        return True

    def has(self, path: Path_) -> bool:
        """Whether there is anything at that path, null included."""
        parent, last = self.at(path[:-1]), path[-1]
        return last in parent if isinstance(parent, dict) else isinstance(parent, list) and last in range(len(parent))


def read_source(file: Path, shown_as: str | None = None) -> Source:
    """Parse one YAML file; what is wrong with it as YAML is in `problems`."""
    shown_as = shown_as or str(file)
    try:
        content = file.read_bytes()
    except OSError as error:
        raise UserError(f"{shown_as}: cannot be read: {error.strerror or error}") from None
    return parse_source(content, shown_as)


def parse_source(content: bytes, shown_as: str) -> Source:
    """The same for the bytes of a file."""
    source = Source(shown_as)
    try:
        tree = YamlTree(content.decode())
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line, column = before.count(b"\n"), len(before) - (before.rfind(b"\n") + 1)
        return _unreadable(source, [((line, column), f"not UTF-8 text (byte {content[error.start]:#04x})")])
    if isinstance(tree.value, dict):
        source.tree, source.keys, source.values, source.texts = tree.value, tree.keys, tree.values, tree.texts
        source.problems = [_fault(source, *fault) for fault in tree.faults]
        return source
    given = {type(None): "empty", list: "a list"}.get(type(tree.value), "a single value")
    expected = f"a recipe is a mapping of sections such as dataset: and model:, this file is {given}"
    return _unreadable(source, tree.faults or [((0, 0), expected)])


def apply_override(source: Source, text: str, named_sections: Mapping[str, str | None]) -> None:
    """Set one `a.b=c` in the tree. `named_sections` maps each section that holds a component to its default name."""
    try:
        parts, tree = _parsed(text)
        path = _set(source.tree, parts, tree.value, named_sections)
    except ValueError as error:
        source.problems.append(Problem(text, str(error), (COMMAND_LINE, len(source.overrides))))
        return
    for by_path in (source.keys, source.values, source.texts, source.overrides):
        for known in [known for known in by_path if known[: len(path)] == path]:
            del by_path[known]
    source.texts |= {(*path, *inside): written for inside, written in tree.texts.items()}
    source.overrides[path] = text


def _parsed(text: str) -> tuple[list[str], YamlTree]:
    """The dotted path, and the value as a YAML document; raises ValueError."""
    dotted_path, equals, written = text.partition("=")
    parts = dotted_path.strip().split(".")
    if not equals or not all(parts):
        raise ValueError("an override has the form key=value, such as train.epochs=3")
    if SURROGATE.search(dotted_path):
        raise ValueError("the key is not UTF-8 text")
    if not written.strip():
        raise ValueError(f"there is no value; to set none, write {dotted_path.strip()}=null")
    tree = YamlTree(written)
    if tree.faults:
        raise ValueError("the value is not valid YAML: " + "; ".join(message for _, message in tree.faults))
    return parts, tree


def _set(root: Any, parts: list[str], value: Any, named_sections: Mapping[str, str | None]) -> Path_:
    """Write `value` below `root` and return the path, with indices as numbers; raises ValueError where it cannot."""
    node, path = root, Path_()
    for part in parts:
        key = _key(node, part, path)
        default = named_sections.get(part) if not path else None
        path = (*path, key)
        node[key] = value if len(path) == len(parts) else _opened(node, key, default)
        node = node[key]
    return path


def _key(node: Any, part: str, path: Path_) -> str | int:
    """The key or index that `part` means in `node`, which is at `path`."""
    if isinstance(node, dict):
        return part
    if not isinstance(node, list):
        raise ValueError(f"'{dotted(path)}' has no options")
    if part.isascii() and part.isdigit() and int(part) < len(node):
        return int(part)
    hint = f"give an index from 0 to {len(node) - 1}" if node else "there is no entry to change"
    raise ValueError(f"'{dotted(path)}' is a list of {len(node)}: {hint}, or set it whole: {dotted(path)}=[…]")


def _opened(node: Any, key: Any, default: str | None) -> Any:
    """The child that an option is about to be set in: `resnet18` becomes `{name: resnet18}`, nothing a mapping."""
    child = node[key] if isinstance(node, list) else node.get(key)
    if child is None:
        return {"name": default} if default else {}
    return {"name": child} if isinstance(child, str) else child


def _unreadable(source: Source, faults: list[tuple[Place, str]]) -> Source:
    source.problems = [_fault(source, *fault) for fault in faults]
    source.readable = False
    return source


def _fault(source: Source, place: Place, message: str) -> Problem:
    return Problem(f"{source.file}:{place[0] + 1}:{place[1] + 1}", message, place)
