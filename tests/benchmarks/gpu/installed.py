"""The checkout as an installed package, where nothing can be installed: plugins are found by the usual metadata."""

from __future__ import annotations

import importlib
import importlib.util
import os
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[3]

NEEDED = {
    "torch": "torch",
    "torchvision": "torchvision",
    "timm": "timm",
    "numpy": "numpy",
    "PIL": "pillow",
    "safetensors": "safetensors",
    "pytest": "pytest",
    "pluggy": "pluggy",
    "pydantic": "pydantic",
    "pydantic_core": "pydantic_core",
    "annotated_types": "annotated_types",
    "typing_inspection": "typing_inspection",
    "rich": "rich",
    "markdown_it": "markdown-it-py",
    "ruamel.yaml": "ruamel.yaml",
}
"""Modules, and the packages that they come in."""


def missing() -> list[str]:
    """The packages that are not installed."""
    return [package for module, package in NEEDED.items() if not _is_there(module)]


def environment(folder: Path) -> dict[str, str]:
    """Variables for processes that use the checkout as a package; its metadata goes into `folder`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    metadata = folder / f"framework-{project['version']}.dist-info"
    metadata.mkdir(parents=True, exist_ok=True)
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: framework\nVersion: {project['version']}\n", encoding="utf-8"
    )
    entries = [f"{name} = {module}" for name, module in project["entry-points"]["framework"].items()]
    (metadata / "entry_points.txt").write_text("\n".join(["[framework]", *entries, ""]), encoding="utf-8")
    paths = [str(ROOT), str(ROOT / "plugins"), str(folder), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def _is_there(module: str) -> bool:
    """Whether it can be imported; of those that take seconds, whether it is found."""
    try:
        if module in ("torch", "torchvision", "timm"):
            return importlib.util.find_spec(module) is not None
        importlib.import_module(module)
    except ImportError:
        return False
    return True
