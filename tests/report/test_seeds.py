"""Runs that differ in their seed only, in a comparison."""

import json
import shutil
import statistics

import pytest

from framework.report.compared_run import ComparedRun
from framework.report.seeds import seed_groups
from framework.runs.trained import Trained


def compared(name, top1, **documents):
    return ComparedRun(name, Trained(f"runs/{name}", None, "", documents), {"top1": top1, "loss": 1 - top1}, None)


@pytest.fixture
def runs():
    return [compared("a-0", 0.5), compared("b-0", 0.8), compared("a-1", 0.6), compared("a-2", 0.7)]


def test_runs_of_one_recipe_with_different_seeds_are_a_group(runs):
    (group,) = seed_groups(runs, {"seed": [0, 0, 1, 2], "model.name": ["x", "y", "x", "x"]})
    assert str(group).startswith("a-0, -1, -2 (seeds 0, 1, 2): top-1 60.0 ± 10.0 %")
    found = group.as_dict()
    assert (found["runs"], found["seeds"]) == (["runs/a-0", "runs/a-1", "runs/a-2"], [0, 1, 2])
    assert found["mean"] == pytest.approx({"top1": 0.6, "loss": 0.4})
    assert found["standard_deviation"] == pytest.approx({"top1": 0.1, "loss": 0.1})


@pytest.mark.parametrize(
    "differences",
    [{}, {"model.name": ["x", "y", "x", "x"]}, {"seed": [0, 1, 2, 3], "train.epochs": [1, 2, 3, 4]}],
    ids=["the same recipes", "the same seed", "other recipes"],
)
def test_a_recipe_with_one_seed_is_no_group(runs, differences):
    assert seed_groups(runs, differences) == []


@pytest.mark.parametrize(
    ("option", "values"),
    [
        ("train.device", ["cuda:0", "cuda:1", "cuda:2", "cpu"]),
        ("train.store", ["auto", "disk", "auto", "stream"]),
        ("train.log_every", [50, 10, 50, 20]),
        ("callbacks.0.name", ["csv", "not set", "wandb", "mlflow"]),
    ],
)
def test_options_without_effect_on_training_and_the_device_may_differ(runs, option, values):
    (group,) = seed_groups(runs, {"seed": [0, 1, 2, 3], option: values})
    assert list(group.runs) == [0, 1, 2, 3]


def test_a_repeated_seed_and_a_soup_are_left_out(runs):
    soup = compared("soup", 0.9, results={"soup": {}})
    (group,) = seed_groups([soup, *runs], {"seed": [0, 0, 0, 0, 1]})
    assert group.as_dict()["runs"] == ["runs/a-0", "runs/a-2"]


def test_names_without_a_common_prefix_are_not_shortened():
    (group,) = seed_groups([compared("first", 0.5), compared("second", 0.6)], {"seed": [0, 1]})
    assert str(group).startswith("first, second (seeds 0, 1): ")


def test_terminal_json_and_page_show_the_group(run, other, tmp_path, framework, page):
    recipe = (run / "recipe.yaml").read_text()
    (other / "recipe.yaml").write_text(recipe.replace("seed: 0", "seed: 7", 1))
    top1 = [json.loads((folder / "results.json").read_text())["test"]["top1"] for folder in (run, other)]
    third = shutil.copytree(run, tmp_path / "third")
    (third / "recipe.yaml").write_text(recipe.replace("epochs: 3", "epochs: 4"))
    line = f"run, other (seeds 0, 7): top-1 {100 * statistics.mean(top1):.1f} ± {100 * statistics.stdev(top1):.1f} %"
    out = tmp_path / "page.html"
    assert line in " ".join(framework("compare", run, other, third, "--html", out).out.split())
    assert line in page(out).text
    (group,) = json.loads(framework("compare", run, other, third, "--json").out)["seed_groups"]
    assert group["mean"]["top1"] == pytest.approx(statistics.mean(top1))
