"""`Predictor.predict` from Python: what it takes, in what order it answers, how far it reads ahead."""

import itertools
import warnings
from pathlib import Path

import pytest

from framework import BadImage, Predictor, Region, UserError


@pytest.fixture(scope="module")
def predictor():
    return Predictor.open("drawn/faces", device="cpu")


@pytest.fixture
def files(photos):
    return sorted(photos.rglob("*.png"))


def test_paths_bytes_and_named_bytes_are_the_same_image(predictor, files):
    path, content = files[0], files[0].read_bytes()
    answers = list(predictor.predict([path, str(path), content, ("from a message", content)]))
    assert [answer.name for answer in answers] == [str(path), str(path), "image", "from a message"]
    assert len({answer.probabilities for answer in answers}) == 1


def test_answers_come_in_order_with_bad_images_among_them(predictor, files):
    images = [files[0], b"", files[1], BadImage("folder", "locked"), ("nothing", b"text"), files[2]]
    answers = list(predictor.predict(images))
    assert [answer.error for answer in answers] == [
        None, "the file is empty", None, "locked", "not an image, or of an unknown format", None,
    ]  # fmt: skip
    assert [bool(answer.probabilities) for answer in answers] == [True, False, True, False, False, True]


def test_more_images_than_a_batch_are_answered_as_each_alone_would_be(predictor, files):
    many = list(itertools.islice(itertools.cycle(files), predictor.batch_size * 2 + 3))
    answers = list(predictor.predict(many))
    assert [answer.name for answer in answers] == list(map(str, many))
    (alone,) = predictor.predict([many[-1]])
    assert answers[-1].probabilities == pytest.approx(alone.probabilities, abs=1e-5)


def test_images_may_be_endless(predictor, files):
    taken = itertools.count()
    endless = (files[next(taken) % len(files)] for _ in itertools.count())
    answers = predictor.predict(endless)
    assert next(answers).error is None
    answers.close()
    assert next(taken) < 4 * predictor.batch_size + 100


def test_no_image_is_no_answer(predictor):
    assert list(predictor.predict([])) == []


def test_what_python_warns_of_is_as_before(predictor, files):
    before = list(warnings.filters)
    list(predictor.predict(files[:3]))
    assert warnings.filters == before


def test_what_python_warns_of_is_a_matter_of_the_caller_between_answers(predictor, files):
    before = list(warnings.filters)
    first, second = predictor.predict(files[:2]), predictor.predict(files[:2])
    for answers in (first, second, first, second):
        assert next(answers).error is None
        assert warnings.filters == before
    assert [*first, *second] == []
    assert warnings.filters == before


def test_the_most_probable_classes_come_first_and_without_probabilities_there_are_none(predictor, files):
    answer, damaged = predictor.predict([files[0], b""])
    top = predictor.top(answer, 2)
    assert [share for _, share in top] == sorted(answer.probabilities, reverse=True)[:2]
    assert top[0][0] == predictor.classes[answer.probabilities.index(top[0][1])]
    assert predictor.top(damaged, 3) == []


def test_an_image_in_which_nothing_is_found_has_neither_probabilities_nor_an_error(predictor, files):
    (answer,) = predictor.predict(files[:1], find=lambda image: [])
    assert (answer.probabilities, answer.error, answer.region) == ((), None, None)


def test_parts_are_told_as_they_are_cut(predictor, files):
    kept = {}
    region = Region(2, 3, 5, 4)
    (answer,) = predictor.predict(files[:1], lambda image: [region], lambda name, part: kept.update({name: part.shape}))
    assert answer.region == region
    assert kept == {f"{files[0]}#1": (3, 4, 5)}


def test_a_finder_sees_a_large_photograph_in_full(predictor, tmp_path):
    from PIL import Image

    file = Path(tmp_path / "large.jpg")
    Image.new("RGB", (1600, 800)).save(file)
    seen = []
    list(predictor.predict([file], find=lambda image: seen.append(image.shape) or []))
    assert seen == [(3, 800, 1600)]


def test_a_finder_that_fails_stops_with_its_reason(predictor, files):
    with pytest.raises(UserError, match="the finder failed on"):
        list(predictor.predict(files[:1], find=lambda image: 1 / 0))
