import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torchvision
from framework_torchvision.models import model_classes
from pydantic import ValidationError

from framework import UserError, unreachable
from framework.section import descriptions
from framework.training.network import build_network

FAMILIES = [
    "convnext_tiny",
    "densenet121",
    "efficientnet_b0",
    "efficientnet_v2_s",
    "googlenet",
    "mnasnet0_5",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "regnet_x_400mf",
    "regnet_y_400mf",
    "resnet18",
    "resnet34",
    "resnet50",
    "resnext50_32x4d",
    "shufflenet_v2_x0_5",
    "squeezenet1_0",
    "squeezenet1_1",
    "swin_t",
    "swin_v2_t",
]
WITH_STEM = [
    "densenet121",
    "efficientnet_b0",
    "googlenet",
    "inception_v3",
    "mnasnet0_5",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "regnet_x_400mf",
    "resnet18",
    "shufflenet_v2_x0_5",
    "squeezenet1_1",
]


def component(name, **fields):
    return next(model for model in model_classes() if model.name == name)(**fields)


def weights_of(name, path, **options):
    """The state_dict of a new network, also written to `path`."""
    torch.manual_seed(1)
    state = torchvision.models.get_model(name, weights=None, **options).state_dict()
    torch.save(state, path)
    return state


def test_every_classification_architecture_is_a_component():
    assert {model.name for model in model_classes()} == set(torchvision.models.list_models(module=torchvision.models))


def test_components_are_created_without_importing_torch():
    code = """
import sys
from framework_torchvision import components
models = {model.name: model for model in components()}
models["resnet18"](small_images=True)
sys.exit(", ".join({"torchvision", "torch"} & sys.modules.keys()) or 0)
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


def test_every_architecture_is_documented_with_its_paper_and_its_fields():
    for model in model_classes():
        assert "20" in model.__doc__, f"{model.name} has no paper"
        assert descriptions(model).keys() == model.model_fields.keys()


def test_the_longest_prefix_determines_the_family():
    documents = {model.name: model.__doc__ for model in model_classes()}
    assert documents["resnext50_32x4d"].startswith("ResNeXt")
    assert documents["efficientnet_v2_s"].startswith("EfficientNetV2")
    assert documents["swin_v2_t"].startswith("Swin Transformer V2")


def test_every_family_trains_on_small_grayscale_images(check_training, subtests):
    for name in FAMILIES:
        with subtests.test(name):
            torch.manual_seed(0)
            check_training(component(name).build(num_classes=7, channels=1, image_size=(48, 48)))


def test_stems_for_small_images_do_not_downsample(subtests):
    for name in WITH_STEM:
        with subtests.test(name):
            torch.manual_seed(0)
            model = component(name, small_images=True).build(7, 1, (48, 48))
            # Inception's second convolution has no padding.
            assert min(output_sizes(model, torch.randn(2, 1, 48, 48))[:3]) >= (46, 46)


def output_sizes(model, images):
    """Height and width of the output of each layer, in order of execution."""
    sizes = []
    for layer in model.modules():
        if not list(layer.children()):
            layer.register_forward_hook(lambda layer, inputs, output: sizes.append(tuple(output.shape[-2:])))
    assert model(images).shape == (2, 7)
    return sizes


@pytest.mark.parametrize("name", ["swin_t", "vit_b_16", "convnext_tiny", "maxvit_t", "vgg11"])
def test_small_images_is_an_error_for_architectures_without_a_downsampling_stem(name):
    with pytest.raises(ValidationError, match=name):
        component(name, small_images=True)


def test_dropout_is_passed_to_the_network():
    model = component("mobilenet_v3_small", dropout=0.75).build(7, 1, (48, 48))
    assert model.classifier[2].p == 0.75


def test_dropout_is_an_error_for_architectures_without_dropout():
    with pytest.raises(ValidationError, match=r"resnet18.*dropout"):
        component("resnet18", dropout=0.5)


def test_every_argument_for_dropout_exists(subtests):
    for model in model_classes():
        if model.family.dropout:
            with subtests.test(model.name), torch.device("meta"):
                more = (
                    {"aux_logits": False, "init_weights": True} if model.name in ("googlenet", "inception_v3") else {}
                )
                torchvision.models.get_model(model.name, weights=None, **more, **{model.family.dropout: 0.5})


def test_vision_transformers_are_built_for_the_image_size():
    with torch.device("meta"):
        assert component("vit_b_16").build(7, 1, (48, 48)).encoder.pos_embedding.shape[1] == 3 * 3 + 1


def test_an_unsupported_size_is_an_error_with_supported_sizes():
    with torch.device("meta"), pytest.raises(UserError, match=r"50×50(.|\n)*48×48 and 64×64"):
        build_network(component("vit_b_16"), 7, 1, (50, 50))


def test_vision_transformers_support_only_square_images():
    with torch.device("meta"), pytest.raises(UserError, match=r"48×64(.|\n)*square"):
        build_network(component("vit_b_16"), 7, 1, (48, 64))


@pytest.mark.parametrize("pretrained", [False, True])
def test_an_unsupported_size_for_inception_is_an_error_before_any_download(pretrained, monkeypatch):
    monkeypatch.setattr("framework_torchvision._build.load_weights", lambda *_: pytest.fail("weights were downloaded"))
    with pytest.raises(UserError, match=r"48×48(.|\n)*80×80"):
        build_network(component("inception_v3", pretrained=pretrained), 7, 1, (48, 48))


def test_a_network_with_random_weights_is_built_without_a_forward_pass(monkeypatch):
    monkeypatch.setattr("torchvision.models.ResNet.forward", lambda *_: pytest.fail("forward was called"))
    component("resnet18").build(7, 1, (48, 48))


@pytest.mark.parametrize("options", [{"groups": 3}, {"replace_stride_with_dilation": [1]}])
def test_an_error_of_the_options_does_not_mention_the_size(options):
    with pytest.raises(UserError, match=r"'resnet18'.*options") as caught:
        build_network(component("resnet18", options=options), 7, 1, (64, 64))
    assert "preprocess.size" not in str(caught.value)


def test_unsupported_options_are_errors_with_their_names():
    with pytest.raises(UserError, match=r"'resnet18'.*rubbish"):
        component("resnet18", options={"rubbish": 1}).build(7, 1, (48, 48))


def test_the_new_input_convolution_has_the_initialisation_of_the_architecture():
    torch.manual_seed(0)
    model = component("resnet18", small_images=True).build(7, 1, (48, 48))
    assert model.conv1.weight.std().item() == pytest.approx((2 / (64 * 3 * 3)) ** 0.5, rel=0.1)


def test_pretrained_colour_weights_are_summed_for_grayscale_images(tmp_path):
    state = weights_of("resnet18", tmp_path / "w.pth")
    model = component("resnet18", pretrained=tmp_path / "w.pth").build(7, 1, (48, 48))
    torch.testing.assert_close(model.conv1.weight, state["conv1.weight"].sum(1, keepdim=True))
    assert torch.equal(model.layer4[0].conv1.weight, state["layer4.0.conv1.weight"])


def test_pretrained_weights_for_more_channels_give_the_same_output_for_equal_channels(tmp_path):
    state = weights_of("squeezenet1_1", tmp_path / "w.pth", num_classes=7)
    model = component("squeezenet1_1", pretrained=tmp_path / "w.pth").build(7, 6, (48, 48)).eval()
    plain = torchvision.models.squeezenet1_1(num_classes=7).eval()
    plain.load_state_dict(state)
    gray = torch.randn(2, 1, 48, 48)
    torch.testing.assert_close(model(gray.expand(-1, 6, -1, -1)), plain(gray.expand(-1, 3, -1, -1)))


def test_pretrained_kernels_are_resampled_for_small_images_with_the_same_sum(tmp_path):
    state = weights_of("resnet18", tmp_path / "w.pth")
    state["conv1.weight"] = torch.ones_like(state["conv1.weight"])
    torch.save(state, tmp_path / "w.pth")
    model = component("resnet18", pretrained=tmp_path / "w.pth", small_images=True).build(7, 3, (48, 48))
    torch.testing.assert_close(model.conv1.weight, torch.full((64, 3, 3, 3), 49 / 9))


def test_weights_for_small_images_load_unchanged(tmp_path):
    first = component("resnet18", small_images=True).build(7, 1, (48, 48))
    torch.save(first.state_dict(), tmp_path / "w.pth")
    again = component("resnet18", small_images=True, pretrained=tmp_path / "w.pth").build(7, 1, (48, 48))
    assert all(torch.equal(*pair) for pair in zip(first.parameters(), again.parameters(), strict=True))


def test_a_classifier_for_another_number_of_classes_is_not_loaded(tmp_path):
    weights_of("squeezenet1_1", tmp_path / "w.pth", num_classes=5)
    model = component("squeezenet1_1", pretrained=tmp_path / "w.pth").build(7, 3, (48, 48))
    assert model.classifier[1].weight.shape[0] == 7


def test_pretrained_position_embeddings_are_resampled(tmp_path, monkeypatch):
    small = {"num_layers": 1, "num_heads": 2, "hidden_dim": 8, "mlp_dim": 8, "patch_size": 16}

    def tiny(weights=None, **options):
        return torchvision.models.VisionTransformer(**{**small, **options})

    monkeypatch.setitem(torchvision.models._api.BUILTIN_MODELS, "vit_b_16", tiny)
    state = tiny(image_size=224).state_dict()
    state["encoder.pos_embedding"] = torch.full_like(state["encoder.pos_embedding"], 0.5)
    older = {name.replace("mlp.0.", "mlp.linear_1."): value for name, value in state.items()}
    torch.save(older, tmp_path / "w.pth")
    model = component("vit_b_16", pretrained=tmp_path / "w.pth").build(7, 3, (48, 48))
    torch.testing.assert_close(model.encoder.pos_embedding, torch.full((1, 10, 8), 0.5))


def test_auxiliary_classifiers_of_a_file_are_ignored(tmp_path):
    state = weights_of("googlenet", tmp_path / "w.pth", init_weights=False)
    model = component("googlenet", pretrained=tmp_path / "w.pth").build(7, 3, (48, 48))
    assert torch.equal(model.inception5b.branch1.conv.weight, state["inception5b.branch1.conv.weight"])


def test_published_weights_with_a_rescaling_of_the_input_give_the_published_output(monkeypatch):
    torch.manual_seed(0)
    published = torchvision.models.inception_v3(init_weights=False, transform_input=True).eval()
    monkeypatch.setattr("framework_torchvision._weights.unreachable", lambda url: None)
    monkeypatch.setattr(
        torchvision.models.Inception_V3_Weights, "get_state_dict", lambda weights, **_: published.state_dict()
    )
    model = component("inception_v3", pretrained=True).build(1000, 3, (80, 80)).eval()
    images = torch.randn(2, 3, 80, 80)
    outputs = []
    for network in (model, published):
        network.Conv2d_1a_3x3.register_forward_hook(lambda layer, inputs, output: outputs.append(output))
        network(images)
    torch.testing.assert_close(*outputs, rtol=1e-3, atol=1e-4)


def test_weights_of_another_architecture_are_an_error_with_the_keys(tmp_path):
    weights_of("resnet18", tmp_path / "w.pth")
    with pytest.raises(UserError, match=r"w\.pth.*'resnet34'(.|\n)*layer1\.2\.bn1\.bias"):
        component("resnet34", pretrained=tmp_path / "w.pth").build(7, 1, (48, 48))


def test_weights_of_another_width_are_an_error_with_the_keys(tmp_path):
    weights_of("mnasnet1_3", tmp_path / "w.pth")
    with pytest.raises(UserError, match=r"layers\.0\.weight"):
        component("mnasnet0_5", pretrained=tmp_path / "w.pth").build(7, 3, (48, 48))


def test_a_missing_file_of_weights_is_an_error(tmp_path):
    with pytest.raises(UserError, match=r"model\.pretrained: .*nowhere\.pth"):
        component("resnet18", pretrained=tmp_path / "nowhere.pth").build(7, 1, (48, 48))


def test_a_file_without_weights_is_an_error(tmp_path):
    (tmp_path / "w.safetensors").write_bytes(b"not weights")
    with pytest.raises(UserError, match=r"model\.pretrained: .*w\.safetensors"):
        component("resnet18", pretrained=tmp_path / "w.safetensors").build(7, 1, (48, 48))


def test_a_failed_download_is_an_error_with_the_alternatives(monkeypatch):
    def fail(weights, **_):
        raise OSError("no route to host")

    monkeypatch.setattr("framework_torchvision._weights.unreachable", lambda url: None)
    monkeypatch.setattr(torchvision.models.ResNet18_Weights, "get_state_dict", fail)
    with pytest.raises(UserError, match=r"'resnet18'.*no route to host\n.*model\.pretrained=FILE"):
        component("resnet18", pretrained=True).build(7, 1, (48, 48))


def test_without_a_network_the_only_output_is_one_error(monkeypatch, tmp_path, capfd):
    monkeypatch.setattr("framework_torchvision._weights.unreachable", lambda url: unreachable("http://127.0.0.1:9"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(UserError, match=r"'resnet18'.*http://127\.0\.0\.1:9"):
        component("resnet18", pretrained=True).build(7, 1, (48, 48))
    assert capfd.readouterr() == ("", "")


def test_mnasnet_loads_a_state_dict_without_version():
    model = component("mnasnet0_5").build(7, 1, (48, 48))
    again = component("mnasnet0_5").build(7, 1, (48, 48))
    again.load_state_dict(dict(model.state_dict()))
    assert torch.equal(again.layers[0].weight, model.layers[0].weight)


@pytest.mark.parametrize(("name", "mean"), [("efficientnet_v2_l", [0.5] * 3), ("resnet18", [0.485, 0.456, 0.406])])
def test_the_normalisation_of_published_weights_is_known(name, mean):
    known, _ = component(name, pretrained=True).pretrained_normalisation()
    assert list(known) == mean


def test_all_published_weights_have_a_normalisation():
    for model in model_classes():
        mean, std = model(pretrained=True).pretrained_normalisation()
        assert (len(mean), len(std)) == (3, 3), model.name


@pytest.mark.parametrize("pretrained", [False, Path("weights.pth")])
def test_the_normalisation_of_random_weights_and_local_files_is_unknown(pretrained):
    assert component("resnet18", pretrained=pretrained).pretrained_normalisation() is None
