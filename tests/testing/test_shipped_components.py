"""All components that ship pass the conformance suite; a few architectures represent torchvision and timm."""

import pytest

from framework import Registry
from framework.components import (
    Callback,
    Dataset,
    Detector,
    Exporter,
    Loss,
    Method,
    Metric,
    Model,
    Optimizer,
    Scheduler,
    Task,
    Transform,
)
from framework.runs.trained import open_trained
from framework.testing import component_cases
from framework.testing.suite import plugin_cases

SKIPPED = {
    ("transform mixup", "batch_independence"),  # both mix images of a batch
    ("transform cutmix", "batch_independence"),
}
"""Checks that do not apply."""
MODELS = [
    ("speednet", {"widths": [8, 8, 16]}),
    ("shufflenet_v2_x0_5", {}),
    ("squeezenet1_1", {}),
    ("timm", {}),  # test_resnet
    ("timm", {"arch": "test_vit", "pretrained": False}),
]


@pytest.fixture(scope="module")
def registry():
    return Registry.load()


@pytest.fixture(autouse=True)
def _no_servers(monkeypatch):
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_ERROR_REPORTING", "false")


def conform(cases, skipped=frozenset()):
    results = [case.run() for case in cases]
    failed = [f"{one.of}, {one.check.name}: {one.message}" for one in results if one.status == "failed"]
    assert failed == []
    unexpected = {(one.of, one.check.name): one.message for one in results if one.status == "skipped"}
    assert {key: message for key, message in unexpected.items() if key not in skipped} == {}
    assert any(one.status == "passed" for one in results)


def cases_of(registry, kind, options):
    """The checks of all components of a kind that come with the framework."""
    for name in registry.names(kind):
        if registry.provider(kind, name).distribution == "framework":
            yield from component_cases(registry.find(kind, name), registry, options.get(name))


@pytest.mark.parametrize("kind", [Task, Transform, Method, Optimizer, Scheduler, Detector])
def test_components_conform(kind, registry):
    conform(cases_of(registry, kind, {}), SKIPPED)


def test_losses_conform(registry):
    classes = open_trained("fer2013/compact", registry).classes
    for name in registry.names(Loss):
        conform(component_cases(registry.find(Loss, name), registry, classes=classes))


def test_callbacks_conform(registry, tmp_path):
    for package in ("mlflow", "wandb", "tensorboard"):
        pytest.importorskip(package)
    conform(cases_of(registry, Callback, {"mlflow": {"tracking_uri": f"file:{tmp_path}/mlruns"}}))


def test_metrics_conform(registry):
    pytest.importorskip("torchmetrics", reason="torchmetrics is not installed")
    conform(cases_of(registry, Metric, {}))


EXPORTERS = {"bundle": None, "onnx": "onnxscript", "openvino": "openvino", "pt2": None}
"""The package that each one needs."""


def test_all_exporters_are_known(registry):
    own = [name for name in registry.names(Exporter) if registry.provider(Exporter, name).distribution == "framework"]
    assert sorted(own) == sorted(EXPORTERS)


@pytest.mark.parametrize("name", EXPORTERS)
def test_exporters_conform(name, registry):
    if package := EXPORTERS[name]:
        pytest.importorskip(package, reason=f"{package} is not installed")
    opened_as_a_bundle = {("exporter bundle", check) for check in ("texts", "parity", "standalone", "damaged")}
    conform(component_cases(registry.find(Exporter, name), registry, None), opened_as_a_bundle)


def test_datasets_conform(registry, photos, tmp_path):
    table = tmp_path / "photos.csv"
    names = sorted(path.relative_to(photos) for path in photos.rglob("*.png"))
    table.write_text("path,label\n" + "".join(f"{name},{name.parent}\n" for name in names))
    options = {
        "folder": {"root": str(photos)},
        "csv": {"file": str(table), "root": str(photos)},
        "drawn_faces": {"train_images": 140},
    }
    without_data = {("dataset fer2013", check) for check in ("splits", "determinism", "threads", "pickling")}
    conform(cases_of(registry, Dataset, options), without_data)


@pytest.mark.parametrize(("name", "options"), MODELS)
def test_models_conform(name, options, registry):
    pytest.importorskip("onnxscript")
    conform(component_cases(registry.find(Model, name), registry, options))


def test_plugins_load_without_large_packages(registry):
    shipped = Registry(tuple(plugin for plugin in registry.plugins if plugin.distribution == "framework"))
    cases = [case for plugin in shipped.plugins for case in plugin_cases(plugin.name, registry=shipped)]
    conform(case for case in cases if case.of.startswith("plugin "))
