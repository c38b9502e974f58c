"""The decisions of `train.compile`; `torch.compile` itself is replaced."""

import json

import pytest
import torch

from framework import Registry, UserError
from framework.recipe import load_recipe
from framework.training import compiling
from framework.training.compiling import settle_compile, unchanged
from framework.training.prepare import prepare_data
from framework.training.session import build_session

RECIPE = """
dataset: dots
preprocess: {size: 16}
model: {name: tinynet, dropout: 0.2}
train: {epochs: 2, batch_size: 16, device: cpu, precision: float32}
"""


class Recompiled:
    """Replaces `torch.compile`: records its calls, and returns the network or raises `error`."""

    def __init__(self, error=None):
        self.calls, self.error = [], error

    def __call__(self, model, **options):
        self.calls.append(options)

        def compiled(images):
            if self.error:
                raise self.error
            return model(images)

        return compiled


@pytest.fixture
def session(framework, tmp_path):
    file = tmp_path / "dots.yaml"
    file.write_text(RECIPE)

    def build(*overrides, device="cpu"):
        recipe = load_recipe(file, Registry.load(), overrides)
        built = build_session(recipe, *prepare_data(recipe))
        built.device = torch.device(device)
        return built

    return build


@pytest.fixture
def on_a_gpu(monkeypatch):
    """As on a GPU: sets the seconds of a pass of the plain and of the compiled network."""

    def take(plain, compiled):
        seconds = iter((plain, compiled))
        monkeypatch.setattr(compiling, "seconds_of_pass", lambda session, passes=0: next(seconds))
        recompiled = Recompiled()
        monkeypatch.setattr(torch, "compile", recompiled)
        return recompiled

    return take


def test_false_and_auto_on_the_cpu_do_not_compile(session, monkeypatch):
    monkeypatch.setattr(torch, "compile", Recompiled(AssertionError("asked to compile")))
    for setting in ("false", "auto"):
        built = session(f"train.compile={setting}")
        assert settle_compile(built, None, print) is False
        assert built.network is built.model


def test_auto_does_not_compile_deterministic_runs(session, on_a_gpu):
    compiled = on_a_gpu(1000.0, 1.0)
    assert settle_compile(session(device="cuda"), None, print) is False
    assert compiled.calls == []


@pytest.mark.parametrize(("plain", "compiled", "taken"), [(10.0, 5.0, True), (10.0, 9.8, False), (10.0, 20.0, False)])
def test_auto_uses_the_faster_network_and_prints_the_speedup(session, on_a_gpu, plain, compiled, taken):
    calls, said = on_a_gpu(plain, compiled).calls, []
    built = session("train.deterministic=false", device="cuda")
    assert settle_compile(built, None, said.append) is taken
    assert len(calls) == 1
    assert (built.network is built.model) is not taken
    assert f"{plain / compiled:.2f} times" in said[0]


def test_auto_does_not_compile_for_a_short_training(session, on_a_gpu):
    compiled = on_a_gpu(1e-3, 1e-4)
    assert settle_compile(session("train.deterministic=false", device="cuda"), None, print) is False
    assert compiled.calls == []


def test_auto_trains_without_compiling_and_prints_why_if_compiling_fails(session, monkeypatch):
    monkeypatch.setattr(torch, "compile", Recompiled(RuntimeError("no kernel\nfor this")))
    monkeypatch.setattr(compiling, "wait_for", lambda device: None)
    monkeypatch.setattr(compiling, "MIN_SECONDS", 0.0)
    said, built = [], session("train.deterministic=false", device="cuda")
    assert settle_compile(built, None, said.append) is False
    assert built.network is built.model
    assert "RuntimeError: no kernel" in said[0]


def test_true_is_an_error_if_compiling_fails(session, monkeypatch):
    monkeypatch.setattr(torch, "compile", Recompiled(RuntimeError("no compiler")))
    with pytest.raises(UserError, match=r"no compiler[\s\S]*train.compile=false"):
        settle_compile(session("train.compile=true", "train.deterministic=false"), None, print)


def test_cuda_graphs_need_one_image_size_and_one_batch_per_step(session, on_a_gpu):
    modes = []
    for overrides in ([], ["train.progressive_resize.start=8"], ["train.grad_accum_steps=2"]):
        calls = on_a_gpu(10.0, 5.0).calls
        settle_compile(session("train.deterministic=false", *overrides, device="cuda"), None, print)
        modes.append(calls[0]["mode"])
    assert modes == ["reduce-overhead", None, None]


def test_a_run_records_whether_it_is_compiled(framework, tmp_path, monkeypatch):
    file = tmp_path / "dots.yaml"
    file.write_text(RECIPE)
    assert (
        framework("run", file, "train.compile=false", "train.deterministic=false", "--out", tmp_path / "plain").status
        == 0
    )
    compiled = Recompiled()
    monkeypatch.setattr(torch, "compile", compiled)
    options = file, "train.compile=true", "train.deterministic=false", "--out", tmp_path / "compiled"
    assert framework("run", *options, "train.max_time=0.0001").status == 0
    assert len(compiled.calls) == 1
    assert json.loads((tmp_path / "compiled" / "environment.json").read_text())["compile"] is True
    assert (
        framework("run", file, "train.compile=true", "train.deterministic=false", "--out", tmp_path / "whole").status
        == 0
    )
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("plain", "whole")]
    assert weights[0] == weights[1]


def test_a_resumed_run_keeps_the_decision(session, on_a_gpu):
    on_a_gpu(1.0, 1000.0)
    assert settle_compile(session("train.deterministic=false", device="cuda"), True, print) is True
    assert settle_compile(session("train.deterministic=false", device="cuda"), False, print) is False


def test_measuring_does_not_change_the_network(session):
    built = session()
    before = {name: value.clone() for name, value in built.model.state_dict().items()}
    with unchanged(built.model):
        built.freezing.train_mode(0)
        built.model(torch.rand(8, 1, 16, 16)).sum().backward()
        assert any(not torch.equal(value, before[name]) for name, value in built.model.state_dict().items())
    assert all(torch.equal(value, before[name]) for name, value in built.model.state_dict().items())
    assert all(parameter.grad is None for parameter in built.model.parameters())


def test_out_of_memory_is_not_reported_as_a_compile_error(session, monkeypatch):
    monkeypatch.setattr(torch, "compile", Recompiled(torch.OutOfMemoryError("out of memory")))
    with pytest.raises(torch.OutOfMemoryError):
        settle_compile(session("train.compile=true", "train.deterministic=false"), None, print)


def test_compile_and_deterministic_exclude_each_other(framework, tmp_path):
    file = tmp_path / "dots.yaml"
    file.write_text(RECIPE)
    result = framework("check", file, "train.compile=true")
    assert result.status == 2
    assert "'deterministic: false'" in result.err
