"""The format and the file of an export."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from framework.components import Exporter
from framework.errors import UserError
from framework.files import append_suffix, require_writable
from framework.recipe.loading import validate_component
from framework.registry import Registry
from framework.runs.bundle import SUFFIX
from framework.runs.export_file import exporter_of
from framework.runs.trained import Trained

MAX_IMAGES = 5000
"""Images for the comparison of run and export, by default."""


@dataclass(frozen=True)
class Target:
    """Which file to write or, with `verify`, to compare with its run."""

    exporter: Exporter
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


def find_target(
    trained: Trained, registry: Registry, named: str | None, file: Path | None, *, int8: bool, verify: bool = False
) -> Target:
    """The exporter `named`, else that of the file's suffix, else onnx; the file, else one beside the run.

    Raises `UserError` if they do not match each other or the run, if the file exists or cannot be written, or if the
    format needs packages that are missing.
    """
    if trained.is_export:
        raise UserError(f"'{trained.label}' is an export; export the run that it was made from")
    exporter = _exporter(named, file, registry)
    if exporter.suffix == SUFFIX and trained.folder is None:
        raise UserError(f"'{trained.label}' is a bundle already")
    if int8 and exporter.name != "onnx":
        raise UserError(f"--int8 needs --format onnx, not {exporter.name}")
    base = trained.folder.path if trained.folder else Path(Path(trained.label).name.removesuffix(SUFFIX))
    file = file or append_suffix(base, exporter.suffix)
    if file.suffix != exporter.suffix:
        raise UserError(f"'{file}': the name of a file in --format {exporter.name} must end in {exporter.suffix}")
    if verify and not file.is_file():
        raise UserError(f"--verify: there is no file '{file}'")
    if not verify:
        _require_new(file, [*exporter.companions, *([".int8.onnx"] if int8 else [])])
    exporter.require()
    return Target(exporter, file, int8, verify)


def _exporter(named: str | None, file: Path | None, registry: Registry) -> Exporter:
    """By name with options, such as `onnx opset=20`, or by the suffix of the file, or `onnx`."""
    if named is None:
        found = exporter_of(file, registry) if file else None
        return validate_component(Exporter, found.name if found else "onnx", registry)
    try:
        name, *options = shlex.split(named) or [""]
    except ValueError:
        raise UserError(
            f"--format is {named!r}; it must be the name of an exporter with options, such as 'onnx opset=20'"
        ) from None
    return validate_component(Exporter, name, registry, options)


def _require_new(file: Path, companions: Sequence[str]) -> None:
    for path in (file, *(file.with_suffix(suffix) for suffix in companions)):
        if path.exists():
            raise UserError(f"'{path}' already exists; remove it or choose another --out")
    require_writable(file, "--out")
