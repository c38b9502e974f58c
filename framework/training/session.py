"""Everything the training loop needs, built from a recipe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

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
from framework.training.averaging import Averaging, build_averaging
from framework.training.batch_norm import recalibrate_bn
from framework.training.calls import built_method, built_optimizer, built_schedule
from framework.training.checkpoints import restore_optimizer
from framework.training.criterion import Criterion, build_criterion
from framework.training.freezing import Freezing, freeze
from framework.training.network import network_to_train, try_network, try_single_images
from framework.training.optimizer_traits import is_second_order, require_unscaled
from framework.training.precision import Precision
from framework.training.schedule import Schedule

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from framework.evaluation.predictions import Predictions
    from framework.runs.trained import Trained
    from framework.training.calls import MethodCall


@dataclass
class Session:
    """Data, network, loss, optimizer and the other parts of a training, on their devices."""

    recipe: Recipe
    device: torch.device
    stores: dict[str, Store]
    preprocess: Preprocessor
    batches: Batches
    model: nn.Module
    network: Callable[[Tensor], Any]
    """What training steps call: `model`, compiled or not. Returns logits, or a tuple if there are auxiliary heads."""
    freezing: Freezing
    loss: Criterion
    method: MethodCall
    optimizer: torch.optim.Optimizer
    schedule: Schedule
    averaging: Averaging
    precision: Precision
    evaluator: Evaluator

    @property
    def total_steps(self) -> int:
        """Optimizer steps of the whole run."""
        return self.batches.total_steps

    def recalibrate_bn(self) -> None:
        """Recompute the batch normalisation statistics of the averaged weights, if requested by the recipe."""
        if batches := self.recipe.train.recalibrate_bn:
            frozen = self.freezing.frozen_norms
            recalibrate_bn(self.averaging.model, self.stores["train"], self.evaluator, batches, frozen)

    def validate(self) -> Predictions:
        """Predictions for the validation split, without TTA, with the averaged weights."""
        return replace(self.evaluator, tta=1).predictions(self.averaging.model, self.stores["validation"])

    def state_dict(self) -> dict[str, Any]:
        """The state for a checkpoint. Random numbers need none: they are a function of the step."""
        return {
            "model": dict(self.model.state_dict()),
            "average": dict(self.averaging.model.state_dict()) if self.averaging.model is not self.model else None,
            "loss": self.loss.state_dict(),
            "method": self.method.state_dict() if hasattr(self.method, "state_dict") else {},
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.schedule.state_dict(),
            "scaler": self.precision.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state."""
        self.model.load_state_dict(state["model"])
        if state["average"] is not None:
            self.averaging.model.load_state_dict(state["average"])
        self.loss.load_state_dict(state["loss"])
        if hasattr(self.method, "load_state_dict"):
            self.method.load_state_dict(state["method"])
        restore_optimizer(self.optimizer, state["optimizer"])
        self.schedule.load_state_dict(state["scheduler"])
        self.precision.load_state_dict(state["scaler"])


def build_session(
    recipe: Recipe, stores: dict[str, Store], preprocess: Preprocessor, initial: Trained | None = None
) -> Session:
    """Build network, loss, optimizer and the other parts; raises `UserError` if they do not fit together.

    The network gets the weights of `initial`, if given.
    """
    train = recipe.train
    device = choose_device(train.device)
    model = network_to_train(recipe, stores["train"], preprocess, initial, device)
    freeze(model, train.freeze)
    batches = _build_batches(recipe, stores["train"], preprocess, model, device)
    steps = batches.total_steps
    optimizer = built_optimizer(recipe, model)
    schedule = built_schedule(recipe, optimizer, steps, batches.steps_per_epoch)
    _require_validation(recipe, schedule, stores)
    activation = checked_activation(recipe.loss.activation(), f"loss '{recipe.loss.name}'")
    precision = Precision(device, choose_precision(train.precision, device), train.clip_grad_norm, train.tf32)
    require_unscaled(recipe, optimizer, precision.dtype)
    precision.own_kernels = not is_second_order(optimizer)
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
        method=built_method(recipe, model, steps, batches.steps_per_epoch),
        optimizer=optimizer,
        schedule=schedule,
        averaging=build_averaging(train, model, steps),
        precision=precision,
        evaluator=Evaluator(
            preprocess, device, train.batch_size, train.channels_last, recipe.evaluate.tta, activation, recipe.model
        ),
    )


def _build_batches(
    recipe: Recipe, store: Store, preprocess: Preprocessor, model: nn.Module, device: torch.device
) -> Batches:
    train = recipe.train
    order = Order(store.labels, train.batch_size, train.grad_accum_steps, train.sampler, recipe.seed)
    steps = train.epochs * order.steps_per_epoch
    steps = min(steps, train.max_steps or steps)
    image_sizes = image_size_schedule(recipe, model, len(store.classes), preprocess, steps)
    augmentation = Augmentation(recipe.augment, (preprocess.height, preprocess.width))
    batches = Batches(store, preprocess, augmentation, order, steps, device, train.channels_last, image_sizes)
    if order.images_per_batch == 1:
        try_single_images(model, recipe.model, preprocess.channels, batches.size_phases()[0].size)
    return batches


def _require_validation(recipe: Recipe, schedule: Schedule, stores: dict[str, Store]) -> None:
    """Raise `UserError` if an option needs validation metrics and there are none."""
    needs = {"train.patience": recipe.train.patience, "this scheduler": schedule.needs_validation}
    for option, needed in needs.items():
        if needed and "validation" not in stores:
            raise UserError(
                f"{option} needs a validation split, but there is none: set dataset.validation above 0, or remove "
                f"{option}"
            )


def image_size_schedule(
    recipe: Recipe, model: nn.Module, num_classes: int, preprocess: Preprocessor, steps: int
) -> ImageSizeSchedule | None:
    """The image sizes of progressive resizing; None if the recipe or the network does not allow for it."""
    options, final = recipe.train.progressive_resize, (preprocess.height, preprocess.width)
    if options is None:
        return None
    if options.start >= min(final):
        raise UserError(
            f"train.progressive_resize.start is {options.start}; it must be below preprocess.size, {min(final)}"
        )
    sizes = ImageSizeSchedule(options.start, round(options.until * steps), final)
    try:
        for size in sizes.sizes():
            try_network(model, recipe.model, num_classes, preprocess.channels, size)
    except ComponentFault:
        return None
    return sizes
