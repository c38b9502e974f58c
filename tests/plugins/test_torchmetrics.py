"""Metrics of torchmetrics, by name."""

import pytest
import torch

from framework import Registry, UserError
from framework.components import Metric, build
from framework.recipe.loading import validate_component

registry = Registry.load()


def metric(name, *options):
    return validate_component(Metric, f"torchmetrics/{name}", registry, options)


def without_torchmetrics(monkeypatch):
    import importlib.util
    import sys

    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name == "torchmetrics" else find(name, *more)
    )
    monkeypatch.setitem(sys.modules, "torchmetrics", None)


def test_every_listed_metric_is_one_number():
    pytest.importorskip("torchmetrics", reason="torchmetrics is not installed")
    classes = ("a", "b", "c")
    probabilities = torch.randn(60, 3, generator=torch.Generator().manual_seed(0)).double().softmax(1)
    labels = torch.arange(60) % 3
    variants = registry.find(Metric, "torchmetrics").variants()
    assert {"AUROC", "F1Score", "MatthewsCorrCoef"} <= set(variants)
    for name in variants:
        options = ["options.beta=2.0"] if name == "FBetaScore" else []
        compute = build(metric(name, *options), classes=classes)
        first, other = compute(probabilities, labels), compute(probabilities[:20], labels[:20])
        assert first.ndim == 0, name
        assert compute(probabilities, labels) == first, name
        assert compute(probabilities[:20], labels[:20]) == other, name


def test_values_equal_those_of_the_shipped_metrics():
    pytest.importorskip("torchmetrics", reason="torchmetrics is not installed")
    probabilities = torch.randn(90, 3, generator=torch.Generator().manual_seed(1)).double().softmax(1)
    labels, classes = torch.arange(90) % 3, ("a", "b", "c")
    for name, shipped in (("AUROC", "auroc_macro"), ("CohenKappa", "cohen_kappa"), ("MatthewsCorrCoef", "mcc")):
        own = build(registry.find(Metric, shipped)(), classes=classes)(probabilities, labels)
        assert float(build(metric(name), classes=classes)(probabilities, labels)) == pytest.approx(float(own), abs=1e-5)
    assert not metric("HammingDistance").greater_is_better
    assert metric("AUROC").greater_is_better


def test_a_wrong_name_or_option_is_an_error(framework):
    pytest.importorskip("torchmetrics", reason="torchmetrics is not installed")
    result = framework("show", "metric", "torchmetrics/AUROK")
    assert result.status == 2
    assert "did you mean 'AUROC'" in result.err
    with pytest.raises(UserError, match="torchmetrics/AUROC"):
        build(metric("AUROC", "options.average=wrong"), classes=("a", "b"))


def test_without_torchmetrics_the_error_says_what_to_install(monkeypatch):
    from framework_torchmetrics import multiclass_metrics

    without_torchmetrics(monkeypatch)
    multiclass_metrics.cache_clear()
    try:
        assert registry.find(Metric, "torchmetrics").variants() == ()
        with pytest.raises(UserError, match=r"framework\[torchmetrics\]"):
            build(metric("AUROC"), classes=("a", "b"))
    finally:
        multiclass_metrics.cache_clear()
