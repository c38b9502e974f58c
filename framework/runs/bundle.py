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

from framework.errors import UserError
from framework.runs.files import replace_atomically, unicode_text

SUFFIX = ".safetensors"
FORMAT = "1"
HEADER_LIMIT = 100_000_000
"""Bytes; what safetensors itself allows."""
TEXTS = ("recipe", "card")
"""Documents that are text; all others are JSON."""
CHUNK = 1 << 20


def write_bundle(path: Path, weights: Path, documents: Mapping[str, Any]) -> None:
    """Seal the tensors of `weights` with `documents`: JSON types by name, and the texts `recipe` and `card`."""
    header, begin = _read_header(weights)
    header.pop("__metadata__", None)
    texts = {
        name: unicode_text(content if name in TEXTS else json.dumps(content, ensure_ascii=False))
        for name, content in documents.items()
    }
    header["__metadata__"] = {"bundle": FORMAT, **texts}
    header["__metadata__"]["sha256"] = _digest(header, weights, begin)
    packed = json.dumps(header, ensure_ascii=False).encode()
    packed += b" " * (-len(packed) % 8)

    def write(temporary: Path) -> None:
        with temporary.open("wb") as file:
            file.write(struct.pack("<Q", len(packed)))
            file.write(packed)
            for chunk in _data(weights, begin):
                file.write(chunk)

    replace_atomically(path, write)


def read_bundle(path: Path, *, verify: bool = True) -> dict[str, Any]:
    """The documents of a bundle; raises `UserError` where the file is none, or not as it was sealed."""
    header, begin = _read_header(path)
    sealed = header.get("__metadata__", {})
    if "bundle" not in sealed:
        raise UserError(f"{path}: safetensors, but no bundle; `framework bundle RUN` makes one of a run")
    if sealed["bundle"] != FORMAT:
        raise UserError(f"{path}: a bundle of format {sealed['bundle']}; this version reads format {FORMAT}")
    if verify and sealed.get("sha256") != _digest(header, path, begin):
        raise UserError(f"{path}: not as it was sealed: its SHA-256 differs. Fetch it again, or bundle the run anew")
    names = [name for name in sealed if name not in ("bundle", "sha256")]
    try:
        return {name: sealed[name] if name in TEXTS else json.loads(sealed[name]) for name in names}
    except json.JSONDecodeError as error:
        raise UserError(f"{path}: damaged: {error}") from None


def _read_header(path: Path) -> tuple[dict[str, Any], int]:
    """The JSON header of a safetensors file, and where its data begin."""
    try:
        with path.open("rb") as file:
            size = struct.unpack("<Q", file.read(8))[0]
            if size > HEADER_LIMIT:
                raise ValueError("its header is too long")
            header = json.loads(file.read(size))
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    except (struct.error, ValueError) as error:
        raise UserError(f"{path}: damaged, or no safetensors file ({error})") from None
    if not isinstance(header, dict):
        raise UserError(f"{path}: damaged, or no safetensors file")
    return header, 8 + size


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
