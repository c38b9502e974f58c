"""YAML text -> plain values, each with its position in the text.

Based on the nodes that ruamel.yaml composes, not on the objects that it constructs: each node has a position, aliases
and merge keys have the position of the value they refer to, and tags construct nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

Path_ = tuple[str | int, ...]
Position = tuple[int, int]
"""Line and column, from 0."""

MAX_DEPTH = 40
STANDARD = "tag:yaml.org,2002:"
MERGE = STANDARD + "merge"
SURROGATE = re.compile("[\ud800-\udfff]")
SURROGATE_REASON = "half of a surrogate pair, which is not a character"
BYTES = [chr(0xDC00 + byte) for byte in range(0x80, 0x100)]
"""Python's escapes of bytes in paths that are not UTF-8 (`surrogateescape`)."""


class YamlTree:
    """One YAML document: its `value`, the positions of keys and values by path, and its `faults` as YAML.

    `texts` holds the text of numbers, booleans and nulls by path: `007` is the number 7, its text is `007`.

    If the text cannot be parsed at all, `value` is None and there is a fault; other faults leave the rest readable.
    """

    def __init__(self, text: str) -> None:
        self.value: Any = None
        self.key_positions: dict[Path_, Position] = {}
        self.value_positions: dict[Path_, Position] = {}
        self.texts: dict[Path_, str] = {}
        self.faults: list[tuple[Position, str]] = []
        self._yaml = YAML(typ="safe", pure=True)
        try:
            self._yaml.composer.warn_double_anchors = False
            root = self._yaml.compose(text)
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            position = (mark.line, mark.column) if mark else (0, 0)
            self.faults.append((position, ", ".join(part for part in (error.context, error.problem) if part)))
        except (YAMLError, ValueError) as error:
            self.faults.append(
                (_position_of(text, getattr(error, "position", 0)), str(error).strip().partition("\n")[0])
            )
        except RecursionError:
            self.faults.append(((0, 0), "nested too deeply"))
        else:
            self.value = None if root is None else self._plain(root, (), ())

    def _plain(self, node: Node, path: Path_, parents: tuple[Node, ...]) -> Any:
        is_empty = node.start_mark.index == node.end_mark.index  # its mark is that of the next token
        self.value_positions[path] = self.key_positions.get(path, _start(node)) if is_empty else _start(node)
        if node in parents:
            return self._fault(node, f"'{dotted(path)}' contains itself")
        if len(parents) > MAX_DEPTH:
            return self._fault(node, "nested too deeply")
        inside = (*parents, node)
        if isinstance(node, MappingNode) and node.tag == STANDARD + "map":
            return {key: self._plain(value, (*path, key), inside) for key, value in self._entries(node, path, inside)}
        if isinstance(node, SequenceNode) and node.tag == STANDARD + "seq":
            return [self._plain(value, (*path, index), inside) for index, value in enumerate(node.value)]
        value = self._scalar(node)
        if isinstance(node, ScalarNode) and not isinstance(value, str) and node.value:
            self.texts[path] = node.value
        return value

    def _entries(self, node: MappingNode, path: Path_, parents: tuple[Node, ...]) -> Iterator[tuple[str, Node]]:
        """Keys and values in the order of the file, then merged (`<<`) ones whose keys are new."""
        lines: dict[str, int] = {}
        for key, value in node.value:
            line, _ = _start(key)
            if not isinstance(key, ScalarNode):
                self._fault(key, "a key must be a word, not a list or a mapping")
            elif SURROGATE.search(key.value):
                self._fault(key, f"the key {key.value!a} has {SURROGATE_REASON}")
            elif key.value in lines:
                self._fault(key, f"'{key.value}' is given twice, first on line {lines[key.value] + 1}")
            else:
                lines[key.value] = line
                if key.tag != MERGE:
                    self.key_positions[*path, key.value] = _start(key)
                    yield key.value, value
        for key, value in node.value:
            if key.tag == MERGE:
                yield from self._merged(value, path, parents, lines)

    def _merged(
        self, node: Node, path: Path_, parents: tuple[Node, ...], known: dict[str, int]
    ) -> Iterator[tuple[str, Node]]:
        """The entries of the merged mapping, or list of mappings, whose keys are not in `known`."""
        if node in parents or not isinstance(node, (MappingNode, SequenceNode)):
            self._fault(node, "'<<' must be a mapping, or a list of mappings")
        elif isinstance(node, SequenceNode):
            for entry in node.value:
                yield from self._merged(entry, path, (*parents, node), known)
        else:
            for key, value in self._entries(node, path, (*parents, node)):
                if key not in known:
                    known[key] = 0
                    yield key, value

    def _scalar(self, node: Node) -> Any:
        tag = str(node.tag).removeprefix(STANDARD)
        if isinstance(node, ScalarNode) and tag in ("str", "timestamp", "value"):  # YAML 1.2 has no dates
            if any(half not in BYTES for half in SURROGATE.findall(node.value)):
                return self._fault(node, f"{node.value!a} has {SURROGATE_REASON}")
            return node.value
        if not isinstance(node, ScalarNode) or tag not in ("null", "bool", "int", "float"):
            return self._fault(node, f"there is no tag '{str(node.tag).replace(STANDARD, '!!')}' in recipes")
        try:
            return self._yaml.constructor.construct_object(node)
        except (ValueError, KeyError, IndexError, YAMLError):
            return self._fault(node, f"'{node.value}' is not a valid {tag}")

    def _fault(self, node: Node, message: str) -> None:
        fault = _start(node), message
        if fault not in self.faults:  # an alias is visited once per use
            self.faults.append(fault)


def dotted(path: Path_) -> str:
    """`train.epochs`, `augment.0.p`."""
    return ".".join(map(str, path))


def _start(node: Node) -> Position:
    return node.start_mark.line, node.start_mark.column


def _position_of(text: str, index: int) -> Position:
    before = text[:index]
    return before.count("\n"), len(before) - (before.rfind("\n") + 1)
