"""What differs between two runs, in the order of the likely effect: recipe, data, code, versions, hardware."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from framework.recipe.differences import recipe_differences
from framework.recipe.flat import affects_training
from framework.runs.environment import over_sessions
from framework.runs.recipe import settings_of

if TYPE_CHECKING:
    from framework.runs.trained import Trained

Values = dict[str, list[Any]]
"""What differs, by name: a value for each run, None where it has none."""
SECTIONS = (
    "dataset", "model", "loss", "method", "train", "optimizer", "scheduler", "augment", "preprocess", "evaluate",
    "seed",
)  # fmt: skip
"""Of a recipe, in the order of the likely effect."""
HARDWARE = ("device", "precision", "compile", "processor", "platform")
OWN_PACKAGE = "framework"


def run_differences(runs: Sequence[Trained]) -> dict[str, Values]:
    """What differs between the runs by kind; `git` and the command are not known of bundles, and then omitted."""
    code = _differing([dict(_code(run.documents.get("environment", {}))) for run in runs])
    if None in code.get("git", ()):
        del code["git"]
    environments = [run.documents.get("environment", {}) for run in runs]
    return {
        "recipe": _ordered(recipe_differences([settings_of(run) for run in runs])),
        "data": _differing([dict(_data(run.documents)) for run in runs]),
        "code": code,
        "versions": _differing([dict(_versions(environment)) for environment in environments]),
        "hardware": _differing([dict(_hardware(environment)) for environment in environments]),
    }


def _ordered(differences: Values) -> Values:
    """Options that do not change the result come last."""

    def rank(path: str) -> tuple[bool, int]:
        section = path.partition(".")[0]
        return not affects_training(path), SECTIONS.index(section) if section in SECTIONS else len(SECTIONS)

    return {path: differences[path] for path in sorted(differences, key=rank)}


def _differing(descriptions: Sequence[Mapping[str, Any]]) -> Values:
    """The values of each name that all of the descriptions know or any has, where they are not equal."""
    names = dict.fromkeys(name for description in descriptions for name in description)
    values = {name: [description.get(name) for description in descriptions] for name in names}
    return {name: row for name, row in values.items() if any(value != row[0] for value in row)}


def _data(documents: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    splits = documents.get("data", {})
    for split, described in splits.items():
        yield f"{split}.images", described["images"]
        yield from ((f"{split}.classes.{name}", number) for name, number in described.get("classes", {}).items())
        for what in ("skipped", "dropped"):
            yield f"{split}.{what}", described.get(f"{what}_images", len(described.get(what, ())))
        yield f"{split}.fingerprint", described["fingerprint"]
    yield "classes", documents["model"]["classes"]
    yield from ((f"preprocess.{name}", value) for name, value in documents["model"]["preprocess"].items())


def _code(environment: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The version of the framework, of the plugins that the recipe uses, and the commit of the working folder."""
    yield OWN_PACKAGE, environment.get("packages", {}).get(OWN_PACKAGE)
    owners = environment.get("components", {})
    used = {plugin for by_name in owners.values() for plugin in by_name.values()}
    for name, plugin in sorted(environment.get("plugins", {}).items()):
        if name in used and plugin["distribution"] != OWN_PACKAGE:
            yield f"plugin {name}", f"{plugin['distribution']} {plugin['version']}"
    if git := environment.get("git"):
        yield "git", git["commit"] + (" with uncommitted changes" if git["uncommitted_changes"] else "")


def _versions(environment: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield from ((name, version) for name, version in environment.get("packages", {}).items() if name != OWN_PACKAGE)
    yield "python", environment.get("python")


def _hardware(environment: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """A list where a resumed session had another value."""
    for name in HARDWARE:
        values = list(dict.fromkeys(over_sessions(environment, name)))
        yield name, values[0] if len(values) == 1 else values
