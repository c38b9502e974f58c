"""A user without a home folder, as in containers with arbitrary user ids."""

import pwd

import pytest

from framework import RunFolder


@pytest.fixture
def no_home(monkeypatch):
    """HOME is not set, and the system does not know the user."""

    def unknown(number):
        raise KeyError(number)

    for variable in ("HOME", "FRAMEWORK_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)


@pytest.mark.usefixtures("no_home")
def test_a_run_without_a_cache_folder_prints_a_message(framework, photos, tmp_path):
    result = framework(
        "run", "folder", f"dataset.root={photos}", "model=tinynet", "preprocess.size=16", "train.epochs=1",
        "train.batch_size=8", "train.device=cpu", "--out", tmp_path / "run",
    )  # fmt: skip
    assert result.status == 0, result.err
    assert "HOME is not set" in result.out
    assert RunFolder(tmp_path / "run").results.is_file()


@pytest.mark.usefixtures("no_home")
@pytest.mark.parametrize(
    "command",
    [
        ["data", "cache"],
        ["data", "cache", "--clear"],
        ["run", "folder", "dataset.root=~/photos", "--out", "run"],
        ["run", "folder", "dataset.root=~nobody-here/photos", "--out", "run"],
        ["data", "check", "folder", "dataset.root=~/photos"],
        ["data", "fetch", "fer2013", "root=~/fer2013"],
    ],
    ids=" ".join,
)
def test_a_missing_home_folder_is_one_message(framework, command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = framework(*command)
    assert result.status == 2
    assert "there is no home folder" in result.err
    assert result.err.count("\n") == 1
