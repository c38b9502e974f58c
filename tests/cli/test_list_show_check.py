"""`list`, `show`, `check` and `schema`."""

import json

import pytest

BASE = "dataset: drawn_faces\nmodel: resnet18\n"


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recipe.yaml").write_text(BASE)
    return "recipe.yaml"


def test_check_of_a_valid_recipe_succeeds(framework, recipe):
    result = framework("check", recipe)
    assert (result.status, result.err) == (0, "")
    assert "10 epochs" in result.out
    assert "1 epoch)" in framework("check", recipe, "train.epochs=1").out


def test_check_reports_all_mistakes_with_status_2(framework, recipe):
    result = framework("check", recipe, "train.epochs=0", "seed=x", "modle=x")
    assert (result.status, result.out, len(result.err.splitlines())) == (2, "", 3)


def test_the_resolved_recipe_is_itself_valid(framework, recipe, tmp_path):
    (tmp_path / "resolved.yaml").write_text(framework("check", recipe, "--resolved").out)
    assert framework("check", "resolved.yaml").status == 0
    assert framework("check", "resolved.yaml", "--resolved").out == (tmp_path / "resolved.yaml").read_text()


def test_overrides_may_follow_options(framework, recipe):
    assert "epochs: 3" in framework("check", recipe, "train.epochs=3", "--resolved", "seed=1").out


def test_list_has_every_kind(framework):
    titles = [line for line in framework("list").out.splitlines() if line and not line.startswith(" ")]
    assert titles == [
        "datasets",
        "tasks",
        "transforms",
        "models",
        "losses",
        "methods",
        "optimizers",
        "schedulers",
        "callbacks",
        "detectors",
        "metrics",
        "exporters",
    ]


@pytest.mark.parametrize("kind", ["loss", "losses"])
def test_list_accepts_a_kind_in_singular_and_plural(framework, kind):
    assert json.loads(framework("list", kind, "--json").out)["losses"]["cross_entropy"].startswith("Cross entropy")


def test_list_finds_parts_of_names_and_variants(framework):
    found = json.loads(framework("list", "models", "convnext_atto", "--json").out)["models"]
    assert "timm/convnext_atto" in found


def test_list_finds_patterns(framework):
    assert set(json.loads(framework("list", "models", "resnet?8", "--json").out)["models"]) == {"resnet18"}


def test_list_has_components_of_other_plugins(framework):
    assert "  dots " in framework("list", "datasets").out


def test_list_has_recipes_with_descriptions(framework):
    assert "Seven emotions" in framework("list", "recipes").out


def test_list_without_a_match_is_an_error(framework):
    result = framework("list", "models", "zzz")
    assert (result.status, result.out) == (2, "")
    assert "'zzz'" in result.err


@pytest.mark.parametrize(
    ("given", "suggested"),
    [("modles", "models"), ("observers", "callbacks"), ("observer", "callback"), ("finders", "detectors")],
)
def test_an_unknown_or_former_kind_suggests_a_known_one(framework, given, suggested):
    for command in (["list", given], ["show", given, "csv"]):
        result = framework(*command)
        assert result.status == 2
        assert f"'{given}'; did you mean '{suggested}'?" in result.err


def test_show_prints_documentation_and_options(framework):
    out = framework("show", "model", "tinynet").out
    assert out.startswith("model tinynet\n\n  Two convolutions")
    assert "  width: int = 8\n      Channels.\n" in out
    assert out.endswith("from plugin stranger (framework-stranger 1.2)\n")


def test_show_prints_the_shorthand_of_variants(framework):
    assert "is short for {name: timm, arch:" in framework("show", "model", "timm").out


def test_show_as_json_is_a_schema(framework):
    assert json.loads(framework("show", "transform", "flip", "--json").out)["properties"]["p"]["default"] == 0.5


@pytest.mark.parametrize("name", ["resnet81", "timm/resnet81", "resnet18/x"])
def test_show_of_an_unknown_name_is_an_error(framework, name):
    result = framework("show", "model", name)
    assert (result.status, result.out) == (2, "")
    assert "resnet" in result.err


def test_schema_has_components_of_other_plugins(framework):
    assert "Model.tinynet" in json.loads(framework("schema").out)["$defs"]


@pytest.mark.parametrize("command", ["list", "show model speednet", "check nothing_of_that_name", "plugins", "help"])
def test_on_a_terminal_lines_are_wrapped_at_words(command, tmp_path):
    import fcntl
    import os
    import struct
    import subprocess
    import sys
    import termios

    main, terminal = os.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 70, 0, 0))
    environment = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES")}
    called = [sys.executable, "-m", "framework", *command.split()]
    process = subprocess.Popen(called, stdout=terminal, stderr=terminal, env=environment, cwd=tmp_path)
    os.close(terminal)
    printed = b""
    try:
        while part := os.read(main, 65536):
            printed += part
    except OSError:  # raised when the other side of the terminal is closed
        pass
    process.wait()
    os.close(main)
    assert len(printed) > 70
    assert max(map(len, printed.decode().splitlines())) <= 70
