"""Fixtures for the tests of both model plugins."""

import pytest
import torch


@pytest.fixture
def check_training():
    """Check that a model of seven classes predicts small grayscale images and trains on them."""

    def check(model):
        images, labels = torch.randn(2, 1, 48, 48), torch.tensor([0, 6])
        with torch.inference_mode():
            assert model.eval()(images).shape == (2, 7)
        before = [parameter.detach().clone() for parameter in model.parameters()]
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        torch.nn.functional.cross_entropy(model.train()(images), labels).backward()
        optimizer.step()
        after = list(model.parameters())
        assert any(not torch.equal(*pair) for pair in zip(before, after, strict=True))
        assert all(parameter.isfinite().all() for parameter in after)

    return check
