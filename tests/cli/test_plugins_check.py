"""`framework plugins check`."""

import json
from pathlib import Path

import pytest

BROKEN = Path(__file__).parents[1] / "broken"
FAULTY = Path(__file__).parents[1] / "faulty"


@pytest.fixture
def check(start_framework):
    def call(*arguments, plugins):
        process = start_framework("plugins", "check", *arguments, "--json", plugins=plugins)
        out, err = process.communicate()
        document = json.loads(out) if out else {"results": []}
        failed = {
            (result["of"], result["check"]): result for result in document["results"] if result["status"] == "failed"
        }
        return process.returncode, document, failed, err

    return call


def test_a_plugin_that_conforms_has_status_0(framework):
    result = framework("plugins", "check", "tiles")
    assert result.status == 0
    assert "passed   threads" in result.out
    assert "0 failed, 0 skipped" in result.out


def test_a_plugin_that_cannot_be_imported_fails_the_check_of_loading(check):
    status, _, failed, _ = check("broken", plugins=[BROKEN])
    assert (status, list(failed)) == (1, [("plugin broken", "loads")])
    assert "the licence server is down" in failed["plugin broken", "loads"]["message"]


@pytest.mark.parametrize("slow", ["import torch", "sum(range(10**8))"])
def test_a_plugin_whose_import_is_slow_fails_import_purity(check, tmp_path, slow):
    code = "from framework import hookimpl\n\n\n@hookimpl\ndef components():\n    return []\n"
    (tmp_path / "framework_heavy.py").write_text(f"{slow}\n{code}")
    info = tmp_path / "framework_heavy-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: framework-heavy\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[framework]\nheavy = framework_heavy\n")
    status, document, failed, _ = check("heavy", plugins=[tmp_path])
    assert (status, list(failed)) == (1, [("plugin heavy", "import_purity")])
    assert (document["version"], document["passed"], document["failed"]) == ("1.0", 1, 1)


def test_components_are_chosen_by_name(check):
    _, document, failed, _ = check("faulty", "faulty_transform", plugins=[FAULTY])
    assert {result["of"] for result in document["results"]} == {"plugin faulty", "transform faulty_transform"}
    assert ("transform faulty_transform", "documentation") in failed  # its option has no docstring
    assert failed["transform faulty_transform", "documentation"]["to_do"]


@pytest.mark.parametrize(("arguments", "complaint"), [(["tile"], "'tiles'"), (["tiles", "tile"], "'tiles'")])
def test_unknown_names_are_errors_with_a_suggestion(framework, arguments, complaint):
    result = framework("plugins", "check", *arguments)
    assert result.status == 2
    assert f"did you mean {complaint}" in result.err


def test_a_plugin_file_is_checked_too(framework, tmp_path):
    file = tmp_path / "halves.py"
    file.write_text(
        "from framework import Transform\n\n\nclass Halve(Transform):\n"
        '    """Halve pixel values."""\n\n    name = "halve"\n\n'
        "    def build(self):\n        return lambda images, targets, rng: (images / 2, targets)\n"
    )
    result = framework("plugins", "check", "halves", "--plugin", file, "--json")
    assert (result.status, json.loads(result.out)["passed"]) == (0, 10)
