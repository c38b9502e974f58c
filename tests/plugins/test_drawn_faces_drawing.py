import numpy as np
import pytest
from framework_drawn._draw import CLASSES, draw_faces


def test_shapes_and_types_of_images_and_labels():
    images, labels = draw_faces(10, seed=0)
    assert (images.shape, images.dtype) == ((10, 1, 48, 48), np.uint8)
    assert (labels.shape, labels.dtype) == ((10,), np.int64)


def test_images_use_the_whole_range_of_uint8():
    images, _ = draw_faces(280, seed=0)
    assert images.min() < 10
    assert images.max() > 245
    assert images.std(axis=(1, 2, 3)).min() > 4, "an image is nearly blank"


def test_the_same_seed_gives_the_same_bytes():
    first, again = draw_faces(40, seed=3), draw_faces(40, seed=3)
    assert first[0].tobytes() == again[0].tobytes()
    assert first[1].tobytes() == again[1].tobytes()


@pytest.mark.parametrize("count", [1, 10, 28, 29, 63])
def test_more_images_do_not_change_the_first_ones(count):
    short, long = draw_faces(count, seed=3), draw_faces(100, seed=3)
    np.testing.assert_array_equal(short[0], long[0][:count])
    np.testing.assert_array_equal(short[1], long[1][:count])


def test_different_seeds_give_different_faces():
    images = np.concatenate([draw_faces(100, seed)[0] for seed in (0, 1, 2**32)])
    assert len(np.unique(images.reshape(300, -1), axis=0)) == 300


def test_different_seeds_shuffle_the_labels_differently():
    assert (draw_faces(70, seed=0)[1] != draw_faces(70, seed=1)[1]).any()


@pytest.mark.parametrize("count", [1, 6, 7, 27, 30, 100])
def test_class_counts_differ_by_at_most_one(count):
    counts = np.bincount(draw_faces(count, seed=5)[1], minlength=len(CLASSES))
    assert len(counts) == len(CLASSES)
    assert counts.max() - counts.min() <= 1


def test_the_order_of_classes_is_random():
    rounds = draw_faces(70, seed=0)[1].reshape(10, 7)
    assert len(np.unique(rounds, axis=0)) > 1


def test_difficulty_changes_images_but_not_labels():
    easy, hard = draw_faces(28, seed=0, difficulty=0.5), draw_faces(28, seed=0, difficulty=1.0)
    assert (easy[0] != hard[0]).any(axis=(1, 2, 3)).all()
    np.testing.assert_array_equal(easy[1], hard[1])


def nearest_mean_accuracy(difficulty):
    """Accuracy of the nearest class mean, on other faces than those of the means."""
    (images, labels), (others, truth) = draw_faces(280, 0, difficulty), draw_faces(140, 1, difficulty)
    means = np.stack([images[labels == label].mean(axis=0) for label in range(len(CLASSES))])
    distances = ((others[:, None] - means) ** 2).sum(axis=(2, 3, 4))
    return (distances.argmin(axis=1) == truth).mean()


def test_class_means_classify_easy_images():
    assert nearest_mean_accuracy(difficulty=0) > 0.9


def test_class_means_do_not_classify_images_of_default_difficulty():
    assert nearest_mean_accuracy(difficulty=1) < 0.6


def test_zero_images_give_empty_arrays():
    images, labels = draw_faces(0, seed=0)
    assert images.shape == (0, 1, 48, 48)
    assert labels.shape == (0,)


@pytest.mark.parametrize(
    ("arguments", "given"),
    [
        ({"count": -3, "seed": 0}, "count.*-3"),
        ({"count": 1, "seed": -1}, "seed.*-1"),
        ({"count": 1, "seed": 0, "difficulty": 2.5}, "difficulty.*2.5"),
        ({"count": 1, "seed": 0, "difficulty": float("nan")}, "difficulty.*nan"),
    ],
)
def test_values_out_of_range_are_errors_with_name_and_value(arguments, given):
    with pytest.raises(ValueError, match=given):
        draw_faces(**arguments)


@pytest.mark.parametrize("difficulty", [0.0, 1.0, 2.0])
def test_no_difficulty_causes_floating_point_errors(difficulty):
    with np.errstate(all="raise", under="ignore"):
        images, _ = draw_faces(280, seed=7, difficulty=difficulty)
    assert images.any(axis=(1, 2, 3)).all()
