"""Names of the architectures and optimizers of the installed timm, read from its source files.

Importing timm takes seconds and imports torch; reading its files takes milliseconds.
"""

from __future__ import annotations

import functools
import importlib.util
import re
from pathlib import Path

from framework import UserError

_MODEL = re.compile(rb"@register_model\b[^\n]*\n(?:@[^\n]*\n)*def (\w+)")
_OPTIMIZER = re.compile(r"OptimInfo\(\s*(?:name=)?['\"](\w+)['\"]")
_OPTIMIZER_ALIAS = re.compile(r"register_alias\(\s*['\"](\w+)['\"]")


@functools.cache
def architectures() -> tuple[str, ...]:
    """The names of `timm.list_models()`, sorted. Raises `UserError` if timm is not installed."""
    names: set[str] = set()
    for file in (_package() / "models").glob("*.py"):
        names.update(name.decode() for name in _MODEL.findall(file.read_bytes()))
    return tuple(sorted(names))


@functools.cache
def optimizers() -> tuple[str, ...]:
    """The names of `timm.optim.list_optimizers()`, sorted. Raises `UserError` if timm is not installed."""
    text = (_package() / "optim" / "_optim_factory.py").read_text(encoding="utf-8")
    return tuple(sorted({*_OPTIMIZER.findall(text), *_OPTIMIZER_ALIAS.findall(text)}))


def _package() -> Path:
    spec = importlib.util.find_spec("timm")
    if spec is None or spec.origin is None:
        raise UserError("timm is not installed: pip install timm")
    return Path(spec.origin).parent
