"""The checkout as an installed package without installing anything: plugins are found by their metadata."""

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
    "jinja2": "jinja2",
    "markupsafe": "markupsafe",
    "platformdirs": "platformdirs",
    "filelock": "filelock",
    "ruamel.yaml": "ruamel.yaml",
}
"""Packages by module."""


def missing() -> list[str]:
    """The missing packages."""
    return [package for module, package in NEEDED.items() if not _is_installed(module)]


def environment(folder: Path) -> dict[str, str]:
    """Environment variables for processes that use the checkout as a package; writes its metadata to `folder`."""
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


def _is_installed(module: str) -> bool:
    """Whether a module can be imported, or found if importing takes seconds."""
    try:
        if module in ("torch", "torchvision", "timm"):
            return importlib.util.find_spec(module) is not None
        importlib.import_module(module)
    except ImportError:
        return False
    return True
