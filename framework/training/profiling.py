"""The time of each phase of a step, and an estimate for the whole run: measured on a few steps of each image size."""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from framework.data.progressive_resize import SizePhase
from framework.device import choose_device, peak_memory, wait_for
from framework.runs.seen_images import count_seen
from framework.training.backend import backend_settings
from framework.training.batch_norm import recalibrated
from framework.training.init_from import open_initial
from framework.training.prepare import prepare_data
from framework.training.probe import probe
from framework.training.running_means import RunningMeans
from framework.training.session import build_session
from framework.training.startup import print_startup
from framework.training.state_file import require_savable
from framework.training.step import train_step

if TYPE_CHECKING:
    from framework.display import Display
    from framework.recipe.sections import Recipe
    from framework.registry import Registry
    from framework.training.session import Session

ARITHMETIC = ("forward", "backward", "optimizer")
"""The phases of a minimal loop on a single batch in memory."""

WARM_UP = 2
"""First steps, which are not measured: they choose kernels and allocate memory."""


@dataclass(frozen=True)
class SizeProfile:
    """The steps of a run at one image size."""

    image_size: tuple[int, int]
    """Height and width in pixels."""
    steps: int
    """Steps of the run at this size."""
    phases: dict[str, float]
    """Median seconds of each phase of a step, in order."""
    images: int
    """Images per step."""

    @property
    def seconds(self) -> float:
        """Seconds per step."""
        return sum(self.phases.values())

    @property
    def images_per_second(self) -> float:
        """Training throughput."""
        return self.images / self.seconds

    def fraction(self, *phases: str) -> float:
        """The fraction of a step's time that these phases take."""
        return sum(self.phases[phase] for phase in phases) / self.seconds


@dataclass(frozen=True)
class Profile:
    """The measurements of a recipe."""

    session: Session
    sizes: list[SizeProfile]
    seconds: float
    """Estimate for training and evaluation."""
    memory: int
    """Peak memory in bytes: of the process, or on the CUDA device."""

    @property
    def longest(self) -> SizeProfile:
        """The image size that takes most of the run's time."""
        return max(self.sizes, key=lambda size: size.steps * size.seconds)


def profile(recipe: Recipe, registry: Registry, display: Display, steps: int) -> Profile:
    """Prepare data and session as a run does, then time `steps` steps of each image size and one batch of evaluation.

    Writes nothing and builds no callbacks. Raises `UserError` for everything else that a run would reject.
    """
    with backend_settings(choose_device(recipe.train.device), deterministic=recipe.train.deterministic):
        initial = open_initial(recipe, registry)
        session = build_session(recipe, *prepare_data(recipe, display.reading, display.line), initial)
        probe(session)
        print_startup(display, session, initial, count_seen(initial, session.stores, session.preprocess))
        sizes = [
            SizeProfile(phase.size, phase.steps, _median_phases(session, phase, steps), session.batches.images_per_step)
            for phase in session.batches.size_phases()
        ]
        require_savable(session.state_dict())  # includes the optimizer's state after its first step
        seconds = sum(size.steps * size.seconds for size in sizes) + _evaluation_seconds(session)
        return Profile(session, sizes, seconds, peak_memory(session.device))


def advice(profile: Profile) -> list[str]:
    """Sentences on the bottleneck of the run and on options to change."""
    longest, train = profile.longest, profile.session.recipe.train
    found = []
    if longest.fraction("data") > 0.1 and profile.session.stores["train"].pixels.place == "stream":
        found.append(
            f"Decoding images takes {longest.fraction('data'):.0%} of a step: with enough disk space for the cache, "
            "train.store=disk decodes them once."
        )
    elif longest.fraction("data") > 0.1:
        found.append(
            f"Making batches takes {longest.fraction('data'):.0%} of a step: use fewer transforms in `augment`, "
            "or a larger network at the same cost."
        )
    if longest.fraction("optimizer") > 0.1:
        found.append(
            f"The optimizer takes {longest.fraction('optimizer'):.0%} of a step, for any batch size: a "
            f"train.batch_size above {train.batch_size} (with a higher learning rate) needs fewer steps."
        )
    if longest.fraction("averaging") > 0.05:
        found.append(
            f"Averaging the weights (train.ema, train.lookahead) takes {longest.fraction('averaging'):.0%} of a step."
        )
    if longest.fraction("forward", "backward") > 0.8:
        ways = (
            ["a smaller model or preprocess.size", "train.progressive_resize"]
            if train.progressive_resize is None
            else ["a smaller model"]
        )
        found.append(f"The network is the bottleneck: {', '.join(ways)} or a faster device would shorten the run.")
    if profile.session.precision.dtype == torch.float32 and train.precision == "float32":
        found.append("train.precision is float32; `auto` uses bfloat16 if the device supports it.")
    return found


def _median_phases(session: Session, size_phase: SizePhase, steps: int) -> dict[str, float]:
    means = RunningMeans(session.recipe.task)
    # In the middle: at the start the network may be partly frozen, and at the end some transforms are off.
    first = size_phase.start + max(0, size_phase.steps - WARM_UP - steps) // 2
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

        train_step(session, first + number % size_phase.steps, means, mark)
        if number >= WARM_UP:
            for phase, value in seconds.items():
                measured[phase].append(value)
    # The mean for data: a GPU prepares the batches of several steps at once.
    return {
        phase: (statistics.mean if phase == "data" else statistics.median)(values) for phase, values in measured.items()
    }


def _evaluation_seconds(session: Session) -> float:
    """Seconds of the network outside training steps."""
    store = session.stores["train"]
    images = store.pixels.at(torch.arange(min(len(store), session.evaluator.batch_size)))
    started = time.perf_counter()
    session.evaluator.logits(session.averaging.model, [images])
    seconds_per_view = (time.perf_counter() - started) / len(images) / session.evaluator.tta
    return seconds_per_view * views_outside_steps(session)


def views_outside_steps(session: Session) -> int:
    """Views of images that the network processes for metrics and for batch normalisation statistics."""
    train, views = session.recipe.train, session.evaluator.tta
    validation, test = (len(session.stores.get(split, ())) for split in ("validation", "test"))
    epochs = -(-session.total_steps // session.batches.steps_per_epoch)
    metrics = validation * epochs + test * views
    if views > 1:  # else the validation metrics of the best weights are known
        metrics += validation * views
    if not train.recalibrate_bn or not recalibrated(session.averaging.model, session.freezing.frozen_norms):
        return metrics
    sample = min(len(session.stores["train"]), train.recalibrate_bn * session.evaluator.batch_size)
    return metrics + sample * (epochs if validation else 1)
