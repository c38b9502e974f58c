"""Parts of an optimizer step that methods share: auxiliary heads, second derivatives, closures."""

import inspect

import pytest
import torch
from safetensors import safe_open
from torch.nn import functional as F

from framework import Method, Registry, UserError
from framework.data.batches import MicroBatch
from framework.training.running_means import RunningMeans
from framework.training.step import train_step, update_weights
from framework.training.training_step import TrainingStep

AUXILIARY = [("googlenet", 32, ["aux1", "aux2"]), ("inception_v3", 299, ["AuxLogits"])]


@pytest.mark.parametrize(("arch", "size", "heads"), AUXILIARY)
def test_auxiliary_heads_are_trained_with_their_weight(arch, size, heads, dots_session):
    model = f"model={{name: {arch}, aux_weight: 0.25, options: {{init_weights: false}}}}"
    trained = dots_session(model, f"preprocess.size={size}", "train.batch_size=2", "train.max_steps=2")
    modules = dict(trained.model.named_children())
    batch = next(iter(trained.batches.at(0)))
    step, means = TrainingStep(trained, 0, iter([batch])), RunningMeans()
    trained.freezing.train_mode(0)
    step.seed()
    loss, logits = step.forward(batch)
    step.seed()
    outputs = trained.model(batch.images)
    assert len(outputs) == 1 + len(heads)
    assert torch.equal(logits, outputs[0])
    losses = [F.cross_entropy(output, batch.targets).item() for output in outputs]
    assert loss.item() == pytest.approx(losses[0] + 0.25 * sum(losses[1:]), rel=1e-5)
    step.backward(loss, batch)
    assert all(parameter.grad.abs().sum() > 0 for head in heads for parameter in modules[head].parameters())
    trained.model.zero_grad()
    before = [parameter.detach().clone() for head in heads for parameter in modules[head].parameters()]
    assert [train_step(trained, index, means) for index in range(2)] == [True, True]
    after = [parameter for head in heads for parameter in modules[head].parameters()]
    assert not any(torch.equal(one, other) for one, other in zip(before, after, strict=True))
    assert trained.validate().logits.shape[1] == 4


def test_a_run_with_auxiliary_heads_is_evaluated_and_resumed(framework, tmp_path):
    out = tmp_path / "run"
    (tmp_path / "dots.yaml").write_text(
        "dataset: {name: dots, images: 40}\npreprocess: {size: 32}\nscheduler: constant\n"
        "model: {name: googlenet, aux_weight: 0.3, options: {init_weights: false}}\n"
        "train: {epochs: 1, batch_size: 4, max_steps: 2, device: cpu}\n"
    )
    assert framework("run", tmp_path / "dots.yaml", "--out", out).status == 0
    assert framework("evaluate", out).status == 0
    with safe_open(out / "model.safetensors", "pt") as file:
        assert any(name.startswith("aux1.") for name in file.keys())  # noqa: SIM118


def test_without_a_weight_there_are_no_auxiliary_heads(dots_session):
    trained = dots_session("model={name: googlenet, options: {init_weights: false}}", "preprocess.size=32")
    assert not [name for name, _ in trained.model.named_parameters() if name.startswith("aux")]


def test_a_second_order_optimizer_gets_gradients_that_can_be_differentiated(dots_session):
    trained = dots_session("optimizer=timm/adahessian", "optimizer.lr=0.1", "train.clip_grad_norm=1.0")
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
def test_combinations_that_do_not_work_are_an_error(overrides, words, dots_recipe, framework, tmp_path):
    result = framework("run", dots_recipe, *overrides, "--out", tmp_path / "run")
    assert result.status == 2
    assert [word for word in words if word not in result.err] == []
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("optimizer", ["timm/adahessian", "lbfgs"])
def test_optimizers_that_need_unscaled_gradients_are_an_error_in_float16(optimizer, dots_session, monkeypatch):
    monkeypatch.setattr("framework.training.session.choose_precision", lambda name, device: torch.float16)
    with pytest.raises(UserError, match=r"train\.precision=float32"):
        dots_session(f"optimizer={optimizer}")


def test_a_closure_lowers_the_loss_and_is_logged_once(dots_session):
    trained, means = dots_session("optimizer=lbfgs", "train.clip_grad_norm=5.0", "model.dropout=0.0"), RunningMeans()

    def loss():
        images, targets, _ = next(trained.batches.at(0))
        with torch.no_grad():
            return float(F.cross_entropy(trained.model.train()(images), targets))

    before = loss()
    assert train_step(trained, 0, means)
    assert means.take_epoch().loss == pytest.approx(before, rel=1e-5)
    assert loss() < before


def test_a_closure_updates_the_statistics_of_batch_normalisation_once(dots_session):
    trained = dots_session("optimizer=lbfgs", "train.grad_accum_steps=2")
    train_step(trained, 0, RunningMeans())
    counts = [value for name, value in trained.model.state_dict().items() if name.endswith("num_batches_tracked")]
    assert [int(count) for count in counts] == [2] * len(counts)


def test_data_are_given_to_a_method_one_micro_batch_at_a_time(dots_session):
    trained, alive = dots_session("train.grad_accum_steps=4"), []

    def batches():
        for images, targets, fraction in trained.batches.at(0):
            alive.append("taken")
            yield MicroBatch(images, targets, fraction)

    def method(step):
        for batch in step.batches:
            assert alive[-1] == "taken"
            loss, logits = step.forward(batch)
            step.backward(loss, batch)
            alive.append("done")
            yield loss, logits

    trained.method = method
    update_weights(trained, 0, batches(), lambda loss, logits, targets: None)
    assert alive == ["taken", "done"] * 4


def test_a_method_of_a_plugin_needs_few_lines_and_is_trained(framework, dots_recipe, tmp_path):
    result = framework("run", dots_recipe, "method=mirrored", "train.epochs=1", "--out", tmp_path / "run")
    assert result.status == 0
    assert "mirrored" in result.out
    code = inspect.getsource(Registry.load().find(Method, "mirrored"))
    assert len([line for line in code.splitlines() if line.strip()]) <= 15
