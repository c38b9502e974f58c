"""Command, environment, versions and recipe of a run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import TYPE_CHECKING, Any

from framework.errors import count
from framework.recipe.option_text import component_text
from framework.report.formatting import duration, gigabytes, millions
from framework.report.page.render import render
from framework.runs.environment import over_sessions

if TYPE_CHECKING:
    from markupsafe import Markup

    from framework.report.report_data import ReportData

ENVIRONMENT = ("device", "precision", "processor", "platform", "python")
YAML_LINE = re.compile(r"^([ ]*(?:- )*)([\w.-]+)(:.*)$|^([ ]*#.*)$|^(.*)$", re.MULTILINE)
"""Indent, key and value, or a comment, or anything else."""
STOPPED = {None: "", "max_time": ", stopped by train.max_time", "patience": ", stopped by train.patience"}
UNCOMMITTED = {True: ", with uncommitted changes", None: ", maybe with uncommitted changes"}

Facts = dict[str, str]


def reproducibility_section(data: ReportData) -> Markup:
    """Facts in two columns, then the resolved recipe."""
    documents = data.trained.documents
    results, environment = documents.get("results", {}), documents.get("environment", {})
    packages = {name: version for name, version in environment.get("packages", {}).items() if version}
    plugins = {
        name: f"{plugin['distribution']} {plugin['version']}" for name, plugin in environment.get("plugins", {}).items()
    }
    return render(
        "reproducibility.html.jinja",
        facts={
            "Training": _training(results) | _model(documents["model"], results),
            "Environment": _machine(environment),
        },
        commands=[command for command in over_sessions(environment, "command") if command],
        versions={"Packages": packages, "Plugins": plugins},
        recipe=YAML_LINE.findall(data.trained.recipe.rstrip()),
    )


def _training(results: Mapping[str, Any]) -> Facts:
    if "seconds" not in results:  # never evaluated, or a soup of such runs
        return {}
    facts = {
        "epochs": f"{results['epochs']:,}, {count(results['steps'], 'step')}{STOPPED.get(results.get('stopped'), '')}",
        "saved weights": f"epoch {results['kept']['epoch']}, step {results['kept']['step']:,}",
        "training time": duration(results["seconds"]["train"]),
        "total time": f"{duration(results['seconds']['total'])}, including data preparation and evaluation",
        "throughput": f"{results['images_per_second']:,.0f} images/s",
    }
    if results.get("peak_memory_bytes"):
        facts["peak memory"] = gigabytes(results["peak_memory_bytes"])
    return facts


def _model(model: Mapping[str, Any], results: Mapping[str, Any]) -> Facts:
    size = model["preprocess"]
    facts = {
        "model": component_text(model["model"]),
        "input": f"{size['channels']}×{size['height']}×{size['width']}, fit: {size['fit']}",
    }
    if "parameters" in results:
        facts["parameters"] = f"{results['parameters']:,}"
    if "multiply_adds" in results:
        facts["multiply-adds"] = f"{millions(results['multiply_adds'])} per image"
    if model["evaluation"].get("tta", 1) > 1:
        facts["TTA"] = f"{model['evaluation']['tta']} views of each image, logits averaged"
    return facts


def _machine(environment: Mapping[str, Any]) -> Facts:
    facts = {key: _distinct(map(str, over_sessions(environment, key))) for key in ENVIRONMENT if environment.get(key)}
    commits = (
        str(git["commit"]) + UNCOMMITTED.get(git["uncommitted_changes"], "")
        for git in over_sessions(environment, "git")
        if git
    )
    if text := _distinct(commits):
        facts["git commit"] = text
    return facts


def _distinct(values: Iterable[str]) -> str:
    """`cpu (2 threads), then cuda (NVIDIA H100)` if a resumed session used another device."""
    return ", then ".join(value for value, _ in groupby(values))
