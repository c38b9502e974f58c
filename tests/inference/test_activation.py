"""Activation maps of any kind of network."""

from itertools import pairwise
from types import SimpleNamespace

import pytest
import timm
import torch
import torchvision
from torch import nn
from torch.nn import functional as F

from framework import Predictor, UserError
from framework.data.preprocess import Preprocessor, rgb_to_gray
from framework.evaluation.evaluate import Evaluator
from framework.inference.activation import AT_ONCE, COLOURS, activation_maps, overlay
from framework.inference.feature_maps import feature_maps, private_copy, recorded_pass
from framework.inference.torch_engine import TorchEngine

SIDE, CLASSES = 32, ("dark", "bright", "striped")


def predictor(model, side=SIDE, tta=1):
    """As `Predictor.open` makes them."""
    preprocess = Preprocessor(side, side, 1, "crop", (0.5,), (0.25,))
    engine = TorchEngine(model.eval(), Evaluator(preprocess, torch.device("cpu"), 8, tta=tta), 1.0)
    return Predictor(SimpleNamespace(label="the run", activation="softmax"), CLASSES, preprocess, engine, 8)


def cornered(number, seed=0):
    """Noise, with the class in a square in one corner: images uint8 N×1×32×32, labels, corners from 0 to 3."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(90, 166, (number, 1, SIDE, SIDE), generator=generator, dtype=torch.uint8)
    labels = torch.arange(number) % 3
    corners = torch.randint(0, 4, (number,), generator=generator)
    square = torch.tensor([20, 235, 235], dtype=torch.uint8).view(3, 1, 1).repeat(1, 8, 8)
    square[2, ::2] = 20
    for image, label, corner in zip(images, labels, corners.tolist(), strict=True):
        top, left = 2 + 20 * (corner // 2), 2 + 20 * (corner % 2)
        image[0, top : top + 8, left : left + 8] = square[label]
    return images, labels, corners


def trained(model, steps=50):
    """The model after a few seconds on such images."""
    torch.manual_seed(0)
    optimizer = torch.optim.AdamW(model.train().parameters(), 3e-3)
    for step in range(steps):
        images, labels, _ = cornered(36, seed=step + 1)
        optimizer.zero_grad()
        F.cross_entropy(model((images / 255 - 0.5) / 0.25), labels).backward()
        optimizer.step()
    return model


def convolutional():
    layers = [nn.Conv2d(1, 16, 3, 2, 1), nn.BatchNorm2d(16), nn.ReLU(inplace=True), nn.Conv2d(16, 32, 3, 2, 1)]
    return nn.Sequential(*layers, nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 3))


def of_timm(arch, **options):
    return timm.create_model(arch, num_classes=3, in_chans=1, **options)


def vit(**options):
    return of_timm("test_vit", img_size=SIDE, patch_size=4, depth=1, **options)


NETWORKS = {
    "convolutional": convolutional,
    "resnet": lambda: of_timm("test_resnet"),
    "class token": vit,
    "class token and registers": lambda: vit(reg_tokens=3),
    "swin": lambda: of_timm(
        "swin_tiny_patch4_window7_224", img_size=SIDE, patch_size=2, window_size=4, embed_dim=24, depths=(1, 1),
        num_heads=(2, 4),
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", NETWORKS)
def test_the_map_highlights_the_decisive_corner(kind):
    torch.manual_seed(0)
    classifier = predictor(trained(NETWORKS[kind]()))
    images, labels, corners = cornered(24)
    assert classifier.probabilities(images).argmax(1).equal(labels)
    maps = activation_maps(classifier, images)
    quarters = maps.unflatten(2, (2, 16)).unflatten(1, (2, 16)).sum((2, 4)).flatten(1)
    found = quarters.argmax(1) == corners
    # One class may be recognised by the absence of the others.
    assert sum(bool(found[labels == label].float().mean() > 0.8) for label in range(3)) >= 2


def test_a_map_is_in_0_to_1_at_the_size_of_the_network_and_scaled_by_its_maximum():
    images, *_ = cornered(5)
    torch.manual_seed(0)
    maps = activation_maps(predictor(convolutional()), images)
    assert maps.shape == (5, SIDE, SIDE)
    assert maps.dtype == torch.float32
    assert maps.amin() >= 0
    assert maps.amax((1, 2)).tolist() == [1] * 5


def test_a_map_is_zero_if_nothing_contributes_to_the_class():
    model = convolutional()
    with torch.no_grad():
        model[-1].weight[1] = -1
        model[-1].weight[2] = 1
    images, *_ = cornered(2)
    maps = activation_maps(predictor(model), images[:1].expand(2, -1, -1, -1), torch.tensor([1, 2]))
    assert maps.amax((1, 2)).tolist() == [0, 1]


def test_the_predicted_classes_are_the_default():
    torch.manual_seed(1)
    classifier = predictor(convolutional(), tta=2)
    images, *_ = cornered(9)
    predicted = classifier.probabilities(images).argmax(1)
    assert activation_maps(classifier, images).equal(activation_maps(classifier, images, predicted))
    assert not activation_maps(classifier, images).equal(activation_maps(classifier, images, (predicted + 1) % 3))


def test_a_map_does_not_depend_on_the_other_images():
    classifier = predictor(of_timm("test_vit", img_size=SIDE))
    images, *_ = cornered(11)
    together = activation_maps(classifier, images)
    alone = torch.cat([activation_maps(classifier, image[None]) for image in images])
    torch.testing.assert_close(together, alone, atol=1e-4, rtol=0)


def test_no_images_give_no_maps():
    images, *_ = cornered(0)
    assert activation_maps(predictor(convolutional()), images).shape == (0, SIDE, SIDE)


def test_the_network_is_not_changed():
    model = convolutional()
    classifier = predictor(model)
    model[0].weight.requires_grad_(False)
    model[1].train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    activation_maps(classifier, cornered(3)[0], torch.tensor([0, 1, 2]))
    assert [parameter.requires_grad for parameter in model.parameters()] == [False] + [True] * 7
    assert all(parameter.grad is None for parameter in model.parameters())
    assert [module.training for module in model] == [False, True] + [False] * 6
    assert not any(module._forward_hooks for module in model.modules())
    assert all(value.equal(before[key]) for key, value in model.state_dict().items())


def test_a_network_with_cached_tensors_has_maps():
    classifier = predictor(of_timm("levit_128s", img_size=64), side=64)  # its attention biases
    images = torch.randint(0, 256, (2, 1, 64, 64), dtype=torch.uint8)
    classifier.probabilities(images)
    first = activation_maps(classifier, images)
    classifier.probabilities(images)
    assert activation_maps(classifier, images).equal(first)


def test_an_engine_without_gradients_is_rejected():
    classifier = Predictor(SimpleNamespace(label="'compact.onnx'"), CLASSES, None, SimpleNamespace(), 8)
    with pytest.raises(UserError, match=r"'compact.onnx'.* no gradients"):
        activation_maps(classifier, cornered(1)[0])


def test_a_network_without_a_feature_map_is_rejected():
    perceptron = nn.Sequential(nn.Flatten(), nn.Linear(SIDE * SIDE, 3))
    with pytest.raises(UserError, match="the run has no feature map"):
        activation_maps(predictor(perceptron), cornered(1)[0])


FAMILIES = {
    "timm": {
        "test_byobnet": "final_conv 3×3 BCHW",
        "test_convnext": "norm_pre 3×3 BCHW",
        "test_efficientnet": "bn2 3×3 BCHW",
        "test_nfnet": "final_act 3×3 BCHW",
        "test_resnet": "layer4 3×3 BCHW",
        "test_vit": "norm 6×6 BNC after 1",
        "test_vit3": "attn_pool.kv 6×6 BNC after 1",
        "cait_xxs24_224": "norm 6×6 BNC after 1",
        "mixer_s32_224": "norm 3×3 BNC after 0",
        "pvt_v2_b0": "stages 3×3 BCHW",
        "swin_tiny_patch4_window7_224": "norm 3×3 BHWC",
    },
    "torchvision": {
        "shufflenet_v2_x0_5": "conv5 3×3 BCHW",
        "swin_v2_t": "permute 3×3 BCHW",
        "vit_b_32": "encoder 3×3 BNC after 1",
    },
}
SMALL_VIT = {"image_size": 96, "num_layers": 2, "num_heads": 2, "hidden_dim": 32, "mlp_dim": 32, "patch_size": 32}


@pytest.mark.parametrize(
    ("library", "arch", "expected"), [(library, *item) for library, known in FAMILIES.items() for item in known.items()]
)
def test_positions_of_the_last_map_correspond_to_the_image(library, arch, expected):
    torch.manual_seed(0)
    if library == "timm":
        sized = any(part in arch for part in ("vit", "cait", "mixer", "swin"))
        model = timm.create_model(arch, num_classes=3, **({"img_size": 96} if sized else {}))
    else:
        get = (
            torchvision.models.VisionTransformer
            if arch.startswith("vit")
            else torchvision.models.get_model_builder(arch)
        )
        model = get(num_classes=3, **(SMALL_VIT if arch.startswith("vit") else {}))
    network = private_copy(model)
    images = torch.rand(2, 3, 96, 96, requires_grad=True)
    one = feature_maps(network, images, *recorded_pass(network, images))[0]
    layout = one.layout
    after = f" after {layout.prefix}" if layout.form == "BNC" else ""
    assert f"{one.module} {layout.height}×{layout.width} {layout.form}{after}" == expected
    maps = layout.maps(one.features)
    mixed = (maps * torch.randn(maps.shape[1], 1, 1)).sum(1)
    # Each corner of the map corresponds to its corner of the image more than to the others.
    for index, (row, column) in enumerate(((0, 0), (0, -1), (-1, 0), (-1, -1))):
        (gradient,) = torch.autograd.grad(mixed[:, row, column].sum(), images, retain_graph=True)
        quarters = gradient.square().sum((0, 1)).unflatten(1, (2, 48)).unflatten(0, (2, 48)).sum((1, 3))
        assert quarters.argmax() == index


def test_tokens_of_non_square_images_are_row_by_row():
    network = private_copy(timm.create_model("test_vit", img_size=(32, 96), num_classes=3))
    images = torch.rand(1, 3, 32, 96, requires_grad=True)
    layout = feature_maps(network, images, *recorded_pass(network, images))[0].layout
    assert (layout.height, layout.width, layout.prefix) == (2, 6, 1)


def test_a_map_that_repeats_a_coarser_one_is_left_out():
    layers = nn.Conv2d(1, 4, 4, 4), nn.Conv2d(4, 4, 4, 4), nn.AdaptiveAvgPool2d(7), nn.Flatten(), nn.Linear(4 * 49, 3)
    network = private_copy(nn.Sequential(*layers))  # as VGG's: 1×1 is repeated to 7×7
    images = torch.rand(1, 1, 16, 16, requires_grad=True)
    found = feature_maps(network, images, *recorded_pass(network, images))
    assert [one.module for one in found] == ["0"]


def test_the_output_of_a_branch_is_left_out():
    class Branched(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem, self.gate, self.side = nn.Conv2d(1, 4, 3), nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 3, padding=1)
            self.head = nn.Linear(4, 3)

        def forward(self, images):
            maps = self.stem(images)
            maps = maps * self.gate(maps.mean((2, 3), keepdim=True)).sigmoid()
            return self.head((maps + self.side(maps).relu()).mean((2, 3)))

    network = private_copy(Branched())
    images = torch.rand(1, 1, 8, 8, requires_grad=True)
    assert [one.module for one in feature_maps(network, images, *recorded_pass(network, images))] == ["stem"]


def test_an_overlay_is_gray_at_zero_and_coloured_at_one():
    image = torch.full((1, 1, 2), 100, dtype=torch.uint8)
    shown = overlay(image, torch.tensor([[0.0, 1.0]]))
    assert (shown.dtype, shown.shape) == (torch.uint8, (3, 1, 2))
    assert shown[:, 0, 0].tolist() == [100, 100, 100]
    assert shown[:, 0, 1].tolist() == [round(0.4 * 100 + 0.6 * value) for value in COLOURS[-1]]


def test_an_overlay_of_a_colour_image_keeps_its_luminance():
    image = torch.tensor([255, 0, 0], dtype=torch.uint8).view(3, 1, 1)
    assert overlay(image, torch.zeros(1, 1)).flatten().tolist() == [76, 76, 76]


def test_colours_have_increasing_lightness():
    lightness = rgb_to_gray(torch.tensor(COLOURS, dtype=torch.float32)[..., None, None]).flatten().tolist()
    assert all(after - before > 20 for before, after in pairwise(lightness))


class Shifting(nn.Module):
    """A network that may change its input in place, and records its batch sizes."""

    def __init__(self, network, in_place):
        super().__init__()
        self.network, self.in_place = network, in_place

    def forward(self, images):
        SIZES.append(len(images))
        return self.network(images.sub_(0.1) if self.in_place else images - 0.1)


SIZES = []


def test_a_network_may_change_its_input_in_place():
    torch.manual_seed(0)
    network = convolutional()
    images, labels, _ = cornered(5)
    one, other = (activation_maps(predictor(Shifting(network, way)), images, labels) for way in (True, False))
    assert one.any()
    assert one.equal(other)


def test_maps_are_computed_for_a_few_images_at_a_time():
    SIZES.clear()
    images, labels, _ = cornered(2 * AT_ONCE + 1)
    assert len(activation_maps(predictor(Shifting(convolutional(), False)), images, labels)) == len(images)
    assert SIZES == [AT_ONCE, AT_ONCE, 1]
