"""What happens in a run, told to MLflow."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlflow import MlflowClient
from mlflow.entities import Metric, Param

from framework import Example, Interrupted, RunFolder, confusion_picture, examples_picture, hookimpl, scalars

if TYPE_CHECKING:
    from framework_mlflow import MLflow

PARAMETERS_AT_A_TIME, METRICS_AT_A_TIME = 100, 1000
LONGEST_VALUE = 500
"""Limits of MLflow's servers; later versions allow longer values."""


class Tracker:
    """One run of MLflow, found again by `mlflow.json` in the run folder when a run is resumed.

    Figures wait here until the server has taken them: what it missed it is told with the next.
    """

    def __init__(self, component: MLflow, run: RunFolder, say: Callable[[str], None]) -> None:
        self.component, self.run, self.say = component, run, say
        self.known = run.last_step() if (run.path / "mlflow.json").is_file() else 0
        self.waiting: list[Metric] = []
        self.troubled = False
        self.client: Any = None
        self.run_id = ""

    @hookimpl
    def run_start(self) -> None:
        """Make the run with the recipe as its parameters, or go on with it."""
        self.client = MlflowClient(tracking_uri=self.component.tracking_uri)
        if (self.run.path / "mlflow.json").is_file():
            self.run_id = self.run.read("mlflow")["run_id"]
            self.client.update_run(self.run_id, status="RUNNING")
            return
        name = self.component.experiment
        experiment = self.client.get_experiment_by_name(name)
        experiment_id = experiment.experiment_id if experiment else self.client.create_experiment(name)
        self.run_id = self.client.create_run(experiment_id, run_name=self.run.path.resolve().name).info.run_id
        self.run.write("mlflow", {"run_id": self.run_id, "experiment_id": experiment_id})
        settings = self.run.settings().items()
        parameters = [Param(key, str(value)[:LONGEST_VALUE]) for key, value in settings]
        for start in range(0, len(parameters), PARAMETERS_AT_A_TIME):
            self.client.log_batch(self.run_id, params=parameters[start : start + PARAMETERS_AT_A_TIME])
        self.client.log_artifact(self.run_id, str(self.run.recipe))

    @hookimpl
    def step_end(self, step: int, metrics: Mapping[str, float]) -> None:
        """Curves by step, under `step/`."""
        self._add(metrics, step, "step/")
        if not self.troubled:  # a server that does not answer would be waited for again and again
            self._send()

    @hookimpl
    def epoch_end(
        self, step: int, epoch: int, metrics: Mapping[str, Any], examples: Callable[[int], Sequence[Example]]
    ) -> None:
        """Curves by epoch; pictures where weights were kept."""
        self._add({"epoch": epoch, **metrics}, step)
        self._send()
        validation = metrics.get("validation")
        if validation and metrics["kept"] and step >= self.known:
            matrix = confusion_picture(validation["confusion"], list(validation["per_class"]))
            self.client.log_image(self.run_id, matrix, artifact_file=f"confusion/epoch_{epoch:04}.png")
            if self.component.log_images:
                shown = examples_picture(examples(self.component.log_images))
                self.client.log_image(self.run_id, shown, artifact_file=f"examples/epoch_{epoch:04}.png")

    @hookimpl
    def run_end(self, results: Mapping[str, Any]) -> None:
        """Final figures under `final/`, all of them in `results.json`, and the weights where they are wanted."""
        self._add(results, results["steps"], "final/")
        self._send()
        if "test" in results:
            matrix = confusion_picture(results["test"]["confusion"], list(results["test"]["per_class"]))
            self.client.log_image(self.run_id, matrix, artifact_file="confusion/test.png")
        self.client.log_artifact(self.run_id, str(self.run.results))
        if self.component.log_model:
            for file in self.run.classifier:
                self.client.log_artifact(self.run_id, str(file), "model")
        self.client.set_terminated(self.run_id, "FINISHED")
        self.say(f"mlflow: run {self.run_id} of experiment '{self.component.experiment}'")

    @hookimpl
    def run_stopped(self, error: BaseException) -> None:
        """The run counts as killed or failed until it is resumed."""
        if self.run_id:
            self._send()
            self.client.set_terminated(self.run_id, "KILLED" if isinstance(error, Interrupted) else "FAILED")

    def _add(self, figures: Mapping[str, Any], step: int, prefix: str = "") -> None:
        """Keep figures for sending; those before the last one of an earlier session are known already."""
        if step >= self.known:
            now = int(time.time() * 1000)
            self.waiting += [Metric(key, value, now, step) for key, value in scalars(figures, prefix).items()]

    def _send(self) -> None:
        self.troubled = True
        while self.waiting:
            self.client.log_batch(self.run_id, metrics=self.waiting[:METRICS_AT_A_TIME])
            self.waiting = self.waiting[METRICS_AT_A_TIME:]
        self.troubled = False
