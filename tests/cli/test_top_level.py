"""`framework`: help, version, exit statuses."""

import subprocess
import sys
from importlib.metadata import version

import pytest

from framework.cli import COMMANDS


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["help"]], ids=str)
def test_the_help_has_every_command(framework, arguments):
    result = framework(*arguments)
    assert result.status == 0
    assert all(f"\n  {name} " in result.out for name in COMMANDS)


def test_every_command_has_help_of_at_most_80_columns(framework, capfd, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert max(map(len, framework("--help").out.splitlines())) <= 80
    for command in COMMANDS:
        with pytest.raises(SystemExit) as ended:
            framework(*command.split(), "--help")
        printed = capfd.readouterr().out
        assert ended.value.code == 0
        assert printed.startswith(f"usage: framework {command} ")
        assert max(map(len, printed.splitlines())) <= 80, command


def test_the_version(framework):
    assert framework("--version").out == f"framework {version('framework')}\n"


@pytest.mark.parametrize(
    ("given", "meant"), [("chek", "check"), ("Run", "run"), ("plugin", "plugins"), ("data chek", "data check")]
)
def test_an_unknown_command_suggests_a_known_one(framework, given, meant):
    result = framework(*given.split())
    assert result.status == 2
    assert f"'{given}'; did you mean '{meant}'?" in result.err


@pytest.mark.parametrize(
    ("command", "suggested"),
    [
        ("predict --find faces", "--detect"),
        ("predict runs/a --find=faces photo.jpg", "--detect"),
        ("evaluate runs/a --views 2", "--tta"),
        ("soup runs/a runs/b --out c --refresh 20", "--recalibrate-bn"),
        ("list --jsn", "--json"),
    ],
)
def test_an_unknown_or_former_option_suggests_a_known_one(framework, capfd, command, suggested):
    with pytest.raises(SystemExit) as ended:
        framework(*command.split())
    assert ended.value.code == 2
    assert f"did you mean '{suggested}'?" in capfd.readouterr().err


@pytest.mark.parametrize("arguments", [["check"], ["show", "model"], ["list", "--jsn"], ["data", "fetch"]], ids=str)
def test_missing_and_unknown_arguments_have_status_2(framework, arguments):
    with pytest.raises(SystemExit) as ended:
        framework(*arguments)
    assert ended.value.code == 2


def test_a_missing_recipe_is_reported_without_its_overrides(framework, capfd):
    with pytest.raises(SystemExit):
        framework("check")
    assert capfd.readouterr().err.endswith(": RECIPE\n")


def test_an_error_has_no_traceback(framework):
    assert "Traceback" not in framework("check", "nowhere.yaml").err


def test_an_error_has_a_traceback_with_debug_and_the_same_status(framework):
    result = framework("check", "nowhere.yaml", "--debug")
    assert "Traceback" in result.err
    assert result.status == 2


def test_an_internal_error_is_one_message_with_status_1(framework, monkeypatch):
    monkeypatch.setattr("framework.registry.Registry.load", lambda files: 1 / 0)
    result = framework("list")
    assert result.status == 1
    assert "ZeroDivisionError: division by zero\n" in result.err
    assert "Traceback" not in result.err


def test_an_interruption_has_status_130(framework, monkeypatch):
    def interrupt(files):
        raise KeyboardInterrupt

    monkeypatch.setattr("framework.registry.Registry.load", interrupt)
    assert framework("list").status == 130


def test_a_recipe_with_mistakes_has_exit_status_2(start_framework, tmp_path):
    (tmp_path / "r.yaml").write_text("dataset: drawn_faces\nmodel: resnet81\ntrain: {epochs: x}\nsed: 1\n")
    process = start_framework("run", "r.yaml", cwd=tmp_path)
    out, err = process.communicate()
    assert process.returncode == 2
    assert out == ""
    assert [line.split(": ")[0] for line in err.splitlines()] == ["r.yaml:2:8", "r.yaml:3:17", "r.yaml:4:1"]


def test_a_closed_pipe_is_not_an_error():
    command = f"set -o pipefail; {sys.executable} -m framework schema | head -c 10"
    done = subprocess.run(["bash", "-c", command], capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b'{\n  "$sche', b"")


def test_out_of_memory_suggests_a_smaller_batch_size(framework, monkeypatch):
    def fail(arguments):
        raise MemoryError("CUDA out of memory. Tried to allocate 2 GiB\nmore")

    monkeypatch.setattr("framework.cli._dispatch", fail)
    result = framework("run", "any.yaml")
    assert result.status == 1
    assert result.err.startswith("CUDA out of memory. Tried to allocate 2 GiB\n")
    assert "train.batch_size" in result.err
