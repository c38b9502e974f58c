"""Metrics that are components: values, intervals, and their place in recipes, results, reports and comparisons."""

import json
import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from framework import Metric
from framework.component_checks import fault_of
from framework.errors import RunFailed
from framework.evaluation.bootstrap import MOST_VALUES, percentile_interval
from framework.evaluation.component_metrics import component_intervals, component_metrics
from framework.evaluation.paired import metric_differences
from framework.evaluation.predictions import Predictions
from framework.training.progress import monitored_score

RECIPE = """
dataset: {name: dots, images: 80}
preprocess: {size: 16}
model: {name: tinynet, dropout: 0.0}
optimizer: {name: sgd, lr: 1e-2}
train: {epochs: 2, batch_size: 20, device: cpu, precision: float32, monitor: sureness}
evaluate: {metrics: [brier, {name: cohen_kappa, weights: linear}]}
"""


class Given(Metric):
    """The value of a function of logits."""

    name = "given"
    value: float = 0.5

    def build(self, classes):
        """The metric."""
        return lambda probabilities, labels, logits: self.value * logits.sum() / logits.sum() * len(classes) / 2


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / "dots.yaml"
    path.write_text(RECIPE)
    return path


def logits_and_labels(number=40, classes=2):
    return torch.randn(number, classes, generator=torch.Generator().manual_seed(0)), torch.arange(number) % classes


def test_a_metric_gets_the_arguments_that_it_names_and_its_value_is_a_float():
    assert component_metrics([Given()], *logits_and_labels(), ["a", "b"], "softmax") == {"given": pytest.approx(0.5)}


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_a_value_that_is_not_finite_means_undefined(activation):
    logits, labels = logits_and_labels()
    assert component_metrics([Given(value=1e308)], logits * torch.inf, labels, ["a", "b"], activation) == {
        "given": None
    }


def test_metrics_of_every_run_keep_their_names():
    for name in ("ece", "confusion"):
        assert f"'{name}'" in fault_of(type("Taken", (Given,), {"name": name, "__module__": __name__}))
    assert fault_of(Given) is None


def test_the_interval_is_deterministic_and_none_where_it_means_nothing():
    logits, labels = logits_and_labels(200)
    metric = type("Spread", (Given,), {"build": lambda self: lambda probabilities, labels: probabilities[:, 0].mean()})
    one, again = (component_intervals([metric()], logits, labels, ["a", "b"], "softmax") for _ in range(2))
    value = logits.double().softmax(1)[:, 0].mean().item()
    assert one == again
    assert one["given"][0] < value < one["given"][1]
    assert percentile_interval(lambda drawn: 1.0, 10, 2) is None
    assert percentile_interval(lambda drawn: None if drawn[0] else float(drawn.mean()), 10, 2) is None
    assert percentile_interval(lambda drawn: float(drawn.mean()), MOST_VALUES, 2) is None


def test_the_monitored_score_is_lower_for_better_values():
    metrics = {"top1": 0.7, "loss": 0.4, "given": 0.6, "costs": 0.2, "none": None}
    costs = SimpleNamespace(kind="metric", name="costs", shorthand=None, greater_is_better=False)
    assert monitored_score(metrics, "top1") == -0.7
    assert monitored_score(metrics, "loss") == 0.4
    assert monitored_score(metrics, Given()) == -0.6
    assert monitored_score(metrics, costs) == 0.2


def test_a_metric_is_in_results_log_evaluation_report_and_comparison(recipe, framework, tmp_path):
    names = ["brier", "cohen_kappa", "sureness"]
    for seed in (0, 1):
        result = framework("run", recipe, f"seed={seed}", "--out", tmp_path / f"run-{seed}")
        assert result.status == 0, result.err
        assert "Brier score" in result.out
    run = tmp_path / "run-0"
    results = json.loads((run / "results.json").read_text())
    assert all(0 <= abs(results["test"][name]) <= 2 for name in names)
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    validations = [line["validation"]["sureness"] for line in lines if line["event"] == "epoch"]
    assert results["kept"]["epoch"] == 1 + int(np.argmax(validations))
    assert results["validation"]["sureness"] == max(validations)

    evaluated = json.loads(framework("evaluate", run, "--json").out)
    assert {name: evaluated[name] for name in names} == pytest.approx({name: results["test"][name] for name in names})
    only = json.loads(framework("evaluate", run, "evaluate.metrics=[mcc]", "--json").out)
    assert "mcc" in only
    assert "brier" not in only

    report = framework("report", run)
    assert f"Brier score  {results['test']['brier']:.3f}  95 % interval" in report.out
    page = (run / "report.html").read_text()
    assert "Brier score" in page
    assert "sureness" in page

    compared = json.loads(framework("compare", run, tmp_path / "run-1", "--json").out)
    assert compared["runs"][0]["brier"] == results["test"]["brier"]
    low, high = compared["runs"][0]["brier_interval"]
    assert low < results["test"]["brier"] < high
    difference = compared["runs"][1]["compared_with_baseline"]["metrics"]["brier"]
    assert difference["difference"] == pytest.approx(compared["runs"][1]["brier"] - compared["runs"][0]["brier"])
    assert difference["interval"][0] < difference["interval"][1]
    assert set(names) <= set(compared["seed_groups"][0]["mean"])
    table = framework("compare", run, tmp_path / "run-1", "evaluate.metrics=[auroc_macro]").out
    assert "macro AUROC" in table


def test_a_metric_is_in_the_table_of_epochs_the_model_card_and_the_list_of_runs(recipe, framework, tmp_path):
    for seed in (0, 1):
        result = framework("run", recipe, f"seed={seed}", "callbacks=[csv]", "--out", tmp_path / "runs" / str(seed))
    head = next(line for line in result.out.splitlines() if line.startswith("epoch"))
    assert "val Brier score" in head
    assert "val sureness" in head
    values = [json.loads((tmp_path / "runs" / name / "results.json").read_text())["test"]["brier"] for name in "01"]
    bundle = tmp_path / "packed.safetensors"
    assert framework("bundle", tmp_path / "runs" / "0", "--out", bundle).status == 0
    card = framework("show", "bundle", bundle).out
    assert re.search(rf"^ *brier +[\d.]+ +{values[0]:.3f} *$", card, re.MULTILINE)
    listed = json.loads(framework("list", "runs", tmp_path / "runs", "--sort", "brier", "--json").out)
    assert [run["metrics"]["brier"] for run in listed] == sorted(values)
    worst_first = framework("list", "runs", tmp_path / "runs", "--sort", "sureness", "--reverse", "--json").out
    found = [run["metrics"]["sureness"] for run in json.loads(worst_first)]
    assert found == sorted(found)
    columns = (tmp_path / "runs" / "0" / "metrics.csv").read_text().splitlines()[0].split(",")
    assert {"validation_brier", "validation_sureness"} <= set(columns)


def test_a_reproduction_is_compared_by_the_metrics_of_its_recipe_too(recipe, framework, tmp_path):
    assert framework("run", recipe, "--out", tmp_path / "run").status == 0
    again = json.loads(framework("reproduce", tmp_path / "run", "--json").out)
    assert again["metrics"]["test"]["brier"]["agrees"]
    assert again["metrics"]["test"]["sureness"]["agrees"]


def test_differences_of_metrics_are_paired_and_seeded():
    logits, labels = logits_and_labels(200)
    names = tuple(map(str, range(200)))
    first = Predictions(("a", "b"), names, labels, logits)
    better = Predictions(("a", "b"), names[::-1], labels.flip(0), logits.flip(0) + torch.eye(2)[labels.flip(0)])
    brier = type("Squares", (Given,), {"build": lambda self: squares})
    (value, interval), (again, _) = (metric_differences([brier()], first, better)["given"] for _ in range(2))
    one, other = (predictions.metrics([brier()])["given"] for predictions in (first, better))
    assert value == again == pytest.approx(other - one)
    assert interval[0] < value < interval[1] < 0
    assert metric_differences([brier()], first, first) == {}


def squares(probabilities, labels):
    return (probabilities - torch.eye(2)[labels]).square().sum(1).mean()


def test_a_recipe_without_metrics_has_the_results_of_before(recipe, framework, tmp_path):
    for name, overrides in (
        ("with", []),
        ("without", ["train.monitor=top1", "evaluate.metrics=[]", "train.keep=last"]),
    ):
        framework("run", recipe, *overrides, "train.epochs=1", "--out", tmp_path / name)
    with_more, without = (
        json.loads((tmp_path / name / "results.json").read_text())["test"] for name in ("with", "without")
    )
    assert list(with_more) == [*without, "brier", "cohen_kappa", "sureness"]
    assert {name: with_more[name] for name in without} == without


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("train.monitor=top2", ["'top2'", "'top1'", "macro_f1", "cohen_kappa"]),
        ("train.monitor=kappa", ["'kappa'", "did you mean 'cohen_kappa'"]),
        ("evaluate.metrics=[brier, brier]", ["'brier'", "more than once"]),
        ("train.monitor=cohen_kappa", ["'cohen_kappa'", "more than once"]),
        ("evaluate.metrics=[{name: cohen_kappa, weights: cubic}]", ["metric 'cohen_kappa'", "'weights'", "'linear'"]),
    ],
)
def test_a_wrong_metric_in_a_recipe_is_an_error(override, words, recipe, framework):
    result = framework("check", recipe, override)
    assert result.status == 2
    assert [word for word in words if word not in result.err] == []


def test_a_monitored_metric_that_is_undefined_ends_the_run():
    with pytest.raises(RunFailed, match="'given'"):
        monitored_score({"given": None}, Given())
