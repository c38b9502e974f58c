"""A plugin that breaks its contract: the message names component and plugin, and nothing is left behind."""

from pathlib import Path

import pytest

FAULTY = Path(__file__).parents[1] / "faulty"
ORIGIN = "plugin 'faulty' (framework-faulty 0.7)"
RECIPE = """
dataset: dots
preprocess: {size: 16}
model: {name: tinynet, dropout: 0.0}
optimizer: {name: sgd, lr: 1e-2}
scheduler: constant
train: {epochs: 1, batch_size: 20, log_every: 1, device: cpu, precision: float32}
"""


LISTS = ("augment", "callbacks", "evaluate.metrics")


@pytest.fixture
def run(tmp_path, framework, monkeypatch):
    """Run the recipe with overrides; what was printed."""
    monkeypatch.syspath_prepend(str(FAULTY))
    recipe = tmp_path / "dots.yaml"
    recipe.write_text(RECIPE)
    return lambda *overrides: framework("run", recipe, *overrides, "--out", tmp_path / "run")


@pytest.mark.parametrize(
    ("section", "component", "how", "words"),
    [
        ("augment", "transform", "raises", ["KeyError"]),
        ("augment", "transform", "none", ["None", "(images, targets)"]),
        ("augment", "transform", "images alone", ["(images, targets)"]),
        ("augment", "transform", "size", ["(20, 1, 15, 16)", "(20, 1, 16, 16)"]),
        ("augment", "transform", "range", ["[0, 1]"]),
        ("augment", "transform", "nan", ["finite"]),
        ("augment", "transform", "targets", ["sum to 1"]),
        ("augment", "transform", "projective", ["[0.1, 0.0, 1.0]", "affine"]),
        ("augment", "transform", "matrices", ["(3, 3)", "(256, 3, 3)"]),
        ("augment", "transform", "levels", ["factors"]),
        ("augment", "transform", "not callable", ["int"]),
        ("model", "model", "none", ["None"]),
        ("model", "model", "no parameters", ["no parameters"]),
        ("model", "model", "raises", ["training mode", "KeyError"]),
        ("model", "model", "tuple", ["training mode", "tuple"]),
        ("loss", "loss", "raises", ["KeyError"]),
        ("loss", "loss", "shape", ["(20,)"]),
        ("loss", "loss", "arity", ["TypeError"]),
        ("loss", "loss", "none", ["None"]),
        ("loss", "loss", "number", ["float"]),
        ("loss", "loss", "detached", ["gradient"]),
        ("loss", "loss", "exit", ["SystemExit"]),
        ("loss", "loss", "backward", ["backward", "KeyError"]),
        ("method", "method", "none", ["None"]),
        ("method", "method", "raises", ["KeyError"]),
        ("method", "method", "returns none", ["None"]),
        ("method", "method", "loss alone", ["(loss, logits)"]),
        ("method", "method", "number", ["float"]),
        ("method", "method", "logits", ["(20, 4)", "(19, 4)"]),
        ("method", "method", "too few", ["micro-batches"]),
        ("method", "method", "too many", ["micro-batches"]),
        ("method", "method", "no backward", ["gradient"]),
        ("optimizer", "optimizer", "none", ["None"]),
        ("optimizer", "optimizer", "other parameters", ["no parameter of the model"]),
        ("optimizer", "optimizer", "raises", ["step()", "KeyError"]),
        ("scheduler", "scheduler", "none", ["None"]),
        ("scheduler", "scheduler", "raises", ["step()", "KeyError"]),
        ("scheduler", "scheduler", "nan", ["nan"]),
        ("evaluate.metrics", "metric", "none", ["NoneType"]),
        ("evaluate.metrics", "metric", "raises", ["its call", "KeyError"]),
        ("evaluate.metrics", "metric", "vector", ["shape (4,)"]),
        ("train.monitor", "metric", "raises", ["its call", "KeyError"]),
        ("callbacks", "callback", "none", ["None"]),
        ("callbacks", "callback", "build", ["build()", "KeyError"]),
    ],
)
def test_a_fault_is_reported_before_training(section, component, how, words, run, tmp_path):
    written = f"{{name: faulty_{component}, how: {how}}}"
    result = run(f"{section}=[{written}]" if section in LISTS else f"{section}={written}")
    assert result.status == 2
    assert f"{component} 'faulty_{component}'" in result.err
    assert ORIGIN in result.err
    assert [word for word in words if word not in result.err] == []
    assert "unexpected" not in result.err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("how", ["build", "none", "read", "form", "labels"])
def test_a_failing_dataset_is_named(how, run):
    result = run(f"dataset={{name: faulty_images, how: {how}}}")
    assert result.status == 2
    assert "dataset 'faulty_images'" in result.err
    assert ORIGIN in result.err


@pytest.mark.parametrize("how", ["labels", "hold_out", "targets"])
def test_a_failing_task_is_named_before_training(how, run, tmp_path):
    result = run(f"task={{name: faulty_task, how: {how}}}")
    assert result.status == 2
    assert "task 'faulty_task'" in result.err
    assert ORIGIN in result.err
    assert "KeyError" in result.err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("override", "component"),
    [
        ("task={name: faulty_task, how: score}", "task"),
        ("task={name: faulty_task, how: metrics}", "task"),
        ("loss={name: faulty_loss, how: shape, after: 3}", "loss"),
        ("loss={name: faulty_loss, how: raises, after: 3}", "loss"),
        ("method={name: faulty_method, how: raises, after: 3}", "method"),
        ("method={name: faulty_method, how: logits, after: 3}", "method"),
        ("optimizer={name: faulty_optimizer, how: raises, after: 3}", "optimizer"),
        ("model={name: faulty_model, how: evaluation}", "model"),
        ("evaluate.metrics=[{name: faulty_metric, how: raises, spared: 64}]", "metric"),
        ("callbacks=[{name: faulty_callback, how: step_end}]", "callback"),
        ("callbacks=[{name: faulty_callback, how: epoch_end}]", "callback"),
        ("callbacks=[{name: faulty_callback, how: run_end}]", "callback"),
    ],
)
def test_a_fault_during_training_is_attributed(override, component, run):
    result = run(override)
    assert result.status == 2
    assert f"{component} 'faulty_{component}'" in result.err
    assert ORIGIN in result.err


def test_an_exception_in_run_stopped_does_not_hide_why_the_run_stopped(run):
    result = run("loss=explodes", "callbacks=[{name: faulty_callback, how: run_stopped}]")
    assert result.status == 1
    assert "not finite" in result.err
    assert "callback 'faulty_callback'" in result.out


def test_a_fault_of_a_nested_component_is_attributed_to_it(run):
    result = run("loss={name: wrapping, base: {name: faulty_loss, how: unknown}}")
    assert "loss 'faulty_loss' failed in build()" in result.err


def test_a_failing_validator_is_named(run):
    result = run("loss={name: faulty_options, how: raises}")
    assert result.status == 2
    assert "loss 'faulty_options'" in result.err
    assert ORIGIN in result.err


@pytest.mark.parametrize("how", ["none", "raises", "outside"])
def test_a_failing_detector_is_named(how, run, framework, photos, tmp_path):
    assert run("train.max_steps=1").status == 0
    detector = f"faulty_detector how={how}"
    result = framework("predict", tmp_path / "run", photos / "red" / "00.png", "--detect", detector)
    assert result.status == 2
    assert "detector 'faulty_detector'" in result.err
    assert ORIGIN in result.err


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("write", "write(): KeyError"),
        ("'no file'", "wrote no file *.faulty"),
        ("open", "open(): KeyError"),
        ("'returns none'", "NoneType from open()"),
        ("load", "load(): KeyError"),
        ("graph", "its graph: KeyError"),
        ("'one output'", "its graph"),
    ],
)
def test_a_failing_exporter_is_named_and_leaves_no_file(how, words, run, framework, tmp_path):
    assert run("train.max_steps=1").status == 0
    before = set(tmp_path.iterdir())
    named = f"faulty_exporter how={how}" if " " not in how else f'faulty_exporter "how={how[1:-1]}"'
    result = framework("export", tmp_path / "run", "--format", named)
    assert result.status == 2
    assert "exporter 'faulty_exporter'" in result.err
    assert ORIGIN in result.err
    assert words in result.err
    assert set(tmp_path.iterdir()) == before


def test_an_export_that_computes_something_else_is_kept_under_another_name(run, framework, tmp_path):
    assert run("train.max_steps=1").status == 0
    result = framework("export", tmp_path / "run", "--format", "faulty_exporter how=uniform")
    assert (result.status, "run.mismatch.faulty" in result.err) == (1, True)
    assert not (tmp_path / "run.faulty").exists()


def test_the_probe_does_not_change_the_results(run, framework, tmp_path, outcome, monkeypatch):
    overrides = [
        "model.dropout=0.1", "loss=tiring", "augment=[flip, {name: mixup, alpha: 0.4}, contrast]",
        "train.ema=0.9", "optimizer=adamw",
    ]  # fmt: skip
    assert run(*overrides).status == 0
    monkeypatch.setattr("framework.training.run.probe", lambda session: None)
    assert framework("run", tmp_path / "dots.yaml", *overrides, "--out", tmp_path / "without").status == 0
    assert outcome(tmp_path / "run") == outcome(tmp_path / "without")
