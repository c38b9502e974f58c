"""Held-out images of data with several labels per image."""

from itertools import chain

import numpy as np
import pytest

from framework.data.stratification import iteratively_stratified

CLASSES = ("common", "rare", "middle")


def labelled(images=1000, seed=0):
    random = np.random.default_rng(seed)
    labels = (random.random((images, 3)) < [0.6, 0.02, 0.2]).astype(np.float32)
    labels[:, 2] = np.maximum(labels[:, 2], labels[:, 1])  # rare implies middle
    return [f"{index:04}.png" for index in range(images)], labels


@pytest.mark.parametrize("fractions", [{"validation": 0.1}, {"test": 0.2, "validation": 0.1}])
def test_every_label_has_its_fraction_in_every_split(fractions):
    names, labels = labelled()
    parts = iteratively_stratified(names, labels, CLASSES, fractions, 0)
    assert sorted(chain(*parts.values())) == list(range(1000))
    for split, fraction in fractions.items():
        assert len(parts[split]) == pytest.approx(1000 * fraction, abs=2)
        np.testing.assert_allclose(labels[parts[split]].sum(axis=0), labels.sum(axis=0) * fraction, atol=1.5)


def test_the_order_of_files_has_no_effect_and_the_seed_has():
    names, labels = labelled(300)
    order = np.random.default_rng(1).permutation(300)
    held_out = {names[i] for i in iteratively_stratified(names, labels, CLASSES, {"test": 0.2}, 0)["test"]}
    shuffled = [names[i] for i in order]
    again = iteratively_stratified(shuffled, labels[order], CLASSES, {"test": 0.2}, 0)["test"]
    assert {shuffled[i] for i in again} == held_out
    other = iteratively_stratified(names, labels, CLASSES, {"test": 0.2}, 1)["test"]
    assert {names[i] for i in other} != held_out


def test_images_without_labels_are_distributed_too():
    parts = iteratively_stratified([f"{i}.png" for i in range(50)], np.zeros((50, 3)), CLASSES, {"validation": 0.2}, 0)
    assert {split: len(indices) for split, indices in parts.items()} == {"train": 40, "validation": 10}
