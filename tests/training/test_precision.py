"""The optimizer step in mixed precision: what float16 skips moves nothing else either."""

from types import SimpleNamespace

import pytest
import torch

from framework.device import choose_device
from framework.training import loop
from framework.training.precision import Precision

CPU = torch.device("cpu")


def linear():
    model = torch.nn.Linear(2, 1)
    return model, torch.optim.SGD(model.parameters(), lr=0.1)


def step(precision, model, optimizer, factor):
    precision.backward((model(torch.ones(1, 2)) * factor).sum())
    return precision.step(optimizer, model)


@pytest.mark.parametrize("clip", [None, 1.0])
def test_a_step_whose_gradients_overflow_is_skipped_and_reported(clip):
    precision, (model, optimizer) = Precision(CPU, torch.float16, clip), linear()
    before, scale = model.weight.clone(), precision.scaler.get_scale()
    assert step(precision, model, optimizer, 1e38) is False
    assert torch.equal(model.weight, before)
    assert precision.scaler.get_scale() < scale
    assert step(precision, model, optimizer, 1e-3) is True
    assert not torch.equal(model.weight, before)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_other_precisions_skip_nothing(dtype):
    precision, (model, optimizer) = Precision(CPU, dtype), linear()
    assert step(precision, model, optimizer, 1e-3) is True


def test_the_schedule_moves_with_the_weights_alone(monkeypatch):
    moved, taken = [], []
    updates = iter([True, False, True])
    monkeypatch.setattr(loop, "train_step", lambda session, step, means: next(updates))
    session = SimpleNamespace(schedule=SimpleNamespace(lr=0.1, step=lambda: moved.append(1)))

    class Keeper:
        position, means = SimpleNamespace(step=0), None
        finished = property(lambda self: len(taken) == 3)
        step_done = staticmethod(taken.append)
        stop_if = staticmethod(lambda signal: None)

    loop.train(session, Keeper())
    assert (len(taken), len(moved)) == (3, 2)


def test_averages_move_with_the_weights_alone(monkeypatch):
    from framework.training.step import train_step

    model, moved = linear()[0], []
    for updated in (True, False):
        session = SimpleNamespace(
            recipe=SimpleNamespace(seed=0, optimizer=None),
            freezing=SimpleNamespace(train_mode=lambda step: None),
            batches=SimpleNamespace(at=lambda step: []),
            precision=SimpleNamespace(step=lambda optimizer, model, updated=updated: updated),
            averaging=SimpleNamespace(update=moved.append),
            optimizer=None,
            model=model,
        )
        assert train_step(session, 4, None) is updated
    assert moved == [5]


def test_tf32_is_for_training_passes_alone():
    def allowed():
        return torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32

    choose_device("cpu")
    before = allowed()
    assert before == (False, False)
    for tf32 in (True, False):
        with Precision(CPU, torch.float32, tf32=tf32).forward_pass():
            assert allowed() == ((True, True) if tf32 else before)
        assert allowed() == before
