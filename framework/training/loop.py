"""The training loop: learning rate, step, log, evaluate, save the best weights, checkpoint, stop."""

from __future__ import annotations

import math
import time
from dataclasses import asdict
from functools import partial

import torch

from framework.errors import Interrupted, RunFailed
from framework.evaluation.confusion import Confusion
from framework.evaluation.examples import choose_examples, no_examples
from framework.evaluation.predictions import Predictions
from framework.runs.folder import RunFolder
from framework.runs.weights import save_weights
from framework.training.callbacks import Callbacks
from framework.training.checkpoints import Checkpoints
from framework.training.progress import Progress, monitored_score
from framework.training.running_means import RunningMeans
from framework.training.session import Session
from framework.training.state_file import require_savable
from framework.training.step import train_step
from framework.training.stopping import Stopwatch, recorded_signals
from framework.training.throughput import Throughput


class Trainer:
    """Trains a session in a run folder, from the last checkpoint in it if there is one."""

    def __init__(
        self, session: Session, run: RunFolder, callbacks: Callbacks, checkpoints: Checkpoints, total_clock: Stopwatch
    ) -> None:
        self.session, self.run, self.callbacks, self.checkpoints = session, run, callbacks, checkpoints
        self.options = session.recipe.train
        self.progress, self.means = Progress(), RunningMeans()
        if (state := checkpoints.latest()) is not None:
            self.progress = Progress(**state["progress"])
            self.means.load_state_dict(state["means"])
            session.load_state_dict(state)
        run.rewind_metrics(self.progress.step)
        self.total_clock = total_clock
        total_clock.before = self.progress.total_seconds
        self.clock = Stopwatch(self.progress.seconds)
        self.throughput = Throughput(session.batches.images_per_step, self.progress.step_seconds)

    @property
    def finished(self) -> bool:
        """Whether training is over."""
        return self.progress.step >= self.session.total_steps or self.progress.stopped is not None

    @property
    def epoch(self) -> int:
        """The epoch of the last completed step, from 1."""
        return max(self.progress.step - 1, 0) // self.session.batches.steps_per_epoch + 1

    def train(self) -> None:
        """Train to the last step, or until a time limit, patience or a signal ends training.

        Raises `RunFailed` if the loss or a weight is not finite, `Interrupted` after a signal and its checkpoint.
        """
        session, progress = self.session, self.progress
        last_checkpoint = time.perf_counter()
        with recorded_signals() as interruption:
            while not self.finished:
                lr = session.schedule.lr
                if train_step(session, progress.step, self.means):
                    session.schedule.step()
                progress.step += 1
                self.throughput.step_done()
                if progress.step == 1:  # most optimizers have no state before
                    require_savable(session.state_dict())

                progress.seconds = self.clock.seconds
                if self.options.max_time and progress.seconds >= self.options.max_time and not self.finished:
                    progress.stopped = "max_time"
                if progress.step % self.options.log_every == 0:
                    self.log_step(lr)
                self.callbacks.tick(progress.step)

                epoch_done = progress.step % session.batches.steps_per_epoch == 0 or self.finished
                if epoch_done:
                    self.end_epoch(lr)
                checkpointed = epoch_done or time.perf_counter() - last_checkpoint >= self.options.checkpoint_every
                if checkpointed:
                    self.checkpoint()
                    last_checkpoint = time.perf_counter()
                if interruption.received:
                    if not checkpointed:
                        self.checkpoint()
                    raise Interrupted(
                        f"stopped by {interruption.received} after step {progress.step} of {session.total_steps}; "
                        f"checkpoint written.\n    Resume with: framework run {self.run.recipe} --out {self.run.path} "
                        "--resume"
                    )

    def log_step(self, lr: float) -> None:
        """Log the means since the last call, and notify the callbacks."""
        self.require_finite_loss()
        means = self.means.take_recent()
        speed = self.throughput.take_recent()
        metrics = {"loss": means.loss, "top1": means.top1, "lr": lr, "images_per_second": speed}
        self.run.append_metrics({"event": "step", "step": self.progress.step, "epoch": self.epoch, **metrics})
        self.callbacks.step_end(step=self.progress.step, epoch=self.epoch, metrics=metrics)

    def end_epoch(self, lr: float) -> None:
        """Evaluate, save the weights if they are the best so far, log, and notify the callbacks."""
        self.require_finite_weights()
        means, speed, seconds = self.means.take_epoch(), self.throughput.take_epoch(), self.clock.seconds
        predictions = self.evaluate()
        validation = predictions.metrics(self.session.recipe.metrics) if predictions else None
        if validation and not math.isfinite(validation["loss"]):
            raise self.not_finite("the validation loss", self.progress.step)
        score = monitored_score(validation, self.options.monitor) if validation else None
        kept = self.save_best(score, predictions)
        self.session.schedule.epoch_done(score)
        if self.options.patience and self.progress.epochs_without_gain >= self.options.patience and not self.finished:
            self.progress.stopped = "patience"

        metrics = {"train": means._asdict(), "lr": lr, "seconds": seconds, "images_per_second": speed, "kept": kept}
        line = {"event": "epoch", "step": self.progress.step, "epoch": self.epoch, **metrics}
        if validation:
            metrics["validation"] = validation
            # The log must not grow with the number of classes.
            line["validation"] = {name: value for name, value in validation.items() if name != "per_class"}
        self.run.append_metrics(line)
        self.callbacks.epoch_end(
            step=self.progress.step,
            epoch=self.epoch,
            metrics=metrics,
            examples=partial(choose_examples, predictions, self.session.stores["validation"])
            if predictions
            else no_examples,
            confusion=predictions.confusion if predictions else Confusion.empty,
        )

    def evaluate(self) -> Predictions | None:
        """The predictions for the validation split, if there is one."""
        validated = "validation" in self.session.stores
        if validated or self.finished:  # weights that are not evaluated need no statistics
            self.session.recalibrate_bn()
        return self.session.validate() if validated else None

    def save_best(self, score: float | None, predictions: Predictions | None) -> bool:
        """Save the weights if they are the best so far, or always for `train.keep: last`; returns whether it did."""
        if not self.progress.add_score(score) and self.options.keep == "best":
            return False
        self.progress.kept = {"epoch": self.epoch, "step": self.progress.step}
        save_weights(self.run.best_weights, self.session.averaging.model)
        if predictions is not None:
            predictions.save(self.run.predictions("validation"))
        return True

    def checkpoint(self) -> None:
        """Save everything that resuming needs; raises `RunFailed` if the loss or a weight is not finite."""
        self.require_finite_weights()
        self.throughput.pause()
        self.progress.seconds, self.progress.total_seconds = self.clock.seconds, self.total_clock.seconds
        self.progress.step_seconds = self.throughput.seconds
        state = {"progress": asdict(self.progress), "means": self.means.state_dict(), **self.session.state_dict()}
        self.checkpoints.save(self.progress.step, state)
        self.throughput.resume()

    def require_finite_loss(self) -> None:
        """Raise `RunFailed` if the loss of any step was not finite."""
        if (step := self.means.first_bad_step()) is not None:
            raise self.not_finite("the loss", step)

    def require_finite_weights(self) -> None:
        """Raise `RunFailed` if a loss or a weight is not finite: a finite loss may have a gradient that is not."""
        self.require_finite_loss()
        largest = torch.nn.utils.get_total_norm(self.session.model.parameters(), math.inf)
        if not math.isfinite(float(largest)):
            raise self.not_finite("a weight", self.progress.step)

    def not_finite(self, what: str, step: int) -> RunFailed:
        """The error for a value that is not finite since optimizer step `step`."""
        files = self.checkpoints.files()
        last = f"The last checkpoint with finite values is {files[-1]}" if files else "There is no checkpoint yet"
        return RunFailed(
            f"{what} is not finite: step {step} (epoch {self.epoch}). {last}.\n"
            "    Try a lower optimizer.lr, train.clip_grad_norm=1.0, a scheduler with warm-up, or "
            "train.precision=float32"
        )
