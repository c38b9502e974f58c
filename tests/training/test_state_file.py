"""The types that a checkpoint can hold."""

from collections import deque

import pytest
import torch

from framework import UserError
from framework.training.state_file import load_state, save_state


def test_saved_state_is_loaded_with_its_types(tmp_path):
    state = {
        "tensor": torch.arange(3),
        "dtype": torch.bfloat16,
        "values": [1, 2.5, "text", None, True],
        "pair": (torch.zeros(1), {"tensor": 1}),
        0: {"dtype": "text"},
    }
    save_state(tmp_path / "state.safetensors", state)
    found = load_state(tmp_path / "state.safetensors")
    torch.testing.assert_close(found.pop("tensor"), state.pop("tensor"))
    assert found == state


def test_other_types_are_an_error_with_their_path(tmp_path):
    with pytest.raises(UserError, match=r"'optimizer\.groups\.1\.at', a set"):
        save_state(tmp_path / "state.safetensors", {"optimizer": {"groups": [{}, {"at": {1}}]}})
    with pytest.raises(UserError, match=r"\(1, 2\) of 'scheduler'"):
        save_state(tmp_path / "state.safetensors", {"scheduler": {(1, 2): 3}})
    assert not any(tmp_path.iterdir())


def test_an_optimizer_that_cannot_be_saved_is_an_error_before_training(framework, monkeypatch, tmp_path):
    from framework_stranger import PlainSGD

    def build(self, model):
        optimizer = torch.optim.SGD(model.parameters(), self.lr)
        optimizer.param_groups[0]["rule"] = len
        return optimizer

    monkeypatch.setattr(PlainSGD, "build", build)
    recipe = tmp_path / "dots.yaml"
    recipe.write_text("{dataset: dots, preprocess: {size: 16}, model: tinynet, optimizer: plain_sgd}")
    for way in (["--out", tmp_path / "run"], ["--dry-run"]):
        result = framework("run", recipe, "train.device=cpu", *way)
        assert result.status == 2
        assert "'optimizer.param_groups.0.rule', a builtin_function_or_method" in result.err
    assert not (tmp_path / "run").exists()


def test_optimizer_state_that_cannot_be_saved_is_an_error_after_the_first_step(framework, monkeypatch, tmp_path):
    from framework_stranger import PlainSGD

    class Remembering(torch.optim.SGD):
        def step(self, closure=None):
            for parameter in self.param_groups[0]["params"]:
                self.state[parameter].setdefault("history", deque()).append(1)
            return super().step(closure)

    monkeypatch.setattr(PlainSGD, "build", lambda self, model: Remembering(model.parameters(), self.lr))
    recipe = tmp_path / "dots.yaml"
    recipe.write_text("{dataset: dots, preprocess: {size: 16}, model: tinynet, optimizer: plain_sgd}")
    result = framework("run", recipe, "train.device=cpu", "train.log_every=1", "--out", tmp_path / "run")
    assert result.status == 2
    assert "'optimizer.state.0.history', a deque" in result.err
    assert not (tmp_path / "run" / "metrics.jsonl").exists()
    dry = framework("run", recipe, "train.device=cpu", "--dry-run")
    assert (dry.status, "'optimizer.state.0.history', a deque" in dry.err) == (2, True)


@pytest.mark.parametrize(
    ("state", "key"),
    [({"a": {"b": torch.zeros(1)}, "a.b": torch.ones(1)}, "a.b"), ({1: torch.zeros(1), "1": torch.ones(1)}, "1")],
)
def test_two_tensors_with_the_same_path_are_an_error(state, key, tmp_path):
    with pytest.raises(UserError, match=f"'{key}'"):
        save_state(tmp_path / "state.safetensors", state)
    assert not any(tmp_path.iterdir())
