"""Several sources as one."""

import numpy as np
import pytest
from PIL import Image

from framework import ImageArrays, ImageFiles, Joined, Stamps

CLASSES = ["cat", "dog"]


def files(folder, levels):
    folder.mkdir()
    paths = [folder / f"{level}.png" for level in levels]
    for path, level in zip(paths, levels, strict=True):
        Image.new("L", (4, 4), level).save(path)
    return ImageFiles(paths, [level % 2 for level in levels], CLASSES, 1, folder.parent)


@pytest.fixture
def joined(tmp_path):
    return Joined([files(tmp_path / "a", [10, 11]), files(tmp_path / "b", [12]), files(tmp_path / "c", [13, 14])])


def test_images_come_one_source_after_the_other(joined):
    assert (len(joined), joined.names[1:3], joined.labels.tolist()) == (5, ["a/11.png", "b/12.png"], [0, 1, 0, 1, 0])
    assert [int(joined.read(index)[0, 0, 0]) for index in range(5)] == [10, 11, 12, 13, 14]
    assert [int(joined.read_reduced(index, 2)[0, 0, 0]) for index in range(5)] == [10, 11, 12, 13, 14]


def test_what_the_sources_know_of_their_files_is_known_of_all(joined, tmp_path):
    assert joined.file(2) == tmp_path / "b" / "12.png"
    stamps = joined.stamps([4, 0])
    files = [tmp_path / "c/14.png", tmp_path / "a/10.png"]
    assert stamps.files == files
    assert stamps.values[:, :2].tolist() == [[path.stat().st_size, path.stat().st_mtime_ns] for path in files]


def test_stamps_of_files_and_of_other_things_are_joined(joined):
    class Archive(ImageArrays):
        def stamps(self, indices):
            return Stamps("archive", np.array([[7]] * len(indices), np.int64))

    mixed = Joined([*joined.sources, Archive(np.zeros((1, 1, 4, 4), np.uint8), [1], CLASSES)])
    stamps = mixed.stamps([5, 0])
    assert stamps.values[0].tolist() == [7, 0, 0, 0]
    assert stamps.files == [None, joined.file(0)]


def test_files_that_cannot_be_trusted_stay_so_beside_longer_stamps(joined):
    class Archive(ImageArrays):
        def stamps(self, indices):
            return Stamps("archive", np.array([[7, 8, 9, 10, 11]] * len(indices), np.int64))

    stamps = Joined([*joined.sources, Archive(np.zeros((1, 1, 4, 4), np.uint8), [1], CLASSES)]).stamps(range(6))
    assert stamps.same_as(stamps.values).tolist() == [False] * 5 + [True]  # the files are too young


def test_without_files_in_one_source_there_are_no_stamps(joined):
    array = ImageArrays(np.zeros((1, 1, 4, 4), np.uint8), [1], CLASSES)
    mixed = Joined([*joined.sources, array])
    assert (mixed.stamps([0]), mixed.file(5), mixed.names[-1]) == (None, None, "image/000000")


def test_other_classes_are_not_joined(joined):
    other = ImageArrays(np.zeros((1, 1, 4, 4), np.uint8), [1], ["dog", "cat"])
    with pytest.raises(ValueError, match="of the same classes and channels"):
        Joined([joined, other])
