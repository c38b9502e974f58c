"""Fixtures that write and read a recipe."""

import pytest

from framework import Registry
from framework.recipe import RecipeError, load_recipe

BASE = "dataset: drawn_faces\nmodel: resnet18\n"


@pytest.fixture(scope="session")
def registry():
    """Every installed plugin."""
    return Registry.load()


@pytest.fixture
def load(tmp_path, monkeypatch, registry):
    """Read `recipe.yaml` with that text and those overrides."""
    monkeypatch.chdir(tmp_path)

    def load(text=BASE, *overrides):
        content = text if isinstance(text, bytes) else text.encode()
        (tmp_path / "recipe.yaml").write_bytes(content)
        return load_recipe("recipe.yaml", registry, overrides)

    return load


@pytest.fixture
def complaints(load):
    """The lines of the error about an invalid recipe."""

    def complaints(text=BASE, *overrides):
        with pytest.raises(RecipeError) as caught:
            load(text, *overrides)
        return str(caught.value).splitlines()

    return complaints
