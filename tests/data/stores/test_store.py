import threading

import numpy as np
import pytest
import torch
from PIL import Image

from framework import ImageArrays, ImageFiles, UserError
from framework.data.preprocess import Preprocessor
from framework.data.stores.build import build_store
from framework.data.stores.survey import CHUNK

PREPROCESS = Preprocessor(8, 8, 1, "crop")


def pixels(number=5, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (number, 1, 8, 8), dtype=np.uint8)


def files(folder, images, labels=None, classes=("cat", "dog")):
    """Real files, named 00.png and so on."""
    paths = []
    for index, image in enumerate(images):
        paths.append(folder / f"{index:02}.png")
        Image.fromarray(image[0]).save(paths[-1])
    return ImageFiles(paths, labels or [index % 2 for index in range(len(images))], classes, 1, folder)


def test_images_labels_and_names_come_in_the_source_s_order(tmp_path):
    images = pixels()
    store = build_store(files(tmp_path, images, [1, 0, 0, 1, 1]), PREPROCESS)
    np.testing.assert_array_equal(store.pixels.images, images)
    assert store.labels.tolist() == [1, 0, 0, 1, 1]
    assert store.labels.dtype == torch.int64
    assert store.names == ("00.png", "01.png", "02.png", "03.png", "04.png")
    assert store.class_counts == {"cat": 2, "dog": 3}


def test_more_images_than_a_thread_s_share_keep_their_order_with_some_left_out(tmp_path):
    images = pixels(CHUNK * 3 + 5)
    source = files(tmp_path, images)
    bad = [0, 1, CHUNK - 1, CHUNK, 2 * CHUNK + 7, len(images) - 1]
    for index in bad:
        source.paths[index].write_bytes(b"")
    store = build_store(source, PREPROCESS, "skip")
    good = [index for index in range(len(images)) if index not in bad]
    np.testing.assert_array_equal(store.pixels.images, images[good])
    assert store.labels.tolist() == [source.labels[index] for index in good]
    assert store.names == tuple(source.names[index] for index in good)
    assert [image.name for image in store.skipped] == [source.names[index] for index in bad]


def test_images_are_read_in_several_threads():
    meeting = threading.Barrier(2, timeout=30)

    class Waiting(ImageArrays):
        def read(self, index):
            if index in (0, CHUNK):
                meeting.wait()  # broken, after its time, where one thread reads all
            return super().read(index)

    assert len(build_store(Waiting(pixels(2 * CHUNK), [0] * 2 * CHUNK, ("cat",)), PREPROCESS)) == 2 * CHUNK


def test_a_spread_takes_images_from_the_beginning_to_the_end():
    store = build_store(ImageArrays(pixels(100), [0] * 100, ("cat",)), PREPROCESS)
    assert torch.equal(store.spread(10), store.pixels.images[::10])
    assert len(store.spread(33)) == 25
    assert torch.equal(store.spread(1000), store.pixels.images)


def test_a_class_without_images_counts_none():
    assert build_store(ImageArrays(pixels(), [0] * 5, ("cat", "dog")), PREPROCESS).class_counts == {"cat": 5, "dog": 0}


def fingerprint(images=None, labels=(0, 1, 0, 1, 0), classes=("cat", "dog"), prefix="image"):
    images = pixels() if images is None else images
    return build_store(ImageArrays(images, labels, classes, prefix), PREPROCESS).fingerprint()


def test_the_fingerprint_stays_when_the_store_is_built_anew(tmp_path):
    assert fingerprint() == fingerprint()
    source = files(tmp_path, pixels())
    assert build_store(source, PREPROCESS).fingerprint() == build_store(source, PREPROCESS).fingerprint()


def test_the_fingerprint_changes_with_one_pixel():
    changed = pixels()
    changed[3, 0, 4, 4] ^= 1
    assert fingerprint(changed) != fingerprint()


def test_the_fingerprint_changes_with_one_label():
    assert fingerprint(labels=(0, 1, 0, 1, 1)) != fingerprint()


def test_the_fingerprint_changes_with_a_class_name():
    assert fingerprint(classes=("cat", "fox")) != fingerprint()


def test_the_fingerprint_changes_with_an_image_name():
    assert fingerprint(prefix="photo") != fingerprint()


def test_the_fingerprint_tells_class_names_from_image_names():
    assert fingerprint(classes=("cat", "dog", "image/000000")) != fingerprint(classes=("cat", "dog"))


def test_the_fingerprint_changes_with_the_order():
    assert fingerprint(pixels()[::-1]) != fingerprint()


def test_the_fingerprint_changes_with_the_shape():
    def of(height, width):
        flat = ImageArrays(np.zeros((2, 1, height, width), np.uint8), [0, 1], ("cat", "dog"))
        return build_store(flat, Preprocessor(height, width, 1, "crop")).fingerprint()

    assert of(4, 16) != of(8, 8)


def damage(source, *indices):
    for index in indices:
        source.paths[index].write_bytes(b"" if index % 2 else b"no image at all")


def test_all_bad_files_are_listed_at_once(tmp_path):
    source = files(tmp_path, pixels())
    damage(source, 1, 4)
    with pytest.raises(UserError) as caught:
        build_store(source, PREPROCESS)
    head, *listed, advice = str(caught.value).splitlines()
    assert "2 of 5 images" in head
    assert [line.split(":")[0].strip() for line in listed] == ["01.png", "04.png"]
    assert "dataset.on_bad_image=skip" in advice


def test_a_long_list_of_bad_files_is_cut_with_the_number_left_out(tmp_path):
    source = files(tmp_path, pixels(30))
    damage(source, *range(25))
    with pytest.raises(UserError, match=r"… and 5 more.*data check"):
        build_store(source, PREPROCESS)


def test_skip_leaves_bad_files_out_and_records_them(tmp_path):
    images = pixels()
    source = files(tmp_path, images, [0, 1, 0, 1, 1])
    damage(source, 1, 2)
    store = build_store(source, PREPROCESS, on_bad_image="skip")
    np.testing.assert_array_equal(store.pixels.images, images[[0, 3, 4]])
    assert store.labels.tolist() == [0, 1, 1]
    assert store.names == ("00.png", "03.png", "04.png")
    assert [bad.name for bad in store.skipped] == ["01.png", "02.png"]
    assert store.class_counts == {"cat": 1, "dog": 2}


def test_skip_with_nothing_left_is_an_error_that_does_not_advise_skip(tmp_path):
    source = files(tmp_path, pixels())
    damage(source, *range(5))
    with pytest.raises(UserError, match="5 of 5 images cannot be used") as caught:
        build_store(source, PREPROCESS, on_bad_image="skip")
    assert "on_bad_image" not in str(caught.value)


def test_progress_ends_with_the_whole(tmp_path):
    seen = []
    build_store(files(tmp_path, pixels()), PREPROCESS, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (5, 5)


def test_more_images_than_memory_holds_are_refused_before_they_are_read(monkeypatch):
    from framework.data.stores import storage

    monkeypatch.setattr(storage, "free_memory", lambda: 300)
    with pytest.raises(UserError, match=r"train.store=memory: 5 images of 1×8×8 bytes need .* GB are free in memory"):
        build_store(ImageArrays(pixels(), [0, 1, 0, 1, 0], ("cat", "dog")), PREPROCESS)


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        (np.zeros((2, 8, 8), np.uint8), [0, 1]),
        (np.zeros((2, 1, 8, 8), np.float32), [0, 1]),
        (np.zeros((2, 8, 8, 3), np.uint8), [0, 1]),
        (np.zeros((2, 1, 8, 8), np.uint8), [0]),
    ],
)
def test_arrays_of_a_wrong_form_are_refused(images, labels):
    with pytest.raises(UserError, match="ImageArrays"):
        ImageArrays(images, labels, ("cat", "dog"))
