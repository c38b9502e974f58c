"""Standard output without a reader, on a full disk or closed: commands that write files continue."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from framework import RunFolder

STRANGER = Path(__file__).parents[1] / "stranger"
RECIPE = """
dataset: dots
model: tinynet
preprocess: {size: 16}
train: {epochs: 3, batch_size: 16, device: cpu}
"""
ENVIRONMENT = os.environ | {"PYTHONPATH": str(STRANGER), "OMP_NUM_THREADS": "1"}
WITHOUT_READER = "set -o pipefail; {} | true"
TRAINING = {
    "a reader that leaves": ("set -o pipefail; {} | head -n 1 > /dev/null", "Broken pipe"),
    "a reader of everything that leaves": ("set -o pipefail; {} 2>&1 | head -n 1 > /dev/null", None),
    "a full disk": ("{} > /dev/full", "No space left on device"),
    "closed output": ("{} >&-", "Bad file descriptor"),
    "closed streams": ("{} <&- >&- 2>&-", None),
}


@pytest.fixture
def shell(tmp_path):
    """A line of bash, in which `{}` is the command line."""
    (tmp_path / "dots.yaml").write_text(RECIPE)

    def run(line, *arguments):
        command = " ".join([sys.executable, "-m", "framework", *arguments])
        return subprocess.run(
            ["bash", "-c", line.format(command)], env=ENVIRONMENT, cwd=tmp_path, capture_output=True, text=True
        )

    return run


@pytest.mark.parametrize("case", TRAINING)
def test_a_training_whose_output_is_lost_ends_with_its_results(case, shell, tmp_path):
    line, reason = TRAINING[case]
    done = shell(line, "run", "dots.yaml", "--out", "run")
    assert done.returncode == 0, done.stderr
    assert RunFolder(tmp_path / "run").results.is_file()
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == (1 if reason else 0)
    assert reason is None or f"standard output cannot be written any more ({reason})" in done.stderr


@pytest.mark.parametrize("lost", ["{} > /dev/full", "{} >&-"])
@pytest.mark.parametrize("arguments", [["list", "losses"], ["run", "--help"], ["--version"]], ids=" ".join)
def test_a_command_that_only_prints_fails_without_its_output(lost, arguments, shell):
    done = shell(lost, *arguments)
    assert done.returncode == 1
    assert done.stderr.startswith("standard output cannot be written: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", [["list"], ["schema"], ["run", "--help"]], ids=" ".join)
def test_a_command_that_only_prints_ends_silently_with_a_closed_pipe(arguments, shell):
    done = shell(WITHOUT_READER, *arguments)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_new_recipe_is_written_with_a_closed_pipe(shell, tmp_path):
    assert shell(WITHOUT_READER, "new", "recipe", "new.yaml").returncode == 0
    assert (tmp_path / "new.yaml").is_file()


def test_an_error_with_a_closed_pipe_has_its_status(shell):
    assert shell("{} 2> /dev/full", "check", "nowhere.yaml").returncode == 2


def test_closed_standard_input_is_an_empty_list_of_images(shell):
    done = shell("{} <&-", "predict", "drawn/faces", "--stdin")
    assert (done.returncode, "standard input" in done.stderr) == (2, True)


def test_a_training_under_nohup_continues_without_its_terminal(tmp_path):
    (tmp_path / "dots.yaml").write_text(RECIPE)
    process = subprocess.Popen(
        ["nohup", sys.executable, "-m", "framework", "run", "dots.yaml", "--out", "run"],
        env=ENVIRONMENT, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    run = RunFolder(tmp_path / "run")
    while not run.metrics.exists() and process.poll() is None:
        time.sleep(0.005)
    process.send_signal(signal.SIGHUP)
    _, stderr = process.communicate()
    assert process.returncode == 0, stderr
    assert run.results.is_file()
