"""Sphinx configuration: `sphinx-build -W -c docs . build/site` builds the site of these pages.

The source folder is the repository's root, so that the pages keep the links that work on a code host, to README.md and
CONTRIBUTING.md too.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

ROOT = Path(__file__).parent.parent
INDEX = "docs/index"

project = "framework"
root_doc = INDEX
extensions = ["myst_parser"]
include_patterns = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/*.md"]
exclude_patterns = [entry.name for entry in ROOT.iterdir() if entry.is_dir() and entry.name != "docs"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = "framework"
html_copy_source = False


def navigation(index: str) -> str:
    """One hidden table of contents for each section of the index page, in the page's order."""
    trees = []
    for section in re.split(r"^## ", index, flags=re.MULTILINE)[1:]:
        pages = re.findall(r"\[([^\]]+)\]\(([^)#:]+\.md)\)", section)
        entries = "".join(f"{title} <{_document(target)}>\n" for title, target in pages)
        trees.append(f"```{{toctree}}\n:hidden:\n:caption: {section.splitlines()[0]}\n\n{entries}```\n")
    return "\n" + "\n".join(trees)


def _document(target: str) -> str:
    return "/" + (ROOT / "docs" / target).resolve().relative_to(ROOT.resolve()).with_suffix("").as_posix()


def _add_navigation(app: Sphinx, document: str, source: list[str]) -> None:
    if document == INDEX:
        source[0] += navigation(source[0])


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("source-read", _add_navigation)
