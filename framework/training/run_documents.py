"""The contents of a run folder besides weights and logs: recipe, data, model, environment; predictions and metrics."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from framework.data.tables import OPTIONS, find_table
from framework.device import describe_device
from framework.evaluation.predictions import Predictions
from framework.files import replace_atomically
from framework.recipe.saving import plain, recipe_text
from framework.runs.environment import describe_environment, with_session
from framework.runs.plugin_files import save_plugin_files
from framework.training.resuming import (
    moved_places,
    print_other_device,
    require_same_images,
    require_same_precision,
)

if TYPE_CHECKING:
    from torch import nn

    from framework.components import Metric
    from framework.data.stores.store import Store
    from framework.display import Display
    from framework.evaluation.evaluate import Evaluator
    from framework.registry import Registry
    from framework.runs.folder import RunFolder
    from framework.training.session import Session

SPLITS = ("validation", "test")
METRICS = (*SPLITS, "test_without_copies")
"""The keys of `results.json` that hold metrics."""


def write_documents(
    run: RunFolder, session: Session, registry: Registry, display: Display, compiled: bool, seen: Mapping[str, int]
) -> None:
    """Write them, or update them for a resumed run; `seen` is from `count_seen`.

    Raises `UserError` if the run was trained in another precision or on other images so far.
    """
    recipe, device = session.recipe, describe_device(session.device)
    precision = str(session.precision.dtype).removeprefix("torch.")
    require_same_precision(run, precision)
    print_other_device(run, device, display)
    text = recipe_text(recipe, f"framework run {run.recipe}")
    if not run.recipe.is_file():
        run.write_recipe(text)
    _write_data(run, session.stores, seen)
    if moved_places(run, recipe):  # the same images in another place
        run.write_recipe(text)
    for option in OPTIONS:
        if table := find_table(recipe.dataset, option):
            replace_atomically(run.path / f"{option}.csv", partial(shutil.copyfile, table))
    save_plugin_files(run, registry)
    _write_model(run, session)
    before = run.read("environment") if run.environment.is_file() else None
    run.write("environment", with_session(before, describe_environment(registry, device, precision, compiled, recipe)))


def _write_data(run: RunFolder, stores: Mapping[str, Store], seen: Mapping[str, int]) -> None:
    before = run.read("data") if (run.path / "data.json").is_file() else {}
    data = {
        split: {
            "images": len(store),
            "fingerprint": store.fingerprint(),
            "store": store.pixels.place,
            "classes": store.class_counts,
            "skipped": [{"name": bad.name, "reason": bad.reason} for bad in store.skipped],
            "dropped": list(store.dropped),
            "seen_by_init": seen.get(split) if seen else before.get(split, {}).get("seen_by_init"),
        }
        for split, store in stores.items()
    }
    require_same_images(run, data)
    run.write("data", data)


def _write_model(run: RunFolder, session: Session) -> None:
    evaluator = session.evaluator
    evaluation = {
        "batch_size": evaluator.batch_size,
        "channels_last": evaluator.channels_last,
        "tta": evaluator.tta,
        "activation": evaluator.activation,
    }
    model = {
        "classes": list(session.stores["train"].classes),
        "preprocess": session.preprocess.as_dict(),
        "model": plain(session.recipe.model),
        "evaluation": evaluation,
    }
    run.write("model", model)


def evaluated_splits(
    run: RunFolder,
    model: nn.Module,
    evaluator: Evaluator,
    stores: Mapping[str, Store],
    more: Sequence[Metric],
    *,
    validated: bool = False,
) -> dict[str, Any]:
    """Evaluate validation and test, save their predictions in the run folder, and return their metrics by split.

    `more` are metrics in addition to the fixed ones. With `validated`, the saved predictions of the validation split
    are used: they are those of `model`.
    """
    metrics: dict[str, Any] = {}
    for split in (split for split in SPLITS if split in stores):
        file = run.predictions(split)
        if validated and split == "validation":
            predictions = Predictions.load(file)
        else:
            predictions = evaluator.predictions(model, stores[split])
            predictions.save(file)
        metrics[split] = predictions.metrics(more)
        if split == "test":
            metrics |= _metrics_without_copies(stores, predictions, more)
    return metrics


def _metrics_without_copies(
    stores: Mapping[str, Store], predictions: Predictions, more: Sequence[Metric]
) -> dict[str, Any]:
    """`test_without_copies`, from the predictions on `test`; empty if no test image has a copy in `train`."""
    copies = stores["test"].copies_of(stores["train"])
    if not copies.any():
        return {}
    if copies.all():
        return {"test_without_copies": {"images": 0}}
    return {"test_without_copies": predictions.only(~copies).metrics(more)}
