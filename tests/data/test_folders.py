import os
from pathlib import Path

import pytest

from framework import UserError, class_tree


def touch(root, *paths):
    """Empty files: a tree is listed, not read."""
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()
    return root


def test_images_are_sorted_by_class_and_path(tmp_path):
    source = class_tree(touch(tmp_path, "b/2.jpg", "a/10.jpg", "a/9.jpg", "b/1.jpg"))
    assert source.classes == ["a", "b"]
    assert source.names == ["a/10.jpg", "a/9.jpg", "b/1.jpg", "b/2.jpg"]
    assert source.labels == [0, 0, 1, 1]


def test_folders_below_a_class_belong_to_it(tmp_path):
    source = class_tree(touch(tmp_path, "a/1.jpg", "a/x/2.jpg", "a/x/y/3.jpg", "b/1.jpg"))
    assert source.names == ["a/1.jpg", "a/x/2.jpg", "a/x/y/3.jpg", "b/1.jpg"]
    assert source.labels == [0, 0, 0, 1]


def test_hidden_files_and_folders_are_passed_over(tmp_path):
    source = class_tree(touch(tmp_path, "a/1.jpg", "a/.2.jpg", "a/.x/3.jpg", ".cache/4.jpg", "b/1.jpg", ".DS_Store"))
    assert source.names == ["a/1.jpg", "b/1.jpg"]
    assert source.classes == ["a", "b"]


def test_endings_may_be_in_upper_case(tmp_path):
    assert class_tree(touch(tmp_path, "a/1.JPG", "b/1.Png")).names == ["a/1.JPG", "b/1.Png"]


def test_an_unusual_ending_loses_no_image(tmp_path):
    source = class_tree(touch(tmp_path, "a/1.jfif", "a/2", "a/3.heic", "b/1.jpg.part"))
    assert source.names == ["a/1.jfif", "a/2", "a/3.heic", "b/1.jpg.part"]


def test_what_usually_lies_beside_images_is_passed_over(tmp_path):
    source = class_tree(
        touch(
            tmp_path, "a/1.jpg", "a/1.txt", "a/1.json", "a/1.XML", "a/Thumbs.db", "a/desktop.ini", "b/1.jpg", "README"
        )
    )
    assert source.names == ["a/1.jpg", "b/1.jpg"]


def test_names_may_be_in_any_script(tmp_path):
    source = class_tree(touch(tmp_path, "дом/снег.jpg", "猫/写真 1.jpg", "émotion/a b.jpg"))
    assert source.names == ["émotion/a b.jpg", "дом/снег.jpg", "猫/写真 1.jpg"]


def test_given_classes_are_in_the_given_order(tmp_path):
    source = class_tree(touch(tmp_path, "a/1.jpg", "b/1.jpg"), ["b", "a"])
    assert source.classes == ["b", "a"]
    assert source.names == ["b/1.jpg", "a/1.jpg"]
    assert source.labels == [0, 1]


def test_a_given_class_without_a_folder_keeps_its_place(tmp_path):
    assert class_tree(touch(tmp_path, "c/1.jpg"), ["a", "b", "c"]).labels == [2]


def test_an_unexpected_class_folder_is_an_error_with_the_nearest_name(tmp_path):
    with pytest.raises(UserError, match="1 class folder that 'classes' does not name: catt; did you mean 'cat'"):
        class_tree(touch(tmp_path, "catt/1.jpg", "dog/1.jpg"), ["cat", "dog"])


def test_loose_images_are_an_error_that_names_them(tmp_path):
    with pytest.raises(UserError, match=r"2 images outside of class folders: 1.jpg, 2.PNG. Sort them into one folder"):
        class_tree(touch(tmp_path, "1.jpg", "2.PNG"))
    with pytest.raises(UserError, match=r"2 images outside of class folders.*Move them into one"):
        class_tree(touch(tmp_path, "a/1.jpg", "b/1.jpg"))


def test_a_folder_without_class_folders_is_an_error(tmp_path):
    with pytest.raises(UserError, match="has no class folders"):
        class_tree(tmp_path)


def test_empty_class_folders_alone_are_an_error(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with pytest.raises(UserError, match="has no images: its class folders a, b "):
        class_tree(tmp_path)


def test_links_to_images_and_folders_are_followed(tmp_path):
    touch(tmp_path / "elsewhere", "1.jpg", "deep/2.jpg")
    touch(tmp_path / "tree", "b/1.jpg").joinpath("b/far").symlink_to(tmp_path / "elsewhere" / "deep")
    (tmp_path / "tree" / "a").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "tree" / "b" / "3.jpg").symlink_to(tmp_path / "elsewhere" / "1.jpg")
    source = class_tree(tmp_path / "tree")
    assert source.names == ["a/1.jpg", "a/deep/2.jpg", "b/1.jpg", "b/3.jpg", "b/far/2.jpg"]


def test_a_loop_of_links_ends(tmp_path):
    touch(tmp_path, "a/1.jpg", "a/x/2.jpg", "b/1.jpg")
    (tmp_path / "a" / "x" / "up").symlink_to(tmp_path / "a")
    (tmp_path / "b" / "self").symlink_to(tmp_path / "b")
    assert class_tree(tmp_path).names == ["a/1.jpg", "a/x/2.jpg", "b/1.jpg"]


def test_a_folder_that_cannot_be_read_is_an_error_and_not_empty(tmp_path, monkeypatch):
    touch(tmp_path, "a/1.jpg", "a/locked/2.jpg", "b/1.jpg")
    scandir = os.scandir

    def refuse(path):
        if Path(path).name == "locked":  # chmod does not stop root, who may run the tests
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(UserError, match=r"the folder '.*locked' cannot be read: Permission denied"):
        class_tree(tmp_path)


def test_a_file_that_changed_just_before_it_was_looked_at_is_not_trusted(tmp_path, monkeypatch):
    source = class_tree(touch(tmp_path, "a/1.jpg", "b/1.jpg"))
    stat, now = os.stat, (tmp_path / "b" / "1.jpg").stat().st_ctime_ns
    clock = iter(range(now, now + 10**12, 10**10))

    def slow(path, **options):  # as that of a million files is
        next(clock)
        return stat(path, **options)

    monkeypatch.setattr("framework.data.stamps.time.time_ns", lambda: next(clock))
    monkeypatch.setattr(os, "stat", slow)
    assert source.stamps([0, 1]).values[:, 3].tolist() == [-1, -1]


@pytest.mark.parametrize("where", ["", "a/", "a/below/"])
def test_a_folder_without_images_names_the_files_that_it_has(where, tmp_path):
    touch(tmp_path, *(f"{where}{name}" for name in ("1.txt", "2.txt", "3.json")))
    with pytest.raises(UserError, match=r"3 files ignored: \.txt(,| and) \.json"):
        class_tree(tmp_path)


@pytest.mark.parametrize("ending", ["heic", "HEIF", "tga", "pcx", "dds", "j2k", "jxl"])
def test_loose_images_of_every_format_are_noticed(ending, tmp_path):
    with pytest.raises(UserError, match=f"outside of class folders: x.{ending}"):
        class_tree(touch(tmp_path, "a/1.jpg", "b/1.jpg", f"x.{ending}"))


def test_a_folder_comes_before_one_whose_name_goes_on(tmp_path):
    source = class_tree(touch(tmp_path, "a/x-y/1.jpg", "a/x/1.jpg", "a/x/2/3.jpg", "a/x.jpg", "b/1.jpg"))
    assert source.names == ["a/x/1.jpg", "a/x/2/3.jpg", "a/x-y/1.jpg", "a/x.jpg", "b/1.jpg"]


def test_the_working_directory_itself_may_be_the_tree(tmp_path, monkeypatch):
    monkeypatch.chdir(touch(tmp_path, "a/1.jpg", "b/1.jpg"))
    assert class_tree(Path()).names == ["a/1.jpg", "b/1.jpg"]


def test_stamps_are_size_time_inode_and_time_of_change_of_each_file(tmp_path, monkeypatch):
    monkeypatch.setattr("framework.data.stamps.SETTLED", 0)
    source = class_tree(touch(tmp_path, "a/1.jpg", "b/1.jpg", "b/2.jpg"))
    (tmp_path / "b" / "2.jpg").write_bytes(b"12345")
    os.utime(tmp_path / "b" / "2.jpg", ns=(7, 123456789))
    (tmp_path / "b" / "1.jpg").unlink()
    stamps = source.stamps([2, 1])
    assert stamps.origin == str(tmp_path)
    found = (tmp_path / "b" / "2.jpg").stat()
    assert stamps.values.tolist() == [[5, 123456789, found.st_ino, found.st_ctime_ns], [-1, -1, -1, -1]]


SYSTEM = ["@eaDir", "__MACOSX", ".AppleDouble", "$RECYCLE.BIN", "System Volume Information", "lost+found", "#recycle"]


@pytest.mark.parametrize("name", SYSTEM)
def test_folders_of_systems_are_no_data_at_any_depth(tmp_path, name):
    source = class_tree(
        touch(tmp_path, f"{name}/1.jpg", f"a/{name}/2.jpg", f"a/x/{name}/y/3.jpg", "a/x/4.jpg", "b/1.jpg")
    )
    assert source.classes == ["a", "b"]
    assert source.names == ["a/x/4.jpg", "b/1.jpg"]


@pytest.mark.parametrize("name", ["Thumbs.db", "ehthumbs.db", "desktop.ini", "._1.jpg", ".DS_Store", "Icon\r", "1.xmp"])
def test_files_of_systems_are_no_images_at_any_depth(tmp_path, name):
    assert class_tree(touch(tmp_path, name, f"a/{name}", f"a/x/{name}", "a/1.jpg", "b/1.jpg")).names == [
        "a/1.jpg",
        "b/1.jpg",
    ]


NFC, NFD = "caf\u00e9", "cafe\u0301"


def test_unicode_forms_of_a_class_folder_are_one_class(tmp_path):
    source = class_tree(touch(tmp_path, f"{NFD}/1.jpg", f"{NFC}/2.jpg", "bar/1.jpg"))
    assert source.classes == ["bar", NFC]
    assert source.labels == [0, 1, 1]
    assert sorted(source.names) == ["bar/1.jpg", f"{NFC}/1.jpg", f"{NFC}/2.jpg"]


@pytest.mark.parametrize(("given", "folder"), [(NFC, NFD), (NFD, NFC)])
def test_unicode_forms_of_a_given_class_are_one(tmp_path, given, folder):
    source = class_tree(touch(tmp_path, f"{folder}/{folder}.jpg", "bar/1.jpg"), [given, "bar"])
    assert source.classes == [NFC, "bar"]
    assert source.names == [f"{NFC}/{NFC}.jpg", "bar/1.jpg"]
    assert source.file(0).exists()
