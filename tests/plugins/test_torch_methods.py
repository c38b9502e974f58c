"""Methods: SAM against a direct implementation, and the parts of a step that methods share."""

import copy

import pytest
import torch
from framework_torch._sam import perturbed
from torch.nn import functional as F

from framework import Registry, UserError
from framework.data.seeding import seed_at
from framework.recipe import load_recipe
from framework.training.precision import Precision
from framework.training.prepare import prepare_data
from framework.training.running_means import RunningMeans
from framework.training.session import build_session
from framework.training.step import train_step

RECIPE = """
dataset: {name: dots, images: 80}
preprocess: {size: 16}
model: {name: tinynet, dropout: 0.2}
optimizer: {name: sgd, lr: 0.05, nesterov: false, weight_decay: 0.0}
scheduler: constant
train: {epochs: 20, batch_size: 8, device: cpu, precision: float32, channels_last: false}
"""


@pytest.fixture
def session(framework, tmp_path):
    file = tmp_path / "dots.yaml"
    file.write_text(RECIPE)

    def build(*overrides):
        recipe = load_recipe(file, Registry.load(), overrides)
        return build_session(recipe, *prepare_data(recipe))

    return build


def direct_sam(model, optimizer, batches, rho, adaptive, clip, seed):
    """One step of SAM in plain PyTorch, after davda54/sam; `batches` are images and targets."""

    def add_gradients():
        torch.manual_seed(seed)
        for images, targets in batches:
            loss = -(targets * model(images).log_softmax(1)).sum(1).mean()
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
    ("adaptive", "accumulated", "clip"), [(False, 1, None), (False, 2, 0.5), (True, 2, None)], ids=str
)
def test_sam_equals_a_direct_implementation_to_the_last_bit(session, adaptive, accumulated, clip):
    rho = 1.0 if adaptive else 0.1
    trained = session(
        f"method={{name: sam, rho: {rho}, adaptive: {str(adaptive).lower()}}}",
        f"train.grad_accum_steps={accumulated}", f"train.clip_grad_norm={clip or 'null'}",
    )  # fmt: skip
    model = copy.deepcopy(trained.model).train()
    optimizer = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9)
    batches = session(f"train.grad_accum_steps={accumulated}").batches
    for step in range(20):
        of_step = [(images, targets) for images, targets, _ in batches.at(step)]
        direct_sam(model, optimizer, of_step, rho, adaptive, clip, seed_at(0, "step", step))
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


def test_a_float16_step_of_sam_that_overflows_is_skipped(session):
    trained = session("method=sam")
    trained.precision = Precision(trained.device, torch.float16, clip_grad_norm=1.0)
    before = copy.deepcopy(list(trained.model.parameters()))
    trained.precision.load_state_dict({**trained.precision.state_dict(), "scale": 2.0**60})
    assert train_step(trained, 0, RunningMeans()) is False
    assert all(torch.equal(a, b) for a, b in zip(trained.model.parameters(), before, strict=True))
    assert all(buffer.isfinite().all() for buffer in trained.model.buffers())


def test_a_second_order_optimizer_gets_gradients_that_can_be_differentiated(session):
    trained = session("optimizer=timm/adahessian", "optimizer.lr=0.1", "train.clip_grad_norm=1.0")
    train_step(trained, 0, RunningMeans())
    assert all(parameter.hess.abs().sum() > 0 for parameter in trained.model.parameters() if parameter.ndim > 1)
    assert all(parameter.grad is None for parameter in trained.model.parameters())


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["optimizer=timm/adahessian", "method=sam"], ["'sam'", "method=supervised"]),
        (["optimizer={name: timm/adahessian, options: {update_each: 2}}"], ["update_each"]),
        (["optimizer=timm/adahessian", "train.compile=true", "train.deterministic=false"], ["train.compile=false"]),
    ],
)
def test_combinations_that_do_not_work_are_an_error(overrides, words, framework, tmp_path):
    file = tmp_path / "dots.yaml"
    file.write_text(RECIPE)
    result = framework("run", file, *overrides, "--out", tmp_path / "run")
    assert result.status == 2
    assert [word for word in words if word not in result.err] == []
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("optimizer", ["timm/adahessian", "lbfgs"])
def test_optimizers_that_need_unscaled_gradients_are_an_error_in_float16(optimizer, session, monkeypatch):
    monkeypatch.setattr("framework.training.session.choose_precision", lambda name, device: torch.float16)
    with pytest.raises(UserError, match=r"train\.precision=float32"):
        session(f"optimizer={optimizer}")


def test_a_closure_lowers_the_loss_and_is_logged_once(session):
    trained, means = session("optimizer=lbfgs", "train.clip_grad_norm=5.0", "model.dropout=0.0"), RunningMeans()

    def loss():
        images, targets, _ = next(trained.batches.at(0))
        with torch.no_grad():
            return float(F.cross_entropy(trained.model.train()(images), targets))

    before = loss()
    assert train_step(trained, 0, means)
    assert means.take_epoch().loss == pytest.approx(before, rel=1e-5)
    assert loss() < before
