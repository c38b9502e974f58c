"""What happens around a step: logging, evaluation, the weights to keep, checkpoints, and when to stop."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from framework.errors import Interrupted, RunFailed
from framework.evaluation.confusion import Confusion
from framework.evaluation.examples import choose_examples, no_examples
from framework.runs.folder import RunFolder
from framework.runs.weights import save_weights
from framework.training.checkpoints import Checkpoints
from framework.training.running_means import RunningMeans
from framework.training.state_file import require_savable
from framework.training.stopping import Alarm, Stopwatch
from framework.training.throughput import Throughput

if TYPE_CHECKING:
    from framework.training.session import Session


@dataclass
class Position:
    """How far a run is, as a checkpoint holds it beside the session's objects."""

    step: int = 0
    """Optimizer steps done."""
    seconds: float = 0.0
    """Of training and validation, over all sessions."""
    step_seconds: float = 0.0
    """Of training alone."""
    total_seconds: float = 0.0
    """With reading the data and building the network."""
    kept: dict[str, Any] | None = None
    """`epoch` and `step` of the weights to keep so far."""
    best: float | None = None
    """The best validation figure so far, lower is better."""
    epochs_without_gain: int = 0
    stopped: str | None = None
    """Why training ended before its last step: `max_time` or `patience`."""


class Keeper:
    """Keeps the run folder true to the training, and decides when it ends."""

    def __init__(
        self, session: Session, run: RunFolder, callbacks: Any, clock: Stopwatch, checkpoints: Checkpoints
    ) -> None:
        self.session = session
        self.recipe = session.recipe.train
        self.run = run
        self.callbacks = callbacks
        self.checkpoints = checkpoints
        self.means = RunningMeans()
        self.position = Position()
        state = checkpoints.latest()
        if state is not None:
            self._restore(state)
        run.rewind_metrics(self.position.step)
        self.watch = Stopwatch(self.position.seconds)
        self.clock = clock
        self.clock.before = self.position.total_seconds
        self.alarm = Alarm(self.recipe.checkpoint_every)
        self.saved_step = self.position.step
        self.pace = Throughput(session.batches.images_per_step, self.position.step_seconds)

    @property
    def finished(self) -> bool:
        """Whether training is over."""
        return self.position.step >= self.session.total_steps or self.position.stopped is not None

    @property
    def epoch(self) -> int:
        """The epoch of the last step done, from 1."""
        return max(self.position.step - 1, 0) // self.session.batches.steps_per_epoch + 1

    def step_done(self, lr: float) -> None:
        """An optimizer step at that rate is done: log, evaluate after an epoch, write a checkpoint where one is due."""
        position = self.position
        position.step += 1
        self.pace.step_done()
        if position.step == 1:  # most optimizers have no state before
            require_savable(self.session.state_dict())
        position.seconds = self.watch.seconds
        if self.recipe.max_time and position.seconds >= self.recipe.max_time and not self.finished:
            position.stopped = "max_time"
        if position.step % self.recipe.log_every == 0:
            self._log(lr)
        self.callbacks.tick(position.step)
        if position.step % self.session.batches.steps_per_epoch == 0 or self.finished:
            self._epoch_done(lr)
            self.checkpoint()
        elif self.alarm.due():
            self.checkpoint()

    def checkpoint(self) -> None:
        """Save everything that resuming needs, unless loss or weights are no longer finite."""
        self._require_finite_weights()
        self.pace.pause()
        self.position.seconds, self.position.total_seconds = self.watch.seconds, self.clock.seconds
        self.position.step_seconds = self.pace.seconds
        state = {
            "position": asdict(self.position),
            "means": self.means.state_dict(),
            **self.session.state_dict(),
        }
        self.checkpoints.save(self.position.step, state)
        self.saved_step = self.position.step
        self.pace.go_on()

    def stop_if(self, signal: str | None) -> None:
        """After a signal: save, then raise `Interrupted`."""
        if signal is None:
            return
        if self.saved_step != self.position.step:
            self.checkpoint()
        raise Interrupted(
            f"stopped by {signal} after step {self.position.step} of {self.session.total_steps}; checkpoint written.\n"
            f"    Go on with: framework run {self.run.recipe} --out {self.run.path} --resume"
        )

    def _log(self, lr: float) -> None:
        self._require_finite()
        means = self.means.take_recent()
        metrics = {
            "loss": means.loss,
            "top1": means.top1,
            "lr": lr,
            "images_per_second": self.pace.take_recent(),
        }
        self.run.append_metrics({"event": "step", "step": self.position.step, "epoch": self.epoch, **metrics})
        self.callbacks.step_end(step=self.position.step, epoch=self.epoch, metrics=metrics)

    def _epoch_done(self, lr: float) -> None:
        self._require_finite_weights()
        means, speed = self.means.take_epoch(), self.pace.take_epoch()
        trained = self.watch.seconds
        validated = "validation" in self.session.stores
        if validated or self.finished:  # else nobody looks at these weights before they are trained on
            self.session.recalibrate_bn()
        predictions = self.session.validate() if validated else None
        validation = predictions.metrics() if predictions else None
        if validation is not None and not math.isfinite(validation["loss"]):
            raise RunFailed(self._not_finite_message("the validation loss", self.position.step))
        gained = self._keep_if_better(validation)
        if predictions is not None and gained:
            predictions.save(self.run.predictions("validation"))
        self.session.schedule.epoch_done(self._score(validation))
        if self.recipe.patience and self.position.epochs_without_gain >= self.recipe.patience and not self.finished:
            self.position.stopped = "patience"
        metrics: dict[str, Any] = {
            "train": {"loss": means.loss, "top1": means.top1},
            "lr": lr,
            "seconds": trained,
            "images_per_second": speed,
            "kept": gained,
        }
        if validation is not None:
            metrics["validation"] = validation
        line = {"event": "epoch", "step": self.position.step, "epoch": self.epoch, **metrics}
        if validation is not None:  # what grows with the number of classes stays out of every epoch's line
            line["validation"] = {name: figure for name, figure in validation.items() if name != "per_class"}
        self.run.append_metrics(line)
        self.callbacks.epoch_end(
            step=self.position.step,
            epoch=self.epoch,
            metrics=metrics,
            examples=partial(choose_examples, predictions, self.session.stores["validation"])
            if predictions
            else no_examples,
            confusion=predictions.confusion if predictions else Confusion.empty,
        )

    def _keep_if_better(self, validation: dict[str, Any] | None) -> bool:
        """Keep these weights where they are the best so far, or where the last ones are asked for."""
        score, best = self._score(validation), self.position.best
        better = best is None or score is None or score < best
        if better:
            self.position.best = score
        self.position.epochs_without_gain = 0 if better else self.position.epochs_without_gain + 1
        if not better and self.recipe.keep == "best":
            return False
        self.position.kept = {"epoch": self.epoch, "step": self.position.step}
        save_weights(self.run.best_weights, self.session.averaging.model)
        return True

    def _score(self, validation: dict[str, Any] | None) -> float | None:
        return None if validation is None else score(validation, self.recipe.monitor)

    def _require_finite(self) -> None:
        step = self.means.first_bad_step()
        if step is not None:
            raise RunFailed(self._not_finite_message("the loss", step))

    def _require_finite_weights(self) -> None:
        """A finite loss is not enough before weights are written: its gradient may not have been finite."""
        self._require_finite()
        largest = torch.nn.utils.get_total_norm(self.session.model.parameters(), math.inf)
        if not math.isfinite(float(largest)):
            raise RunFailed(self._not_finite_message("a weight", self.position.step))

    def _not_finite_message(self, what: str, step: int) -> str:
        files = self.checkpoints.files()
        good = f"The last good checkpoint is {files[-1]}" if files else "There was no checkpoint yet"
        return (
            f"{what} is not finite any more: step {step} (epoch {self.epoch}). {good}.\n"
            "    Try a lower optimizer.lr, train.clip_grad_norm=1.0, a scheduler with warm-up, or "
            "train.precision=float32"
        )

    def _restore(self, state: dict[str, Any]) -> None:
        self.position = Position(**state["position"])
        self.means.load_state_dict(state["means"])
        self.session.load_state_dict(state)


def score(metrics: Mapping[str, Any], monitor: str) -> float:
    """The figure that `train.monitor` names, turned so that lower is better."""
    figure = float(metrics[monitor])
    return figure if monitor == "loss" else -figure
