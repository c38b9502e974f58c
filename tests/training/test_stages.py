"""The stages of networks of many families."""

import pytest
import timm
import torch
import torchvision

from framework import stages_of

NETWORKS = [
    ("torchvision", "densenet121", 11),
    ("torchvision", "efficientnet_b0", 10),
    ("torchvision", "googlenet", 13),
    ("torchvision", "mobilenet_v3_small", 15),
    ("torchvision", "regnet_y_400mf", 7),
    ("torchvision", "resnet18", 11),
    ("torchvision", "swin_t", 10),
    ("torchvision", "vit_b_16", 16),
    ("timm", "deit_tiny_distilled_patch16_224", 18),
    ("timm", "dpn68", 25),
    ("timm", "efficientnet_lite0", 12),
    ("timm", "legacy_xception", 21),
    ("timm", "levit_128s", 8),
    ("timm", "regnety_004", 6),
    ("timm", "repvgg_a0", 7),
]
CLASSIFIERS = {"classifier", "fc", "head", "head_dist", "heads", "last_linear"}


def parameters_of(library, arch):
    """The names of the parameters, without initialising them if possible."""
    create = timm.create_model if library == "timm" else torchvision.models.get_model
    options = {"aux_logits": False, "init_weights": False} if arch == "googlenet" else {}
    # torchvision's RegNet computes its widths with tensors.
    with torch.device("cpu" if arch == "regnet_y_400mf" else "meta"):
        return [name for name, _ in create(arch, **options).named_parameters()]


@pytest.mark.parametrize(("library", "arch", "count"), NETWORKS)
def test_stages_are_ordered_and_end_with_the_classifier(library, arch, count):
    stages = stages_of(parameters_of(library, arch))
    numbers = list(stages.values())
    assert numbers == sorted(numbers)
    assert set(numbers) == set(range(count))
    last = {name.split(".")[0] for name, stage in stages.items() if stage == count - 1}
    assert last <= CLASSIFIERS


def count_of(*names):
    return len(set(stages_of(names).values()))


def test_a_stage_is_a_name_up_to_its_first_number():
    names = ["conv1.weight", "bn1.bias", "blocks.0.fc1.bias", "blocks.1.fc1.bias", "fc.bias"]
    assert list(stages_of(names).values()) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    "block", ["blocks.3", "layer1.0", "encoder.encoder_layer_3", "features.denseblock1", "inception4a", "trunk.block1"]
)
def test_a_block_is_one_stage(block):
    assert count_of(f"{block}.norm1.weight", f"{block}.mlp.0.weight", f"{block}.branch2.1.conv.bias") == 1


def test_each_block_of_a_layer_is_a_stage():
    assert count_of("layer1.0.conv1.weight", "layer1.1.conv1.weight", "layer1.10.conv1.weight") == 3


def test_parameters_after_the_last_block_belong_to_its_stage():
    names = ["encoder.position", "encoder.layer_0.weight", "encoder.layer_1.weight", "encoder.norm.weight", "head.bias"]
    assert list(stages_of(names).values()) == [0, 1, 2, 2, 3]


def test_the_two_classifiers_of_a_distilled_network_are_one_stage():
    assert count_of("head.weight", "head_dist.weight") == 1
