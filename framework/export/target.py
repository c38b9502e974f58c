"""The format and the file of an export."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from framework.errors import UserError
from framework.export.formats import SUFFIXES, require
from framework.files import append_suffix, require_writable
from framework.runs.trained import Trained

MAX_IMAGES = 5000
"""Images for the comparison of run and export, by default."""


@dataclass(frozen=True)
class Target:
    """Which file to write or, with `verify`, to compare with its run."""

    kind: str
    file: Path
    int8: bool = False
    verify: bool = False

    def require_images(self, number: int) -> None:
        """Raise `UserError` if `--parity` is negative, or 0 although images are needed."""
        if number < 0:
            raise UserError(f"--parity is {number}; it must be at least 0")
        if number == 0 and (self.verify or self.int8):
            option = "--verify" if self.verify else "--int8"
            raise UserError(f"--parity is 0, but {option} needs images; it must be at least 1")


def find_target(trained: Trained, kind: str | None, file: Path | None, *, int8: bool, verify: bool = False) -> Target:
    """The format `kind`, else that of the file's suffix, else onnx; the file, else one beside the run.

    Raises `UserError` if they do not match each other or the run, if the file exists or cannot be written, or if the
    format needs packages that are missing.
    """
    if trained.is_export:
        raise UserError(f"'{trained.label}' is an export; export the run that it was made from")
    by_suffix = {suffix: kind for kind, suffix in SUFFIXES.items()}
    kind = kind or (by_suffix.get(file.suffix, "onnx") if file else "onnx")
    if kind not in SUFFIXES:
        raise UserError(f"--format is '{kind}'; it must be one of {', '.join(SUFFIXES)}")
    if kind == "safetensors" and trained.folder is None:
        raise UserError(f"'{trained.label}' is a bundle already")
    if int8 and kind != "onnx":
        raise UserError(f"--int8 needs --format onnx, not {kind}")
    base = trained.folder.path if trained.folder else Path(Path(trained.label).name.removesuffix(".safetensors"))
    file = file or append_suffix(base, SUFFIXES[kind])
    if file.suffix != SUFFIXES[kind]:
        raise UserError(f"'{file}': the name of a file in --format {kind} must end in {SUFFIXES[kind]}")
    if verify and not file.is_file():
        raise UserError(f"--verify: there is no file '{file}'")
    if not verify:
        _require_new(file, int8)
    require(kind)
    return Target(kind, file, int8, verify)


def _require_new(file: Path, int8: bool) -> None:
    for path in (file, *([file.with_suffix(".int8.onnx")] if int8 else [])):
        if path.exists():
            raise UserError(f"'{path}' already exists; remove it or choose another --out")
    require_writable(file, "--out")
