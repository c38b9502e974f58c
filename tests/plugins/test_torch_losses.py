import pytest
import torch
from framework_tasks import MultiLabel
from framework_torch.losses import LOSSES, Asymmetric, BinaryCrossEntropy, CrossEntropy, Focal, WeightedLoss
from torch import nn
from torch.nn import functional as F

from framework import UserError

BY_LABELS = [kind for kind in LOSSES if issubclass(kind, WeightedLoss)]
COUNTS = {"cat": 60, "dog": 30, "fox": 10}
WEIGHTS = {"cat": 0.5, "dog": 2.0, "fox": 3.0}


def logits(number=9, seed=0):
    return torch.randn(number, 3, generator=torch.Generator().manual_seed(seed)) * 3


def labels(number=9):
    return torch.arange(number) * 7 % 3


def hard(number=9):
    return F.one_hot(labels(number), 3).float()


def soft(number=9):
    return torch.rand(number, 3, generator=torch.Generator().manual_seed(1)).softmax(dim=1)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_cross_entropy_of_labels_matches_torch(smoothing):
    loss = CrossEntropy(label_smoothing=smoothing).build(COUNTS)
    expected = nn.CrossEntropyLoss(label_smoothing=smoothing)(logits(), labels())
    torch.testing.assert_close(loss(logits(), hard()), expected)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy_of_probabilities_matches_torch(smoothing):
    loss = CrossEntropy(label_smoothing=smoothing).build(COUNTS)
    expected = nn.CrossEntropyLoss(label_smoothing=smoothing)(logits(), soft())
    torch.testing.assert_close(loss(logits(), soft()), expected)


def test_weighted_cross_entropy_matches_torch_divided_by_the_number_of_images():
    loss = CrossEntropy(class_weights=WEIGHTS).build(COUNTS)
    weights = torch.tensor([0.5, 2.0, 3.0]) / 1.2  # the mean weight of the training images is 1.2
    expected = nn.CrossEntropyLoss(weights, reduction="sum")(logits(), labels()) / 9
    torch.testing.assert_close(loss(logits(), hard()), expected)


@pytest.mark.parametrize("kind", BY_LABELS)
def test_gradients_do_not_depend_on_the_batch_size(kind):
    loss = kind(class_weights={"cat": 10.0, "dog": 1.0, "fox": 1.0}).build(COUNTS).double()
    whole = logits(30).double().requires_grad_()
    loss(whole, hard(30).double()).backward()
    for batch_size in (1, 2, 3, 5):
        parts = logits(30).double().requires_grad_()
        for batch, targets in zip(parts.split(batch_size), hard(30).double().split(batch_size), strict=True):
            (loss(batch, targets) * (len(batch) / 30)).backward()
        torch.testing.assert_close(parts.grad, whole.grad, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("kind", BY_LABELS)
def test_class_weights_apply_in_a_batch_of_one(kind):
    heavy = kind(class_weights={"cat": 10.0, "dog": 1.0, "fox": 1.0}).build(COUNTS)
    cat, dog = (one.view(1, 3) for one in torch.eye(3)[:2])
    even = torch.zeros(1, 3)
    torch.testing.assert_close(heavy(even, cat), 10 * heavy(even, dog))


def test_focal_loss_without_gamma_is_cross_entropy():
    torch.testing.assert_close(Focal(gamma=0).build(COUNTS)(logits(), soft()), F.cross_entropy(logits(), soft()))


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0, 5.0])
def test_focal_loss_is_its_formula(gamma):
    p = logits().softmax(dim=1)[torch.arange(9), labels()]
    expected = (-((1 - p) ** gamma) * p.log()).mean()
    torch.testing.assert_close(Focal(gamma=gamma).build(COUNTS)(logits(), hard()), expected)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
def test_focal_loss_has_finite_gradients_for_probability_one(gamma):
    certain = torch.tensor([[100.0, 0.0, 0.0], [0.0, 100.0, 0.0]], requires_grad=True)
    Focal(gamma=gamma).build(COUNTS)(certain, hard(2)).backward()
    assert certain.grad.isfinite().all()


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_binary_cross_entropy_matches_torch_summed_over_classes(smoothing):
    loss = BinaryCrossEntropy(label_smoothing=smoothing).build(COUNTS)
    smoothed = soft() * (1 - smoothing) + smoothing / 3
    expected = nn.BCEWithLogitsLoss(reduction="sum")(logits(), smoothed) / 9
    torch.testing.assert_close(loss(logits(), soft()), expected)


@pytest.mark.parametrize("kind", BY_LABELS)
def test_equal_class_weights_change_nothing(kind):
    plain, weighted = kind(), kind(class_weights={"cat": 2.0, "dog": 2.0, "fox": 2.0})
    torch.testing.assert_close(weighted.build(COUNTS)(logits(), soft()), plain.build(COUNTS)(logits(), soft()))


@pytest.mark.parametrize("kind", BY_LABELS)
def test_a_class_weight_of_zero_excludes_the_class(kind):
    loss = kind(class_weights={"fox": 0.0}).build(COUNTS)
    others = labels() != 2
    of_others = kind().build(COUNTS)(logits()[others], hard()[others]) * others.double().mean().float()
    torch.testing.assert_close(loss(logits(), hard()), of_others / 0.9)  # a tenth of the training images are foxes


@pytest.mark.parametrize("kind", BY_LABELS)
def test_a_batch_of_classes_with_weight_zero_has_loss_zero(kind):
    loss = kind(class_weights={"cat": 0.0}).build(COUNTS)
    assert loss(logits(1), torch.tensor([[1.0, 0.0, 0.0]])) == 0


def test_balanced_weights_are_inverse_to_counts_with_a_mean_of_one_over_images():
    weights = CrossEntropy(class_weights="balanced").weights(COUNTS)
    assert [weight * number for weight, number in zip(weights, COUNTS.values(), strict=True)] == pytest.approx(
        [100 / 3] * 3
    )


def test_the_balanced_weight_of_a_class_without_images_is_zero():
    assert CrossEntropy(class_weights="balanced").weights({"cat": 5, "dog": 0, "fox": 5}) == [1.0, 0.0, 1.0]


def test_unlisted_classes_have_weight_one_before_scaling_to_a_mean_of_one_over_images():
    assert CrossEntropy(class_weights={"fox": 3.0}).weights(COUNTS) == pytest.approx([1 / 1.2, 1 / 1.2, 3 / 1.2])


def test_class_weights_that_are_all_zero_are_an_error():
    with pytest.raises(UserError, match="0"):
        CrossEntropy(class_weights={"cat": 0.0}).build({"cat": 5, "dog": 0})


def test_a_weight_for_an_unknown_class_is_an_error_with_a_suggestion():
    with pytest.raises(UserError, match=r"'fix'.*did you mean 'fox'.*cat"):
        CrossEntropy(class_weights={"fix": 2.0}).build(COUNTS)


def test_a_negative_weight_is_an_error():
    with pytest.raises(UserError, match=r"'cat'.*-1\.0"):
        CrossEntropy(class_weights={"cat": -1.0}).build(COUNTS)


@pytest.mark.parametrize("kind", BY_LABELS)
def test_class_weights_move_with_the_module(kind):
    loss = kind(class_weights="balanced").build(COUNTS).to(torch.float64)
    assert loss(logits().double(), hard().double()).dtype == torch.float64


def test_the_asymmetric_loss_matches_its_paper():
    p, targets = logits().sigmoid().double(), (soft() > 0.3).double()
    shifted = (p - 0.05).clamp(min=0)
    positive, negative = (1 - p) ** 1 * p.log(), shifted**4 * (1 - shifted).log()
    expected = -(targets * positive + (1 - targets) * negative).sum(dim=1).mean()
    torch.testing.assert_close(Asymmetric().build(COUNTS)(logits(), targets.float()).double(), expected)


def test_the_asymmetric_loss_without_focus_and_clip_is_binary_cross_entropy():
    plain = Asymmetric(gamma_negative=0, gamma_positive=0, clip=0).build(COUNTS)
    torch.testing.assert_close(plain(logits(), hard()), BinaryCrossEntropy().build(COUNTS)(logits(), hard()))


@pytest.mark.parametrize("options", [{}, {"gamma_negative": 0.5, "gamma_positive": 0.5}, {"clip": 0.0}])
def test_the_asymmetric_loss_of_extreme_logits_has_finite_gradients(options):
    extreme = torch.tensor([[200.0, -200.0, 0.0], [-200.0, 200.0, 30.0]], requires_grad=True)
    Asymmetric(**options).build(COUNTS)(extreme, torch.tensor([[0.0, 1.0, 1.0], [0.0, 1.0, 0.0]])).backward()
    assert torch.isfinite(extreme.grad).all()


@pytest.mark.parametrize("kind", [Asymmetric, BinaryCrossEntropy])
def test_class_weights_multiply_labels_if_there_are_several(kind):
    targets, weights = torch.tensor([[1.0, 1, 0], [0, 0, 0]]), torch.tensor([0.5, 2.0, 3.0]) / 1.2
    weighted = kind(class_weights=WEIGHTS).build(COUNTS, MultiLabel())
    plain = kind().build(COUNTS)
    by_class = [plain(logits(2)[:, [column]], targets[:, [column]]) for column in range(3)]
    torch.testing.assert_close(weighted(logits(2), targets), (torch.stack(by_class) * weights).sum())
