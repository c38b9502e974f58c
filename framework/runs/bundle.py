"""A bundle: everything that a classifier needs, sealed into one safetensors file.

The tensors are those of the run's `model.safetensors`, byte by byte or in half precision; the header holds the run's
documents as JSON, its recipe, a model card, and a SHA-256 over all of that. Nothing in it can run code, and any reader
of safetensors finds the weights. Neither writing nor reading imports torch.
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
    """Seal the tensors of `weights` with `documents`: JSON types by name, and the texts `recipe` and `card`.

    The file is opened again before it gets its name. Raises `UserError` where the weights are damaged, and `RunFailed`
    where the file cannot be opened.
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
                f"{path} was not written, for it could not be opened again: {error}\n"
                f"    Its header has {len(packed) / 1e6:,.1f} MB, most of that the document '{largest}'; safetensors "
                "opens headers of up to 100 MB"
            ) from None

    replace_atomically(path, write)


def read_bundle(path: Path, *, verify: bool = True) -> dict[str, Any]:
    """The documents of a bundle; raises `UserError` where the file is none, or not as it was sealed."""
    header, begin = _read_header(path)
    sealed = header.get("__metadata__") or {}
    if "bundle" not in sealed:
        raise UserError(f"{path}: safetensors, but no bundle; `framework bundle RUN` makes one of a run")
    if sealed["bundle"] != FORMAT:
        raise UserError(f"{path}: a bundle of format {sealed['bundle']}; this version reads format {FORMAT}")
    if verify and sealed.get("sha256") != _digest(header, path, begin):
        raise UserError(f"{path}: not as it was sealed: its SHA-256 differs. Fetch it again, or bundle the run anew")
    return unpack({name: text for name, text in sealed.items() if name not in ("bundle", "sha256")}, path)


def _read_header(path: Path) -> tuple[dict[str, Any], int]:
    """The JSON header of a safetensors file, and where its data begin; raises `UserError` where it is not whole."""
    try:
        with path.open("rb") as file, safe_open(path, framework="np"):  # which compares the header with the file's size
            size = struct.unpack("<Q", file.read(8))[0]
            return json.loads(file.read(size)), 8 + size
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    except SafetensorError as error:
        raise UserError(f"{path}: damaged, or no safetensors file ({error})") from None


def _digest(header: Mapping[str, Any], path: Path, begin: int) -> str:
    """SHA-256 of the header without its own entry, and of all data."""
    sealed = {name: text for name, text in header["__metadata__"].items() if name != "sha256"}
    digest = hashlib.sha256(json.dumps({**header, "__metadata__": sealed}, sort_keys=True).encode())
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
