"""SAM against a direct implementation, and in mixed precision."""

import copy

import pytest
import torch
from framework_torch._sam import perturbed

from framework.data.seeding import seed_at
from framework.training.precision import Precision
from framework.training.running_means import RunningMeans
from framework.training.step import train_step


def direct_sam(model, optimizer, batches, rho, adaptive, clip, seed, dtype):
    """One step of SAM in plain PyTorch, after davda54/sam; `batches` are images and targets."""

    def add_gradients():
        torch.manual_seed(seed)
        for images, targets in batches:
            with torch.autocast("cpu", torch.bfloat16, enabled=dtype == "bfloat16"):
                logits = model(images).float()
            loss = -(targets * logits.log_softmax(1)).sum(1).mean()
            (loss * (1 / len(batches))).backward()

    add_gradients()
    weights, old = list(model.parameters()), [weight.detach().clone() for weight in model.parameters()]
    with torch.no_grad():
        norms = [((weight.abs() if adaptive else 1.0) * weight.grad).norm(p=2) for weight in weights]
        scale = rho / (torch.stack(norms).norm(p=2) + 1e-12)
        for weight in weights:
            weight.add_((torch.pow(weight, 2) if adaptive else 1.0) * weight.grad * scale)
    model.zero_grad()
    norms = [module for module in model.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    statistics = copy.deepcopy([module.state_dict() for module in norms])
    add_gradients()
    for module, before in zip(norms, statistics, strict=True):
        for name in ("running_mean", "running_var", "num_batches_tracked"):
            getattr(module, name).copy_(before[name])
    with torch.no_grad():
        for weight, value in zip(weights, old, strict=True):
            weight.copy_(value)
    if clip:
        torch.nn.utils.clip_grad_norm_(weights, clip)
    optimizer.step()
    model.zero_grad()


@pytest.mark.parametrize(
    ("adaptive", "accumulated", "clip", "dtype"),
    [
        (False, 1, None, "float32"), (False, 2, 0.5, "float32"), (True, 2, None, "float32"),
        (False, 2, 0.5, "bfloat16"), (True, 1, 0.5, "bfloat16"),
    ],
)  # fmt: skip
def test_sam_equals_a_direct_implementation_to_the_last_bit(dots_session, adaptive, accumulated, clip, dtype):
    rho = 1.0 if adaptive else 0.1
    trained = dots_session(
        f"train.precision={dtype}",
        f"method={{name: sam, rho: {rho}, adaptive: {str(adaptive).lower()}}}",
        f"train.grad_accum_steps={accumulated}", f"train.clip_grad_norm={clip or 'null'}",
    )  # fmt: skip
    model = copy.deepcopy(trained.model).train()
    optimizer = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9)
    batches = dots_session(f"train.grad_accum_steps={accumulated}").batches
    for step in range(20):
        of_step = [(images, targets) for images, targets, _ in batches.at(step)]
        direct_sam(model, optimizer, of_step, rho, adaptive, clip, seed_at(0, "step", step), dtype)
        train_step(trained, step, RunningMeans())
    state = model.state_dict()
    assert [name for name, value in trained.model.state_dict().items() if not torch.equal(value, state[name])] == []


def test_weights_are_restored_to_the_last_bit_also_if_a_gradient_is_not_finite():
    weights = [torch.nn.Parameter(torch.randn(3, 4)), torch.nn.Parameter(torch.randn(5))]
    before = copy.deepcopy(weights)
    for value in (1.0, float("inf"), float("nan")):
        for weight in weights:
            weight.grad = torch.full_like(weight, value)
        with perturbed(weights, 0.1, adaptive=False):
            assert weights[0].isfinite().all() == (value == 1.0)
            assert not torch.equal(weights[0], before[0])
        assert all(torch.equal(weight, old) for weight, old in zip(weights, before, strict=True))


def test_sam_with_scaled_gradients_equals_sam_without(dots_session):
    """A power of two as the scale, as in float16, changes no bit."""
    states = []
    for scale in (None, 2.0**12):
        trained = dots_session("method=sam", "train.grad_accum_steps=2")
        trained.precision = Precision(trained.device, torch.float32, clip_grad_norm=0.5)
        if scale:
            trained.precision.scaler = torch.amp.GradScaler("cpu", init_scale=scale)
        assert all(train_step(trained, index, RunningMeans()) for index in range(5))
        states.append(trained.model.state_dict())
    assert [name for name, value in states[0].items() if not torch.equal(value, states[1][name])] == []


def test_averaged_weights_are_those_of_the_optimizer_and_not_the_perturbed_ones(dots_session):
    trained = dots_session("method={name: sam, rho: 100.0}", "optimizer.lr=1e-6", "train.ema=0.5")
    before = copy.deepcopy(trained.model.state_dict())
    for index in range(3):
        train_step(trained, index, RunningMeans())
    for name, value in trained.averaging.model.named_parameters():
        assert torch.allclose(value, before[name], atol=1e-3)


def test_a_float16_step_of_sam_that_overflows_is_skipped(dots_session):
    trained = dots_session("method=sam")
    trained.precision = Precision(trained.device, torch.float16, clip_grad_norm=1.0)
    before = copy.deepcopy(list(trained.model.parameters()))
    trained.precision.load_state_dict({**trained.precision.state_dict(), "scale": 2.0**60})
    assert train_step(trained, 0, RunningMeans()) is False
    assert all(torch.equal(a, b) for a, b in zip(trained.model.parameters(), before, strict=True))
    assert all(buffer.isfinite().all() for buffer in trained.model.buffers())
