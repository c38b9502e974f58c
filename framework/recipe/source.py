"""A recipe file and command-line overrides as one nested dictionary, with the position of each value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from framework.errors import UserError
from framework.recipe.yaml_tree import SURROGATE, Path_, Position, YamlTree, dotted

COMMAND_LINE = 1_000_000
"""A line number after all lines of a file: overrides are reported last."""


@dataclass(frozen=True)
class Problem:
    """One mistake: `file:line:column` or the text of the override, and the message."""

    where: str
    message: str
    order: Position = (0, 0)

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"


@dataclass
class Source:
    """The nested dictionary `data` that is validated, and where its values come from.

    By path: `key_positions` and `value_positions` hold the 0-based (line, column) in the file, `texts` the text of
    numbers, booleans and nulls, `overrides` the text of the command-line override.
    """

    file: str
    data: dict[str, Any] = field(default_factory=dict)
    key_positions: dict[Path_, Position] = field(default_factory=dict)
    value_positions: dict[Path_, Position] = field(default_factory=dict)
    texts: dict[Path_, str] = field(default_factory=dict)
    overrides: dict[Path_, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    readable: bool = True
    """Whether the file could be parsed."""

    def locate(self, path: Path_, *, key: bool = False) -> tuple[str, Position]:
        """`file:line:column` or the text of the override that set the path, a part of its value, or its parent."""
        for length in range(len(path), -1, -1):
            part = path[:length]
            use_key = part in self.key_positions and (key or length < len(path))
            positions = self.key_positions if use_key else self.value_positions
            if part in self.overrides:
                return self._override(part)
            if part in positions:
                line, column = positions[part]
                return f"{self.file}:{line + 1}:{column + 1}", (line, column)
            if below := [known for known in self.overrides if length and known[:length] == part]:
                return self._override(below[-1])
        return self.file, (0, 0)

    def _override(self, path: Path_) -> tuple[str, Position]:
        return self.overrides[path], (COMMAND_LINE, list(self.overrides).index(path))

    def at(self, path: Path_) -> Any:
        """The value at the path, or None."""
        node: Any = self.data
        for part in path:
            try:
                node = node[part]
            except (KeyError, IndexError, TypeError):
                return None
        return node

    def convert_to_text(self, path: Path_) -> bool:
        """Replace the value at the path by its text in the recipe, if possible; returns whether it was.

        Numbers can be replaced anywhere, null and booleans only as entries of a list, such as class names.
        """
        parent, value = self.at(path[:-1]), self.at(path)
        in_list = isinstance(parent, list)
        if path not in self.texts or (not in_list and (value is None or isinstance(value, bool))):
            return False
        parent[path[-1]] = self.texts[path]
        return True

    def has(self, path: Path_) -> bool:
        """Whether there is a value at the path, null included."""
        parent, last = self.at(path[:-1]), path[-1]
        return last in parent if isinstance(parent, dict) else isinstance(parent, list) and last in range(len(parent))


def read_source(file: Path, shown_as: str | None = None) -> Source:
    """Parse one YAML file; mistakes in its YAML are in `problems`."""
    shown_as = shown_as or str(file)
    try:
        content = file.read_bytes()
    except OSError as error:
        raise UserError(f"{shown_as}: cannot be read: {error.strerror or error}") from None
    return parse_source(content, shown_as)


def parse_source(content: bytes, shown_as: str) -> Source:
    """The same for the content of a file."""
    source = Source(shown_as)
    try:
        tree = YamlTree(content.decode())
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line, column = before.count(b"\n"), len(before) - (before.rfind(b"\n") + 1)
        return _unreadable(source, [((line, column), f"not UTF-8 text (byte {content[error.start]:#04x})")])
    if isinstance(tree.value, dict):
        source.data, source.texts = tree.value, tree.texts
        source.key_positions, source.value_positions = tree.key_positions, tree.value_positions
        source.problems = [_fault(source, *fault) for fault in tree.faults]
        return source
    given = {type(None): "empty", list: "a list"}.get(type(tree.value), "a single value")
    expected = f"a recipe must be a mapping of sections such as dataset: and model:, but the file is {given}"
    return _unreadable(source, tree.faults or [((0, 0), expected)])


def apply_override(source: Source, text: str, named_sections: Mapping[str, str | None]) -> None:
    """Apply one `a.b=c`. `named_sections` maps each section that holds a component to its default name."""
    try:
        parts, tree = _parsed(text)
        path = _set(source.data, parts, tree.value, named_sections)
    except ValueError as error:
        source.problems.append(Problem(text, str(error), (COMMAND_LINE, len(source.overrides))))
        return
    for by_path in (source.key_positions, source.value_positions, source.texts, source.overrides):
        for known in [known for known in by_path if known[: len(path)] == path]:
            del by_path[known]
    source.texts |= {(*path, *below): text for below, text in tree.texts.items()}
    source.overrides[path] = text


def _parsed(text: str) -> tuple[list[str], YamlTree]:
    """The parts of the dotted path, and the value as a YAML document; raises ValueError."""
    dotted_path, equals, value = text.partition("=")
    parts = dotted_path.strip().split(".")
    if not equals or not all(parts):
        raise ValueError("an override has the form key=value, such as train.epochs=3")
    if SURROGATE.search(dotted_path):
        raise ValueError("the key is not UTF-8 text")
    if not value.strip():
        raise ValueError(f"the value is missing; to unset the option, write {dotted_path.strip()}=null")
    tree = YamlTree(value)
    if tree.faults:
        raise ValueError("the value is not valid YAML: " + "; ".join(message for _, message in tree.faults))
    return parts, tree


def _set(root: Any, parts: list[str], value: Any, named_sections: Mapping[str, str | None]) -> Path_:
    """Set the value and return its path, with indices as numbers; raises ValueError if that is not possible."""
    node, path = root, Path_()
    for part in parts:
        key = _key(node, part, path)
        default = named_sections.get(part) if not path else None
        path = (*path, key)
        node[key] = value if len(path) == len(parts) else _opened(node, key, default)
        node = node[key]
    return path


def _key(node: Any, part: str, path: Path_) -> str | int:
    """`part` as key or index of `node`, which is at `path`."""
    if isinstance(node, dict):
        return part
    if not isinstance(node, list):
        raise ValueError(f"'{dotted(path)}' has no options")
    if part.isascii() and part.isdigit() and int(part) < len(node):
        return int(part)
    hint = f"give an index from 0 to {len(node) - 1}" if node else "it has no entries"
    raise ValueError(f"'{dotted(path)}' is a list of {len(node)}: {hint}, or set the whole list: {dotted(path)}=[…]")


def _opened(node: Any, key: Any, default: str | None) -> Any:
    """The child as a mapping, to set an option in: `resnet18` becomes `{name: resnet18}`."""
    child = node[key] if isinstance(node, list) else node.get(key)
    if child is None:
        return {"name": default} if default else {}
    return {"name": child} if isinstance(child, str) else child


def _unreadable(source: Source, faults: list[tuple[Position, str]]) -> Source:
    source.problems = [_fault(source, *fault) for fault in faults]
    source.readable = False
    return source


def _fault(source: Source, position: Position, message: str) -> Problem:
    return Problem(f"{source.file}:{position[0] + 1}:{position[1] + 1}", message, position)
