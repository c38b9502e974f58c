"""A training step on copies before training starts, to detect faults of plugins early."""

from __future__ import annotations

import copy
import math
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from framework.attribution import ComponentFault, attributed_to, fault, is_out_of_memory
from framework.components import Transform
from framework.data.augment import Augmentation, gray_means
from framework.data.batches import MicroBatch
from framework.data.rng import BatchPosition, BatchRNG
from framework.data.spacing import evenly_spaced
from framework.data.transformed import require_values, sort_of
from framework.evaluation.component_metrics import try_metric
from framework.training.calls import built_method, built_optimizer, built_schedule
from framework.training.criterion import Criterion, build_criterion
from framework.training.freezing import Freezing
from framework.training.precision import Precision
from framework.training.schedule import Schedule
from framework.training.session import Session
from framework.training.step import update_weights

IMAGES = 8
"""Maximum number of training images in the step."""
DRAWS = 256
"""Matrices drawn from a geometric transform: some change few images only."""


def probe(session: Session) -> None:
    """Run transforms, network, loss, method, optimizer, scheduler and metrics once; raises `ComponentFault` on failure.

    The session is not changed: network and loss are copied, the others are built again, and the states of all random
    generators are restored. Values are checked too, such as transformed images in [0, 1].
    """
    batch_size = min(session.recipe.train.batch_size, len(session.stores["train"]))
    with _restored_generators(session.device):
        for metric in session.recipe.metrics:
            try_metric(metric, session.stores["train"].classes, session.evaluator.activation)
        try:
            _step(session, min(IMAGES, batch_size))
        except ComponentFault:  # some networks need more images
            if batch_size <= IMAGES:
                raise
            _step(session, batch_size)


def _step(session: Session, number: int) -> None:
    model = _copied(session.model)
    if model is None:
        return
    try:
        images, targets = _batch(session, number)
        _train(session, model, images, targets)
    except Exception as error:
        if not is_out_of_memory(error):  # training needs no copies
            raise


def _batch(session: Session, number: int) -> tuple[Tensor, Tensor]:
    """Evenly spread training images, transformed and normalised, and their targets."""
    store, preprocess = session.stores["train"], session.preprocess
    indices = evenly_spaced(len(store), number)
    images = store.pixels.at(indices).to(session.device).div(255)
    targets = F.one_hot(store.labels[indices], len(store.classes)).to(session.device).float()
    for transform in session.recipe.augment:
        position = BatchPosition(
            indices.to(session.device), session.recipe.seed, progress=transform.after or 0.0
        )  # a step at which it is active
        images, targets = _transformed(transform, images, targets, position)
    images = preprocess.normalised(images)
    return images.contiguous(memory_format=torch.channels_last) if session.batches.channels_last else images, targets


def _transformed(
    transform: Transform, images: Tensor, targets: Tensor, position: BatchPosition
) -> tuple[Tensor, Tensor]:
    """The batch after this transform; builds it again."""
    augmentation = Augmentation([transform], (images.shape[2], images.shape[3]))
    (step,), (stream,) = augmentation.steps, augmentation.streams
    sort = sort_of(step)
    if sort == "matrices":
        many = replace(position, indices=torch.arange(DRAWS, device=images.device))
        require_values(transform, step.matrices(BatchRNG(many, stream)), sort)
    elif sort == "levels":
        require_values(transform, step.levels(gray_means(images), BatchRNG(position, stream)), sort)
    returned = augmentation(images, targets, position)
    require_values(transform, returned, None)
    return returned


def _train(session: Session, model: nn.Module, images: Tensor, targets: Tensor) -> None:
    """One step of `model`, as in `train_step`."""
    recipe, batches = session.recipe, session.batches
    precision = Precision(session.device, session.precision.dtype, session.precision.clip_grad_norm)
    precision.own_kernels = session.precision.own_kernels
    optimizer = built_optimizer(recipe, model)
    schedule = built_schedule(recipe, optimizer, batches.total_steps, batches.steps_per_epoch)
    Freezing(model, session.freezing.unfreeze_steps).train_mode(0)
    copied = replace(
        session,
        model=model,
        network=model,
        loss=_fresh_criterion(session),
        method=built_method(recipe, model, batches.total_steps, batches.steps_per_epoch),
        optimizer=optimizer,
        precision=precision,
    )
    update_weights(copied, 0, [MicroBatch(images, targets, 1.0)], lambda loss, logits, targets: None)
    _require_rates(session, schedule)


def _fresh_criterion(session: Session) -> Criterion:
    """The loss with its own state: modules are copied, functions are built again."""
    criterion = session.loss
    if isinstance(criterion.loss, nn.Module) and (copied := _copied(criterion.loss)) is not None:
        return replace(criterion, loss=copied)
    store, dtype = session.stores["train"], session.precision.dtype
    return build_criterion(session.recipe, store, session.preprocess, session.device, dtype)


def _require_rates(session: Session, schedule: Schedule) -> None:
    """Check the learning rate after a step of the scheduler."""
    component = session.recipe.scheduler
    schedule.step()
    with attributed_to(component, "step()"):
        rate = schedule.lr
    if not (math.isfinite(rate) and rate >= 0):
        raise fault(component, f"set a learning rate of {rate}")


def _copied(module: nn.Module) -> nn.Module | None:
    """A copy, or None if the module cannot be copied."""
    try:
        return copy.deepcopy(module)
    except Exception:  # modules of plugins may contain anything
        return None


@contextmanager
def _restored_generators(device: torch.device) -> Iterator[None]:
    """Restore the global random generators of PyTorch, NumPy and Python."""
    python, numpy = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
