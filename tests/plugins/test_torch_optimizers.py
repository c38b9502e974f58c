import pytest
import torch
from framework_torch.optimizers import OPTIMIZERS, SGD, Adam, AdamW, RMSprop
from torch import nn


class Network(nn.Module):
    """A network with the stages stem, blocks.0, blocks.1, head."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(1, 4, 3)
        self.blocks = nn.Sequential(*(nn.Sequential(nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4)) for _ in range(2)))
        self.head = nn.Linear(4, 2)


def settings(optimizer, model):
    """(learning rate, weight decay) of each trained parameter, by name."""
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    return {
        names[id(parameter)]: (group["lr"], group["weight_decay"])
        for group in optimizer.param_groups
        for parameter in group["params"]
    }


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_biases_and_norms_are_not_decayed(kind):
    model = Network()
    for name, (lr, decay) in settings(kind(lr=0.5, weight_decay=0.1).build(model), model).items():
        vector = name.endswith("bias") or ".1.weight" in name.removeprefix("blocks.1")
        assert (lr, decay) == (0.5, 0.0 if vector else 0.1), name


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_every_parameter_is_in_one_group(kind):
    model = Network()
    optimizer = kind().build(model)
    held = [id(parameter) for group in optimizer.param_groups for parameter in group["params"]]
    assert sorted(held) == sorted(id(parameter) for parameter in model.parameters())


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_layer_decay_lowers_the_learning_rates_of_earlier_stages(kind):
    model = Network()
    rates = {name: lr for name, (lr, _) in settings(kind(lr=1.0, layer_decay=0.5).build(model), model).items()}
    expected = {"stem": 0.125, "blocks.0": 0.25, "blocks.1": 0.5, "head": 1.0}
    assert rates == {name: next(rate for stage, rate in expected.items() if name.startswith(stage)) for name in rates}


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_frozen_parameters_are_excluded_and_do_not_change_other_rates(kind):
    model = Network()
    model.stem.requires_grad_(False)
    found = settings(kind(lr=1.0, layer_decay=0.5).build(model), model)
    assert not any(name.startswith("stem") for name in found)
    assert found["blocks.0.0.weight"][0] == 0.25


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_a_step_lowers_the_loss(kind):
    torch.manual_seed(0)
    model, inputs = nn.Linear(4, 2), torch.randn(8, 4)
    optimizer = kind(lr=1e-2).build(model)
    losses = []
    for _ in range(20):
        loss = model(inputs).square().mean()
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses[-1] < losses[0]


def stepped(optimizer, model):
    """Weights after three steps with fixed gradients."""
    for step in range(3):
        for parameter in model.parameters():
            parameter.grad = torch.full_like(parameter, 0.1 * (step + 1))
        optimizer.step()
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


@pytest.mark.parametrize(
    ("component", "reference"),
    [
        (SGD(lr=0.1, momentum=0.8), lambda p: torch.optim.SGD(p, 0.1, 0.8, nesterov=True)),
        (SGD(lr=0.1, momentum=0), lambda p: torch.optim.SGD(p, 0.1)),
        (SGD(lr=0.1, nesterov=False), lambda p: torch.optim.SGD(p, 0.1, 0.9)),
        (Adam(lr=0.1, beta1=0.8, beta2=0.9, eps=1e-3), lambda p: torch.optim.Adam(p, 0.1, (0.8, 0.9), 1e-3)),
        (AdamW(lr=0.1, weight_decay=0.3), lambda p: torch.optim.AdamW(p, 0.1, weight_decay=0.3)),
        (RMSprop(lr=0.1, alpha=0.8), lambda p: torch.optim.RMSprop(p, 0.1, 0.8, 1e-3, momentum=0.9)),
    ],
)
def test_options_match_torch(component, reference):
    def model():
        torch.manual_seed(0)
        return nn.Linear(3, 2, bias=False)

    ours, theirs = model(), model()
    expected = stepped(reference(theirs.parameters()), theirs)
    torch.testing.assert_close(stepped(component.build(ours), ours), expected)
