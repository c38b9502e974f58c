"""Read the files that commands write as values that can be compared, whatever they are named."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

SKIPPED_FILES = ("environment.json",)
SKIPPED_KEYS = re.compile("second|time|bytes|speedup")
DTYPES = {"F64": "f8", "F32": "f4", "F16": "f2", "I64": "i8", "I32": "i4", "I8": "i1", "U8": "u1", "BOOL": "?"}


@dataclass(frozen=True)
class Value:
    """One array of an artifact."""

    place: str
    """Shown with a difference; not compared."""
    array: np.ndarray
    line: int = 0
    """Of a file of JSON lines: compared, unlike `place`."""

    @property
    def content(self) -> tuple[int, str, tuple[int, ...], bytes]:
        """What is compared."""
        return self.line, self.array.dtype.str, self.array.shape, self.array.tobytes()


def read_safetensors(file: Path) -> Iterator[Value]:
    """All tensors; those of a type that numpy lacks, as bytes."""
    content = file.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    header.pop("__metadata__", None)
    for name, tensor in header.items():
        first, last = (start + offset for offset in tensor["data_offsets"])
        array = np.frombuffer(content[first:last], DTYPES.get(tensor["dtype"], "u1"))
        yield Value(name, array.reshape(tensor["shape"]) if tensor["dtype"] in DTYPES else array)


def read_onnx(file: Path) -> Iterator[Value]:
    """Weights, and operators with their attributes."""
    import onnx

    graph = onnx.load(file).graph
    for tensor in graph.initializer:
        yield Value(tensor.name, onnx.numpy_helper.to_array(tensor))
    for node in graph.node:
        attributes = sorted(attribute.SerializeToString() for attribute in node.attribute)
        yield Value(f"operator {node.name}", np.array(f"{node.op_type} {attributes}"))


def read_pt2(file: Path) -> Iterator[Value]:
    """Weights, operators, and the outputs for random pixels."""
    program = torch.export.load(file)
    for name, tensor in {**program.state_dict, **program.constants}.items():
        yield Value(name, tensor.detach().numpy())
    for node in program.graph.nodes:
        yield Value(f"operator {node.name}", np.array(str(node.target) if node.op == "call_function" else node.op))
    inputs, _ = program.example_inputs
    generator = torch.Generator().manual_seed(0)
    pixels = [torch.randint(0, 256, given.shape, generator=generator).to(given.dtype) for given in inputs]
    outputs = program.module()(*pixels)
    for number, output in enumerate(outputs if isinstance(outputs, tuple) else (outputs,)):
        yield Value(f"output {number}", output.detach().numpy())


def read_json(file: Path) -> Iterator[Value]:
    """All numbers, and the texts of predictions, which are image and class names."""
    text = file.read_text(encoding="utf-8")
    documents = text.splitlines() if file.suffix == ".jsonl" else [text]
    types = (float, int, str) if "predict" in file.name else (float, int)
    for line, document in enumerate(documents, 1):
        for place, value in leaves(json.loads(document), f"line {line} " if len(documents) > 1 else ""):
            if isinstance(value, types) and not SKIPPED_KEYS.search(place):
                yield Value(place, np.array(value), line)


def leaves(tree: Any, place: str) -> Iterator[tuple[str, Any]]:
    """Everything that is neither an object nor a list, with its place."""
    if isinstance(tree, dict | list):
        for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
            yield from leaves(value, f"{place}/{key}")
    else:
        yield place, tree


READERS: dict[str, Callable[[Path], Iterator[Value]]] = {
    ".safetensors": read_safetensors,
    ".onnx": read_onnx,
    ".pt2": read_pt2,
    ".json": read_json,
    ".jsonl": read_json,
}


def artifacts(folder: Path) -> dict[Path, list[Value]]:
    """What is compared, by path."""
    files = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.suffix in READERS)
    compared = [path for path in files if path.parts[0] != "cache" and path.name not in SKIPPED_FILES]
    return {path: list(READERS[path.suffix](folder / path)) for path in compared}


def first_index(one: np.ndarray, other: np.ndarray) -> tuple[int, ...]:
    """Of the first element whose bytes differ, in arrays of the same shape."""
    position = next(i for i, (a, b) in enumerate(zip(one.flat, other.flat, strict=True)) if a.tobytes() != b.tobytes())
    return tuple(map(int, np.unravel_index(position, one.shape)))


def difference(before: Sequence[Value], after: Sequence[Value]) -> str | None:
    """The first value of `before` that `after` lacks, or the reverse; None where there is neither."""
    missing = Counter(value.content for value in before) - Counter(value.content for value in after)
    extra = Counter(value.content for value in after) - Counter(value.content for value in before)
    first = next((value for value in before if value.content in missing), None)
    new = [value for value in after if value.content in extra]
    if first is None:
        return f"only after: {new[0].place} = {new[0].array}" if new else None
    other = next((value for value in new if value.place == first.place), None)
    number = f"{missing.total()} of {len(before)} values differ"
    if other is None or other.array.shape != first.array.shape:
        return f"{first.place} {first.array.shape or first.array} is not there after; {number}"
    index = first_index(first.array, other.array) if first.array.ndim else ()
    return f"{first.place}{list(index) or ''}: {first.array[index]} before, {other.array[index]} after; {number}"
