"""`framework run`: from a recipe to a finished run folder."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from framework.device import choose_device, peak_memory
from framework.evaluation.confusion import Confusion
from framework.evaluation.examples import choose_examples
from framework.evaluation.predictions import Predictions
from framework.hookspecs import Example
from framework.recipe.sections import Recipe
from framework.registry import Registry
from framework.runs.folder import RunFolder
from framework.runs.lock import lock_folder
from framework.runs.seen_images import count_seen, save_training_images
from framework.runs.weights import load_weights, save_weights
from framework.training.backend import backend_settings
from framework.training.callbacks import Callbacks, RunDisplay
from framework.training.checkpoints import Checkpoints
from framework.training.compiling import settle_compile
from framework.training.init_from import open_initial
from framework.training.loop import Trainer
from framework.training.network import multiply_adds
from framework.training.prepare import prepare_data
from framework.training.probe import probe
from framework.training.resuming import check_folder, created, recorded
from framework.training.run_documents import SPLITS, evaluated_splits, write_documents
from framework.training.session import Session, build_session
from framework.training.startup import print_startup
from framework.training.state_file import require_savable
from framework.training.stopping import Stopwatch


def run_recipe(
    recipe: Recipe, registry: Registry, out: Path, display: RunDisplay, *, resume: bool = False
) -> dict[str, Any]:
    """Train, evaluate on the test split, and return the content of `results.json`.

    With `resume`, continues from the last checkpoint in `out`, or starts if there is none. Raises `UserError` for
    mistakes of the user, `RunFailed` if the loss is not finite, `Interrupted` after a signal.
    """
    clock = Stopwatch()
    run = RunFolder(out)
    check_folder(run, recipe, resume)
    if run.results.is_file():
        results: dict[str, Any] = run.read("results")
        display.already_finished(run, recipe, results)
        return results
    settings = backend_settings(choose_device(recipe.train.device), deterministic=recipe.train.deterministic)
    with created(run.path), lock_folder(run.path), settings:
        return _train(_prepare(recipe, registry, run, display, clock, resume))


def _prepare(
    recipe: Recipe, registry: Registry, run: RunFolder, display: RunDisplay, clock: Stopwatch, resume: bool
) -> Trainer:
    """Everything before the first step: data, network, probe, documents of the run, startup messages."""
    checkpoints = Checkpoints(run.checkpoints, recipe.train.keep_checkpoints)
    if resume and not checkpoints.files():
        display.line(f"{'resumed':>10}  no checkpoint in '{run.path}': training starts at the first step", "yellow")
    initial = None if checkpoints.files() else open_initial(recipe, registry)
    callbacks = Callbacks(recipe.callbacks, run, display)
    session = build_session(recipe, *prepare_data(recipe, display.reading, display.line), initial)
    probe(session)
    require_savable(session.state_dict())
    compiled = settle_compile(session, recorded(run, "compile"), display.line)
    seen = count_seen(initial, session.stores, session.preprocess)
    write_documents(run, session, registry, display, compiled, seen)
    save_training_images(run, initial, session.stores["train"], session.preprocess)
    trainer = Trainer(session, run, callbacks, checkpoints, clock)
    print_startup(display, session, initial, seen, resumed=trainer.progress.step > 0)
    display.begin(run, session, trainer.progress.step)
    return trainer


def _train(trainer: Trainer) -> dict[str, Any]:
    """Train and evaluate; callbacks are notified of the start, and of the end or the exception."""
    session, run, callbacks = trainer.session, trainer.run, trainer.callbacks
    try:
        callbacks.run_start(
            total_steps=session.total_steps,
            start_step=trainer.progress.step,
            epochs=session.recipe.train.epochs,
            steps_per_epoch=session.batches.steps_per_epoch,
        )
        trainer.train()
        results = _finish(trainer)
    except BaseException as error:
        callbacks.run_stopped(error=error)
        raise
    examples, confusion = partial(_examples, session, run), partial(_confusion, session, run)
    callbacks.run_end(results=results, examples=examples, confusion=confusion)
    return results


def _finish(trainer: Trainer) -> dict[str, Any]:
    """Load and save the best weights, evaluate them, and write `results.json`."""
    session, progress, run = trainer.session, trainer.progress, trainer.run
    preprocess, model, evaluator = session.preprocess, session.averaging.model, session.evaluator
    load_weights(run.best_weights, model)
    save_weights(run.weights, model)
    results: dict[str, Any] = {
        "kept": progress.kept,
        # Training evaluates the validation split without TTA.
        **evaluated_splits(run, model, evaluator, session.stores, session.recipe.metrics, validated=evaluator.tta == 1),
        "epochs": trainer.epoch,
        "steps": progress.step,
        "stopped": progress.stopped,
        "parameters": sum(parameter.numel() for parameter in session.model.parameters()),
        "multiply_adds": multiply_adds(model, preprocess.channels, (preprocess.height, preprocess.width)),
        "seconds": {"train": progress.seconds, "total": trainer.total_clock.seconds},
        "images_per_second": progress.step * session.batches.images_per_step / max(progress.step_seconds, 1e-9),
        "peak_memory_bytes": peak_memory(session.device),
    }
    run.write("results", results)
    return results


def _examples(session: Session, run: RunFolder, number: int) -> list[Example]:
    """Examples of the validation split, else of the test split, with the best weights."""
    split = next((split for split in SPLITS if split in session.stores), None)
    if split is None:
        return []
    return choose_examples(Predictions.load(run.predictions(split), session.recipe.task), session.stores[split], number)


def _confusion(session: Session, run: RunFolder) -> Confusion:
    """The confusion matrix of the test split."""
    file = run.predictions("test")
    return Predictions.load(file, session.recipe.task).confusion() if file.is_file() else Confusion.empty()
