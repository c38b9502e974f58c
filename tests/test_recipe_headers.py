"""The accuracy and time at the top of each recipe are those of docs/results and docs/benchmarks.md."""

import json
import re
import statistics
from pathlib import Path

from ruamel.yaml import YAML

from framework.report.formatting import duration

ROOT = Path(__file__).parents[1]
RECIPES = sorted((ROOT / "recipes").glob("*.yaml"))
RUNS = {run["recipe"]: run for run in YAML(typ="safe").load(ROOT / "docs" / "results" / "runs.yaml")}
BENCHMARK = re.compile(r"^\| `framework run recipes/(\w+)\.yaml` \| ([\d.]+) % \| (\d+) \|", re.M)
EXPECTED = re.compile(
    r"^# Expected \((?P<source>docs/\w+\.md)\): (?P<top1>[\d.]+) % on .+ \((?P<seeds>\d+) seeds?\), "
    r"(?P<time>[\d:]+ (?:s|min|h)) on (?P<machine>two cores of an \w+ \w+)"
)
NOT_MEASURED = "# Expected: not measured"


def header(recipe):
    lines = recipe.read_text(encoding="utf-8").splitlines()
    return lines[: next(index for index, line in enumerate(lines) if not line.startswith("#"))]


def measured_runs():
    """Source, top-1, number of seeds, time and machine of each recipe that was measured."""
    page = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    machine = re.search(r"^Machine: (two cores of an \w+ \w+)", page, re.M)[1]
    found = {
        recipe: ("docs/benchmarks.md", float(top1), 1, duration(int(seconds)), machine)
        for recipe, top1, seconds in BENCHMARK.findall(page)
    }
    for recipe, run in RUNS.items():
        files = sorted((ROOT / "docs" / "results" / recipe).glob("*.json"))
        results = [json.loads(file.read_text(encoding="utf-8")) for file in files]
        top1 = statistics.mean(100 * result.get("test", result.get("validation"))["top1"] for result in results)
        time = duration(min(result["seconds"]["total"] for result in results))
        found[recipe] = ("docs/results.md", round(top1, 1), len(results), time, run["machine"].partition(" (")[0])
    return found


def stated_run(line):
    """The same, as the recipe states it; nothing if it states that there is none."""
    if line.startswith(NOT_MEASURED):
        return None
    stated = EXPECTED.match(line)
    return stated["source"], float(stated["top1"]), int(stated["seeds"]), stated["time"], stated["machine"]


def test_each_recipe_states_the_measured_accuracy_and_time_or_that_there_is_none():
    stated = {recipe.stem: stated_run(header(recipe)[2]) for recipe in RECIPES}
    assert stated == {**dict.fromkeys(stated), **measured_runs()}


def test_overrides_of_a_measured_run_are_in_the_header_of_its_recipe():
    for recipe, run in RUNS.items():
        text = "\n".join(header(ROOT / "recipes" / f"{recipe}.yaml"))
        assert [word for word in run["command"].split() if "=" in word and word not in text] == [], recipe
