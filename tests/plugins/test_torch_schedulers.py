import math
from itertools import product

import pytest
import torch
from framework_torch.optimizers import SGD, Adam
from framework_torch.schedulers import SCHEDULERS, Constant, Cosine, MultiStep, OneCycle, Plateau, Step, WarmUp
from pydantic import ValidationError
from torch import nn

from framework.components import build

PER_EPOCH = 10
BY_STEP = [MultiStep(milestones=(1, 2)) if kind is MultiStep else kind() for kind in SCHEDULERS if kind is not Plateau]


def made(scheduler, total, optimizer=SGD(lr=1.0)):  # noqa: B008 (frozen)
    optimizer = optimizer.build(nn.Linear(2, 2))
    return optimizer, build(scheduler, optimizer=optimizer, total_steps=total, steps_per_epoch=PER_EPOCH)


def curve(scheduler, total, key="lr", **options):
    """The value of `key` in each step of the run."""
    optimizer, schedule = made(scheduler, total, **options)
    values = []
    for _ in range(total):
        values.append(optimizer.param_groups[0][key])
        optimizer.step()
        schedule.step()
    return values


def test_constant_is_constant():
    assert curve(Constant(), 5) == [1.0] * 5


def test_constant_supports_warmup():
    assert curve(Constant(warmup=0.4), 10) == pytest.approx([0.2, 0.4, 0.6, 0.8] + [1.0] * 6)


def test_warmup_increases_then_decreases_to_zero():
    lrs = curve(WarmUp(warmup=0.25), 100)
    assert lrs[:3] == pytest.approx([1 / 26, 2 / 26, 3 / 26])
    assert max(lrs) == lrs[25] == 1.0
    assert lrs[-1] == pytest.approx(1 / 75)


def test_warmup_may_be_followed_by_a_constant():
    assert curve(WarmUp(warmup=0.25, then="constant"), 100)[25:] == [1.0] * 75


def test_step_drops_at_the_interval():
    lrs = curve(Step(every=2, gamma=0.5), 60)
    assert lrs == [1.0] * 20 + [0.5] * 20 + [0.25] * 20


def test_step_supports_fractions_of_an_epoch():
    lrs = curve(Step(every=0.1, gamma=0.5), 10)
    assert lrs == [0.5**step for step in range(10)]


def test_multi_step_drops_at_its_milestones():
    lrs = curve(MultiStep(milestones=(1, 2.5), gamma=0.1), 40)
    assert lrs == pytest.approx([1.0] * 10 + [0.1] * 15 + [0.01] * 15)


def test_cosine_decreases_to_the_final_fraction():
    lrs = curve(Cosine(warmup=0, final=0.1), 100)
    assert lrs[0] == 1.0
    assert lrs[50] == pytest.approx(0.55)
    assert lrs == sorted(lrs, reverse=True)
    assert lrs[-1] == pytest.approx(0.1 + 0.9 * (1 + math.cos(math.pi * 0.99)) / 2)


def test_cosine_matches_torch():
    optimizer = torch.optim.SGD(nn.Linear(2, 2).parameters(), 1.0)
    reference = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 50)
    expected = []
    for _ in range(50):
        expected.append(reference.get_last_lr()[0])
        optimizer.step()
        reference.step()
    assert curve(Cosine(warmup=0), 50) == pytest.approx(expected)


def test_one_cycle_increases_to_its_peak_and_decreases_to_nearly_zero():
    lrs = curve(OneCycle(rise=0.3), 1000)
    assert lrs[0] == pytest.approx(0.04)
    assert max(lrs) == pytest.approx(1.0, abs=1e-4)
    assert lrs.index(max(lrs)) == pytest.approx(300, abs=1)
    assert 0 < lrs[-1] < 1e-4


def test_one_cycle_peaks_at_the_learning_rate_of_each_group():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem, self.head = nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False)

    optimizer = SGD(lr=1.0, layer_decay=0.5).build(Two())
    schedule = OneCycle().build(optimizer, 100)
    peaks = [0.0, 0.0]
    for _ in range(100):
        peaks = [max(peak, group["lr"]) for peak, group in zip(peaks, optimizer.param_groups, strict=True)]
        optimizer.step()
        schedule.step()
    assert peaks == pytest.approx([0.5, 1.0], abs=1e-3)


def test_one_cycle_changes_the_momentum_of_sgd_inversely():
    momentum = curve(OneCycle(rise=0.3), 1000, "momentum")
    assert momentum[0] == pytest.approx(0.95)
    assert min(momentum) == pytest.approx(0.85, abs=1e-4)
    assert momentum.index(min(momentum)) == pytest.approx(300, abs=1)
    assert momentum[-1] == pytest.approx(0.95, abs=1e-4)


def test_one_cycle_changes_only_the_first_beta_of_adam():
    betas = curve(OneCycle(), 100, "betas", optimizer=Adam())
    assert betas[0][0] == pytest.approx(0.95)
    assert min(beta1 for beta1, _ in betas) == pytest.approx(0.85, abs=1e-3)
    assert {beta2 for _, beta2 in betas} == {0.999}


@pytest.mark.parametrize(
    ("scheduler", "optimizer", "expected"),
    [(OneCycle(cycle_momentum=False), SGD(lr=1.0), 0.9), (OneCycle(), SGD(lr=1.0, momentum=0), 0)],
)
def test_one_cycle_does_not_change_momentum_if_disabled_or_zero(scheduler, optimizer, expected):
    assert set(curve(scheduler, 50, "momentum", optimizer=optimizer)) == {expected}


def test_one_cycle_supports_any_number_of_steps():
    offenders = []
    for total, rise in product((1, 2, 3, 4, 5, 9, 19), (0.05, 0.1, 0.25, 0.3, 0.5, 0.75, 0.9)):
        lrs = curve(OneCycle(rise=rise), total)
        if lrs[0] != pytest.approx(0.04) or not all(0 < lr <= 1.0 + 1e-9 for lr in lrs):
            offenders.append((total, rise, lrs))
    assert offenders == []


def test_every_learning_rate_is_positive_even_for_few_steps():
    curves = {(scheduler.name, total): curve(scheduler, total) for scheduler in BY_STEP for total in (1, 2, 3, 7)}
    assert [run for run, lrs in curves.items() if not all(0 < lr <= 1.0 for lr in lrs)] == []


def resumed_curve(scheduler, total, at, file):
    """Learning rates from step `at` on, after saving and loading the state."""
    optimizer, schedule = made(scheduler, total)
    for _ in range(at):
        optimizer.step()
        schedule.step()
    torch.save({"optimizer": optimizer.state_dict(), "schedule": schedule.state_dict()}, file)
    optimizer, schedule = made(scheduler, total)
    state = torch.load(file, weights_only=True)
    optimizer.load_state_dict(state["optimizer"])
    schedule.load_state_dict(state["schedule"])
    lrs = []
    for _ in range(at, total):
        lrs.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return lrs


def test_every_schedule_resumes_exactly(tmp_path):
    offenders = []
    for scheduler, at in product(BY_STEP, (0, 1, 13, 29)):
        if resumed_curve(scheduler, 30, at, tmp_path / "state") != curve(scheduler, 30)[at:]:
            offenders.append((scheduler.name, at))
    assert offenders == []


def test_plateau_drops_after_its_patience_down_to_min_lr():
    optimizer, schedule = made(Plateau(gamma=0.1, patience=1, min_lr=0.05), 100)
    lrs = []
    for value in (5.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0):
        schedule.step(value)
        lrs.append(round(optimizer.param_groups[0]["lr"], 6))
    assert lrs == [1.0, 1.0, 1.0, 0.1, 0.1, 0.05, 0.05]


def test_a_resumed_plateau_knows_the_best_value():
    optimizer, schedule = made(Plateau(patience=0), 100)
    schedule.step(1.0)
    state = schedule.state_dict()
    optimizer, schedule = made(Plateau(patience=0), 100)
    schedule.load_state_dict(state)
    schedule.step(2.0)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.1)


def test_multi_step_needs_a_milestone():
    with pytest.raises(ValidationError, match="milestones"):
        MultiStep(milestones=())
