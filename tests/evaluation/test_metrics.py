"""Each metric compared with a slow, direct reference."""

import json
import math

import pytest
import torch

from framework.evaluation.metrics import calibration_error, classification_metrics


def drawn(number, classes, absent=(), never=(), seed=0):
    """Logits that are often right, labels without `absent` classes, predictions without `never`."""
    generator = torch.Generator().manual_seed(seed)
    present = torch.tensor([label for label in range(classes) if label not in absent])
    labels = present[torch.randint(len(present), (number,), generator=generator)]
    logits = torch.randn(number, classes, generator=generator)
    logits[torch.arange(number), labels] += 1
    for label in never:
        logits[:, label] = -100
    return logits, labels


CASES = {
    "two classes": drawn(50, 2),
    "seven classes": drawn(300, 7),
    "ten classes": drawn(300, 10),
    "a class absent from the labels": drawn(100, 7, absent=(2, 5)),
    "a class never predicted": drawn(100, 7, never=(0, 6)),
    "a class neither there nor predicted": drawn(100, 7, absent=(3,), never=(3,)),
    "one image": drawn(1, 7),
    "one image, ten classes": drawn(1, 10),
    "all right": (torch.eye(7) * 9, torch.arange(7)),
    "all wrong": (torch.eye(7).roll(1, 1) * 9 + drawn(7, 7)[0] / 9, torch.arange(7)),
}
every_case = pytest.mark.parametrize("case", list(CASES))


def measured(case):
    logits, labels = CASES[case]
    names = [f"c{label}" for label in range(logits.shape[1])]
    metrics = classification_metrics(logits, labels, names)
    return metrics, logits.tolist(), labels.tolist(), logits.shape[1]


def best(row):
    return max(range(len(row)), key=lambda label: row[label])


def softmax(row):
    powers = [math.exp(value - max(row)) for value in row]
    return [power / sum(powers) for power in powers]


def ratio(correct, total):
    return correct / total if total else 0.0


@every_case
def test_top1_is_the_fraction_of_correct_predictions(case):
    metrics, logits, labels, _ = measured(case)
    correct = sum(best(row) == label for row, label in zip(logits, labels, strict=True))
    assert metrics["top1"] == pytest.approx(correct / len(labels))
    assert metrics["images"] == len(labels)


@every_case
def test_top5_exists_above_five_classes(case):
    metrics, logits, labels, classes = measured(case)
    if classes <= 5:
        assert "top5" not in metrics
        return
    ranked = [sorted(range(classes), key=lambda label: -row[label])[:5] for row in logits]
    correct = sum(label in five for five, label in zip(ranked, labels, strict=True))
    assert metrics["top5"] == pytest.approx(correct / len(labels))


@every_case
def test_loss_is_the_mean_negative_log_probability(case):
    metrics, logits, labels, _ = measured(case)
    losses = [-math.log(softmax(row)[label]) for row, label in zip(logits, labels, strict=True)]
    assert metrics["loss"] == pytest.approx(sum(losses) / len(losses))


def by_class(logits, labels, classes):
    """Precision, recall, F1, support and predictions of each class, counted one by one."""
    pairs = [(label, best(row)) for row, label in zip(logits, labels, strict=True)]
    for name in range(classes):
        correct = sum(pair == (name, name) for pair in pairs)
        support = sum(label == name for label, _ in pairs)
        predicted = sum(prediction == name for _, prediction in pairs)
        precision, recall = ratio(correct, predicted), ratio(correct, support)
        f1 = ratio(2 * precision * recall, precision + recall)
        yield {"precision": precision, "recall": recall, "f1": f1, "support": support}, predicted


@every_case
def test_each_class_has_its_precision_recall_f1_and_support(case):
    metrics, *data = measured(case)
    for (expected, _), (name, given) in zip(by_class(*data), metrics["per_class"].items(), strict=True):
        if not expected["support"]:
            expected |= dict.fromkeys(("precision", "recall", "f1"))
        assert given == pytest.approx(expected), name


@every_case
def test_balanced_accuracy_is_the_mean_recall_of_the_classes_that_occur(case):
    metrics, *data = measured(case)
    recalls = [row["recall"] for row, _ in by_class(*data) if row["support"]]
    assert metrics["balanced_accuracy"] == pytest.approx(sum(recalls) / len(recalls))


@every_case
def test_macro_f1_is_the_mean_over_classes_that_occur_or_are_predicted(case):
    metrics, *data = measured(case)
    f1s = [row["f1"] for row, predicted in by_class(*data) if row["support"] or predicted]
    assert metrics["macro_f1"] == pytest.approx(sum(f1s) / len(f1s))


@every_case
def test_ece_is_the_weighted_gap_of_fifteen_bins(case):
    metrics, logits, labels, _ = measured(case)
    expected = 0.0
    for i in range(15):
        members = [
            (max(softmax(row)), best(row) == label)
            for row, label in zip(logits, labels, strict=True)
            if i / 15 < max(softmax(row)) <= (i + 1) / 15
        ]
        if members:
            confidence = sum(c for c, _ in members) / len(members)
            accuracy = sum(right for _, right in members) / len(members)
            expected += len(members) / len(labels) * abs(accuracy - confidence)
    assert metrics["ece"] == pytest.approx(expected, abs=1e-9)


@every_case
def test_all_metrics_are_plain_json(case):
    metrics = measured(case)[0]
    assert json.loads(json.dumps(metrics, allow_nan=False)) == metrics


def test_ece_of_certain_predictions_is_zero_if_correct_and_one_if_wrong():
    certain = torch.ones(3, dtype=torch.float64)
    assert calibration_error(certain, torch.tensor([True] * 3)) == 0
    assert calibration_error(certain, torch.tensor([False] * 3)) == 1


def test_a_confidence_on_the_edge_of_two_bins_belongs_to_the_lower_bin():
    confidence = torch.tensor([0.5, 0.75], dtype=torch.float64)
    assert calibration_error(confidence, torch.tensor([True, False]), bins=2) == (0.5 + 0.75) / 2


def test_huge_logits_stay_finite():
    metrics = classification_metrics(torch.tensor([[1e4, -1e4], [-1e4, 1e4]]), torch.tensor([0, 0]), ["a", "b"])
    assert metrics["loss"] == pytest.approx(1e4)
    assert metrics["ece"] == pytest.approx(0.5)


def test_half_precision_logits_are_evaluated_in_float64():
    logits, labels = CASES["seven classes"]
    names = list("abcdefg")
    half = classification_metrics(logits.bfloat16(), labels, names)
    assert half == classification_metrics(logits.bfloat16().double(), labels, names)


@every_case
def test_macro_metrics_state_their_number_of_classes(case):
    metrics, *data = measured(case)
    found = list(by_class(*data))
    assert metrics["tested_classes"] == sum(row["support"] > 0 for row, _ in found)
    assert metrics["f1_classes"] == sum(bool(row["support"] or predicted) for row, predicted in found)


def test_metrics_do_not_depend_on_the_block_size(monkeypatch):
    logits, labels = CASES["ten classes"]
    whole = classification_metrics(logits, labels, list("abcdefghij"))
    monkeypatch.setattr("framework.evaluation.probabilities.BLOCK", 70)
    parts = classification_metrics(logits, labels, list("abcdefghij"))
    assert parts == whole | {"loss": pytest.approx(whole["loss"])}


def test_the_size_of_the_metrics_is_linear_in_the_classes():
    sizes = []
    for classes in (200, 400):
        logits = torch.randn(1000, classes, generator=torch.Generator().manual_seed(0))
        names = [f"{index:04}" for index in range(classes)]
        sizes.append(len(json.dumps(classification_metrics(logits, torch.arange(1000) % classes, names))))
    assert sizes[1] < 2.5 * sizes[0]


def test_sigmoid_networks_are_evaluated_with_sigmoids():
    logits = torch.tensor([[2.0, -1.0, 0.5], [-3.0, 1.0, 0.0], [1.0, 1.5, -2.0]])
    labels = torch.tensor([0, 1, 0])
    metrics = classification_metrics(logits, labels, list("abc"), "sigmoid")
    sigmoid = [[1 / (1 + math.exp(-value)) for value in row] for row in logits.tolist()]
    loss = 0.0
    for row, label in zip(sigmoid, labels.tolist(), strict=True):
        loss -= sum(math.log(p if index == label else 1 - p) for index, p in enumerate(row)) / 3
    assert metrics["loss"] == pytest.approx(loss)
    gaps = [(label == best(row)) - max(row) for row, label in zip(sigmoid, labels.tolist(), strict=True)]
    assert metrics["ece"] == pytest.approx(sum(map(abs, gaps)) / 3)  # each is in a bin of its own
