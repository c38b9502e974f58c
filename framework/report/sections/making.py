"""How it was made: command, time, device, versions, recipe."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from framework.errors import count
from framework.recipe.option_text import component_text
from framework.report.formatting import duration, gigabytes, millions
from framework.report.page.document import table
from framework.report.page.elements import Content, Markup, element
from framework.runs.environment import over_sessions

if TYPE_CHECKING:
    from framework.report.evidence import Evidence

MACHINE = ("device", "precision", "processor", "platform", "python")
YAML_LINE = re.compile(r"^(\s*(?:- )*)([\w.-]+)(:)(.*)$")


def making_section(evidence: Evidence) -> Markup:
    """Facts in two columns, then the recipe as it was resolved."""
    documents = evidence.trained.documents
    facts = [*_training(documents.get("results", {})), *_network(documents["model"], documents.get("results", {}))]
    environment = documents.get("environment", {})
    commands = [command for command in over_sessions(environment, "command") if command]
    packages = {name: version for name, version in environment.get("packages", {}).items() if version}
    plugins = {
        name: f"{plugin['distribution']} {plugin['version']}" for name, plugin in environment.get("plugins", {}).items()
    }
    return element(
        "div",
        element("div", _facts("Training", facts), _facts("Machine", _machine(environment)), class_="pair"),
        _commands(commands) if commands else None,
        element("div", _versions("Packages", packages), _versions("Plugins", plugins), class_="pair"),
        element("h3", "Recipe"),
        element("p", "Every default is filled in: saved as a file it runs again.", class_="note"),
        element("pre", element("code", [_yaml(line) for line in evidence.trained.recipe.splitlines()]), class_="yaml"),
    )


def _training(results: Mapping[str, Any]) -> list[tuple[str, str]]:
    if "seconds" not in results:  # never evaluated, or a soup of such runs
        return []
    stopped = {None: "", "max_time": ", ended by train.max_time", "patience": ", ended by train.patience"}
    steps = count(results["steps"], "step") + stopped.get(results.get("stopped"), "")
    facts = [
        ("epochs", f"{results['epochs']:,}, {steps}"),
        ("weights kept", f"of epoch {results['kept']['epoch']}, step {results['kept']['step']:,}"),
        ("training", duration(results["seconds"]["train"])),
        ("everything", f"{duration(results['seconds']['total'])}, with reading and testing"),
        ("speed", f"{results['images_per_second']:,.0f} images a second"),
    ]
    if results.get("peak_memory_bytes"):
        facts.append(("memory", f"{gigabytes(results['peak_memory_bytes'])} at its highest"))
    return facts


def _network(model: Mapping[str, Any], results: Mapping[str, Any]) -> list[tuple[str, str]]:
    size = model["preprocess"]
    facts = [
        ("network", component_text(model["model"])),
        ("input", f"{size['channels']}×{size['height']}×{size['width']}, fitted by {size['fit']}"),
    ]
    if "parameters" in results:
        facts.append(("parameters", f"{results['parameters']:,}"))
    if "multiply_adds" in results:
        facts.append(("multiply-adds", f"{millions(results['multiply_adds'])} an image"))
    if model["evaluation"].get("tta", 1) > 1:
        facts.append(("TTA", f"{model['evaluation']['tta']} views of each image, logits averaged"))
    return facts


def _machine(environment: Mapping[str, Any]) -> list[tuple[str, str]]:
    values = {key: _distinct(map(str, over_sessions(environment, key))) for key in MACHINE if environment.get(key)}
    commits = _distinct(_commit(git) for git in over_sessions(environment, "git") if git)
    return [*values.items(), *([("git commit", commits)] if commits else [])]


def _distinct(values: Iterable[str]) -> str:
    """`cpu (2 threads), then cuda (NVIDIA H100)` if a resumed session used another device."""
    return ", then ".join(value for value, _ in groupby(values))


def _commit(git: Mapping[str, Any]) -> str:
    changed = {True: ", with uncommitted changes", None: ", maybe with uncommitted changes"}
    return str(git["commit"]) + changed.get(git["uncommitted_changes"], "")


def _commands(commands: Sequence[str]) -> list[Markup | None]:
    """The command that started the run, then those that resumed it."""
    title = "Command" if len(commands) == 1 else "Commands"
    note = f"The first command started the run; it was resumed {count(len(commands) - 1, 'time')}."
    return [
        element("h3", title),
        element("p", note, class_="note") if len(commands) > 1 else None,
        element("pre", element("code", "\n".join(commands)), class_="command"),
    ]


def _facts(title: str, facts: list[tuple[str, str]]) -> Markup | None:
    if not facts:
        return None
    entries: list[Content] = [[element("dt", name), element("dd", value)] for name, value in facts]
    return element("div", element("h3", title), element("dl", entries))


def _versions(title: str, versions: Mapping[str, str]) -> Markup | None:
    if not versions:
        return None
    return element("div", element("h3", title), table(["name", "version"], list(versions.items()), "versions"))


def _yaml(line: str) -> Markup:
    """A line with its key set apart."""
    if line.lstrip().startswith("#"):
        return element("span", line + "\n", class_="comment")
    found = YAML_LINE.match(line)
    if not found:
        return element("span", line + "\n")
    indent, key, colon, value = found.groups()
    return element("span", indent, element("b", key), colon, element("i", value), "\n")
