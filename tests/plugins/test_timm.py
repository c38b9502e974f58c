import copy
import subprocess
import sys
from pathlib import Path

import pytest
import safetensors.torch
import timm
import timm.optim
import torch
from framework_timm.models import TimmModel
from framework_timm.optimizers import TimmOptimizer
from pydantic import ValidationError

from framework import UserError, unreachable
from framework.training.checkpoints import restore_optimizer
from framework.training.network import build_network
from framework.training.state_file import load_state, save_state

CLOSED = "http://127.0.0.1:9"
"""A closed port of this machine."""
FAMILIES = [
    "convnext_atto",
    "deit_tiny_distilled_patch16_224",
    "densenet121",
    "edgenext_xx_small",
    "efficientnet_lite0",
    "ghostnet_050",
    "lcnet_050",
    "levit_128s",
    "mixer_s32_224",
    "mobilenetv3_small_050",
    "mobilevit_xxs",
    "pit_ti_224",
    "poolformer_s12",
    "pvt_v2_b0",
    "regnetx_002",
    "repvgg_a0",
    "resnet18",
    "resnetv2_18",
    "test_nfnet",
    "tf_efficientnetv2_b0",
    "tiny_vit_5m_224",
    "vit_tiny_patch16_224",
    "xcit_nano_12_p16_224",
    "swin_tiny_patch4_window7_224",
]


def weights_of(arch, path, **options):
    """The state_dict of a new network, also written to `path`."""
    torch.manual_seed(1)
    state = timm.create_model(arch, **options).state_dict()
    safetensors.torch.save_file(state, path)
    return state


def small_network():
    return torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.Flatten(), torch.nn.Linear(4 * 36, 3))


def test_all_architectures_of_the_installed_timm_are_available():
    assert set(TimmModel.variants()) == set(timm.list_models())


def test_all_optimizers_of_the_installed_timm_are_available():
    assert set(TimmOptimizer.variants()) == set(timm.optim.list_optimizers())


def test_components_are_validated_without_importing_timm_or_torch():
    code = """
import sys
from framework_timm import components
model, optimizer = components()
model(arch="resnet18.a1_in1k"), optimizer(algorithm="lamb")
sys.exit(", ".join({"timm", "torch"} & sys.modules.keys()) or 0)
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


def test_a_misspelt_architecture_is_an_error_with_a_suggestion():
    with pytest.raises(ValidationError, match="'convnext_ato'; did you mean 'convnext_atto'"):
        TimmModel(arch="convnext_ato")


def test_a_misspelt_optimizer_is_an_error_with_a_suggestion():
    with pytest.raises(ValidationError, match="'lammb'; did you mean 'lamb'"):
        TimmOptimizer(algorithm="lammb")


def test_every_family_trains_on_small_grayscale_images(check_training, subtests):
    for arch in FAMILIES:
        with subtests.test(arch):
            torch.manual_seed(0)
            check_training(TimmModel(arch=arch).build(num_classes=7, channels=1, image_size=(48, 48)))


def test_images_need_not_be_square():
    model = TimmModel(arch="test_vit").build(3, 3, (32, 64))
    assert model(torch.zeros(2, 3, 32, 64)).shape == (2, 3)


@pytest.mark.parametrize("pretrained", [False, True])
def test_an_unsupported_size_is_an_error_with_supported_sizes_before_any_download(pretrained, monkeypatch):
    monkeypatch.setattr("framework_timm._build.load_published", lambda *_: pytest.fail("weights were downloaded"))
    with pytest.raises(UserError, match=r"'timm/levit_128s'.*50×50") as caught:
        build_network(TimmModel(arch="levit_128s", pretrained=pretrained), 7, 1, (50, 50))
    assert all(fact in str(caught.value) for fact in ("preprocess.size", "48×48", "64×64"))


def test_unsupported_options_are_errors_with_their_names():
    with pytest.raises(UserError, match=r"'timm/resnet18'.*'rubbish'"):
        TimmModel(arch="resnet18", options={"rubbish": 1}).build(7, 1, (48, 48))
    with pytest.raises(UserError, match=r"'timm/vgg11'.*'drop_path_rate'"):
        TimmModel(arch="vgg11", drop_path_rate=0.1).build(7, 1, (48, 48))


def test_drop_rates_are_passed_to_the_network():
    model = TimmModel(arch="test_vit", drop_rate=0.25, drop_path_rate=0.5).build(7, 1, (48, 48))
    assert model.head_drop.p == 0.25
    assert max(getattr(module, "drop_prob", None) or 0.0 for module in model.modules()) == 0.5


def test_the_stem_for_small_images_does_not_downsample():
    model = TimmModel(arch="resnet18", small_images=True).build(7, 1, (48, 48))
    maps = []
    model.layer1.register_forward_hook(lambda module, inputs, output: maps.append(output))
    model(torch.zeros(2, 1, 48, 48))
    assert maps[0].shape[-2:] == (48, 48)


def test_many_stems_can_be_adapted_to_small_images(subtests):
    images = torch.zeros(2, 1, 64, 64)
    for arch in ("densenet121", "repvgg_a0", "resnet26d", "resnetv2_18", "tf_mobilenetv3_small_075"):
        with subtests.test(arch):
            plain = TimmModel(arch=arch).build(7, 1, (48, 48))
            adapted = TimmModel(arch=arch, small_images=True).build(7, 1, (48, 48))
            sides = [model.forward_features(images).shape[-1] for model in (plain, adapted)]
            assert sides[1] >= 2 * sides[0]
            assert plain.state_dict().keys() == adapted.state_dict().keys()


def test_small_images_is_an_error_for_architectures_with_patches():
    with pytest.raises(UserError, match=r"small_images.*'timm/test_vit'"):
        TimmModel(arch="test_vit", small_images=True).build(7, 1, (48, 48))


def test_pretrained_colour_weights_are_summed_for_grayscale_images(tmp_path):
    state = weights_of("test_resnet", tmp_path / "w.safetensors")
    model = TimmModel(arch="test_resnet", pretrained=tmp_path / "w.safetensors").build(7, 1, (48, 48))
    torch.testing.assert_close(model.conv1[0].weight, state["conv1.0.weight"].sum(1, keepdim=True))
    assert torch.equal(model.layer4[0].conv1.weight, state["layer4.0.conv1.weight"])


def test_a_pth_file_for_another_number_of_classes_is_supported(tmp_path):
    state = weights_of("test_vit", tmp_path / "w.safetensors", num_classes=5)
    torch.save({"state_dict": state}, tmp_path / "w.pth")
    model = TimmModel(arch="test_vit", pretrained=tmp_path / "w.pth").build(7, 3, (160, 160))
    assert torch.equal(model.blocks[0].attn.qkv.weight, state["blocks.0.attn.qkv.weight"])
    assert torch.equal(model.pos_embed, state["pos_embed"])
    assert model.head.weight.shape[0] == 7


def test_a_classifier_for_the_same_number_of_classes_is_loaded(tmp_path):
    state = weights_of("test_vit", tmp_path / "w.safetensors", num_classes=7, in_chans=1)
    model = TimmModel(arch="test_vit", pretrained=tmp_path / "w.safetensors").build(7, 1, (48, 48))
    assert torch.equal(model.head.weight, state["head.weight"])
    assert torch.equal(model.patch_embed.proj.weight, state["patch_embed.proj.weight"])
    assert model.pos_embed.shape[1] < state["pos_embed"].shape[1], "the position embedding was not resampled"


def test_the_state_dict_is_not_stored_with_the_network(tmp_path):
    weights_of("test_vit", tmp_path / "w.safetensors")
    model = TimmModel(arch="test_vit", pretrained=tmp_path / "w.safetensors").build(7, 1, (48, 48))
    assert "state_dict" not in model.pretrained_cfg


def test_weights_of_another_architecture_are_an_error_with_the_keys(tmp_path):
    weights_of("test_vit", tmp_path / "w.safetensors")
    with pytest.raises(UserError, match=r"w\.safetensors.*'timm/test_resnet'(.|\n)*conv1"):
        TimmModel(arch="test_resnet", pretrained=tmp_path / "w.safetensors").build(7, 1, (48, 48))


def test_missing_keys_are_an_error_even_if_the_number_of_classes_differs(tmp_path):
    state = weights_of("test_resnet", tmp_path / "w.safetensors")
    del state["layer3.0.bn1.weight"]
    safetensors.torch.save_file(state, tmp_path / "w.safetensors")
    with pytest.raises(UserError, match=r"layer3\.0\.bn1\.weight"):
        TimmModel(arch="test_resnet", pretrained=tmp_path / "w.safetensors").build(7, 1, (48, 48))


def test_a_missing_file_of_weights_is_an_error(tmp_path):
    with pytest.raises(UserError, match=r"model\.pretrained: .*nowhere\.pth"):
        TimmModel(arch="test_resnet", pretrained=tmp_path / "nowhere.pth").build(7, 1, (48, 48))


def test_a_file_without_weights_is_an_error(tmp_path):
    (tmp_path / "w.pth").write_bytes(b"not weights")
    with pytest.raises(UserError, match=r"model\.pretrained: .*w\.pth"):
        TimmModel(arch="test_resnet", pretrained=tmp_path / "w.pth").build(7, 1, (48, 48))


def test_a_failed_download_is_an_error_with_the_alternatives(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    component = TimmModel(arch="test_vit", pretrained=True, options={"cache_dir": str(tmp_path)})
    with pytest.raises(UserError, match=r"'timm/test_vit'(.|\n)*model\.pretrained=FILE"):
        component.build(7, 1, (48, 48))


@pytest.mark.parametrize("arch", ["test_vit", "legacy_seresnet18"])  # from the hub and from a URL
def test_without_a_network_the_only_output_is_one_error_without_retries(arch, monkeypatch, tmp_path, capfd):
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", CLOSED)
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda seconds: pytest.fail("it retries"))
    monkeypatch.setattr("framework_timm._weights.unreachable", lambda url, ask=None: unreachable(CLOSED, ask))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    component = TimmModel(arch=arch, pretrained=True, options={"cache_dir": str(tmp_path)})
    with pytest.raises(UserError, match=f"'timm/{arch}'.*{CLOSED}"):
        component.build(7, 3, (64, 64))
    assert capfd.readouterr() == ("", "")


def cheap_optimizers():
    """All except second-order ones, those of other libraries, and `kron`, which compiles for minutes."""
    names = timm.optim.list_optimizers(exclude_filters=["*kron*", "bnb*", "fused*"])
    return [name for name in names if not timm.optim.get_optimizer_info(name).second_order]


def test_every_optimizer_resumes_exactly_from_a_checkpoint(tmp_path, subtests):
    for algorithm in cheap_optimizers():
        with subtests.test(algorithm):
            check_resuming(algorithm, tmp_path)


def check_resuming(algorithm, tmp_path):
    torch.manual_seed(0)
    images, model = torch.randn(4, 1, 8, 8), small_network()
    before = model[2].weight.detach().clone()
    component = TimmOptimizer(algorithm=algorithm, lr=0.01, weight_decay=0.1)
    optimizer = component.build(model)

    def step(model, optimizer):
        optimizer.zero_grad()
        model(images).square().mean().backward()
        optimizer.step()

    step(model, optimizer)
    step(model, optimizer)
    assert not torch.equal(model[2].weight, before)
    assert model[2].weight.isfinite().all()
    save_state(tmp_path / "state.safetensors", optimizer.state_dict())
    twin = copy.deepcopy(model)
    resumed = component.build(twin)
    restore_optimizer(resumed, load_state(tmp_path / "state.safetensors"))
    step(model, optimizer)
    step(twin, resumed)
    assert all(torch.equal(value, twin.state_dict()[name]) for name, value in model.state_dict().items())


def test_biases_are_not_decayed():
    groups = TimmOptimizer(algorithm="lamb", weight_decay=0.1).build(small_network()).param_groups
    assert {(group["weight_decay"], parameter.ndim > 1) for group in groups for parameter in group["params"]} == {
        (0.0, False),
        (0.1, True),
    }


def test_layer_decay_lowers_the_learning_rates_of_earlier_layers():
    model = timm.create_model("test_vit", num_classes=7)
    optimizer = TimmOptimizer(algorithm="adamw", lr=0.1, layer_decay=0.5).build(model)
    rates = {id(parameter): group["lr"] for group in optimizer.param_groups for parameter in group["params"]}
    assert rates[id(model.head.weight)] == pytest.approx(0.1)
    assert rates[id(model.patch_embed.proj.weight)] < 0.01


def test_options_are_passed_to_the_optimizer():
    optimizer = TimmOptimizer(algorithm="lamb", options={"betas": [0.8, 0.9]}).build(small_network())
    assert optimizer.param_groups[0]["betas"] == (0.8, 0.9)


def test_momentum_is_passed_to_the_optimizer():
    optimizer = TimmOptimizer(algorithm="sgdw", momentum=0.5).build(small_network())
    assert optimizer.param_groups[0]["momentum"] == 0.5


def test_unsupported_options_of_an_optimizer_are_errors():
    with pytest.raises(UserError, match=r"'timm/lamb'.*rubbish"):
        TimmOptimizer(algorithm="lamb", options={"rubbish": 1}).build(small_network())


@pytest.mark.parametrize(
    ("arch", "pretrained", "mean"),
    [
        ("vit_tiny_patch16_224", True, (0.5, 0.5, 0.5)),
        ("resnet18.a1_in1k", True, (0.485, 0.456, 0.406)),
        ("tf_efficientnet_lite0", "package", (0.5, 0.5, 0.5)),
    ],
)
def test_the_normalisation_of_published_weights_is_known(arch, pretrained, mean):
    known, _ = TimmModel(arch=arch, pretrained=pretrained).pretrained_normalisation()
    assert known == mean


@pytest.mark.parametrize("pretrained", [False, Path("weights.pth")])
def test_the_normalisation_of_random_weights_and_local_files_is_unknown(pretrained):
    assert TimmModel(arch="resnet18", pretrained=pretrained).pretrained_normalisation() is None
