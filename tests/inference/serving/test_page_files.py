"""The page's files, without a browser."""

import re
from importlib.resources import files
from pathlib import Path

PAGE = sorted(Path(str(files("framework.inference"))).joinpath("serving", "page").iterdir())


def test_untrusted_names_never_become_markup():
    scripts = [file for file in PAGE if file.suffix == ".js"]
    assert scripts
    for script in scripts:
        found = re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", script.read_text())
        assert found == [], script


def test_the_page_loads_nothing_from_other_servers():
    for file in PAGE:
        found = re.findall(r"""(?:src|href|url|from|import)\b["'=( ]+(?:https?:)?//[^"' )]+""", file.read_text())
        assert found == [], file
