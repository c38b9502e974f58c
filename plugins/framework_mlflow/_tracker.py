"""Logs a run to MLflow."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Metric, Param

from framework import Confusion, Example, Interrupted, RunFolder, confusion_picture, examples_picture, hookimpl, scalars

PARAMETERS_AT_A_TIME, METRICS_AT_A_TIME = 100, 1000
LONGEST_VALUE = 500
"""Limits of MLflow's servers; later versions allow longer values."""


class Tracker:
    """One MLflow run; a resumed run continues the one in `mlflow.json` of the run folder.

    Metrics are queued until the server accepts them. `mlflow.json` has the step of the last accepted ones; a later
    session sends the rest from `metrics.jsonl`.
    """

    def __init__(
        self,
        run: RunFolder,
        say: Callable[[str], None],
        experiment: str,
        tracking_uri: str | None,
        log_images: int,
        log_model: bool,
    ) -> None:
        self.run, self.say = run, say
        self.experiment, self.tracking_uri = experiment, tracking_uri
        self.log_images, self.log_model = log_images, log_model
        self.state: dict[str, Any] = {}
        self.known = 0
        self.waiting: list[Metric] = []
        self.troubled = False
        self.client: Any = None

    @property
    def run_id(self) -> str:
        """MLflow's ID of the run; empty before it is created."""
        return str(self.state.get("run_id", ""))

    @hookimpl
    def run_start(self) -> None:
        """Create the run with the recipe as its parameters, or continue it."""
        self.client = MlflowClient(tracking_uri=self.tracking_uri)
        if (self.run.path / "mlflow.json").is_file():
            self.state = self.run.read("mlflow")
            self.known = self.state["step"]
            self.client.update_run(self.run_id, status="RUNNING")
        else:
            self._make_run()
        for line in self.run.metrics_lines():
            event, step, epoch = (line.pop(key) for key in ("event", "step", "epoch"))
            if event == "step":
                self._add(line, step, "step/")
            else:
                self._add({"epoch": epoch, **line}, step)

    def _make_run(self) -> None:
        name = self.experiment
        experiment = self.client.get_experiment_by_name(name)
        experiment_id = experiment.experiment_id if experiment else self.client.create_experiment(name)
        made = self.client.create_run(experiment_id, run_name=self.run.path.resolve().name)
        self.state = {"run_id": made.info.run_id, "experiment_id": experiment_id, "step": 0}
        self.run.write("mlflow", self.state)
        settings = self.run.settings().items()
        parameters = [Param(key, str(value)[:LONGEST_VALUE]) for key, value in settings]
        for start in range(0, len(parameters), PARAMETERS_AT_A_TIME):
            self.client.log_batch(self.run_id, params=parameters[start : start + PARAMETERS_AT_A_TIME])
        self.client.log_artifact(self.run_id, str(self.run.recipe))

    @hookimpl
    def step_end(self, step: int, metrics: Mapping[str, float]) -> None:
        """Curves by step, under `step/`."""
        self._add(metrics, step, "step/")
        if not self.troubled:  # each call to an unreachable server would wait for its timeout
            self._send()

    @hookimpl
    def epoch_end(
        self,
        step: int,
        epoch: int,
        metrics: Mapping[str, Any],
        examples: Callable[[int], Sequence[Example]],
        confusion: Callable[[], Confusion],
    ) -> None:
        """Curves by epoch; pictures if weights were saved as the best."""
        self._add({"epoch": epoch, **metrics}, step)
        self._send()
        validation = metrics.get("validation")
        if validation and metrics["kept"] and step >= self.known:
            self._picture_confusion(confusion, f"epoch_{epoch:04}")
            if self.log_images:
                shown = examples_picture(examples(self.log_images))
                self.client.log_image(self.run_id, shown, artifact_file=f"examples/epoch_{epoch:04}.png")

    @hookimpl
    def run_end(self, results: Mapping[str, Any], confusion: Callable[[], Confusion]) -> None:
        """Final metrics under `final/`, `results.json`, and the weights if requested.

        Each is tried whatever became of the others, and the run ends in any case: there is no later session.
        """
        self._add(results, results["steps"], "final/")
        with ExitStack() as parts:  # done in reverse order
            parts.callback(self.client.set_terminated, self.run_id, "FINISHED")
            if self.log_model:
                parts.callback(self._upload_model)
            parts.callback(self.client.log_artifact, self.run_id, str(self.run.results))
            if "test" in results:
                parts.callback(self._picture_confusion, confusion, "test")
            parts.callback(self._send)
        self.say(f"mlflow: run {self.run_id} of experiment '{self.experiment}'")

    @hookimpl
    def run_stopped(self, error: BaseException) -> None:
        """Set the run's status to killed or failed until it is resumed."""
        if self.run_id:
            try:
                self._send()
            finally:
                self.client.set_terminated(self.run_id, "KILLED" if isinstance(error, Interrupted) else "FAILED")

    def _add(self, metrics: Mapping[str, Any], step: int, prefix: str = "") -> None:
        """Queue metrics for sending, without those that earlier sessions have sent."""
        if step >= self.known:
            now = int(time.time() * 1000)
            self.waiting += [Metric(key, value, now, step) for key, value in scalars(metrics, prefix).items()]

    def _send(self) -> None:
        self.troubled = True
        while self.waiting:
            batch = self.waiting[:METRICS_AT_A_TIME]
            self.client.log_batch(self.run_id, metrics=batch)
            self.waiting = self.waiting[METRICS_AT_A_TIME:]
            self.state["step"] = batch[-1].step
            self.run.write("mlflow", self.state)
        self.troubled = False

    def _picture_confusion(self, confusion: Callable[[], Confusion], name: str) -> None:
        picture = confusion_picture(confusion())
        self.client.log_image(self.run_id, picture, artifact_file=f"confusion/{name}.png")

    def _upload_model(self) -> None:
        for file in self.run.classifier:
            self.client.log_artifact(self.run_id, str(file), "model")
