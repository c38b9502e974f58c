"""Which files paths, folders, patterns and lists name."""

import io
import os
from pathlib import Path

import pytest

from framework import BadImage, UserError
from framework.data.listing import Listing, expand, lines_of, missing


@pytest.fixture
def tree(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in (
        "b.jpg",
        "a/2.png",
        "a/10.png",
        "a/deep/x.png",
        "c d/é\n.png",
        "a/notes.txt",
        ".hidden/1.png",
        "a/.x.png",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def test_a_folder_gives_its_visible_images_and_those_below(tree):
    assert list(Listing().named("a")) == ["a/10.png", "a/2.png", "a/deep/x.png"]


def test_what_is_passed_over_is_counted_by_ending(tree):
    listing = Listing()
    list(listing.named("."))
    assert listing.skipped == {".txt": 1}


def test_a_file_that_is_named_is_given_whatever_its_ending(tree):
    assert list(Listing().named("a/notes.txt")) == ["a/notes.txt"]


def test_a_folder_without_images_is_remembered(tree):
    (tree / "none").mkdir()
    listing = Listing()
    assert list(listing.named("none")) == []
    assert listing.empty == ["none"]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("a/*.png", ["a/10.png", "a/2.png"]),
        ("a/?.png", ["a/2.png"]),
        ("[bc]*", ["b.jpg", "c d"]),
        ("**/*.png", ["a/10.png", "a/2.png", "a/deep/x.png", "c d/é\n.png"]),
        ("a/**/x.png", ["a/deep/x.png"]),
        ("**/deep", ["a/deep"]),
        ("a/**", ["a"]),
        ("**", ["."]),
        (".hidden/*", [".hidden/1.png"]),
        ("a/.*.png", ["a/.x.png"]),
        ("z*", []),
    ],
)
def test_patterns_match_as_in_a_shell(tree, pattern, expected):
    assert list(expand(pattern)) == expected


def test_a_pattern_may_begin_at_the_root(tree):
    assert list(expand(f"{tree}/a/2*")) == [f"{tree}/a/2.png"]


def test_no_image_is_given_twice_for_one_pattern(tree):
    assert sorted(Listing().named("**/*")) == sorted(["b.jpg", "a/notes.txt", *Listing().named("a"), "c d/é\n.png"])


def test_a_name_with_the_signs_of_a_pattern_is_a_name_where_there_is_such_a_file(tree):
    (tree / "[1]*.png").touch()
    assert list(Listing().named("[1]*.png")) == ["[1]*.png"]


def test_what_is_not_there_is_an_error(tree):
    missing(["a", "b.jpg", "*.jpg"])
    for word in ("nowhere", "*.gif"):
        with pytest.raises(UserError, match="there is no file or folder"):
            missing([word])


def test_links_are_followed_but_not_in_circles(tree):
    (tree / "a" / "back").symlink_to(tree / "a")
    (tree / "linked").symlink_to(tree / "c d")
    assert list(Listing().named("a")) == ["a/10.png", "a/2.png", "a/deep/x.png"]
    assert list(Listing().named("linked")) == ["linked/é\n.png"]


def test_a_folder_that_cannot_be_read_is_reported_and_the_rest_goes_on(tree, monkeypatch):
    scandir = os.scandir

    def refuse(path):
        if Path(path).name == "deep":  # chmod does not stop root, who may run the tests
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    *files, bad = Listing().named("a")
    assert files == ["a/10.png", "a/2.png"]
    assert isinstance(bad, BadImage)
    assert str(bad) == "a/deep: the folder cannot be read: Permission denied"


def test_a_list_has_a_path_on_each_line(tree):
    assert list(lines_of(io.BytesIO("a b.png\n\né.png".encode()))) == ["a b.png", "é.png"]


@pytest.mark.parametrize(
    "text", ["a b.png\r\n\r\né.png\r\n", "\ufeffa b.png\né.png", "\ufeffa b.png\r\né.png"], ids=repr
)
def test_ends_of_lines_and_a_byte_order_mark_are_no_part_of_a_path(text):
    assert list(lines_of(io.BytesIO(text.encode()))) == ["a b.png", "é.png"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_a_list_in_utf_16_is_refused(encoding):
    text = "a.png\n" if encoding == "utf-16" else "\ufeffa.png\n"
    with pytest.raises(UserError, match="UTF-16"):
        list(lines_of(io.BytesIO(text.encode(encoding))))


def test_an_empty_list_has_no_paths():
    assert list(lines_of(io.BytesIO(b""))) == list(lines_of(io.BytesIO(b""), b"\0")) == []


def test_a_list_that_is_ended_by_nul_may_have_any_name(tree):
    assert list(lines_of(io.BytesIO(b"a\nb.png\0c.png\0"), b"\0")) == ["a\nb.png", "c.png"]


@pytest.mark.parametrize("word", [".", "**/*.png", "*/*.png", "a"])
def test_folders_of_systems_are_passed_over(tree, word):
    before = list(Listing().named(word))
    for name in ("a/@eaDir/2.png", "__MACOSX/3.png", "a/deep/$RECYCLE.BIN/x/4.png"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).touch()
    assert list(Listing().named(word)) == before


@pytest.mark.parametrize(("there", "asked"), [("caf\u00e9", "cafe\u0301"), ("cafe\u0301", "caf\u00e9")])
def test_unicode_forms_of_a_path_are_one(tree, there, asked):
    file = tree / there / f"{there}.png"
    file.parent.mkdir()
    file.touch()
    words = [asked, f"{asked}/{asked}.png", f"{asked}/*.png", f"**/{asked}.png", f"**/*{asked[3:]}*.png"]
    missing(words)
    for word in words:
        assert f"{there}/{there}.png" in list(Listing().named(word))
