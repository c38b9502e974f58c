"""Weight decay applies to parameters that mix features, and to no others."""

import pytest
import torch
from framework_timm.optimizers import TimmOptimizer
from framework_torch.optimizers import AdamW
from torch import nn

from framework import undecayed


def decayed(optimizer, model):
    held = {id(parameter) for group in optimizer.param_groups if group["weight_decay"] for parameter in group["params"]}
    return {name for name, parameter in model.named_parameters() if id(parameter) in held}


def network(name):
    if name.startswith("timm/"):
        import timm

        return timm.create_model(name.removeprefix("timm/"), num_classes=2)
    import torchvision

    return torchvision.models.get_model(name, num_classes=2)


@pytest.mark.parametrize("optimizer", [AdamW(weight_decay=0.1), TimmOptimizer(algorithm="lamb", weight_decay=0.1)])
@pytest.mark.parametrize(
    ("name", "free"),
    [
        ("convnext_tiny", "layer_scale"),
        ("swin_t", "relative_position_bias_table"),
        ("swin_v2_t", "logit_scale"),
        ("vit_b_16", "class_token"),
        ("vit_b_16", "pos_embedding"),
        ("timm/vit_tiny_patch16_224", "cls_token"),
        ("timm/vit_tiny_patch16_224", "pos_embed"),
        ("timm/swin_tiny_patch4_window7_224", "relative_position_bias_table"),
        ("timm/levit_128s", "attention_biases"),
        ("timm/edgenext_xx_small", "temperature"),
    ],
)
def test_scales_tokens_and_positions_have_no_decay_and_matrices_have(name, free, optimizer):
    with torch.device("meta"):
        model = network(name)
    reached = decayed(optimizer.build(model), model)
    assert any(free in parameter for parameter, _ in model.named_parameters())
    assert [parameter for parameter in reached if free in parameter] == []
    kernels = {f"{path}.weight" for path, module in model.named_modules() if type(module) in (nn.Linear, nn.Conv2d)}
    assert {kernel for kernel in kernels if "cpb_mlp" not in kernel} <= reached


def test_no_weight_decay_of_a_module_takes_precedence():
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.cls_token = nn.Parameter(torch.zeros(1, 1, 4))
            self.mixing = nn.Linear(4, 4)
            self.other = nn.Linear(4, 4)

        def no_weight_decay(self):
            return {"mixing.*"}

    assert undecayed(Own()) == {"mixing.weight", "mixing.bias", "other.bias"}
    inside = undecayed(nn.Sequential(Own(), nn.Linear(4, 2)))
    assert inside == {"0.mixing.weight", "0.mixing.bias", "0.other.bias", "1.bias"}


@pytest.mark.parametrize("name", ["resnet18", "efficientnet_b0", "mobilenet_v3_small"])
def test_of_convolutional_networks_vectors_have_no_decay(name):
    model = network(name)
    assert undecayed(model) == {name for name, parameter in model.named_parameters() if parameter.ndim <= 1}


def test_a_layer_with_one_input_is_a_matrix():
    assert undecayed(nn.Linear(1, 8, bias=False)) == frozenset()
