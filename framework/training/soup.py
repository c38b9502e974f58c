"""A soup: one network with the mean of the weights of several runs.

Wortsman et al., "Model soups: averaging weights of multiple fine-tuned models improves accuracy without increasing
inference time", 2022. It helps for runs in one loss basin: fine-tuned from the same initial weights, with other options
or seeds. Averages of runs from different random weights do not work.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import load_file

from framework.data.preprocess import Preprocessor
from framework.device import choose_device, describe_device
from framework.errors import UserError
from framework.inference.torch_engine import TorchEngine, network_of
from framework.recipe.option_text import value_text
from framework.recipe.saving import plain, recipe_text
from framework.runs.environment import describe_environment
from framework.runs.folder import RunFolder
from framework.runs.plugin_files import save_plugin_files
from framework.runs.training_images import TrainingImages
from framework.runs.weights import save_weights
from framework.training.backend import backend_settings
from framework.training.batch_norm import recalibrate_bn
from framework.training.freezing import freeze, frozen_norms
from framework.training.prepare import prepare_data
from framework.training.progress import monitored_score
from framework.training.run_documents import METRICS, SPLITS, evaluated_splits

if TYPE_CHECKING:
    from torch import Tensor

    from framework.data.stores.store import Store
    from framework.display import Display
    from framework.recipe.sections import Recipe
    from framework.registry import Registry
    from framework.runs.trained import Trained


@dataclass(frozen=True)
class Soup:
    """The runs, and the network that gets the mean of their weights."""

    runs: Sequence[Trained]
    recipe: Recipe
    stores: dict[str, Store]
    engine: TorchEngine
    bn_batches: int
    """Batches of training images for batch normalisation statistics; 0: use the mean of the runs' statistics."""

    def load_mean(self, chosen: Sequence[Trained]) -> None:
        """Load the mean of the chosen runs' weights into the network."""
        model = self.engine.model
        model.load_state_dict(mean_weights([load_file(run.weights) for run in chosen]))
        if self.bn_batches and len(chosen) > 1:
            freeze(model, self.recipe.train.freeze)
            recalibrate_bn(model, self.stores["train"], self.engine.evaluator, self.bn_batches, frozen_norms(model))

    def greedy(self) -> list[Trained]:
        """The best run by validation score, and each next best one that does not make the mean worse."""
        ranked = sorted(self.runs, key=lambda run: self._monitored(run.documents["results"]["validation"]))
        chosen, best = ranked[:1], self._score(ranked[:1])
        for run in ranked[1:]:
            score = self._score([*chosen, run])
            if score <= best:
                chosen, best = [*chosen, run], score
        return chosen

    def _score(self, chosen: Sequence[Trained]) -> float:
        self.load_mean(chosen)
        single_view = replace(self.engine.evaluator, tta=1)
        predictions = single_view.predictions(self.engine.model, self.stores["validation"])
        return self._monitored(predictions.metrics(self.recipe.metrics))

    def _monitored(self, metrics: Mapping[str, Any]) -> float:
        return monitored_score(metrics, self.recipe.train.monitor, self.recipe.task)


def make_soup(
    runs: list[Trained], recipe: Recipe, registry: Registry, out: Path, display: Display, *, greedy: bool, batches: int
) -> dict[str, Any]:
    """Average the weights, evaluate them, write a run folder, and return the content of its `results.json`.

    `recipe` is of the first run; for `batches` see `Soup.bn_batches`. Raises `UserError` if the runs differ in more
    than their weights.
    """
    require_alike(runs, registry)
    if greedy and not all("validation" in run.documents.get("results", {}) for run in runs):
        raise UserError("--greedy needs validation metrics, which not all of these runs have")
    if out.is_dir() and any(out.iterdir()):
        raise UserError(f"the folder '{out}' is not empty; choose another --out")
    device = choose_device(recipe.train.device)
    with backend_settings(device, deterministic=recipe.train.deterministic):
        stores, preprocess = prepare_data(recipe, display.reading, display.line)
        _require_same_data(runs[0], stores, preprocess)
        engine = TorchEngine.load(runs[0], registry, recipe.train.device).with_tta(recipe.evaluate.tta)
        soup = Soup(runs, recipe, stores, engine, batches)
        chosen = soup.greedy() if greedy else runs
        soup.load_mean(chosen)
        labels, used = ([run.label for run in some] for some in (runs, chosen))
        results = _training_results(runs[0], chosen)
        results["soup"] = {"runs": labels, "chosen": used, "greedy": greedy, "recalibrate_bn": batches}
        _write(RunFolder(out), soup, registry, results)
    return results


def mean_weights(states: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of each tensor, computed in float64 and stored in the widest dtype; integers of the first state."""
    return {
        name: torch.stack([state[name].double() for state in states]).mean(0).to(_widest(name, states))
        if value.is_floating_point()
        else value
        for name, value in states[0].items()
    }


def _widest(name: str, states: Sequence[dict[str, Tensor]]) -> torch.dtype:
    return reduce(torch.promote_types, (state[name].dtype for state in states))


def require_alike(runs: Sequence[Trained], registry: Registry) -> None:
    """Raise `UserError` unless network, classes, preprocessing and held-out images of all runs are the same."""
    for run in runs:
        run.require_weights()
    first = runs[0]
    expected = _identity(first, registry)
    for run in runs[1:]:
        for name, value in _identity(run, registry).items():
            first_value = expected.get(name, value)
            if value != first_value:
                raise UserError(
                    f"the runs of a soup must differ in their weights only: {name} is {value_text(first_value, 12)} in "
                    f"'{first.label}' and {value_text(value, 12)} in '{run.label}'"
                )


def _identity(run: Trained, registry: Registry) -> dict[str, Any]:
    """The values that must be equal, by their names in messages."""
    saved = run.documents["model"]
    network = {f"model.{name}": value for name, value in plain(network_of(run, registry)).items()}
    preprocess = {f"preprocess.{name}": value for name, value in saved["preprocess"].items()}
    data = run.documents.get("data", {})
    images = {f"the fingerprint of {split}": data[split]["fingerprint"] for split in SPLITS if split in data}
    labels = {"task": run.task(registry).name, "classes": saved["classes"], "the activation": run.activation}
    return {**network, **labels, **preprocess, **images}


def _require_same_data(run: Trained, stores: dict[str, Store], preprocess: Preprocessor) -> None:
    """Raise `UserError` if images or preprocessing differ from those of the run's training."""
    before = run.documents.get("data", {})
    changed = [
        split
        for split, store in stores.items()
        if split in before and store.fingerprint() != before[split]["fingerprint"]
    ]
    if changed:
        raise UserError(f"the images of {', '.join(changed)} have changed since '{run.label}' was trained")
    if preprocess != Preprocessor.from_dict(run.documents["model"]["preprocess"]):
        raise UserError(f"the preprocessing of the recipe differs from that of '{run.label}'; do not change it")


def _training_results(first: Trained, chosen: Sequence[Trained]) -> dict[str, Any]:
    """The results of the first run without its metrics, with the total time of the chosen runs."""
    known = [run.documents.get("results", {}) for run in chosen]
    results = {name: value for name, value in first.documents.get("results", {}).items() if name not in METRICS}
    if all("seconds" in result for result in known):
        results["seconds"] = {name: sum(result["seconds"][name] for result in known) for name in ("train", "total")}
    return results


def _write(run: RunFolder, soup: Soup, registry: Registry, results: dict[str, Any]) -> None:
    """Evaluate the soup and write its run folder; adds its metrics to `results`."""
    model, evaluator = soup.engine.model, soup.engine.evaluator
    run.path.mkdir(parents=True, exist_ok=True)
    results |= evaluated_splits(run, model, evaluator, soup.stores, soup.recipe.metrics)
    labels = " ".join(results["soup"]["runs"])
    run.write_recipe(recipe_text(soup.recipe, f"the recipe of the first run of: framework soup {labels}"))
    documents = soup.runs[0].documents
    saved = documents["model"]
    run.write("model", {**saved, "evaluation": {**saved["evaluation"], "tta": evaluator.tta}})
    listed = [found for one in soup.runs if one.folder and (found := TrainingImages.load(one.folder.path))]
    if len(listed) == len(soup.runs):
        reduce(or_, listed).save(run.path)
    if "data" in documents:
        run.write("data", documents["data"])
    device = describe_device(evaluator.device)
    registry = soup.runs[0].registry(registry)
    save_plugin_files(run, registry)
    environment = describe_environment(registry, device, "float32", recipe=soup.recipe)
    run.write("environment", {**environment, "soup": results["soup"]})
    save_weights(run.weights, model)
    run.write("results", results)
