"""The optimizer step in mixed precision, and skipped steps in float16."""

from contextlib import suppress
from types import SimpleNamespace

import pytest
import torch

from framework.data.preprocess import Preprocessor
from framework.device import tf32
from framework.evaluation.evaluate import Evaluator
from framework.training.backend import backend_settings
from framework.training.precision import Precision

CPU = torch.device("cpu")


def linear():
    model = torch.nn.Linear(2, 1)
    return model, torch.optim.SGD(model.parameters(), lr=0.1)


def step(precision, model, optimizer, factor):
    precision.backward((model(torch.ones(1, 2)) * factor).sum())
    return precision.step(optimizer, model)


@pytest.mark.parametrize("clip", [None, 1.0])
def test_a_step_with_overflowing_gradients_is_skipped(clip):
    precision, (model, optimizer) = Precision(CPU, torch.float16, clip), linear()
    before, scale = model.weight.clone(), precision.scaler.get_scale()
    assert step(precision, model, optimizer, 1e38) is False
    assert torch.equal(model.weight, before)
    assert precision.scaler.get_scale() < scale
    assert step(precision, model, optimizer, 1e-3) is True
    assert not torch.equal(model.weight, before)


@pytest.mark.parametrize("clip", [None, 1.0])
def test_a_skipped_step_does_not_change_a_fused_optimizer(clip):
    precision, model = Precision(CPU, torch.float16, clip), linear()[0]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, fused=True)
    assert step(precision, model, optimizer, 1e38) is False
    assert not optimizer.state
    assert step(precision, model, optimizer, 1e-3) is True
    assert model.weight.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_other_precisions_skip_no_step(dtype):
    precision, (model, optimizer) = Precision(CPU, dtype), linear()
    assert step(precision, model, optimizer, 1e-3) is True


def test_averages_are_not_updated_after_a_skipped_step(monkeypatch):
    from framework.training.step import train_step

    moved = []
    session = SimpleNamespace(
        freezing=SimpleNamespace(train_mode=lambda step: None),
        batches=SimpleNamespace(at=lambda step: []),
        averaging=SimpleNamespace(update=moved.append),
    )
    for updated in (True, False):
        monkeypatch.setattr("framework.training.step.update_weights", lambda *arguments, updated=updated: updated)
        assert train_step(session, 4, None) is updated
    assert moved == [5]


def settings():
    cudnn = torch.backends.cudnn
    return torch.backends.cuda.matmul.allow_tf32, cudnn.allow_tf32, cudnn.deterministic, cudnn.benchmark


def test_tf32_is_allowed_in_training_passes_only():
    for allowed in (True, False):
        with tf32(False), Precision(CPU, torch.float32, allow_tf32=allowed).forward_pass():
            assert settings()[:2] == (allowed, allowed)


@pytest.mark.parametrize("deterministic", [True, False])
def test_backend_settings_are_restored_after_an_exception(deterministic):
    before = settings()
    with suppress(KeyError), backend_settings(CPU, deterministic=deterministic):
        inside = settings()
        raise KeyError
    assert inside == (False, False, deterministic, not deterministic)
    assert settings() == before


def test_evaluation_does_not_use_tf32():
    class Recording(torch.nn.Flatten):
        def forward(self, images):
            seen.append(settings()[:2])
            return super().forward(images)

    seen = []
    evaluator = Evaluator(Preprocessor(2, 2, 1, "crop", (0.5,), (0.5,)), CPU, batch_size=4)
    with tf32(True):
        evaluator.logits(Recording(), [torch.zeros(1, 1, 2, 2, dtype=torch.uint8)])
    assert seen == [(False, False)]
