"""Files that are written whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from framework.errors import RunFailed, UserError


def replace_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a temporary file beside `path`, flush it to the disk, then rename it into place.

    Raises `RunFailed` where the disk does not take it.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.touch()
        mode = temporary.stat().st_mode
        write(temporary)
        temporary.chmod(mode)  # some writers make their files for the owner alone
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
        _flush_folder(path.parent)
    except OSError as error:
        raise RunFailed(f"cannot write {path}: {error.strerror or error}") from None
    except SafetensorError as error:  # what the system said to its writer
        raise RunFailed(f"cannot write {path}: {error}") from None
    finally:
        with suppress(OSError):  # such as a name that is too long: reported above
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically, as UTF-8; names of files that are not UTF-8 get their own bytes."""
    replace_atomically(path, lambda temporary: _write(temporary, text))


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file atomically, indented; names of files that are not UTF-8 are escaped, for it must be UTF-8."""
    write_text(path, unicode_text(json.dumps(content, indent=2, ensure_ascii=False)) + "\n")


def unicode_text(text: str) -> str:
    """With the bytes of names that are not UTF-8 escaped, as JSON escapes them."""
    return text.encode(errors="backslashreplace").decode()


def read_json(path: Path) -> Any:
    """Read a JSON file; raises `UserError` where it is missing or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not valid JSON ({error})") from None


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", errors="surrogateescape", newline="")


def _flush_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
