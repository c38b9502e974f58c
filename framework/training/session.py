"""From a recipe to everything that the loop needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch

from framework.attribution import ComponentFault
from framework.data.augment import Augmentation
from framework.data.batches import Batches
from framework.data.order import Order
from framework.data.preprocess import Preprocessor
from framework.data.progressive_resize import ImageSizeSchedule
from framework.data.stores.store import Store
from framework.device import choose_device, choose_precision
from framework.errors import UserError
from framework.evaluation.evaluate import Evaluator
from framework.evaluation.probabilities import checked_activation
from framework.recipe.sections import Recipe
from framework.training.allocator import keep_freed_memory
from framework.training.averaging import Averaging, build_averaging
from framework.training.calls import built_optimizer, built_schedule
from framework.training.checkpoints import restore_optimizer
from framework.training.criterion import Criterion, build_criterion
from framework.training.freezing import Freezing, freeze
from framework.training.network import network_to_train, try_network, try_single_images
from framework.training.norms import recalibrate_bn
from framework.training.precision import Precision
from framework.training.schedule import Schedule

if TYPE_CHECKING:
    from torch import Tensor, nn

    from framework.evaluation.predictions import Predictions
    from framework.runs.trained import Trained


@dataclass
class Session:
    """A recipe made real: data where it fits, network on the device."""

    recipe: Recipe
    device: torch.device
    stores: dict[str, Store]
    preprocess: Preprocessor
    batches: Batches
    model: nn.Module
    network: Callable[[Tensor], Tensor]
    """What training steps call: `model`, or the same compiled."""
    freezing: Freezing
    loss: Criterion
    optimizer: torch.optim.Optimizer
    schedule: Schedule
    averaging: Averaging
    precision: Precision
    evaluator: Evaluator

    @property
    def total_steps(self) -> int:
        """Optimizer steps that the schedule is laid out over."""
        return self.batches.total_steps

    def recalibrate_bn(self) -> None:
        """Estimate the statistics of batch normalisation anew, where the recipe asks for it."""
        if batches := self.recipe.train.recalibrate_bn:
            recalibrate_bn(self.averaging.model, self.stores["train"], self.evaluator, batches, self.freezing.still)

    def validate(self) -> Predictions:
        """The validation split by a single view, with the averaged weights where there are any."""
        return replace(self.evaluator, tta=1).predictions(self.averaging.model, self.stores["validation"])

    def evaluate(self, split: str) -> Predictions:
        """A split as the recipe wants it looked at, with the averaged weights where there are any."""
        return self.evaluator.predictions(self.averaging.model, self.stores[split])

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint holds of the objects here; randomness needs nothing, it follows from the step."""
        return {
            "model": dict(self.model.state_dict()),
            "average": dict(self.averaging.model.state_dict()) if self.averaging.model is not self.model else None,
            "loss": self.loss.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.schedule.state_dict(),
            "scaler": self.precision.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` gave."""
        self.model.load_state_dict(state["model"])
        if state["average"] is not None:
            self.averaging.model.load_state_dict(state["average"])
        if "loss" in state:  # checkpoints had none before losses had state
            self.loss.load_state_dict(state["loss"])
        restore_optimizer(self.optimizer, state["optimizer"])
        self.schedule.load_state_dict(state["scheduler"])
        self.precision.load_state_dict(state["scaler"])


def build_session(
    recipe: Recipe, stores: dict[str, Store], preprocess: Preprocessor, start: Trained | None = None
) -> Session:
    """Build network, loss, optimizer and the rest; raises `UserError` where parts do not fit each other.

    `start` has the weights to begin with, where they are not the network's own.
    """
    train = recipe.train
    device = choose_device(train.device)
    if device.index is not None and device.type == "cuda":
        torch.cuda.set_device(device)  # pinned memory belongs to the current device
    make_deterministic(train.deterministic)
    if device.type == "cpu":
        keep_freed_memory()
    model = network_to_train(recipe, stores["train"], preprocess, start, device)
    freeze(model, train.freeze)
    order = Order(stores["train"].labels, train.batch_size, train.grad_accum_steps, train.sampler, recipe.seed)
    steps = train.epochs * order.steps_per_epoch
    steps = min(steps, train.max_steps or steps)
    image_sizes = image_size_schedule(recipe, model, len(stores["train"].classes), preprocess, steps)
    augmentation = Augmentation(recipe.augment, (preprocess.height, preprocess.width))
    batches = Batches(stores["train"], preprocess, augmentation, order, steps, device, train.channels_last, image_sizes)
    if min(train.batch_size, len(stores["train"])) == 1:
        try_single_images(model, recipe.model, preprocess.channels, batches.size_phases()[0].size)
    optimizer = built_optimizer(recipe, model)
    schedule = built_schedule(recipe, optimizer, steps, order.steps_per_epoch)
    _require_validation(recipe, schedule, stores)
    activation = checked_activation(recipe.loss.activation(), f"loss '{recipe.loss.name}'")
    precision = Precision(device, choose_precision(train.precision, device), train.clip_grad_norm, train.tf32)
    return Session(
        recipe=recipe,
        device=device,
        stores=stores,
        preprocess=preprocess,
        batches=batches,
        model=model,
        network=model,
        freezing=Freezing(model, round((train.unfreeze_until or 0) * steps)),
        loss=build_criterion(recipe, stores["train"], preprocess, device, precision.dtype),
        optimizer=optimizer,
        schedule=schedule,
        averaging=build_averaging(train, model, steps),
        precision=precision,
        evaluator=Evaluator(
            preprocess,
            device,
            train.batch_size,
            train.channels_last,
            recipe.evaluate.tta,
            activation,
            recipe.model,
        ),
    )


def _require_validation(recipe: Recipe, schedule: Schedule, stores: dict[str, Store]) -> None:
    """Where something needs its metrics; raises `UserError`."""
    follows = {"train.patience": recipe.train.patience, "this scheduler": schedule.waits_for_validation}
    for what, does in follows.items():
        if does and "validation" not in stores:
            raise UserError(
                f"{what} needs a validation split, and there is none: set dataset.validation above 0, or leave "
                f"{what} out"
            )


def image_size_schedule(
    recipe: Recipe, model: nn.Module, num_classes: int, preprocess: Preprocessor, steps: int
) -> ImageSizeSchedule | None:
    """Of progressive resizing, if the recipe requests it and the network accepts every size."""
    wanted, final = recipe.train.progressive_resize, (preprocess.height, preprocess.width)
    if wanted is None:
        return None
    if wanted.start >= min(final):
        raise UserError(
            f"train.progressive_resize.start is {wanted.start}; it must be below preprocess.size, {min(final)}"
        )
    sizes = ImageSizeSchedule(wanted.start, round(wanted.until * steps), final)
    try:
        for size in sizes.sizes():
            try_network(model, recipe.model, num_classes, preprocess.channels, size)
    except ComponentFault:
        return None
    return sizes


def make_deterministic(wanted: bool) -> None:
    """Ask cuDNN for the same algorithms each time; the CPU's are deterministic for a given number of threads."""
    torch.backends.cudnn.deterministic = wanted
    torch.backends.cudnn.benchmark = not wanted
