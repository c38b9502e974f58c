from collections import Counter

import numpy as np
import pytest

from framework import Dataset, ImageArrays, UserError
from framework.data.splits import bind_classes, build_splits, find_split
from framework.data.stratification import split_keys, stratified

CLASSES = ("cat", "dog", "fox")


def arrays(labels, classes=CLASSES):
    """Image i is filled with i."""
    images = np.zeros((len(labels), 1, 2, 2), np.uint8) + np.arange(len(labels), dtype=np.uint8)[:, None, None, None]
    return ImageArrays(images, labels, classes)


class Zoo(Dataset):
    name = "zoo"
    built: object = None

    def build(self):
        return self.built


def splits_of(built, classes=None, **options):
    return build_splits(Zoo(**options).model_copy(update={"built": built}), classes)


LABELS = [0] * 100 + [1] * 40 + [2] * 10


def names(splits, name):
    return set(splits[name].names)


@pytest.mark.parametrize(
    ("share", "expected"), [(0.1, {0: 10, 1: 4, 2: 1}), (0.25, {0: 25, 1: 10, 2: 2}), (0.001, {0: 1, 1: 1, 2: 1})]
)
def test_of_each_class_the_share_is_held_out_to_the_nearest_image(share, expected):
    splits = splits_of({"train": arrays(LABELS)}, validation=share)
    assert Counter(splits["validation"].labels) == expected
    assert Counter(splits["train"].labels) == Counter(LABELS) - Counter(expected)


def test_both_shares_are_of_the_whole():
    splits = splits_of({"train": arrays(LABELS)}, validation=0.3, test=0.2)
    assert Counter(splits["test"].labels) == {0: 20, 1: 8, 2: 2}
    assert Counter(splits["validation"].labels) == {0: 30, 1: 12, 2: 3}


def test_splits_are_disjoint_and_together_everything():
    whole = arrays(LABELS)
    splits = splits_of({"train": whole}, validation=0.3, test=0.2)
    parts = [splits[name].names for name in ("train", "validation", "test")]
    assert sorted(name for part in parts for name in part) == sorted(whole.names)


def test_a_split_image_keeps_its_label_name_and_pixels():
    split = splits_of({"train": arrays(LABELS)}, validation=0.3)["validation"]
    for index, (label, name) in enumerate(zip(split.labels, split.names, strict=True)):
        original = int(name.removeprefix("image/"))
        assert label == LABELS[original]
        assert split.read(index)[0, 0, 0] == original


def test_a_tenth_is_held_out_where_nothing_is_said():
    assert len(splits_of({"train": arrays(LABELS)})["validation"]) == 15


def test_the_same_seed_holds_out_the_same_images():
    first, again = (splits_of({"train": arrays(LABELS)}, validation=0.3) for _ in range(2))
    assert names(first, "validation") == names(again, "validation")


def test_another_split_seed_holds_out_others():
    first, other = (splits_of({"train": arrays(LABELS)}, validation=0.3, split_seed=seed) for seed in (0, 1))
    assert names(first, "validation") != names(other, "validation")


def test_held_out_images_do_not_depend_on_the_global_random_state():
    import random

    random.seed(1)
    first = splits_of({"train": arrays(LABELS)}, validation=0.3)
    random.seed(2)
    assert names(first, "validation") == names(splits_of({"train": arrays(LABELS)}, validation=0.3), "validation")


def listed(labels, start=0):
    """Names and class names of so many images."""
    return [f"{CLASSES[label]}/{index:04}.png" for index, label in enumerate(labels, start)], [
        CLASSES[i] for i in labels
    ]


def members(names, classes, fractions, seed=0):
    """Which names are in which split."""
    parts = stratified(names, classes, fractions, seed)
    return {split: {names[index] for index in indices} for split, indices in parts.items()}


def test_more_images_of_one_class_leave_the_split_of_the_others_as_it_was():
    names, classes = listed(LABELS)
    more, more_classes = listed([0] * 57, start=1000)
    before, after = (
        members(names, classes, {"validation": 0.3}),
        members(names + more, classes + more_classes, {"validation": 0.3}),
    )
    others = set(names[100:])
    assert before["validation"] & others == after["validation"] & others


@pytest.mark.parametrize("fractions", [{"validation": 0.1}, {"test": 0.25}, {"test": 0.2, "validation": 0.15}], ids=str)
@pytest.mark.parametrize("seed", range(5))
def test_one_more_image_moves_at_most_one_other_for_each_held_out_split(fractions, seed):
    names, classes = [f"{index:04}.png" for index in range(60)], ["cat"] * 60
    for number in range(1, 60):
        before = members(names[:number], classes[:number], fractions, seed)
        after = members(names[: number + 1], classes[: number + 1], fractions, seed)
        for split in fractions:
            assert len(before[split] - after[split]) <= 1
            assert len(after[split] & before["train"]) <= 1


def test_held_out_images_depend_neither_on_the_order_of_the_images_nor_on_that_of_the_classes():
    names, classes = listed(LABELS)
    expected = members(names, classes, {"test": 0.2, "validation": 0.3})
    assert members(names[::-1], classes[::-1], {"test": 0.2, "validation": 0.3}) == expected
    renumbered = {"train": arrays([2 - label for label in LABELS], CLASSES[::-1])}
    assert set(splits_of(renumbered)["validation"].names) == set(
        splits_of({"train": arrays(LABELS)})["validation"].names
    )


def test_the_validation_images_do_not_depend_on_the_test_fraction():
    names, classes = listed(LABELS)
    alone = members(names, classes, {"validation": 0.2})
    assert members(names, classes, {"test": 0.5, "validation": 0.2})["validation"] == alone["validation"]


def test_the_same_images_are_held_out_on_every_machine_and_in_every_version():
    names, classes = listed([0] * 12)
    assert members(names, classes, {"validation": 0.2})["validation"] == {"cat/0005.png", "cat/0008.png"}


def test_a_name_in_either_unicode_form_has_one_key():
    nfc, nfd = "caf\u00e9", "cafe\u0301"
    assert split_keys(0, nfc, [f"{nfc}.png"]) == split_keys(0, nfd, [f"{nfd}.png"])
    assert split_keys(0, nfc, [f"{nfc}.png"]) != split_keys(0, "cafe", ["cafe.png"])


def test_names_that_are_all_the_same_or_no_utf_8_are_held_out_all_the_same():
    parts = stratified(["same"] * 50 + ["\udcff", "\ud800"], ["cat"] * 52, {"validation": 0.2}, 0)
    assert len(parts["validation"]) == 10
    assert parts["validation"] != list(range(10))


def test_no_validation_is_held_out_at_share_zero():
    assert list(splits_of({"train": arrays(LABELS)}, validation=0)) == ["train"]


def test_a_ready_made_validation_split_is_taken_as_it_is():
    splits = splits_of({"train": arrays(LABELS), "validation": arrays([0, 1, 2])})
    assert len(splits["train"]) == 150
    assert len(splits["validation"]) == 3


def test_a_ready_made_validation_split_is_left_out_at_share_zero():
    splits = splits_of({"train": arrays(LABELS), "validation": arrays([0, 1, 2])}, validation=0)
    assert list(splits) == ["train"]


@pytest.mark.parametrize("name", ["validation", "test"])
def test_a_ready_made_split_and_a_share_contradict_each_other(name):
    with pytest.raises(UserError, match=rf"has a {name} split of its own \(3 images\): set dataset.{name}=null"):
        splits_of({"train": arrays(LABELS), name: arrays([0, 1, 2])}, **{name: 0.2})


def test_shares_that_leave_nothing_to_train_on_are_refused():
    with pytest.raises(UserError, match=r"test: 0.5 and validation: 0.5 leave nothing to train on"):
        splits_of({"train": arrays(LABELS)}, validation=0.5, test=0.5)


def test_large_shares_still_leave_an_image_of_every_class_to_train_on():
    splits = splits_of({"train": arrays([0] * 3 + [1] * 3)}, classes=CLASSES, validation=0.5, test=0.45)
    assert {name: Counter(splits[name].labels) for name in splits} == {
        name: {0: 1, 1: 1} for name in ("train", "test", "validation")
    }


def test_the_only_image_of_a_class_stays_in_train():
    splits = splits_of({"train": arrays([0] * 9 + [1] * 9 + [2])}, validation=0.9)
    assert Counter(splits["train"].labels) == {0: 1, 1: 1, 2: 1}


def test_too_few_images_to_hold_any_out_is_an_error_that_says_what_to_do():
    with pytest.raises(UserError, match=r"too few images to hold some out for validation.*dataset.validation=0"):
        splits_of({"train": arrays([0, 1, 2])})


def test_no_split_to_train_on_is_an_error_that_names_those_there_are():
    with pytest.raises(UserError, match="no split 'train' to train on; it has test, extra"):
        splits_of({"test": arrays(LABELS), "extra": arrays(LABELS)})


def test_a_split_that_lacks_a_class_keeps_its_labels_right():
    splits = splits_of({"train": arrays(LABELS), "test": arrays([0, 1, 1], ("cat", "fox"))}, validation=0)
    assert splits["test"].labels.tolist() == [0, 2, 2]
    assert splits["test"].classes == CLASSES


def test_a_split_with_its_classes_in_another_order_keeps_its_labels_right():
    splits = splits_of({"train": arrays(LABELS), "test": arrays([0, 1, 2], ("fox", "cat", "dog"))}, validation=0)
    assert splits["test"].labels.tolist() == [2, 0, 1]


def test_an_unexpected_class_is_an_error_that_names_it():
    with pytest.raises(UserError, match=r"split 'test' has 1 class that the training data does not have: owl \(known"):
        splits_of({"train": arrays(LABELS), "test": arrays([0, 1], ("cat", "owl"))})


def test_an_unexpected_class_without_images_harms_nobody():
    assert bind_classes(arrays([0, 0], ("cat", "owl")), CLASSES, "here").labels.tolist() == [0, 0]


def test_given_classes_bind_every_split_and_need_no_train():
    splits = splits_of({"test": arrays([0, 1], ("dog", "cat"))}, classes=CLASSES)
    assert splits["test"].labels.tolist() == [1, 0]


def test_an_unknown_split_is_answered_with_those_there_are():
    with pytest.raises(UserError, match=r"no split 'tset'; did you mean 'test'\? \(splits: train, test\)"):
        find_split({"train": arrays([0]), "test": arrays([0])}, "tset")
