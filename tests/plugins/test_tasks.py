"""The tasks: what labels are valid, what the network is trained on, what is predicted."""

import numpy as np
import pytest
import torch
from framework_tasks import MultiLabel, SingleLabel
from framework_torch.losses import Asymmetric, BinaryCrossEntropy, CrossEntropy

from framework import Predictions, UserError

CLASSES = ("cat", "dog", "fox")
NAMES = ("a.png", "b.png", "c.png", "d.png")
SETS = np.array([[1, 1, 0], [0, 0, 0], [0, 0, 1], [0, 1, 0]])


def predictions(task, labels, logits, **more):
    labels, targets = task.true_labels(torch.from_numpy(task.check_labels(np.asarray(labels), CLASSES, NAMES)))
    activation = "sigmoid" if isinstance(task, MultiLabel) else "softmax"
    logits = torch.as_tensor(logits, dtype=torch.float32)
    return Predictions(CLASSES, NAMES, labels, logits, activation=activation, task=task, targets=targets, **more)


def test_votes_become_distributions():
    soft = SingleLabel().check_labels(np.array([[7, 3, 0], [1, 1, 2.0]]), CLASSES, NAMES)
    assert soft.dtype == np.float32
    np.testing.assert_allclose(soft, [[0.7, 0.3, 0], [0.25, 0.25, 0.5]])
    assert SingleLabel().label_names(soft, CLASSES) == [("cat",), ("fox",)]


@pytest.mark.parametrize("row", [[0, 0, 0], [1, -1, 1], [np.nan, 1, 0], [np.inf, 1, 0]])
def test_a_soft_label_without_a_sum_names_its_image(row):
    with pytest.raises(UserError, match=r"b\.png"):
        SingleLabel().check_labels(np.array([[1, 0, 0], row]), CLASSES, NAMES)


def test_several_labels_are_zero_and_one_and_a_class_alone_is_one_label():
    assert MultiLabel().check_labels(SETS, CLASSES, NAMES).dtype == np.float32
    assert MultiLabel().check_labels(np.array([2, 0]), CLASSES, NAMES).tolist() == [[0, 0, 1], [1, 0, 0]]
    assert MultiLabel().label_names(SETS, CLASSES) == [("cat", "dog"), (), ("fox",), ("dog",)]
    with pytest.raises(UserError, match=r"b\.png.*0\.5.*dog"):
        MultiLabel().check_labels(np.array([[1, 0, 0], [1, 0.5, 0]]), CLASSES, NAMES)


def test_targets_are_rows_of_floats():
    classes = torch.arange(3)
    assert SingleLabel().targets(torch.tensor([2, 0]), classes).tolist() == [[0, 0, 1], [1, 0, 0]]
    soft = torch.tensor([[0.7, 0.3, 0.0]])
    assert torch.equal(SingleLabel().targets(soft, classes), soft)
    assert torch.equal(MultiLabel().targets(soft, classes), soft)


def test_a_balanced_epoch_has_every_label_and_images_without_labels_equally_often():
    labels = torch.zeros(300, 3)
    labels[:200, 0] = 1
    labels[200:210, 1] = 1
    labels[210:230, 2] = 1
    drawn = MultiLabel().balanced_order(labels, torch.Generator().manual_seed(0))
    assert len(drawn) == 300
    assert labels[drawn].sum(dim=0).tolist() == [75, 75, 75]


def test_only_losses_with_independent_probabilities_fit_several_labels():
    assert MultiLabel().activation(BinaryCrossEntropy()) == MultiLabel().activation(Asymmetric()) == "sigmoid"
    with pytest.raises(ValueError, match=r"bce.*asymmetric"):
        MultiLabel().activation(CrossEntropy())
    assert SingleLabel().activation(BinaryCrossEntropy()) == "sigmoid"


def test_labels_above_their_threshold_are_predicted():
    logits = [[2.0, 0.4, -1], [-1, -2, -3], [-1, 0.2, 1], [0.1, 1, -1]]
    found = predictions(MultiLabel(), SETS, logits)
    assert found.predicted.tolist() == [[1, 1, 0], [0, 0, 0], [0, 1, 1], [1, 1, 0]]
    assert found.correct.tolist() == [True, True, False, False]
    tuned = found.with_thresholds()
    assert tuned.predicted.tolist() == SETS.tolist()
    assert tuned.metrics()["subset_accuracy"] == 1
    assert tuned.at_temperature(3.0).predicted.tolist() == SETS.tolist()
    assert found.predicted_names[2] == ("dog", "fox")


def test_decisions_are_classes_with_probabilities():
    assert SingleLabel().decide([0.2, 0.5, 0.3], CLASSES, None) == [("dog", 0.5)]
    assert MultiLabel().decide([0.6, 0.2, 0.9], CLASSES, None) == [("fox", 0.9), ("cat", 0.6)]
    assert MultiLabel().decide([0.6, 0.2, 0.9], CLASSES, [0.7, 0.1, 0.95]) == [("dog", 0.2)]
    assert MultiLabel().decide([0.1, 0.2, 0.3], CLASSES, None) == []


def test_the_confusion_of_several_labels_counts_wrong_labels_beside_true_ones():
    logits = [[1, 1, 1], [1, -1, -1], [-1, -1, -1], [-1, 1, 1]]
    confusion = predictions(MultiLabel(), SETS, logits).confusion()
    assert confusion.matrix().tolist() == [[1, 0, 1], [0, 2, 2], [0, 0, 0]]
    assert confusion.support.tolist() == [1, 2, 1]


def test_soft_labels_are_evaluated_against_majority_and_distribution():
    votes = [[6, 4, 0], [0, 5, 5], [0, 0, 10], [10, 0, 0]]
    exact = torch.tensor(votes, dtype=torch.float64).div(10).clamp(min=1e-12).log()
    metrics = predictions(SingleLabel(), votes, exact).metrics()
    assert metrics["top1"] == 1
    assert metrics["total_variation"] == pytest.approx(0, abs=1e-6)
    entropy = -sum(p * np.log(p) for p in (0.6, 0.4, 0.5, 0.5)) / 4
    assert metrics["soft_loss"] == pytest.approx(entropy, rel=1e-5)
    assert list(metrics)[-1] == "per_class"


@pytest.mark.parametrize("task", [SingleLabel(), MultiLabel()])
def test_predictions_are_saved_with_their_task(task, tmp_path):
    labels = SETS if isinstance(task, MultiLabel) else np.array([[6, 4, 0], [0, 5, 5], [0, 0, 10], [10, 0, 0]])
    saved = predictions(task, labels, torch.randn(4, 3, generator=torch.Generator().manual_seed(0))).with_thresholds()
    saved.save(tmp_path / "x.safetensors")
    read = Predictions.load(tmp_path / "x.safetensors")
    assert read.task == task
    assert read.metrics() == saved.metrics()
    assert read.keys == saved.keys
    for name in ("labels", "targets", "thresholds"):
        one, other = getattr(read, name), getattr(saved, name)
        assert one is other is None or torch.equal(one, other)


def test_advice_on_labels_names_pairs_and_labels_that_never_occur_alone():
    labels = np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1], [1, 1, 1]])
    together, never_alone = MultiLabel().label_advice(labels, CLASSES)
    assert "cat and dog" in together
    assert "cat, dog" in never_alone
    assert "fox" not in never_alone
    assert MultiLabel().label_advice(SETS[[2, 3, 3, 2]], CLASSES) == []
    assert MultiLabel().label_statistics(SETS, CLASSES)["label_cardinality"] == 1
