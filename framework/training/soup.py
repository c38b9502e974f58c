"""A soup: one network with the mean of the weights of several runs.

Wortsman et al., "Model soups: averaging weights of multiple fine-tuned models improves accuracy without increasing
inference time", 2022. It helps where runs ended in one basin: fine-tuned from the same weights, or trained from the
same start with other options; runs from different random weights average to nothing of use.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import load_file

from framework.data.preprocess import Preprocessor
from framework.device import describe_device
from framework.errors import UserError
from framework.evaluation.copies import metrics_without_copies
from framework.inference.torch_engine import TorchEngine, network_of
from framework.recipe.saving import plain, recipe_text
from framework.recipe.wording import in_words
from framework.runs.environment import describe_environment
from framework.runs.folder import RunFolder
from framework.runs.plugin_files import keep_plugin_files
from framework.runs.training_images import TrainingImages
from framework.runs.weights import save_weights
from framework.training.freezing import freeze, frozen_norms
from framework.training.keeper import score
from framework.training.norms import recalibrate_bn
from framework.training.reading import read_data

if TYPE_CHECKING:
    from torch import Tensor

    from framework.data.stores.store import Store
    from framework.recipe.sections import Recipe
    from framework.registry import Registry
    from framework.runs.trained import Trained

SPLITS = ("validation", "test")
FIGURES = (*SPLITS, "test_without_copies")
"""In `results.json`; those of the first run are not the soup's."""


@dataclass(frozen=True)
class Mixture:
    """The network that the weights are put into, and the images that it is tried on."""

    runs: Sequence[Trained]
    recipe: Recipe
    stores: dict[str, Store]
    engine: TorchEngine
    refresh: int
    """Batches of training images for the statistics of batch normalisation; 0: their mean, too."""

    def fill(self, chosen: Sequence[Trained]) -> None:
        """Put the mean of their weights into the network."""
        model = self.engine.model
        model.load_state_dict(mean_weights([load_file(run.weights) for run in chosen]))
        if self.refresh and len(chosen) > 1:
            freeze(model, self.recipe.train.freeze)
            recalibrate_bn(model, self.stores["train"], self.engine.evaluator, self.refresh, frozen_norms(model))

    def greedy(self) -> list[Trained]:
        """The best run by validation, and each next best one that does not make the mean worse."""
        monitor = self.recipe.train.monitor
        ranked = sorted(self.runs, key=lambda run: score(run.documents["results"]["validation"], monitor))
        chosen, best = ranked[:1], self._tried(ranked[:1])
        for run in ranked[1:]:
            tried = self._tried([*chosen, run])
            if tried <= best:
                chosen, best = [*chosen, run], tried
        return chosen

    def _tried(self, chosen: Sequence[Trained]) -> float:
        self.fill(chosen)
        once = replace(self.engine.evaluator, tta=1)
        return score(
            once.predictions(self.engine.model, self.stores["validation"]).metrics(), self.recipe.train.monitor
        )


def make_soup(
    runs: Sequence[Trained], recipe: Recipe, registry: Registry, out: Path, display: Any, *, greedy: bool, refresh: int
) -> dict[str, Any]:
    """Average, evaluate, write a run folder, and return what its `results.json` holds.

    `recipe` is the first run's. Raises `UserError` where the runs differ in more than their weights.
    """
    require_alike(runs, registry)
    if greedy and not all("validation" in run.documents.get("results", {}) for run in runs):
        raise UserError("--greedy chooses by the validation split, which not all of these runs have")
    if out.is_dir() and any(out.iterdir()):
        raise UserError(f"the folder '{out}' is not empty; choose another --out")
    stores, preprocess = read_data(recipe, display.reading, display.line)
    _require_the_same_images(runs[0], stores, preprocess)
    engine = TorchEngine.load(runs[0], registry, recipe.train.device).with_tta(recipe.evaluate.tta)
    mixture = Mixture(runs, recipe, stores, engine, refresh)
    chosen = mixture.greedy() if greedy else list(runs)
    mixture.fill(chosen)
    results = _first_results(runs[0], chosen)
    results["soup"] = {
        "runs": [run.label for run in runs],
        "chosen": [run.label for run in chosen],
        "greedy": greedy,
        "recalibrate_bn": refresh,
    }
    _write(RunFolder(out), mixture, registry, results)
    return results


def mean_weights(states: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of each tensor, taken in float64, in the most precise of their types; integers are the first one's."""
    return {
        name: torch.stack([state[name].double() for state in states]).mean(0).to(_widest(name, states))
        if value.is_floating_point()
        else value
        for name, value in states[0].items()
    }


def _widest(name: str, states: Sequence[dict[str, Tensor]]) -> torch.dtype:
    return reduce(torch.promote_types, (state[name].dtype for state in states))


def require_alike(runs: Sequence[Trained], registry: Registry) -> None:
    """The same network, classes, preprocessing and held-out images; else `UserError` names what differs."""
    for run in runs:
        run.require_weights()
    first = runs[0]
    expected = _essence(first, registry)
    for run in runs[1:]:
        for what, value in _essence(run, registry).items():
            wanted = expected.get(what, value)
            if value != wanted:
                raise UserError(
                    f"the runs of a soup must differ in their weights alone: {what} is "
                    f"{in_words(wanted, 12)} in '{first.label}', and {in_words(value, 12)} in '{run.label}'"
                )


def _essence(run: Trained, registry: Registry) -> dict[str, Any]:
    """What must be equal, by the name that a message calls it."""
    saved = run.documents["model"]
    network = {f"model.{name}": value for name, value in plain(network_of(run, registry)).items()}
    seen = {f"preprocess.{name}": value for name, value in saved["preprocess"].items()}
    data = run.documents.get("data", {})
    images = {f"the fingerprint of {split}": data[split]["fingerprint"] for split in SPLITS if split in data}
    return {**network, "classes": saved["classes"], "the activation": run.activation, **seen, **images}


def _require_the_same_images(run: Trained, stores: dict[str, Store], preprocess: Preprocessor) -> None:
    before = run.documents.get("data", {})
    changed = [
        split
        for split, store in stores.items()
        if split in before and store.fingerprint() != before[split]["fingerprint"]
    ]
    if changed:
        raise UserError(f"the images of {', '.join(changed)} are not those that '{run.label}' was trained with")
    if preprocess != Preprocessor.from_dict(run.documents["model"]["preprocess"]):
        raise UserError(f"the preprocessing of the recipe is not that of '{run.label}'; leave `preprocess` as it is")


def _first_results(first: Trained, chosen: Sequence[Trained]) -> dict[str, Any]:
    """The course of the first run, with the time that all the chosen ones took; without metrics."""
    known = [run.documents.get("results", {}) for run in chosen]
    results = {name: value for name, value in first.documents.get("results", {}).items() if name not in FIGURES}
    if all("seconds" in result for result in known):
        results["seconds"] = {name: sum(result["seconds"][name] for result in known) for name in ("train", "total")}
    return results


def _write(run: RunFolder, mixture: Mixture, registry: Registry, results: dict[str, Any]) -> None:
    """What `evaluate`, `predict` and the rest read; `results` gets its metrics."""
    model, evaluator = mixture.engine.model, mixture.engine.evaluator
    run.path.mkdir(parents=True, exist_ok=True)
    for split in SPLITS:
        if split in mixture.stores:
            predictions = evaluator.predictions(model, mixture.stores[split])
            predictions.save(run.predictions(split))
            results[split] = predictions.metrics()
            if split == "test":
                results |= metrics_without_copies(mixture.stores, predictions)
    named = " ".join(results["soup"]["runs"])
    run.write_recipe(recipe_text(mixture.recipe, f"the recipe of the first run of: framework soup {named}"))
    documents = mixture.runs[0].documents
    network = documents["model"]
    run.write("model", {**network, "evaluation": {**network["evaluation"], "tta": evaluator.tta}})
    listed = [found for one in mixture.runs if one.folder and (found := TrainingImages.load(one.folder.path))]
    if len(listed) == len(mixture.runs):
        reduce(or_, listed).save(run.path)
    if "data" in documents:
        run.write("data", documents["data"])
    device = describe_device(evaluator.device)
    registry = mixture.runs[0].registry(registry)
    keep_plugin_files(run, registry)
    environment = describe_environment(registry, device, "float32", recipe=mixture.recipe)
    run.write("environment", {**environment, "soup": results["soup"]})
    save_weights(run.weights, model)
    run.write("results", results)
