"""A bundle: a run as one safetensors file.

The tensors are those of the run's `model.safetensors`, unchanged or in half precision. The header has the run's
documents as JSON, its recipe, a model card, and a SHA-256 of all of that. No code can be part of it, and any reader of
safetensors can load the weights. torch is not imported.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from safetensors import SafetensorError, safe_open

from framework.errors import RunFailed, UserError
from framework.files import replace_atomically
from framework.runs.documents import pack, unpack

SUFFIX = ".safetensors"
FORMAT = "1"
CHUNK = 1 << 20


def write_bundle(path: Path, weights: Path, documents: Mapping[str, Any]) -> None:
    """Write the tensors of `weights` with `documents`: JSON types by name, and the texts `recipe` and `card`.

    The file is opened again before it is renamed to `path`. Raises `UserError` if the weights are damaged, `RunFailed`
    if the file cannot be opened.
    """
    header, begin = _read_header(weights)
    header["__metadata__"] = {"bundle": FORMAT, **pack(documents)}
    header["__metadata__"]["sha256"] = _digest(header, weights, begin)
    packed = json.dumps(header, ensure_ascii=False).encode()
    packed += b" " * (-len(packed) % 8)

    def write(temporary: Path) -> None:
        with temporary.open("wb") as file:
            file.write(struct.pack("<Q", len(packed)))
            file.write(packed)
            for chunk in _data(weights, begin):
                file.write(chunk)
        try:
            read_bundle(temporary)
        except UserError as error:
            largest = max(header["__metadata__"], key=lambda name: len(header["__metadata__"][name]))
            raise RunFailed(
                f"{path} was not written, because it could not be opened again: {error}\n"
                f"    Its header has {len(packed) / 1e6:,.1f} MB, mostly the document '{largest}'; the limit of "
                "safetensors is 100 MB"
            ) from None

    replace_atomically(path, write)


def read_bundle(path: Path, *, verify: bool = True) -> dict[str, Any]:
    """The documents of a bundle; raises `UserError` if the file is not a bundle, or was changed."""
    header, begin = _read_header(path)
    metadata = header.get("__metadata__") or {}
    if "bundle" not in metadata:
        raise UserError(f"{path}: a safetensors file, but not a bundle; write one with `framework bundle RUN`")
    if metadata["bundle"] != FORMAT:
        raise UserError(f"{path}: a bundle of format {metadata['bundle']}; this version reads format {FORMAT}")
    if verify and metadata.get("sha256") != _digest(header, path, begin):
        raise UserError(f"{path}: damaged: its SHA-256 differs. Download it or bundle the run again")
    return unpack({name: text for name, text in metadata.items() if name not in ("bundle", "sha256")}, path)


def _read_header(path: Path) -> tuple[dict[str, Any], int]:
    """The JSON header of a safetensors file, and the offset of its data; raises `UserError` if it is damaged."""
    try:
        with path.open("rb") as file, safe_open(path, framework="np"):  # compares the header with the file size
            size = struct.unpack("<Q", file.read(8))[0]
            return json.loads(file.read(size)), 8 + size
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    except SafetensorError as error:
        raise UserError(f"{path}: damaged, or not a safetensors file ({error})") from None


def _digest(header: Mapping[str, Any], path: Path, begin: int) -> str:
    """SHA-256 of the header, without the entry `sha256`, and of all data."""
    metadata = {name: text for name, text in header["__metadata__"].items() if name != "sha256"}
    digest = hashlib.sha256(json.dumps({**header, "__metadata__": metadata}, sort_keys=True).encode())
    for chunk in _data(path, begin):
        digest.update(chunk)
    return digest.hexdigest()


def _data(path: Path, begin: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(begin)
        yield from _chunks(file)


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(CHUNK):
        yield chunk
