"""A program that uses the Python API: type-checked by test_typing.py, never run."""

from pathlib import Path
from typing import Any, assert_type

import numpy as np

import framework
from framework import Comparison, Evaluation, Prediction, Predictions, Run, UserError

run = framework.train("fer2013_resnet18", dataset="drawn_faces", out="runs/a", train={"epochs": 1}, progress=False)
assert_type(run, Run)
options: dict[str, Any] = {"train.epochs": 3}
framework.train({"dataset": "drawn_faces", "model": "resnet18"}, out=Path("runs/b"), resume=True, **options)
framework.train(run.recipe)
accuracy = float(run.metrics["test"]["top1"])
rates: list[float] = [epoch["lr"] for epoch in run.history.epochs]
assert_type(run.predictions("test"), Predictions)

model = framework.load("fer2013/compact", train={"device": "cpu"})
predictions = model.predict(["face.jpg", np.zeros((48, 48), np.uint8), b"", ("name", Path("a.png"))])
assert_type(predictions, list[Prediction])
assert_type(predictions[0].label, str)
assert_type(predictions[0].probability, float)
assert_type(predictions[0].probabilities, tuple[float, ...])
model.predict("face.jpg", detect="faces")
assert_type(framework.evaluate(model, "photos/"), Evaluation)
assert_type(framework.evaluate([model, run, "runs/b"], split="test").metrics, dict[str, Any])
assert_type(framework.compare([run, "runs/b"], html="comparison.html"), Comparison)
assert_type(run.report(), Path)
assert_type(run.export("model.onnx", "onnx"), Path)
try:
    framework.load("nothing")
except UserError as error:
    print(error, error.exit_status)
