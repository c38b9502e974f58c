"""The environment of a run."""

import shlex
import subprocess

import pytest

from framework import Registry
from framework.runs.environment import describe_environment, git_state


@pytest.fixture
def repository(tmp_path):
    """With one commit."""
    (tmp_path / "a.txt").write_text("a")
    name = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    for command in (("init", "-q"), ("add", "a.txt"), (*name, "commit", "-q", "-m", "first")):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    return tmp_path


def test_the_recorded_command_can_be_run_again(monkeypatch):
    words = ["framework", "run", "x.yaml", "augment=[flip, erase]", "dataset.root=/data/my photos"]
    monkeypatch.setattr("sys.argv", words)
    assert shlex.split(describe_environment(Registry.load(), "cpu", "float32", False)["command"]) == words


def test_uncommitted_changes_are_recorded(repository):
    clean = git_state(repository)
    assert clean is not None
    assert (len(clean["commit"]), clean["uncommitted_changes"]) == (40, False)
    (repository / "a.txt").write_text("b")
    assert git_state(repository) == {**clean, "uncommitted_changes": True}


def test_a_failure_of_git_is_not_recorded_as_a_clean_repository(repository):
    (repository / ".git" / "index").write_bytes(b"damaged")
    state = git_state(repository)
    assert state is not None
    assert state["uncommitted_changes"] is None


def test_outside_a_repository_there_is_no_state(tmp_path):
    assert git_state(tmp_path) is None
