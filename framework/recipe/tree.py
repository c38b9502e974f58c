"""YAML text becomes plain values, and each of them knows where it was written.

Built on the nodes that ruamel.yaml composes, not on the objects that it constructs: every node has a place, aliases and
merge keys resolve to the place where a value was written, and a tag constructs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

Path_ = tuple[str | int, ...]
Place = tuple[int, int]
"""Line and column, counted from 0."""

MAX_DEPTH = 40
STANDARD = "tag:yaml.org,2002:"
MERGE = STANDARD + "merge"
SURROGATE = re.compile("[\ud800-\udfff]")
SURROGATE_MEANING = "half of a surrogate pair, which is no character"
BYTES = [chr(0xDC00 + byte) for byte in range(0x80, 0x100)]
"""The surrogates that stand for the bytes of a path that is not UTF-8, as Python writes them."""


class YamlTree:
    """One YAML document: its `value`, the places of keys and values by path, and what is wrong with it as YAML.

    `texts` holds numbers, booleans and nulls by path, as they are written: `007` is 7, and its text is `007`.

    Without a `value` (None) and with a fault, the text could not be read at all; other faults leave the rest readable.
    """

    def __init__(self, text: str) -> None:
        self.value: Any = None
        self.keys: dict[Path_, Place] = {}
        self.values: dict[Path_, Place] = {}
        self.texts: dict[Path_, str] = {}
        self.faults: list[tuple[Place, str]] = []
        self._yaml = YAML(typ="safe", pure=True)
        try:
            self._yaml.composer.warn_double_anchors = False
            root = self._yaml.compose(text)
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            place = (mark.line, mark.column) if mark else (0, 0)
            self.faults.append((place, ", ".join(part for part in (error.context, error.problem) if part)))
        except (YAMLError, ValueError) as error:
            self.faults.append((_place_of(text, getattr(error, "position", 0)), str(error).strip().partition("\n")[0]))
        except RecursionError:
            self.faults.append(((0, 0), "nested too deeply"))
        else:
            self.value = None if root is None else self._plain(root, (), ())

    def _plain(self, node: Node, path: Path_, parents: tuple[Node, ...]) -> Any:
        is_empty = node.start_mark.index == node.end_mark.index  # then its mark is that of whatever comes next
        self.values[path] = self.keys.get(path, _start(node)) if is_empty else _start(node)
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
        """Keys and values in the order of the file, then those merged in with `<<` that are not there yet."""
        lines: dict[str, int] = {}
        for key, value in node.value:
            line, _ = _start(key)
            if not isinstance(key, ScalarNode):
                self._fault(key, "a key is a word, not a list or a mapping")
            elif SURROGATE.search(key.value):
                self._fault(key, f"the key {key.value!a} has {SURROGATE_MEANING}")
            elif key.value in lines:
                self._fault(key, f"'{key.value}' is given twice, first on line {lines[key.value] + 1}")
            else:
                lines[key.value] = line
                if key.tag != MERGE:
                    self.keys[*path, key.value] = _start(key)
                    yield key.value, value
        for key, value in node.value:
            if key.tag == MERGE:
                yield from self._merged(value, path, parents, lines)

    def _merged(
        self, node: Node, path: Path_, parents: tuple[Node, ...], known: dict[str, int]
    ) -> Iterator[tuple[str, Node]]:
        """The entries of the mapping, or of the list of mappings, that is merged in, except for the known ones."""
        if node in parents or not isinstance(node, (MappingNode, SequenceNode)):
            self._fault(node, "'<<' takes another mapping, or a list of them")
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
                return self._fault(node, f"{node.value!a} has {SURROGATE_MEANING}")
            return node.value
        if not isinstance(node, ScalarNode) or tag not in ("null", "bool", "int", "float"):
            return self._fault(node, f"there is no tag '{str(node.tag).replace(STANDARD, '!!')}' in recipes")
        try:
            return self._yaml.constructor.construct_object(node)
        except (ValueError, KeyError, IndexError, YAMLError):
            return self._fault(node, f"'{node.value}' is no {tag}")

    def _fault(self, node: Node, message: str) -> None:
        fault = _start(node), message
        if fault not in self.faults:  # an alias is read wherever it is used
            self.faults.append(fault)


def dotted(path: Path_) -> str:
    """`train.epochs`, `augment.0.p`."""
    return ".".join(map(str, path))


def _start(node: Node) -> Place:
    return node.start_mark.line, node.start_mark.column


def _place_of(text: str, index: int) -> Place:
    before = text[:index]
    return before.count("\n"), len(before) - (before.rfind("\n") + 1)
