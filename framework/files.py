"""Files that are written whole or not at all."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from framework.errors import RunFailed, UserError


def replace_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a temporary file beside `path`, flush it to the disk, then rename it to `path`.

    Raises `RunFailed` if it cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    try:
        temporary.touch()
        mode = temporary.stat().st_mode
        write(temporary)
        temporary.chmod(mode)  # some writers create files that only the owner can read
        rename_flushed(temporary, path)
    except OSError as error:
        raise RunFailed(f"cannot write {path}: {error.strerror or error}") from None
    except SafetensorError as error:  # wraps the error of the operating system
        raise RunFailed(f"cannot write {path}: {error}") from None
    finally:
        with suppress(OSError):  # such as a name that is too long, which is reported above
            temporary.unlink(missing_ok=True)


def require_writable(file: Path, option: str) -> None:
    """Raise `UserError`, before the work starts, if the file cannot be written."""
    if file.is_dir():
        raise UserError(f"{option} {file}: this is a folder; give a file")
    if not file.parent.is_dir():
        raise UserError(f"{option} {file}: there is no folder '{file.parent}'")
    if not os.access(file.parent, os.W_OK):
        raise UserError(f"{option} {file}: the folder '{file.parent}' is not writable; choose another one")


def append_suffix(path: Path, suffix: str) -> Path:
    """`runs/a.v2` and `.onnx` give `runs/a.v2.onnx`; `.` is resolved first."""
    if path.name in ("", ".."):
        path = path.resolve()
    return path.with_name(path.name + suffix)


def rename_flushed(temporary: Path, path: Path) -> None:
    """Flush a file to the disk, then rename it to `path`, replacing what is there; raises `OSError`."""
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    temporary.replace(path)
    if os.name == "posix":
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # also flush the new name
        finally:
            os.close(folder)


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically, in UTF-8; bytes of file names that are not UTF-8 are written unchanged."""
    replace_atomically(path, lambda temporary: _write(temporary, text))


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file atomically, indented, in UTF-8; bytes of file names that are not UTF-8 are escaped."""
    write_text(path, unicode_text(json.dumps(content, indent=2, ensure_ascii=False)) + "\n")


def unicode_text(text: str) -> str:
    """The text with escapes for bytes of file names that are not UTF-8."""
    return text.encode(errors="backslashreplace").decode()


def read_json(path: Path) -> Any:
    """Read a JSON file; raises `UserError` if it is missing or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not valid JSON ({error})") from None


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", errors="surrogateescape", newline="")
