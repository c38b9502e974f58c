"""`framework` itself: help, version, and the ways that a command can end."""

import subprocess
import sys
from importlib.metadata import version

import pytest

from framework.cli import COMMANDS


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["help"]], ids=str)
def test_the_help_names_every_command(framework, arguments):
    result = framework(*arguments)
    assert result.status == 0
    assert all(f"\n  {name} " in result.out for name in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_help_of_its_own(framework, capfd, command):
    with pytest.raises(SystemExit) as ended:
        framework(*command.split(), "--help")
    assert ended.value.code == 0
    assert capfd.readouterr().out.startswith(f"usage: framework {command}")


def test_the_version(framework):
    assert framework("--version").out == f"framework {version('framework')}\n"


@pytest.mark.parametrize(
    ("given", "meant"), [("chek", "check"), ("Run", "run"), ("plugin", "plugins"), ("data chek", "data check")]
)
def test_an_unknown_command_brings_the_nearest(framework, given, meant):
    result = framework(*given.split())
    assert result.status == 2
    assert f"there is no command '{given}'; did you mean '{meant}'?" in result.err


@pytest.mark.parametrize("arguments", [["check"], ["show", "model"], ["list", "--jsn"], ["data", "fetch"]], ids=str)
def test_missing_and_unknown_arguments_end_with_2(framework, arguments):
    with pytest.raises(SystemExit) as ended:
        framework(*arguments)
    assert ended.value.code == 2


def test_a_missing_recipe_is_asked_for_without_its_overrides(framework, capfd):
    with pytest.raises(SystemExit):
        framework("check")
    assert capfd.readouterr().err.endswith("the following arguments are required: RECIPE\n")


def test_an_error_has_no_traceback(framework):
    assert "Traceback" not in framework("check", "nowhere.yaml").err


def test_an_error_has_a_traceback_with_debug_and_the_same_status(framework):
    result = framework("check", "nowhere.yaml", "--debug")
    assert "Traceback" in result.err
    assert result.status == 2


def test_a_fault_of_our_own_is_one_clear_message(framework, monkeypatch):
    monkeypatch.setattr("framework.registry.Registry.load", lambda files: 1 / 0)
    result = framework("list")
    assert result.status == 1
    assert result.err.startswith("framework failed unexpectedly: ZeroDivisionError: division by zero\n")


def test_an_interruption_ends_with_130(framework, monkeypatch):
    def interrupt(files):
        raise KeyboardInterrupt

    monkeypatch.setattr("framework.registry.Registry.load", interrupt)
    assert framework("list").status == 130


def test_a_recipe_with_mistakes_ends_the_process_with_2(start_framework, tmp_path):
    (tmp_path / "r.yaml").write_text("dataset: drawn_faces\nmodel: resnet81\ntrain: {epochs: x}\nsed: 1\n")
    process = start_framework("run", "r.yaml", cwd=tmp_path)
    out, err = process.communicate()
    assert process.returncode == 2
    assert out == ""
    assert [line.split(": ")[0] for line in err.splitlines()] == ["r.yaml:2:8", "r.yaml:3:17", "r.yaml:4:1"]


def test_a_reader_that_goes_away_is_no_error():
    command = f"set -o pipefail; {sys.executable} -m framework schema | head -c 10"
    done = subprocess.run(["bash", "-c", command], capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b'{\n  "$sche', b"")


def test_too_little_memory_is_told_with_what_may_help(framework, monkeypatch):
    def fail(arguments):
        raise MemoryError("CUDA out of memory. Tried to allocate 2 GiB\nmore")

    monkeypatch.setattr("framework.cli._dispatch", fail)
    result = framework("run", "any.yaml")
    assert result.status == 1
    assert result.err.startswith("the memory is not enough: CUDA out of memory. Tried to allocate 2 GiB\n")
    assert "train.batch_size" in result.err
