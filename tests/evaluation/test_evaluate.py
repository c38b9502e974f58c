import pytest
import torch
from torch import nn

from framework import ImageArrays
from framework.data.preprocess import Preprocessor
from framework.data.stores.build import build_store
from framework.evaluation.evaluate import Evaluator

PREPROCESS = Preprocessor(4, 4, 1, "crop", (0.5,), (0.25,))
CPU = torch.device("cpu")


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5), nn.Flatten(), nn.Linear(16, 3))


def images(number=10):
    return torch.randint(0, 256, (number, 1, 4, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("batch_size", [1, 3, 10, 64])
def test_logits_are_in_order_for_any_batch_size(batch_size):
    model = network().train()
    logits = Evaluator(PREPROCESS, CPU, batch_size).logits(model, images().split(batch_size))
    expected = model.eval()((images().float() / 255 - 0.5) / 0.25)
    torch.testing.assert_close(logits, expected.detach())


def test_evaluation_does_not_change_batch_norm_statistics():
    model = network().train()
    before = model[1].running_mean.clone()
    Evaluator(PREPROCESS, CPU, 4).logits(model, images().split(4))
    assert torch.equal(model[1].running_mean, before)


def test_the_memory_format_does_not_change_the_metrics():
    source = ImageArrays(images().numpy(), [index % 3 for index in range(10)], ("x", "y", "z"))
    store = build_store(source, PREPROCESS)
    last, first = (
        Evaluator(PREPROCESS, CPU, 4, channels_last=flag).predictions(network(), store) for flag in (True, False)
    )
    assert last.confusion().cells() == first.confusion().cells()
    assert last.metrics()["loss"] == pytest.approx(first.metrics()["loss"])


def test_the_logits_of_several_views_are_averaged():
    model = network().eval()
    inputs = PREPROCESS.network_input(images())
    expected = (model(inputs) + model(inputs.flip(3))) / 2
    torch.testing.assert_close(Evaluator(PREPROCESS, CPU, 4, tta=2).logits(model, images().split(4)), expected.detach())
