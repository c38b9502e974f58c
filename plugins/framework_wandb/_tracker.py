"""Logs a run to Weights & Biases."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import wandb

from framework import Confusion, Example, RunFolder, confusion_picture, examples_picture, hookimpl, scalars


class Tracker:
    """One W&B run; a resumed run continues the one in `wandb.json` of the run folder.

    W&B sends from a process of its own: a network failure does not delay training, and unsent data stay in the run
    folder. `wandb.json` has the last step that was logged; a later session logs the rest from `metrics.jsonl`.
    """

    def __init__(
        self,
        run: RunFolder,
        say: Callable[[str], None],
        project: str,
        entity: str | None,
        mode: Literal["online", "offline"] | None,
        log_images: int,
        log_model: bool,
    ) -> None:
        self.run, self.say = run, say
        self.project, self.entity, self.mode = project, entity, mode
        self.log_images, self.log_model = log_images, log_model
        self.state: dict[str, Any] = {}
        self.known = 0
        self.tracked: Any = None

    @hookimpl
    def run_start(self) -> None:
        """Create the run with the recipe as its configuration, or continue it."""
        self.state = {"run_id": secrets.token_hex(4), "step": 0}
        if (self.run.path / "wandb.json").is_file():
            self.state = self.run.read("wandb")
        self.state["project"] = self.project
        self.known = self.state["step"]
        self.tracked = wandb.init(
            project=self.project,
            entity=self.entity,
            name=self.run.path.resolve().name,
            id=self.state["run_id"],
            resume="allow",
            mode=self.mode,
            dir=str(self.run.path),
            config=self.run.settings(),
            settings=wandb.Settings(silent=True, console="off"),  # the framework writes to the terminal itself
        )
        self.run.write("wandb", self.state)
        # A resumed run repeats steps that were logged already; W&B's own counter only increases.
        self.tracked.define_metric("step", hidden=True)
        self.tracked.define_metric("*", step_metric="step")
        if not self.tracked.offline and self.tracked.url:  # disabled runs have none
            self.say(f"{'wandb':>10}  {self.tracked.url}")
        for line in self.run.metrics_lines():
            event, step, epoch = (line.pop(key) for key in ("event", "step", "epoch"))
            self._tell(step, scalars(line, "step/") if event == "step" else {"epoch": epoch, **scalars(line)})

    @hookimpl
    def step_end(self, step: int, metrics: Mapping[str, float]) -> None:
        """Curves by step, under `step/`."""
        self._tell(step, scalars(metrics, "step/"))

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
        if step < self.known:
            return
        line: dict[str, Any] = {"epoch": epoch, **scalars(metrics)}
        validation = metrics.get("validation")
        if validation and metrics["kept"]:
            line["confusion"] = wandb.Image(confusion_picture(confusion()))
            if self.log_images:
                line["examples"] = wandb.Image(examples_picture(examples(self.log_images)))
        self._tell(step, line)
        self.run.write("wandb", self.state)

    @hookimpl
    def run_end(self, results: Mapping[str, Any], confusion: Callable[[], Confusion]) -> None:
        """Final metrics under `final/` in the summary, and the weights if requested."""
        self.tracked.summary.update(scalars(results, "final/"))
        if "test" in results:
            matrix = wandb.Image(confusion_picture(confusion()))
            self.tracked.log({"step": results["steps"], "final/confusion": matrix})
        if self.log_model:
            artifact = wandb.Artifact(f"model-{self.tracked.id}", type="model")
            for file in self.run.classifier:
                artifact.add_file(str(file))
            self.tracked.log_artifact(artifact)
        self._finish(0)

    @hookimpl
    def run_stopped(self) -> None:
        """Set the run's status to failed until it is resumed."""
        if self.tracked is not None:
            self._finish(1)

    def _tell(self, step: int, metrics: Mapping[str, Any]) -> None:
        """Skip metrics that an earlier session has logged."""
        if step >= self.known:
            self.tracked.log({"step": step, **metrics})
            self.state["step"] = step

    def _finish(self, status: int) -> None:
        self.run.write("wandb", self.state)
        offline, folder = self.tracked.offline, self.tracked.settings.sync_dir
        self.tracked.finish(exit_code=status)
        if offline:
            self.say(f"wandb: offline; upload with `wandb sync {folder}`")
