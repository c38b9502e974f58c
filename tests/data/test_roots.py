from pathlib import Path

import pytest

from framework import UserError, find_data


@pytest.fixture
def shared(tmp_path, monkeypatch):
    """A working folder, and `$FRAMEWORK_DATA` beside it."""
    (tmp_path / "work").mkdir()
    (tmp_path / "shared" / "photos").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("FRAMEWORK_DATA", str(tmp_path / "shared"))
    return tmp_path / "shared"


def test_a_folder_that_is_here_comes_first(shared):
    Path("photos").mkdir()
    assert find_data(Path("photos")) == Path("photos")


def test_a_relative_folder_is_looked_for_under_the_shared_one(shared):
    assert find_data(Path("photos")) == shared / "photos"


def test_the_usual_data_folder_stands_for_the_shared_one(shared):
    assert find_data(Path("data/photos")) == shared / "photos"


def test_an_absolute_folder_is_itself_or_nothing(shared):
    assert find_data(shared / "photos") == shared / "photos"
    assert find_data(Path("/nowhere/photos")) is None


def test_home_is_understood(shared, monkeypatch):
    monkeypatch.setenv("HOME", str(shared))
    assert find_data(Path("~/photos")) == shared / "photos"


def test_the_home_of_a_user_who_is_not_there_is_the_user_s_error(shared, monkeypatch):
    with pytest.raises(UserError, match="'~nobody-here/photos'"):
        find_data(Path("~nobody-here/photos"))
    monkeypatch.setenv("FRAMEWORK_DATA", "~nobody-here")
    with pytest.raises(UserError, match="'~nobody-here'"):
        find_data(Path("photos"))


def test_what_is_nowhere_is_none(shared, monkeypatch):
    assert find_data(Path("paintings")) is None
    monkeypatch.delenv("FRAMEWORK_DATA")
    assert find_data(Path("photos")) is None
