"""Stores that are kept between runs are used where they are true, and only there."""

import errno
import os
import resource
import shutil
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from framework import ImageArrays, ImageFiles, Stamps, UserError
from framework.data import stamps as stamps_module
from framework.data.preprocess import Preprocessor
from framework.data.stores import cache as cache_module
from framework.data.stores import storage as storage_module
from framework.data.stores.build import build_store
from framework.data.stores.cache import Cache, default_folder
from framework.data.stores.contents import Contents
from framework.data.stores.storage import Storage
from framework.data.stores.store_file import StoreFile

PREPROCESS = Preprocessor(8, 8, 1, "crop")
CPU = torch.device("cpu")


def make_files(folder, number=5, seed=0):
    folder.mkdir(exist_ok=True)
    images = np.random.default_rng(seed).integers(0, 256, (number, 8, 8), dtype=np.uint8)
    paths = []
    for index, image in enumerate(images):
        paths.append(folder / f"{index:02}.bmp")  # all of one size
        Image.fromarray(image).save(paths[-1])
        os.utime(paths[-1], ns=(10**18, 10**18))
    return ImageFiles(paths, [index % 2 for index in range(number)], ("cat", "dog"), 1, folder)


@pytest.fixture
def source(tmp_path):
    return make_files(tmp_path / "images")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def build(folder):
    """A store with that cache, and what was said on the way."""

    def build(source, kind="memory", preprocess=PREPROCESS, on_bad_image="error", cache=None):
        said = []
        used = cache or Cache(folder)
        used.say = said.append
        return build_store(source, preprocess, on_bad_image, storage=Storage(kind, CPU, used)), said

    return build


def images(store):
    return store.pixels.at(torch.arange(len(store)))


def stores(folder):
    return sorted(folder.glob("*.store"))


@pytest.mark.parametrize("kind", ["memory", "disk", "stream"])
def test_unchanged_images_are_not_read_again(kind, build, source, monkeypatch):
    first, _ = build(source, kind)
    monkeypatch.setattr("framework.data.sources.decode", lambda *_, **__: pytest.fail("was read"))
    again, said = build(source, kind)
    assert (first.reused, again.reused, said) == (False, True, [])
    assert first.fingerprint() == again.fingerprint()


def test_memory_and_disk_share_a_file(build, source, folder):
    build(source, "disk")
    assert build(source, "memory")[0].reused
    assert len(stores(folder)) == 1


@pytest.mark.parametrize("kind", ["auto", "disk"])
def test_a_store_that_fills_the_disk_is_used_again(kind, build, source, folder, monkeypatch):
    size = 5 * 64
    monkeypatch.setattr(storage_module, "free_memory", lambda: 0)
    monkeypatch.setattr(storage_module, "free_disk", lambda folder: 0 if stores(folder) else 1.5 * size)
    places = [(store.pixels.place, store.reused) for store, _ in (build(source, kind), build(source, kind))]
    assert places == [("disk", False), ("disk", True)]
    assert build(source, "stream")[0].pixels.place == "stream"


def test_a_copy_beyond_what_all_kept_stores_may_take_is_not_written(build, source, folder, monkeypatch):
    monkeypatch.setattr(cache_module, "LARGEST", 5 * 64 - 1)
    store, said = build(source)
    assert (store.pixels.place, stores(folder)) == ("memory", [])
    assert len(said) == 1
    assert build(source, "disk")[0].pixels.place == "disk"


def assert_pixels_are_those_of_the_files(store, source):
    assert torch.equal(images(store), images(build_store(source, PREPROCESS, storage=Storage())))


def restore_times(paths, times):
    for path, time_ in zip(paths, times, strict=True):
        os.utime(path, ns=(time_, time_))


def swap_folders(tmp_path, source):
    other = make_files(tmp_path / "other", seed=1)
    source.root.rename(tmp_path / "aside")
    other.root.rename(source.root)


def overwrite_in_place(tmp_path, source):
    other = make_files(tmp_path / "other", seed=1)
    for path, replacement in zip(source.paths, other.paths, strict=True):
        path.write_bytes(replacement.read_bytes())
    restore_times(source.paths, [10**18] * 5)


def replace_by_a_copy(tmp_path, source):
    other = make_files(tmp_path / "other", seed=1)
    for path, replacement in zip(source.paths, other.paths, strict=True):
        shutil.copy2(replacement, path.with_suffix(".new"))
        path.with_suffix(".new").replace(path)


@pytest.fixture(params=["recent", "settled", "no times of change"])
def age(request, monkeypatch):
    """How old the files of the test seem to be, and on what file system they are."""
    if request.param == "settled":
        monkeypatch.setattr(stamps_module, "SETTLED", 0)
    if request.param == "no times of change":
        monkeypatch.setattr(stamps_module, "records_changes", lambda path: False)
    return request.param


@pytest.mark.usefixtures("age")
@pytest.mark.parametrize("kind", ["memory", "disk", "stream"])
@pytest.mark.parametrize("change", [swap_folders, overwrite_in_place, replace_by_a_copy])
def test_a_store_is_never_used_for_other_pixels_of_the_same_size_and_time(change, kind, build, source, tmp_path):
    build(source, kind)
    before = [(path.stat().st_size, path.stat().st_mtime_ns) for path in source.paths]
    time.sleep(0.02)  # a tick of the file system
    change(tmp_path, source)
    assert [(path.stat().st_size, path.stat().st_mtime_ns) for path in source.paths] == before
    store, said = build(source, kind)
    assert not store.reused
    assert len(said) == 1
    assert str(source.root) in said[0]
    assert_pixels_are_those_of_the_files(store, source)
    assert build(source, kind)[0].reused


@pytest.mark.usefixtures("age")
def test_folders_that_were_swapped_after_both_were_decoded_are_told_apart(build, source, tmp_path):
    other = make_files(tmp_path / "other", seed=1)
    pixels = [images(build(one)[0]) for one in (source, other)]
    source.root.rename(tmp_path / "aside")
    other.root.rename(source.root)
    (tmp_path / "aside").rename(other.root)
    swapped = [build(one)[0] for one in (source, other)]
    assert torch.equal(images(swapped[0]), pixels[1])
    assert torch.equal(images(swapped[1]), pixels[0])
    assert all(store.reused for store in swapped)  # known by their contents


@pytest.mark.usefixtures("age")
@pytest.mark.parametrize("move", [shutil.copytree, lambda old, new: old.rename(new)], ids=["copied", "moved"])
def test_a_data_set_that_moved_is_known_by_its_contents(move, build, source, tmp_path, monkeypatch):
    build(source)
    move(source.root, tmp_path / "elsewhere")
    moved = replace(source, paths=sorted((tmp_path / "elsewhere").iterdir()), root=tmp_path / "elsewhere")
    monkeypatch.setattr("framework.data.sources.decode", lambda *_, **__: pytest.fail("was decoded"))
    assert build(moved)[0].reused


def test_files_whose_inodes_change_with_every_mount_are_not_decoded_again(build, source, monkeypatch):
    taken = stamps_module._of_files
    mount = iter(range(100))
    monkeypatch.setattr(stamps_module, "_of_files", lambda paths: taken(paths) + np.array([0, 0, next(mount), 0]))
    build(source)
    monkeypatch.setattr("framework.data.sources.decode", lambda *_, **__: pytest.fail("was decoded"))
    assert build(source)[0].reused


def test_files_that_did_not_change_are_not_opened(build, source, monkeypatch):
    monkeypatch.setattr(stamps_module, "SETTLED", 0)
    build(source)
    monkeypatch.setattr(Stamps, "digest", lambda *_: pytest.fail("was read"))
    assert build(source)[0].reused


def test_of_several_files_only_the_changed_one_is_opened(build, source, monkeypatch):
    monkeypatch.setattr(stamps_module, "SETTLED", 0)
    build(source)
    source.paths[3].chmod(0o600)  # a new time of change, the same contents
    opened = []
    digest = Stamps.digest
    monkeypatch.setattr(Stamps, "digest", lambda self, index: opened.append(index) or digest(self, index))
    assert build(source)[0].reused
    assert opened == [3]
    assert build(source)[0].reused
    assert opened == [3]


@pytest.mark.parametrize("content", [b"", b"no numbers", b"PK\x03\x04", b"\x93NUMPY\x01\0v\0{"])
def test_damaged_digests_are_taken_again(content, build, source, folder):
    build(source)
    (digests,) = folder.glob("*.digests")
    whole = digests.read_bytes()
    digests.write_bytes(content)
    assert build(source)[0].reused
    assert len(digests.read_bytes()) == len(whole)


def test_images_without_files_are_known_by_their_stamps_alone(build, folder):
    class Archive(ImageArrays):
        checksums = (1, 2, 3, 4)

        def stamps(self, indices):
            return Stamps("photos.zip", np.array([[self.checksums[index]] for index in indices], np.int64))

    source = Archive(np.zeros((4, 1, 8, 8), np.uint8), [0, 1, 0, 1], ("cat", "dog"))
    build(source)
    assert build(source)[0].reused
    source.checksums = (1, 2, 3, 5)
    assert not build(source)[0].reused
    assert len(stores(folder)) == 1


def test_a_subclass_that_reads_files_its_own_way_has_stores_of_its_own(build, source):
    class Mirrored(ImageFiles):
        def read_reduced(self, index, least):
            return super().read_reduced(index, least)[..., ::-1]

    plain, _ = build(source)
    mirrored, _ = build(Mirrored(source.paths, source.labels, source.classes, 1, source.root))
    assert torch.equal(images(mirrored), images(plain).flip(-1))


def test_a_stale_store_is_replaced(build, source, folder):
    build(source)
    os.utime(source.paths[0])
    build(source)
    assert len(stores(folder)) == 1


@pytest.mark.usefixtures("age")
def test_images_that_change_while_they_are_read_are_not_kept(build, source, folder):
    class Changing(ImageFiles):
        def read_reduced(self, index, least):
            if index == 4:
                time.sleep(0.02)  # a tick of the file system
                self.paths[0].write_bytes(self.paths[1].read_bytes())
                os.utime(self.paths[0], ns=(10**18, 10**18))
            return super().read_reduced(index, least)

    _, said = build(Changing(source.paths, source.labels, source.classes, 1, source.root))
    assert len(said) == 1
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    "other",
    [
        replace(PREPROCESS, height=9),
        replace(PREPROCESS, width=9),
        replace(PREPROCESS, channels=3),
        replace(PREPROCESS, fit="pad"),
    ],
)
def test_other_geometry_is_another_store(other, build, source, folder):
    build(source)
    assert not build(source, preprocess=other)[0].reused
    assert len(stores(folder)) == 2


def test_mean_and_deviation_are_not_in_the_pixels(build, source):
    build(source)
    assert build(source, preprocess=replace(PREPROCESS, mean=(0.3,), std=(0.1,)))[0].reused


def test_images_labelled_anew_need_not_be_decoded_anew(build, source):
    build(source)
    store, _ = build(replace(source, labels=[1, 1, 1, 0, 0], classes=("fox", "owl")))
    assert store.reused
    assert store.labels.tolist() == [1, 1, 1, 0, 0]
    assert store.classes == ("fox", "owl")


def test_another_order_is_another_store(build, source):
    build(source)
    assert not build(replace(source, paths=source.paths[::-1]))[0].reused


@pytest.mark.parametrize("versions", [("PIL.__version__", "0"), ("framework.data.resize.VERSION", 0)])
def test_another_release_of_what_decodes_or_resizes_is_another_store(versions, source, folder, monkeypatch):
    before = Contents.of(source, PREPROCESS, folder).identity
    monkeypatch.setattr(*versions)
    assert Contents.of(source, PREPROCESS, folder).identity != before


def test_images_that_nothing_stamps_are_not_kept(build, folder):
    source = ImageArrays(np.zeros((4, 1, 8, 8), np.uint8), [0, 1, 0, 1], ("cat", "dog"))
    build(source)
    assert not build(source)[0].reused
    assert not folder.exists()


@pytest.mark.parametrize("stamps", ["yesterday", Stamps("here", np.zeros((3, 2), np.int64))])
def test_wrong_stamps_are_a_fault_of_the_source(stamps, build, source):
    class Wrong(ImageFiles):
        def stamps(self, indices):
            return stamps

    with pytest.raises(UserError, match="stamps"):
        build(Wrong(source.paths, source.labels, source.classes, 1, source.root))


def cut(data):
    return data[:-100]


def cut_to_nothing(data):
    return b""


def longer(data):
    return data + bytes(100)


def without_some_pixels(data):
    return data[64:]


def with_a_flipped_letter_of_the_description(data):
    at = len(data) - 60
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


@pytest.mark.parametrize("kind", ["memory", "disk"])
@pytest.mark.parametrize(
    "damage",
    [
        cut,
        cut_to_nothing,
        longer,
        without_some_pixels,
        with_a_flipped_letter_of_the_description,
    ],
)
def test_a_damaged_store_is_noticed_never_used_and_replaced(damage, kind, build, source, folder):
    expected = images(build(source, kind)[0])
    (path,) = stores(folder)
    path.write_bytes(damage(path.read_bytes()))
    store, said = build(source, kind)
    assert len(said) == 1
    assert "is damaged" in said[0]
    assert not store.reused
    assert torch.equal(images(store), expected)
    assert build(source, kind)[0].reused


def test_skipped_images_are_remembered(build, source):
    source.paths[1].write_bytes(b"")
    first, _ = build(source, on_bad_image="skip")
    again, _ = build(source, on_bad_image="skip")
    assert again.reused
    assert [str(bad) for bad in again.skipped] == [str(bad) for bad in first.skipped] == ["01.bmp: the file is empty"]
    assert again.names == ("00.bmp", "02.bmp", "03.bmp", "04.bmp")
    assert torch.equal(images(again), images(first))


def test_what_was_skipped_is_an_error_for_a_run_that_does_not_skip(build, source):
    source.paths[1].write_bytes(b"")
    build(source, on_bad_image="skip")
    with pytest.raises(UserError, match=r"01\.bmp: the file is empty"):
        build(source)


def test_a_skipped_image_that_can_be_read_by_now_is_used(build, source, monkeypatch):
    from framework.data import sources
    from framework.data.decode import BadImage, decode

    def forbidden(path, **options):
        if path == source.paths[1]:
            raise BadImage(str(path), "cannot be opened: Permission denied")
        return decode(path, **options)

    with monkeypatch.context() as patch:
        patch.setattr(sources, "decode", forbidden)
        assert len(build(source, on_bad_image="skip")[0]) == 4
    assert len(build(source, on_bad_image="skip")[0]) == 5


def test_bad_images_that_stop_a_run_leave_nothing(build, source, folder):
    source.paths[1].write_bytes(b"")
    with pytest.raises(UserError):
        build(source)
    assert list(folder.iterdir()) == []


def test_two_that_build_at_once_end_with_one_whole_store(build, tmp_path, folder):
    meeting = threading.Barrier(2, timeout=30)
    source = make_files(tmp_path / "images", 40)

    class Waiting(ImageFiles):
        def read_reduced(self, index, least):
            if index == 0:
                meeting.wait()  # both have found nothing, and both write
            return super().read_reduced(index, least)

    waiting = Waiting(source.paths, source.labels, source.classes, 1, source.root)
    results = []
    threads = [threading.Thread(target=lambda: results.append(build(waiting, "disk"))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (first, _), (second, _) = results
    assert torch.equal(images(first), images(second))
    assert [path.suffix for path in folder.iterdir() if path.suffix != ".digests"] == [".store"]
    assert torch.equal(images(build(source, "disk")[0]), images(first))


@pytest.mark.parametrize("kind", ["memory", "stream"])
def test_a_cache_that_cannot_be_written_is_said_once_and_the_run_goes_on(kind, build, source, tmp_path):
    (tmp_path / "file").touch()
    cache = Cache(tmp_path / "file" / "stores")
    store, said = build(source, kind, cache=cache)
    assert len(store) == 5
    assert len(said) == 1
    assert str(cache.folder) in said[0]
    assert build(source, kind, cache=cache)[1] == []


def test_a_disk_that_cannot_be_written_leaves_the_images_in_memory(build, source, tmp_path):
    (tmp_path / "file").touch()
    cache = Cache(tmp_path / "file" / "stores")
    store, said = build(source, "disk", cache=cache)
    assert store.pixels.place == "memory"
    assert len(said) == 1
    assert str(cache.folder) in said[0]
    again, said = build(source, "disk", cache=cache)
    assert (again.pixels.place, said) == ("memory", [])


@pytest.mark.parametrize("kind", ["memory", "disk"])
def test_a_disk_that_is_full_in_the_middle_is_said_and_leaves_nothing(kind, build, tmp_path, folder):
    source = make_files(tmp_path / "images", 200)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, hard))
    try:
        store, said = build(source, kind)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert store.pixels.place == "memory"
    assert torch.equal(images(store), images(build_store(source, PREPROCESS)))
    assert len(said) == 1
    assert str(folder) in said[0]
    assert os.strerror(errno.EFBIG) in said[0]
    assert list(folder.iterdir()) == []


def test_the_least_recently_used_stores_go_beyond_the_limit_but_never_one_in_use(build, tmp_path, folder, monkeypatch):
    sources = [make_files(tmp_path / name, 20, seed) for seed, name in enumerate(("old", "newer", "now"))]
    paths, aged = [], set()
    for age, source in ((3, sources[0]), (2, sources[1])):
        build(source)
        (path,) = set(stores(folder)) - set(paths)
        for file in {path, *folder.glob("*.digests")} - aged:
            os.utime(file, (time.time() - age * 1000,) * 2)
            aged.add(file)
        paths.append(path)
    both = sum(path.stat().st_size for path in folder.iterdir())
    monkeypatch.setattr(cache_module, "LARGEST", both + 100)
    build(sources[2])
    assert paths[0] not in stores(folder)
    assert paths[1] in stores(folder)
    assert build(sources[1])[0].reused  # and is the last used now
    monkeypatch.setattr(cache_module, "LARGEST", 1500)  # for one of them
    cache = Cache(folder)
    build(sources[0], cache=cache)
    build(sources[1], cache=cache)
    assert len(stores(folder)) == 2


def test_what_a_killed_process_left_goes_after_a_day(build, source, folder):
    folder.mkdir()
    (folder / ".dead.tmp").touch()
    (folder / ".alive.tmp").touch()
    os.utime(folder / ".dead.tmp", (time.time() - 90_000,) * 2)
    build(source)
    assert sorted(path.name for path in folder.glob(".*")) == [".alive.tmp"]


def test_the_folder_is_the_user_s_own(monkeypatch, tmp_path):
    monkeypatch.setenv("FRAMEWORK_CACHE", "/there")
    assert str(default_folder()) == "/there/stores"
    monkeypatch.delenv("FRAMEWORK_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    assert str(default_folder()) == "/caches/framework/stores"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/her")
    assert str(default_folder()) == "/home/her/.cache/framework/stores"


def test_what_is_no_store_is_damaged(tmp_path):
    (tmp_path / "x.store").write_bytes(os.urandom(500))
    with pytest.raises(ValueError, match="checksum"):
        StoreFile.open(tmp_path / "x.store")
