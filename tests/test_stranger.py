"""The plugin `stranger` of the tests has a component of every kind, each in at most 15 lines."""

import inspect
from pathlib import Path

from framework.components import KINDS
from framework.registry import Registry

STRANGER = Path(__file__).parent / "stranger"
LINES = 15


def code_lines(component):
    lines = inspect.getsource(component).splitlines()
    return len([line for line in lines if line.strip()])


def test_a_component_of_every_kind_takes_at_most_fifteen_lines(monkeypatch):
    monkeypatch.syspath_prepend(str(STRANGER))
    registry = Registry.load()
    shortest = {}
    for kind in KINDS:
        own = [
            registry.find(kind, name)
            for name in registry.names(kind)
            if registry.provider(kind, name).name == "stranger"
        ]
        shortest[kind.kind] = min(map(code_lines, own), default=None)
    assert {kind: lines for kind, lines in shortest.items() if lines is None or lines > LINES} == {}
