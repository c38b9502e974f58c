import pytest
import torch
from framework_speed import SpeedNet
from framework_speed._network import whitening_kernel
from pydantic import ValidationError
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from framework import UserError
from framework.training.network import build_network


def images(number=64, channels=1, seed=0):
    """Normalised noise with correlated neighbours, as in photographs."""
    noise = torch.randn(number, channels, 48, 48, generator=torch.Generator().manual_seed(seed))
    smooth = F.avg_pool2d(noise, 5, stride=1, padding=2)
    return (smooth - smooth.mean()) / smooth.std()


@pytest.mark.parametrize("patch", [2, 4])
@pytest.mark.parametrize("channels", [1, 3])
def test_whitened_patches_have_unit_covariance(channels, patch):
    sample = images(channels=channels)
    whitened = F.conv2d(sample, whitening_kernel(sample, patch), stride=patch // 2).permute(1, 0, 2, 3).flatten(1)
    covariance = whitened @ whitened.T / whitened.shape[1]
    variances = covariance.diag()
    assert variances[-1] == pytest.approx(1, abs=0.05)  # the coarsest component, far above EPSILON
    assert (variances < 1.001).all()
    torch.testing.assert_close(covariance, torch.diag(variances), atol=1e-3, rtol=0)


class LargestDouble(TorchDispatchMode):
    """Records the size of the largest float64 tensor."""

    largest = 0

    def __torch_dispatch__(self, function, types, arguments=(), options=None):
        result = function(*arguments, **(options or {}))
        if isinstance(result, torch.Tensor) and result.dtype == torch.float64:
            self.largest = max(self.largest, result.numel())
        return result


@pytest.mark.parametrize("patch", [2, 4])
def test_memory_for_patches_is_bounded(patch, monkeypatch):
    sample = images()
    whole = whitening_kernel(sample, patch)
    monkeypatch.setattr("framework_speed._network.MAX_PATCH_VALUES", 4 * 48 * 48 * 10)
    with LargestDouble() as recorded:
        torch.testing.assert_close(whitening_kernel(sample, patch), whole)
    assert 0 < recorded.largest <= 4 * 48 * 48 * 10


@pytest.mark.parametrize("patch", [2, 4])
def test_the_first_layer_is_the_whitening_kernel_and_its_negative_and_is_frozen(patch):
    sample = images()
    model = SpeedNet(patch=patch).build(num_classes=7, channels=1, sample=sample)
    kernel = whitening_kernel(sample, patch)
    torch.testing.assert_close(model.whitening.weight, torch.cat([kernel, -kernel]))
    assert kernel.shape == (patch**2, 1, patch, patch)
    assert not model.whitening.weight.requires_grad
    assert all(parameter.requires_grad for name, parameter in model.named_parameters() if name != "whitening.weight")


@pytest.mark.parametrize(("patch", "side"), [(4, 24), (2, 47)])
def test_only_patches_of_four_pixels_halve_the_feature_map(patch, side):
    model = SpeedNet(patch=patch).build(num_classes=7, channels=1, sample=None)
    assert model.whitening(images(2)).shape[2:] == (side, side)


def test_without_whitening_the_first_layer_is_trained():
    model = SpeedNet(whiten=False).build(num_classes=7, channels=1, sample=images())
    assert model.whitening.weight.requires_grad


def test_dirac_convolutions_are_the_identity():
    model = SpeedNet(widths=(32, 32, 48)).build(num_classes=7, channels=1, sample=None)
    maps = torch.rand(2, 32, 8, 8)
    for convolution in (model.blocks[0][0], model.blocks[0][4], model.blocks[2][0]):
        torch.testing.assert_close(convolution(maps)[:, :32], maps)
    other = SpeedNet(widths=(32, 32, 48), dirac=False).build(num_classes=7, channels=1, sample=None)
    assert not torch.allclose(other.blocks[0][0](maps)[:, :32], maps)


def test_deeper_blocks_have_a_residual_branch():
    block = SpeedNet(widths=(8, 8, 8), depth=3).build(num_classes=5, channels=1, sample=None).blocks[0].eval()
    maps = torch.rand(2, 32, 8, 8)
    first = block[3](block[2](block[1](block[0](maps))))
    branch = block[8](block[7](block[6](block[5](block[4](first)))))
    torch.testing.assert_close(block(maps), F.relu(branch + first))
    assert len(block) == 10


def test_blocks_of_two_convolutions_are_sequential():
    block = SpeedNet(widths=(8, 8, 8)).build(num_classes=5, channels=1, sample=None).blocks[0].eval()
    maps = torch.rand(2, 32, 8, 8)
    expected = maps
    for layer in block.children():
        expected = layer(expected)
    torch.testing.assert_close(block(maps), expected)


@pytest.mark.parametrize("size", [(16, 16), (48, 48), (33, 50)])
def test_any_image_size_from_16_is_supported(size):
    model = SpeedNet(widths=(16, 16, 16)).build(num_classes=5, channels=3, sample=None)
    assert model.eval()(torch.zeros(2, 3, *size)).shape == (2, 5)


def test_images_that_are_too_small_are_an_error_with_a_supported_size():
    with pytest.raises(UserError, match="28×28"):
        build_network(SpeedNet(), 7, 1, (8, 8), sample=images()[:, :, :8, :8])


def test_scale_is_a_factor_of_the_logits():
    sample, logits = images(8), []
    for scale in (0.5, 1.0):
        torch.manual_seed(0)
        logits.append(SpeedNet(scale=scale).build(num_classes=7, channels=1, sample=sample).eval()(sample))
    torch.testing.assert_close(logits[0] * 2, logits[1])


@pytest.mark.parametrize("fields", [{"widths": (64, 128)}, {"scale": 0}, {"widths": (0, 1, 1)}, {"patch": 3}])
def test_invalid_fields_are_errors(fields):
    with pytest.raises(ValidationError):
        SpeedNet(**fields)
