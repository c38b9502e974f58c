"""What a run will take besides its training steps."""

import pytest
import torch

from framework.device import wait_for
from framework.evaluation.evaluate import Evaluator
from framework.training import run as run_module
from framework.training.profiling import views_outside_steps

RECIPE = """
dataset: {name: dots, images: 100}
preprocess: {size: 16}
model: tinynet
train: {epochs: 3, batch_size: 16, device: cpu}
"""


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["evaluate.tta=2"],
        ["train.recalibrate_bn=3", "evaluate.tta=2"],
        ["train.recalibrate_bn=100", "train.max_steps=8"],
        ["train.recalibrate_bn=3", "dataset.validation=0"],
        ["train.recalibrate_bn=3", "model=linear_probe"],
    ],
)
def test_a_run_shows_the_network_as_many_views_as_were_foretold(options, framework, tmp_path, monkeypatch):
    foretold, shown = [], []
    train, laid_out = run_module.train, Evaluator.laid_out

    def foretell(session, keeper):
        foretold.append(views_outside_steps(session))
        train(session, keeper)

    def count(evaluator, view):
        shown.append(len(view))
        return laid_out(evaluator, view)

    monkeypatch.setattr(run_module, "train", foretell)
    monkeypatch.setattr(Evaluator, "laid_out", count)
    (tmp_path / "dots.yaml").write_text(RECIPE)
    done = framework("run", tmp_path / "dots.yaml", *options, "--out", tmp_path / "run")
    assert done.status == 0, done.err
    assert foretold == [sum(shown)]


@pytest.mark.parametrize(("device", "waits"), [("cpu", False), ("mps", True), ("cuda:1", True)])
def test_every_device_but_the_cpu_is_waited_for(device, waits, monkeypatch):
    waited = []
    monkeypatch.setattr(torch.accelerator, "synchronize", waited.append)
    wait_for(torch.device(device))
    assert waited == [torch.device(device)] * waits
