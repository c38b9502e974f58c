"""Links in the documentation resolve, and the documentation site builds without a warning."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[1]
TOP = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
PAGES = [*(ROOT / name for name in TOP), *sorted((ROOT / "docs").glob("*.md"))]
MARKDOWN = MarkdownIt("commonmark").enable("table")


def parts(page):
    """The inline parts of a page; code blocks have none."""
    tokens = MARKDOWN.parse(page.read_text(encoding="utf-8"))
    return [part for token in tokens if token.type == "inline" for part in token.children]


def links(page):
    targets = [str(part.attrs.get("href") or part.attrs.get("src") or "") for part in parts(page)]
    return [target for target in targets if target and not re.match(r"[a-z]+:", target)]


def anchors(page):
    """The anchors of a page's headings, as code hosts and MyST make them."""
    tokens = MARKDOWN.parse(page.read_text(encoding="utf-8"))
    headings = [tokens[index + 1].children for index, token in enumerate(tokens) if token.type == "heading_open"]
    titles = ["".join(part.content for part in heading).lower() for heading in headings]
    return {re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in titles}


def broken_links(page):
    for target in links(page):
        file, _, anchor = target.partition("#")
        linked = page.parent / file if file else page
        if not linked.is_file() or (anchor and anchor not in anchors(linked)):
            yield target


def test_every_relative_link_and_anchor_resolves():
    broken = {page.name: found for page in PAGES if (found := list(broken_links(page)))}
    assert broken == {}


def test_a_missing_file_and_a_missing_anchor_are_broken_links(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# One `two`: three\n\n[a](#one-two-three) [b](#two) [c](page.md) [d](gone.md)\n\n`[e](gone.md)`\n")
    assert list(broken_links(page)) == ["#two", "gone.md"]


def test_the_index_links_every_page():
    index = ROOT / "docs" / "index.md"
    linked = {(index.parent / target).resolve() for target in links(index)}
    assert {page.name for page in PAGES if page.resolve() not in linked} == {"index.md"}


def build_site(source, out):
    for package in ("sphinx", "myst_parser", "furo"):
        pytest.importorskip(package, reason="needs pip install 'framework[docs]'")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-c", source / "docs", source, out]
    return subprocess.run(command, capture_output=True, text=True)


def test_the_site_builds_in_strict_mode_with_navigation_and_pictures(tmp_path):
    done = build_site(ROOT, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    html = (tmp_path / "docs" / "index.html").read_text(encoding="utf-8")
    assert re.findall(r'class="caption-text">(\w+)<', html) == ["Start", "Guides", "Reference", "Explanation"]
    assert {picture.name for picture in (tmp_path / "_images").iterdir()} >= {"run.svg", "report.png", "serve.png"}


def test_a_broken_link_fails_the_site_build(tmp_path):
    (tmp_path / "docs").mkdir()
    shutil.copy(ROOT / "docs" / "conf.py", tmp_path / "docs")
    (tmp_path / "docs" / "index.md").write_text("# Index\n\n[gone](gone.md)\n")
    done = build_site(tmp_path, tmp_path / "site")
    assert done.returncode != 0
    assert "gone.md" in done.stderr
