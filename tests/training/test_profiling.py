"""The estimate of a run's time outside training steps."""

import pytest
import torch

from framework.device import wait_for
from framework.evaluation.evaluate import Evaluator
from framework.training.loop import Trainer
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
def test_the_estimated_number_of_views_is_that_of_a_run(options, framework, tmp_path, monkeypatch):
    estimated, shown = [], []
    train, laid_out = Trainer.train, Evaluator.laid_out

    def estimate(trainer):
        estimated.append(views_outside_steps(trainer.session))
        train(trainer)

    def count(evaluator, view):
        shown.append(len(view))
        return laid_out(evaluator, view)

    monkeypatch.setattr(Trainer, "train", estimate)
    monkeypatch.setattr(Evaluator, "laid_out", count)
    (tmp_path / "dots.yaml").write_text(RECIPE)
    done = framework("run", tmp_path / "dots.yaml", *options, "--out", tmp_path / "run")
    assert done.status == 0, done.err
    assert estimated == [sum(shown)]


@pytest.mark.parametrize(("device", "waits"), [("cpu", False), ("mps", True), ("cuda:1", True)])
def test_all_devices_but_the_cpu_are_synchronised(device, waits, monkeypatch):
    waited = []
    monkeypatch.setattr(torch.accelerator, "synchronize", waited.append)
    wait_for(torch.device(device))
    assert waited == [torch.device(device)] * waits
