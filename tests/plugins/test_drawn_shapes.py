import numpy as np
import pytest
from framework_drawn import DrawnFaces, DrawnShapes
from framework_drawn._draw import CLASSES as EXPRESSIONS
from framework_drawn._draw import LOOKS_LIKE, simulate_votes
from framework_drawn._shapes import CLASSES, draw_shapes


def test_labels_are_uneven_and_correlated_and_some_images_have_none():
    images, labels = draw_shapes(4000, seed=0)
    assert (images.shape, images.dtype) == ((4000, 3, 32, 32), np.uint8)
    assert set(np.unique(labels)) == {0, 1}
    means = dict(zip(CLASSES, labels.mean(axis=0), strict=True))
    assert means["circle"] == pytest.approx(0.5, abs=0.03)
    assert means["cross"] == pytest.approx(0.1, abs=0.03)
    square, triangle = labels[:, CLASSES.index("square")], labels[:, CLASSES.index("triangle")]
    assert triangle[square > 0].mean() > 4 * triangle[square == 0].mean()
    assert 0 < (labels.sum(axis=1) == 0).mean() < 0.3


def test_more_images_do_not_change_the_first_ones():
    for one, other in zip(draw_shapes(130, seed=3), draw_shapes(250, seed=3), strict=True):
        assert np.array_equal(one, other[:130])


def test_shapes_change_the_pixels_of_their_images():
    images, labels = draw_shapes(2000, seed=0, difficulty=0)
    spread = images.reshape(2000, -1).std(axis=1)
    assert spread[labels.sum(axis=1) == 0].max() < spread[labels[:, CLASSES.index("circle")] > 0].mean()


def test_the_splits_have_different_images_and_a_matrix_of_labels():
    splits = DrawnShapes(train_images=100, test_images=100).build()
    assert splits["train"].labels.shape == (100, 6)
    assert not np.array_equal(splits["train"].images, splits["test"].images)


def test_votes_are_mostly_for_the_expression_and_then_for_the_similar_one():
    labels = np.arange(7).repeat(500)
    votes = simulate_votes(labels, 10, seed=0)
    assert (votes.sum(axis=1) == 10).all()
    mean = np.stack([votes[labels == label].mean(axis=0) for label in range(7)]) / 10
    assert (mean.argmax(axis=1) == np.arange(7)).all()
    assert [EXPRESSIONS[index] for index in np.argsort(mean, axis=1)[:, -2]] == [
        LOOKS_LIKE[name] for name in EXPRESSIONS
    ]


def test_drawn_faces_have_votes_if_requested():
    train = DrawnFaces(train_images=70, test_images=14, votes=10).build()["train"]
    assert train.labels.shape == (70, 7)
    assert np.array_equal(train.images, DrawnFaces(train_images=70, test_images=14).build()["train"].images)
