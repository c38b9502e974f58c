"""`framework run`: from a recipe to a finished run folder."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework.data.tables import OPTIONS, find_table
from framework.device import describe_device, peak_memory
from framework.evaluation.confusion import Confusion
from framework.evaluation.copies import metrics_without_copies
from framework.evaluation.examples import choose_examples
from framework.evaluation.predictions import Predictions
from framework.files import replace_atomically
from framework.hookspecs import Example
from framework.recipe.doubts import doubts
from framework.recipe.saving import plain, recipe_text
from framework.recipe.sections import Recipe
from framework.registry import Registry
from framework.runs.environment import describe_environment, with_session
from framework.runs.folder import RunFolder
from framework.runs.lock import alone_in
from framework.runs.plugin_files import keep_plugin_files
from framework.runs.training_images import FILE as TRAINING_IMAGES
from framework.runs.weights import load_weights, save_weights
from framework.training.callbacks import Callbacks
from framework.training.checkpoints import Checkpoints
from framework.training.compiling import settle_compile
from framework.training.keeper import Keeper
from framework.training.loop import train
from framework.training.network import multiply_adds
from framework.training.probe import probe
from framework.training.reading import read_data
from framework.training.resuming import (
    claim_folder,
    moved_places,
    notice_other_device,
    recorded,
    require_same_images,
    require_same_precision,
)
from framework.training.seen_images import count_seen, keep_training_images, warn_of_seen
from framework.training.session import Session, build_session
from framework.training.start import announce_start, open_start
from framework.training.stopping import Stopwatch
from framework.training.tree import require_savable

if TYPE_CHECKING:
    from framework.data.stores.store import Store


def run_recipe(recipe: Recipe, registry: Registry, out: Path, display: Any, *, resume: bool = False) -> dict[str, Any]:
    """Train, evaluate on the test split, and return what `results.json` then holds.

    With `resume`, goes on from the last checkpoint in `out`, and starts where there is none. Raises `UserError` for
    what the user can mend, `RunFailed` where the loss stops being finite, `Interrupted` after a signal.
    """
    clock = Stopwatch()
    run = RunFolder(out)
    made = claim_folder(run, recipe, resume)
    if run.results.is_file():
        results: dict[str, Any] = run.read("results")
        display.already_finished(run, results)
        return results
    with alone_in(run.path):
        return _train_in(run, made, clock, recipe, registry, display)


def _train_in(
    run: RunFolder, made: bool, clock: Stopwatch, recipe: Recipe, registry: Registry, display: Any
) -> dict[str, Any]:
    """From the data to the results; `made` where the folder is new."""
    checkpoints = Checkpoints(run.checkpoints, recipe.train.keep_checkpoints)
    try:
        start = None if checkpoints.files() else open_start(recipe, registry)
        callbacks = Callbacks(recipe.callbacks, run, display)
        session = build_session(recipe, *read_data(recipe, display.reading, display.line), start)
        probe(session)
        require_savable(session.state_dict())
        compiled = settle_compile(session, recorded(run, "compile"), display.line)
    except BaseException:  # a start that failed leaves nothing behind, and nothing that must be resumed
        if made:
            with suppress(OSError):  # somebody else has put something there
                run.path.rmdir()
        raise
    seen = count_seen(start, session.stores, session.preprocess)
    _describe_run(run, session, registry, display, compiled, seen)
    if not (run.path / TRAINING_IMAGES).is_file():
        keep_training_images(run, start, session.stores["train"], session.preprocess)
    keeper = Keeper(session, run, callbacks, clock, checkpoints)
    if keeper.position.step == 0:
        announce_start(display, recipe.model, start, session.stores["train"].classes, session.preprocess)
        warn_of_seen(display, start, session.stores, seen)
    for doubt in doubts(recipe):
        display.line(f"warning: {doubt}", "yellow")
    display.begin(run, session, keeper.position.step)
    try:
        callbacks.run_start(
            total_steps=session.total_steps,
            start_step=keeper.position.step,
            epochs=recipe.train.epochs,
            steps_per_epoch=session.batches.steps_per_epoch,
        )
        train(session, keeper)
        results = _finish(session, keeper, run)
    except BaseException as error:
        callbacks.run_stopped(error=error)
        raise
    callbacks.run_end(results=results, examples=partial(_examples, session, run), confusion=partial(_confusion, run))
    return results


def _examples(session: Session, run: RunFolder, number: int) -> list[Example]:
    """Of the kept weights."""
    split = next((split for split in ("validation", "test") if split in session.stores), None)
    return choose_examples(Predictions.load(run.predictions(split)), session.stores[split], number) if split else []


def _confusion(run: RunFolder) -> Confusion:
    """Of the test split, where there is one."""
    file = run.predictions("test")
    return Predictions.load(file).confusion() if file.is_file() else Confusion.empty()


def _finish(session: Session, keeper: Keeper, run: RunFolder) -> dict[str, Any]:
    """Keep the chosen weights, evaluate them on the test split, write `results.json`."""
    position = keeper.position
    assert position.kept is not None
    load_weights(run.best_weights, session.averaging.model)
    save_weights(run.weights, session.averaging.model)
    results: dict[str, Any] = {"kept": {"epoch": position.kept["epoch"], "step": position.kept["step"]}}
    for split in ("validation", "test"):
        if split in session.stores:
            results[split] = _metrics(session, run, split)
    if "test" in session.stores:
        results |= metrics_without_copies(session.stores, Predictions.load(run.predictions("test")))
    images = position.step * session.batches.images_per_step
    preprocess = session.preprocess
    results |= {
        "epochs": keeper.epoch,
        "steps": position.step,
        "stopped": position.stopped,
        "parameters": sum(parameter.numel() for parameter in session.model.parameters()),
        "multiply_adds": multiply_adds(
            session.averaging.model, preprocess.channels, (preprocess.height, preprocess.width)
        ),
        "seconds": {"train": position.seconds, "total": keeper.clock.seconds},
        "images_per_second": images / max(position.step_seconds, 1e-9),
        "peak_memory_bytes": peak_memory(session.device),
    }
    run.write("results", results)
    return results


def _metrics(session: Session, run: RunFolder, split: str) -> dict[str, Any]:
    """Of the kept weights; their predictions stay in the run folder."""
    file = run.predictions(split)
    if split == "validation" and session.evaluator.tta == 1:  # as it was looked at when they were kept
        return Predictions.load(file).metrics()
    predictions = session.evaluate(split)
    predictions.save(file)
    return predictions.metrics()


def _write_data(run: RunFolder, stores: dict[str, Store], seen: Mapping[str, int]) -> None:
    before = run.read("data") if (run.path / "data.json").is_file() else {}
    described = {
        split: {
            "images": len(store),
            "fingerprint": store.fingerprint(),
            "store": store.pixels.place,
            "classes": store.class_counts,
            "skipped": [{"name": bad.name, "reason": bad.reason} for bad in store.skipped],
            "dropped": list(store.dropped),
            "seen_by_start": seen.get(split) if seen else before.get(split, {}).get("seen_by_start"),
        }
        for split, store in stores.items()
    }
    require_same_images(run, described)
    run.write("data", described)


def _describe_run(
    run: RunFolder, session: Session, registry: Registry, display: Any, compiled: bool, seen: Mapping[str, int]
) -> None:
    precision = str(session.precision.dtype).removeprefix("torch.")
    device = describe_device(session.device)
    require_same_precision(run, precision)
    notice_other_device(run, device, display)
    if not run.recipe.is_file():
        run.write_recipe(recipe_text(session.recipe, f"framework run {run.recipe}"))
    _write_data(run, session.stores, seen)
    if moved_places(run, session.recipe):  # the same images, elsewhere: the run's recipe says where they are now
        run.write_recipe(recipe_text(session.recipe, f"framework run {run.recipe}"))
    for option in OPTIONS:
        if table := find_table(session.recipe.dataset, option):
            replace_atomically(run.path / f"{option}.csv", partial(shutil.copyfile, table))
    keep_plugin_files(run, registry)
    run.write(
        "model",
        {
            "classes": list(session.stores["train"].classes),
            "preprocess": session.preprocess.as_dict(),
            "model": plain(session.recipe.model),
            "evaluation": {
                "batch_size": session.evaluator.batch_size,
                "channels_last": session.evaluator.channels_last,
                "tta": session.evaluator.tta,
                "activation": session.evaluator.activation,
            },
        },
    )
    before = run.read("environment") if run.environment.is_file() else None
    now = describe_environment(registry, device, precision, compiled, session.recipe)
    run.write("environment", with_session(before, now))
