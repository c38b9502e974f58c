"""The types of the Python API, as a program of a user sees them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("mypy")
ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "tests" / "typed" / "script.py"
WRONG = """
import framework
framework.train(3)
framework.load("run").metrics["test"] + 1
framework.evaluate("run", batch_size="many")
framework.compare("run", html=1.5)
framework.load("run").predict(3)
"""


def check(file, folder):
    """mypy's exit status and the numbers of the lines with errors, without this project's configuration."""
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", f"--cache-dir={folder / 'cache'}", str(file)]
    environment = os.environ | {"MYPYPATH": f"{ROOT}:{ROOT / 'plugins'}"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    errors = [line for line in done.stdout.splitlines() if ": error: " in line]
    return done.returncode, {line.split(":")[1] for line in errors if file.name in line}, errors


def test_a_program_type_checks_and_mistakes_are_found(tmp_path):
    assert check(SCRIPT, tmp_path)[0] == 0, check(SCRIPT, tmp_path)[2]
    wrong = tmp_path / "wrong.py"
    wrong.write_text(WRONG)
    status, lines, _ = check(wrong, tmp_path)
    assert (status, lines) == (1, {"3", "4", "5", "6", "7"})
