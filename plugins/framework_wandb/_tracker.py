"""What happens in a run, told to Weights & Biases."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import wandb

from framework import Confusion, Example, RunFolder, confusion_picture, examples_picture, hookimpl, scalars

if TYPE_CHECKING:
    from framework_wandb import Wandb


class Tracker:
    """One run of W&B, found again by `wandb.json` in the run folder when a run is resumed.

    A process of W&B's own does the talking: a network that fails holds nothing up, and what could not be sent stays in
    the run folder. `wandb.json` has the last step that it was told of by the end of an epoch or of a session, so that a
    later session tells it the rest from `metrics.jsonl`.
    """

    def __init__(self, component: Wandb, run: RunFolder, say: Callable[[str], None]) -> None:
        self.component, self.run, self.say = component, run, say
        self.state: dict[str, Any] = {}
        self.known = 0
        self.tracked: Any = None

    @hookimpl
    def run_start(self) -> None:
        """Make the run with the recipe as its configuration, or go on with it, beginning with what it missed."""
        self.state = {"run_id": secrets.token_hex(4), "step": 0}
        if (self.run.path / "wandb.json").is_file():
            self.state = self.run.read("wandb")
        self.state["project"] = self.component.project
        self.known = self.state["step"]
        self.tracked = wandb.init(
            project=self.component.project,
            entity=self.component.entity,
            name=self.run.path.resolve().name,
            id=self.state["run_id"],
            resume="allow",
            mode=self.component.mode,
            dir=str(self.run.path),
            config=self.run.settings(),
            settings=wandb.Settings(silent=True, console="off"),  # the terminal is the framework's
        )
        self.run.write("wandb", self.state)
        # A resumed run starts before the last step it has told of; W&B's own counter only goes up.
        self.tracked.define_metric("step", hidden=True)
        self.tracked.define_metric("*", step_metric="step")
        if not self.tracked.offline and self.tracked.url:  # a disabled one has none
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
        """Curves by epoch; pictures where weights were kept."""
        if step < self.known:
            return
        line: dict[str, Any] = {"epoch": epoch, **scalars(metrics)}
        validation = metrics.get("validation")
        if validation and metrics["kept"]:
            line["confusion"] = wandb.Image(confusion_picture(confusion()))
            if self.component.log_images:
                line["examples"] = wandb.Image(examples_picture(examples(self.component.log_images)))
        self._tell(step, line)
        self.run.write("wandb", self.state)

    @hookimpl
    def run_end(self, results: Mapping[str, Any], confusion: Callable[[], Confusion]) -> None:
        """Final metrics under `final/` in the summary, and the weights where they are wanted."""
        self.tracked.summary.update(scalars(results, "final/"))
        if "test" in results:
            matrix = wandb.Image(confusion_picture(confusion()))
            self.tracked.log({"step": results["steps"], "final/confusion": matrix})
        if self.component.log_model:
            artifact = wandb.Artifact(f"model-{self.tracked.id}", type="model")
            for file in self.run.classifier:
                artifact.add_file(str(file))
            self.tracked.log_artifact(artifact)
        self._finish(0)

    @hookimpl
    def run_stopped(self) -> None:
        """The run counts as failed until it is resumed."""
        if self.tracked is not None:
            self._finish(1)

    def _tell(self, step: int, metrics: Mapping[str, Any]) -> None:
        """Those before the last that an earlier session told of are known already."""
        if step >= self.known:
            self.tracked.log({"step": step, **metrics})
            self.state["step"] = step

    def _finish(self, status: int) -> None:
        self.run.write("wandb", self.state)
        offline, folder = self.tracked.offline, self.tracked.settings.sync_dir
        self.tracked.finish(exit_code=status)
        if offline:
            self.say(f"wandb: offline; send it by `wandb sync {folder}`")
