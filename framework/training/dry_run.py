"""`framework run --dry-run`: build everything, time a few steps, and estimate what the run would take."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from framework.report.display import Display, overview
from framework.training.device import peak_memory
from framework.training.session import build_session, read_data

if TYPE_CHECKING:
    from framework.recipe.sections import Recipe
from framework.training.session import Session

TIMED_STEPS = 5


@dataclass(frozen=True)
class Estimate:
    """What a run would take, from a few measured steps."""

    rows: list[tuple[str, str]]
    steps: int
    images_per_second: float
    seconds: float
    """Of training and evaluation together."""
    memory: int
    """Bytes at the highest so far: of the process, or on the CUDA device."""


def dry_run(recipe: Recipe, display: Display) -> Estimate:
    """Read the data, build the session, run some steps, one validation batch; nothing is written."""
    stores, preprocess = read_data(recipe, display.reading)
    session = build_session(recipe, stores, preprocess)
    _steps(session, 0, 2)  # the first ones are slow: kernels are chosen, memory is taken
    step_seconds = _timed(lambda: _steps(session, 2, TIMED_STEPS)) / TIMED_STEPS
    image_seconds = _timed(lambda: _evaluate_some(session)) / min(recipe.train.batch_size, len(stores["train"]))
    evaluated = sum(len(store) for name, store in stores.items() if name == "test")
    evaluated += recipe.train.epochs * len(stores.get("validation", ()))
    return Estimate(
        rows=overview(session),
        steps=session.total_steps,
        images_per_second=session.batches.images_per_step / step_seconds,
        seconds=session.total_steps * step_seconds + evaluated * image_seconds,
        memory=peak_memory(session.device),
    )


def _steps(session: Session, first: int, number: int) -> None:
    session.freezing.train_mode()
    for step in range(first, first + number):
        for images, targets, share in session.batches.at(step):
            with session.precision.forward_pass():
                logits = session.model(images)
            session.precision.backward(session.loss(logits.float(), targets) * share)
        session.precision.step(session.optimizer, session.model)
        session.averaging.update(step + 1)
    if session.device.type == "cuda":
        torch.cuda.synchronize(session.device)


def _evaluate_some(session: Session) -> None:
    from framework.evaluation.evaluate import predict_logits

    batch_size = session.recipe.train.batch_size
    images = session.stores["train"].images[:batch_size]
    predict_logits(session.averaging.model, images, session.preprocess, session.device, batch_size)


def _timed(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
