"""What `framework export` wrote into an ONNX file beside its graph, read without any library and without the graph.

An ONNX file is a protocol buffer (https://protobuf.dev/programming-guides/encoding/): fields with a number, a kind and
mostly a length, so that all but `metadata_props` can be leapt over.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from framework.errors import UserError
from framework.runs.documents import unpack

SUFFIX = ".onnx"
FORMAT = "1"
"""The entry `export`."""
METADATA_PROPS = 14
VARINT, EIGHT_BYTES, WITH_LENGTH, FOUR_BYTES = 0, 1, 2, 5


def read_onnx(path: Path) -> dict[str, Any]:
    """The documents of an export; raises `UserError` where the file is none."""
    try:
        with path.open("rb") as file:
            texts = dict(_entries(file))
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, IndexError, struct.error):
        raise UserError(f"{path}: damaged, or no ONNX file") from None
    if texts.get("export") != FORMAT:
        raise UserError(
            f"{path}: not an export that this version reads: it does not carry classes and preprocessing. "
            "`framework export RUN` makes one"
        )
    del texts["export"]
    return unpack(texts, path)


def _entries(file: BinaryIO) -> Iterator[tuple[str, str]]:
    size = os.fstat(file.fileno()).st_size
    while file.tell() < size:
        number, kind = _tag(file)
        if kind == VARINT:
            _varint(file)
        elif kind in (EIGHT_BYTES, FOUR_BYTES):
            file.seek(8 if kind == EIGHT_BYTES else 4, os.SEEK_CUR)
        elif kind == WITH_LENGTH:
            length = _varint(file)
            end = file.tell() + length
            if end > size:
                raise ValueError("cut short")
            if number == METADATA_PROPS:
                fields = dict(_strings(file, end))
                yield fields.get(1, ""), fields.get(2, "")
            file.seek(end)
        else:
            raise ValueError("no protocol buffer")


def _strings(file: BinaryIO, end: int) -> Iterator[tuple[int, str]]:
    while file.tell() < end:
        number, kind = _tag(file)
        if kind != WITH_LENGTH:
            raise ValueError("an entry is two strings")
        yield number, file.read(_varint(file)).decode()


def _tag(file: BinaryIO) -> tuple[int, int]:
    tag = _varint(file)
    return tag >> 3, tag & 7


def _varint(file: BinaryIO) -> int:
    value = shift = 0
    while True:
        byte = file.read(1)[0]
        value |= (byte & 127) << shift
        if byte < 128:
            return value
        shift += 7
        if shift > 63:
            raise ValueError("a number of more than 64 bits")
