"""Where the time of a step goes, and what a run would take: measured on its first steps, at each image size."""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from framework.data.progressive_resize import SizePhase
from framework.device import peak_memory, wait_for
from framework.recipe.warnings import recipe_warnings
from framework.training.meter import Meter
from framework.training.norms import refreshed
from framework.training.probe import probe
from framework.training.reading import read_data
from framework.training.seen_images import count_seen, warn_of_seen
from framework.training.session import build_session
from framework.training.start import announce_start, open_start
from framework.training.step import train_step
from framework.training.tree import require_savable

if TYPE_CHECKING:
    from framework.recipe.sections import Recipe
    from framework.registry import Registry
    from framework.training.session import Session

ARITHMETIC = ("forward", "backward", "optimizer")
"""The phases that a bare loop on one batch, already in memory, would have too."""

WARM_UP = 2
"""Steps that are not counted: kernels are chosen and memory is taken in them."""


@dataclass(frozen=True)
class StageProfile:
    """The steps of a run at one image size."""

    size: tuple[int, int]
    """Height and width in pixels."""
    steps: int
    """How many steps of the run have this size."""
    phases: dict[str, float]
    """Median seconds of each phase of a step, in their order."""
    images: int
    """In one step."""

    @property
    def seconds(self) -> float:
        """Of one step."""
        return sum(self.phases.values())

    @property
    def images_per_second(self) -> float:
        """Speed of training."""
        return self.images / self.seconds

    def share(self, *phases: str) -> float:
        """The part of a step that these phases take, from 0 to 1."""
        return sum(self.phases[phase] for phase in phases) / self.seconds


@dataclass(frozen=True)
class Profile:
    """What was measured of a recipe."""

    session: Session
    stages: list[StageProfile]
    seconds: float
    """That training and evaluation together would take."""
    memory: int
    """Bytes at the highest so far: of the process, or on the CUDA device."""

    @property
    def longest(self) -> StageProfile:
        """The stage that the run spends most of its time in."""
        return max(self.stages, key=lambda stage: stage.steps * stage.seconds)


def profile(recipe: Recipe, registry: Registry, display: Any, steps: int) -> Profile:
    """Read the data, build the session as a run does, time `steps` steps of each image size and one validation batch.

    Nothing is written, so callbacks are not asked. Raises `UserError` for all else that a run would refuse.
    """
    start = open_start(recipe, registry)
    session = build_session(recipe, *read_data(recipe, display.reading, display.line), start)
    probe(session)
    announce_start(display, recipe.model, start, session.stores["train"].classes, session.preprocess)
    warn_of_seen(display, start, session.stores, count_seen(start, session.stores, session.preprocess))
    for warning in recipe_warnings(recipe, session.device.type):
        display.line(f"warning: {warning}", "yellow")
    stages = [
        StageProfile(stage.size, stage.steps, _median_phases(session, stage, steps), session.batches.images_per_step)
        for stage in session.batches.size_phases()
    ]
    require_savable(session.state_dict())  # with what an optimizer has from its first step on
    training = sum(stage.steps * stage.seconds for stage in stages)
    return Profile(session, stages, training + _evaluation_seconds(session), peak_memory(session.device))


def advice(profile: Profile) -> list[str]:
    """What limits the run, and what to set, in sentences."""
    stage, train = profile.longest, profile.session.recipe.train
    found = []
    if stage.share("data") > 0.1 and profile.session.stores["train"].pixels.place == "stream":
        found.append(
            f"Decoding images takes {stage.share('data'):.0%} of a step: with room on the disk of the cache, "
            "train.store=disk decodes them once."
        )
    elif stage.share("data") > 0.1:
        found.append(
            f"Making batches takes {stage.share('data'):.0%} of a step: fewer transforms in `augment`, "
            "or a larger network at the same cost."
        )
    if stage.share("optimizer") > 0.1:
        found.append(
            f"The optimizer takes {stage.share('optimizer'):.0%} of a step, whatever the batch: a larger "
            f"train.batch_size than {train.batch_size} (and a higher rate) needs it less often."
        )
    if stage.share("averaging") > 0.05:
        found.append(
            f"Averaging the weights (train.ema, train.lookahead) takes {stage.share('averaging'):.0%} of a step."
        )
    if stage.share("forward", "backward") > 0.8:
        ways = (
            ["a smaller model or preprocess.size", "train.progressive_resize"]
            if train.progressive_resize is None
            else ["a smaller model"]
        )
        found.append(f"The network's own arithmetic limits the run: {', '.join(ways)} or a faster device shorten it.")
    if profile.session.precision.dtype == torch.float32 and train.precision == "float32":
        found.append("train.precision=float32 was asked for; `auto` takes bfloat16 where the device computes it.")
    return found


def _median_phases(session: Session, stage: SizePhase, steps: int) -> dict[str, float]:
    meter = Meter()
    # In the middle: at the start some of the network may be frozen yet, and at the end some transforms have ended.
    first = stage.start + max(0, stage.steps - WARM_UP - steps) // 2
    measured: defaultdict[str, list[float]] = defaultdict(list)
    for number in range(WARM_UP + steps):
        seconds: defaultdict[str, float] = defaultdict(float)
        last = time.perf_counter()

        def mark(phase: str, seconds: defaultdict[str, float] = seconds) -> None:
            nonlocal last
            wait_for(session.device)
            now = time.perf_counter()
            seconds[phase] += now - last
            last = now

        train_step(session, first + number % stage.steps, meter, mark)
        if number >= WARM_UP:
            for phase, value in seconds.items():
                measured[phase].append(value)
    # Medians, but for data: a GPU prepares those of several steps at once.
    return {
        phase: (statistics.mean if phase == "data" else statistics.median)(values) for phase, values in measured.items()
    }


def _evaluation_seconds(session: Session) -> float:
    """Of everything outside training steps for which the network runs."""
    store = session.stores["train"]
    images = store.pixels.at(torch.arange(min(len(store), session.evaluator.batch_size)))
    started = time.perf_counter()
    session.evaluator.logits(session.averaging.model, [images])
    of_view = (time.perf_counter() - started) / len(images) / session.evaluator.tta
    return of_view * views_outside_steps(session)


def views_outside_steps(session: Session) -> int:
    """Of images that the network runs for besides training steps: metrics, and statistics of batch normalisation."""
    train, views = session.recipe.train, session.evaluator.tta
    validation, test = (len(session.stores.get(split, ())) for split in ("validation", "test"))
    epochs = -(-session.total_steps // session.batches.steps_per_epoch)
    metrics = validation * epochs + test * views
    if views > 1:  # else the kept weights have their validation metrics already
        metrics += validation * views
    if not train.recalibrate_bn or not refreshed(session.averaging.model, session.freezing.still):
        return metrics
    sample = min(len(session.stores["train"]), train.recalibrate_bn * session.evaluator.batch_size)
    return metrics + sample * (epochs if validation else 1)
