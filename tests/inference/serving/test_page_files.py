"""What must hold for the page's files, browser or not."""

import re
from importlib.resources import files
from pathlib import Path

PAGE = sorted(Path(str(files("framework.inference"))).joinpath("serving", "page").iterdir())


def test_what_others_name_never_becomes_markup():
    scripts = [file for file in PAGE if file.suffix == ".js"]
    assert scripts
    for script in scripts:
        found = re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", script.read_text())
        assert found == [], script


def test_nothing_of_the_page_comes_from_the_network():
    for file in PAGE:
        found = re.findall(r"""(?:src|href|url|from|import)\b["'=( ]+(?:https?:)?//[^"' )]+""", file.read_text())
        assert found == [], file
