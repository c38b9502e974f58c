"""`framework new plugin`, from the files to an installed plugin that passes `framework plugins check`."""

import json
import subprocess
import sys
import tomllib

import pytest

from framework.components import KINDS

ALL = ",".join(kind.kind for kind in KINDS)


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def install(package, site):
    pytest.importorskip("setuptools", minversion="64")
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-build-isolation", "--quiet"]
    done = subprocess.run([*command, "--target", site, package], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_new_plugin_with_all_kinds_is_installed_and_passes_its_checks(start_framework, here):
    def call(*arguments):
        process = start_framework(*arguments, plugins=[here / "site"], cwd=here)
        out, err = process.communicate()
        assert process.returncode == 0, out + err
        return out

    call("new", "plugin", "zebra", "--kinds", ALL)
    install("./framework-zebra", here / "site")
    document = json.loads(call("plugins", "check", "zebra", "--json"))
    assert (document["distribution"], document["version"], document["failed"]) == ("framework-zebra", "0.1", 0)
    assert {result["of"] for result in document["results"]} == {
        "plugin zebra",
        *(f"{kind.kind} zebra" for kind in KINDS),
    }
    assert {result["check"] for result in document["results"] if result["status"] == "skipped"} <= {"export"}


def test_the_tests_of_a_new_plugin_pass(framework, here, monkeypatch):
    assert framework("new", "plugin", "zebra", "--kinds", "transform,loss").status == 0
    install("./framework-zebra", here / "site")
    monkeypatch.setenv("PYTHONPATH", str(here / "site"))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-v", "framework-zebra"], cwd=here, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout
    assert "test_conformance[transform-zebra-batch_independence] PASSED" in done.stdout
    assert "test_conformance[loss-zebra-resume] PASSED" in done.stdout


def test_the_default_is_a_model(framework, here):
    result = framework("new", "plugin", "okapi")
    assert (result.status, "framework plugins check okapi" in result.out) == (0, True)
    package = here / "framework-okapi"
    files = {path.relative_to(package).as_posix() for path in package.rglob("*") if path.is_file()}
    assert files == {"pyproject.toml", "README.md", "framework_okapi/__init__.py", "tests/test_conformance.py"}
    project = tomllib.loads((package / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["framework"] == {"okapi": "framework_okapi"}
    code = (package / "framework_okapi" / "__init__.py").read_text()
    assert "class OkapiModel(Model)" in code
    assert not [line for line in code.splitlines() if len(line) > 88]


def test_the_folder_is_chosen_by_out(framework, here):
    (here / "packages").mkdir()
    assert framework("new", "plugin", "okapi", "--out", "packages").status == 0
    assert (here / "packages" / "framework-okapi" / "pyproject.toml").is_file()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["Foo-Bar"], "'foo_bar'"),
        (["stranger"], "'stranger'"),
        (["resnet18"], "model 'resnet18'"),
        (["okapi", "--kinds", "modle"], "'model'"),
        (["okapi", "--out", "nowhere"], "'nowhere'"),
        (["there"], "framework-there"),
    ],
)
def test_mistakes_are_reported_and_nothing_is_written(framework, here, arguments, complaint):
    (here / "framework-there").mkdir()
    result = framework("new", "plugin", *arguments)
    assert result.status == 2
    assert complaint in result.err
    assert [path.name for path in here.iterdir()] == ["framework-there"]
