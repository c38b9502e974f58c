"""A resumed run ends with the same bytes as an uninterrupted one."""

import json
import random
import shutil
import signal
import time

import pytest

from framework import RunFolder
from framework.runs.lock import lock_folder

RECIPE = """
dataset: dots
preprocess: {size: 16}
augment:
  - {name: flip, alternate: true}
  - {name: shift, fraction: 0.05}
  - {name: erase, p: 0.5}
  - {name: mixup, p: 0.5, until: 0.6}
model: {name: tinynet, dropout: 0.2}
optimizer: {name: adamw, lr: 5e-3}
scheduler: one_cycle
train: {epochs: 4, batch_size: 16, ema: 0.9, clip_grad_norm: 1.0, checkpoint_every: 0, log_every: 3, device: cpu}
"""


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    file = tmp_path_factory.mktemp("recipe") / "dots.yaml"
    file.write_text(RECIPE)
    return file


@pytest.fixture(scope="module")
def uninterrupted(recipe, tmp_path_factory, start_framework, outcome):
    out = tmp_path_factory.mktemp("whole") / "run"
    assert start_framework("run", recipe, "--out", out).wait() == 0
    return outcome(out)


def wait_for_step(run, step, process):
    while process.poll() is None:
        files = sorted(run.checkpoints.glob("step-*.safetensors"))
        if files and int(files[-1].stem.removeprefix("step-")) >= step:
            return
        time.sleep(0.005)
    pytest.fail("the run ended too early")


@pytest.mark.parametrize("attempt", range(3))
def test_a_killed_and_resumed_run_equals_the_uninterrupted_one(
    attempt, recipe, tmp_path, uninterrupted, start_framework, outcome
):
    out = tmp_path / "run"
    for _ in range(2):  # killed twice, at different places
        process = start_framework("run", recipe, "--out", out, *(["--resume"] if out.exists() else []))
        done = sorted(RunFolder(out).checkpoints.glob("step-*")) if out.exists() else []
        before = int(done[-1].stem.removeprefix("step-")) if done else 0
        wait_for_step(RunFolder(out), before + random.randint(1, 18), process)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not RunFolder(out).results.exists()
    assert start_framework("run", recipe, "--out", out, "--resume").wait() == 0
    assert outcome(out) == uninterrupted


@pytest.fixture(scope="module")
def teacher(recipe, tmp_path_factory, start_framework):
    out = tmp_path_factory.mktemp("teacher") / "run"
    assert start_framework("run", recipe, "train.epochs=1", "--out", out).wait() == 0
    return out


@pytest.mark.parametrize(
    "options",
    [
        ["loss={name: distill, teachers: [TEACHER]}", "train.precision=bfloat16"],
        ["train.ema=null", "train.lookahead={every: 3, decay: 0.7, decay_power: 3.0}", "train.recalibrate_bn=2"],
        ["train.unfreeze_until=0.7", "train.freeze=['0.bias']", "train.recalibrate_bn=2"],
        ["loss=tiring"],
        ["method={name: sam, rho: 0.1}", "train.grad_accum_steps=2", "train.precision=bfloat16"],
        ["method={name: sam, rho: 1.0, adaptive: true}", "train.grad_accum_steps=2", "train.precision=bfloat16"],
        ["method=mean_teacher"],
        ["optimizer={name: timm/adahessian, lr: 0.1}", "train.grad_accum_steps=2", "train.precision=bfloat16"],
        ["optimizer=lbfgs", "train.channels_last=false", "train.grad_accum_steps=2", "train.precision=bfloat16"],
        ["train.monitor=brier", "evaluate.metrics=[mcc]"],
    ],
    ids=[
        "distill",
        "lookahead",
        "unfreezing",
        "loss with state",
        "sam",
        "asam",
        "method with state",
        "second order",
        "closure",
        "metric components",
    ],
)
def test_a_run_resumed_from_any_checkpoint_has_the_same_bytes(options, teacher, recipe, tmp_path, framework, outcome):
    options = [option.replace("TEACHER", str(teacher)) for option in options]
    out = tmp_path / "run"
    command = ("run", recipe, *options, "train.keep_checkpoints=1000", "--out", out)
    assert framework(*command).status == 0
    expected = outcome(out)
    checkpoints = sorted(RunFolder(out).checkpoints.glob("step-*"))
    for last in random.sample(range(1, len(checkpoints)), 4):
        for later in RunFolder(out).checkpoints.glob("step-*"):
            if later > checkpoints[last - 1]:
                later.unlink()
        RunFolder(out).results.unlink()
        assert framework(*command, "--resume").status == 0
        assert outcome(out) == expected


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_writes_a_checkpoint_and_ends_with_status_130(
    sent, recipe, tmp_path, uninterrupted, start_framework, outcome
):
    out = tmp_path / "run"
    process = start_framework("run", recipe, "train.checkpoint_every=1h", "--out", out)
    metrics = RunFolder(out).metrics
    while not metrics.exists() and process.poll() is None:
        time.sleep(0.005)
    for _ in range(2 if sent == signal.SIGHUP else 1):  # a closed terminal sends it twice
        process.send_signal(sent)
        time.sleep(0.001)
    _, stderr = process.communicate()
    assert process.returncode == 130
    assert sent.name in stderr
    assert f"--out {out} --resume" in stderr
    assert "Traceback" not in stderr
    assert len(list(RunFolder(out).checkpoints.glob("step-*"))) >= 1
    assert start_framework("run", recipe, "--out", out, "--resume").wait() == 0
    assert outcome(out) == uninterrupted


def test_a_truncated_checkpoint_is_named(recipe, tmp_path, framework):
    out = tmp_path / "run"
    assert framework("run", recipe, "--out", out).status == 0
    run = RunFolder(out)
    run.results.unlink()
    last = sorted(run.checkpoints.glob("step-*"))[-1]
    last.write_bytes(last.read_bytes()[:1000])
    result = framework("run", recipe, "--out", out, "--resume")
    assert result.status == 2
    assert str(last) in result.err
    assert "damaged" in result.err


def test_resuming_with_another_recipe_is_an_error_that_lists_the_differences(recipe, tmp_path, framework):
    out = tmp_path / "run"
    assert framework("run", recipe, "train.epochs=1", "--out", out).status == 0
    result = framework("run", recipe, "train.epochs=2", "optimizer.lr=0.5", "--out", out, "--resume")
    assert result.status == 2
    assert "train.epochs: was 1, now 2" in result.err
    assert "optimizer.lr: was 0.005, now 0.5" in result.err


def test_resuming_in_another_precision_is_an_error(recipe, tmp_path, framework, monkeypatch, outcome):
    out = tmp_path / "run"
    command = ("run", recipe, "train.epochs=1", "--out", out)
    monkeypatch.setattr("framework.device._cpu_has_bfloat16", lambda: False)
    assert framework(*command).status == 0
    expected = outcome(out)
    (out / "results.json").unlink()
    monkeypatch.setattr("framework.device._cpu_has_bfloat16", lambda: True)
    result = framework(*command, "--resume")
    assert result.status == 2
    assert "train.precision=float32" in result.err
    assert "bfloat16" in result.err
    assert json.loads((out / "environment.json").read_text())["precision"] == "float32"

    result = framework(*command, "train.precision=bfloat16", "--resume")
    assert "train.precision: was auto, now bfloat16" in result.err
    assert framework(*command, "train.precision=float32", "--resume").status == 0
    assert outcome(out) == expected


def test_resuming_on_another_device_is_printed(recipe, tmp_path, framework, monkeypatch):
    out = tmp_path / "run"
    command = ("run", recipe, "train.epochs=1", "--out", out)
    assert "cuda (Another)" not in framework(*command).out
    (out / "results.json").unlink()
    monkeypatch.setattr("framework.training.run_documents.describe_device", lambda device: "cuda (Another)")
    result = framework(*command, "--resume")
    assert result.status == 0
    assert "resumed  on cuda (Another), before on cpu (" in result.out


def test_the_environment_has_the_first_command_and_lists_resumed_sessions(recipe, tmp_path, framework, monkeypatch):
    out = tmp_path / "run"
    monkeypatch.setattr("sys.argv", ["/somewhere/bin/framework", "run", "dots.yaml"])
    assert framework("run", recipe, "train.epochs=1", "--out", out).status == 0
    started = json.loads((out / "environment.json").read_text())
    assert started["command"] == "framework run dots.yaml"
    (out / "results.json").unlink()
    monkeypatch.setattr("sys.argv", ["/somewhere/framework/__main__.py", "run", "dots.yaml", "--resume"])
    monkeypatch.setattr("framework.training.run_documents.describe_device", lambda device: "cuda (Another)")
    assert framework("run", recipe, "train.epochs=1", "--out", out, "--resume").status == 0

    session = {"command": "python -m framework run dots.yaml --resume", "device": "cuda (Another)"}
    assert json.loads((out / "environment.json").read_text()) == {**started, "resumed": [session]}
    assert framework("report", out).status == 0
    page = (out / "report.html").read_text()
    assert f"{started['command']}\n{session['command']}<" in page
    assert f"{started['device']}, then cuda (Another)" in page
    assert framework("bundle", out, "--out", tmp_path / "x.safetensors").status == 0
    assert b"dots.yaml" not in (tmp_path / "x.safetensors").read_bytes()


def test_resuming_with_other_images_is_an_error(recipe, tmp_path, framework, photos):
    out = tmp_path / "run"
    arguments = ("dataset=folder", f"dataset.root={photos}", "preprocess.size=8", "train.epochs=1")
    assert framework("run", recipe, *arguments, "--out", out).status == 0
    (out / "results.json").unlink()
    next(photos.rglob("*.png")).unlink()
    result = framework("run", recipe, *arguments, "--out", out, "--resume")
    assert result.status == 2
    assert f"the images of train (pixels, labels or names) differ from those of the run in '{out}'" in result.err


@pytest.fixture
def half_done(recipe, photos, tmp_path, framework):
    """A run on photos without results; a function that resumes it with more overrides."""
    out = tmp_path / "run"
    options = "dataset={name: folder, test: 0.2}", "preprocess.size=8", "train.epochs=2", "train.keep_checkpoints=9"
    assert framework("run", recipe, *options, f"dataset.root={photos}", "--out", out).status == 0
    (out / "results.json").unlink()
    sorted((out / "checkpoints").glob("step-*"))[-1].unlink()
    return lambda *overrides: framework("run", recipe, *options, *overrides, "--out", out, "--resume")


def test_a_run_is_resumed_with_moved_images(half_done, photos, tmp_path, framework):
    photos.rename(tmp_path / "moved")
    missing = half_done(f"dataset.root={photos}")
    assert (missing.status, "dataset.root=DIR" in missing.err) == (2, True)
    done = half_done(f"dataset.root={tmp_path / 'moved'}")
    assert done.status == 0, done.err
    assert RunFolder(tmp_path / "run").settings()["dataset.root"] == str(tmp_path / "moved")
    assert framework("evaluate", tmp_path / "run").status == 0


def test_other_images_in_another_place_are_an_error(half_done, photos, tmp_path):
    shutil.copytree(photos, tmp_path / "other")
    next((tmp_path / "other").rglob("*.png")).unlink()
    done = half_done(f"dataset.root={tmp_path / 'other'}")
    assert (done.status, "differ from those of the run" in done.err) == (2, True)
    assert RunFolder(tmp_path / "run").settings()["dataset.root"] == str(photos)


def test_a_missing_split_is_an_error(half_done, photos, tmp_path):
    data = json.loads((tmp_path / "run" / "data.json").read_text())
    data["validation_of_before"] = data["validation"]
    (tmp_path / "run" / "data.json").write_text(json.dumps(data))
    done = half_done(f"dataset.root={photos}")
    assert (done.status, "validation_of_before" in done.err) == (2, True)


def test_a_run_is_resumed_with_a_moved_table(recipe, photos, tmp_path, framework):
    rows = [f"{path.relative_to(photos)},{path.parent.name}" for path in sorted(photos.rglob("*.png"))]
    (tmp_path / "table.csv").write_text("\n".join(["path,label", *rows]))
    out = tmp_path / "run"
    command = "run", recipe, "dataset=csv", "preprocess.size=8", "train.epochs=1", "--out", out
    assert framework(*command, f"dataset.file={tmp_path / 'table.csv'}", f"dataset.root={photos}").status == 0
    (out / "results.json").unlink()
    (tmp_path / "table.csv").rename(photos / "labels.csv")
    done = framework(*command, "--resume", f"dataset.file={photos / 'labels.csv'}", "dataset.root=null")
    assert done.status == 0, done.err


def test_a_finished_run_is_not_trained_again(recipe, tmp_path, framework):
    out = tmp_path / "run"
    assert framework("run", recipe, "train.epochs=1", "--out", out).status == 0
    before = (out / "model.safetensors").stat().st_mtime_ns
    result = framework("run", recipe, "train.epochs=1", "--out", out, "--resume")
    assert result.status == 0
    assert "already" in result.out
    assert (out / "model.safetensors").stat().st_mtime_ns == before


def test_a_folder_that_is_not_empty_is_not_overwritten(recipe, tmp_path, framework):
    out = tmp_path / "run"
    assert framework("run", recipe, "train.epochs=1", "--out", out).status == 0
    before = json.loads((out / "results.json").read_text())
    result = framework("run", recipe, "train.epochs=1", "--out", out)
    assert result.status == 2
    assert "--resume" in result.err
    assert json.loads((out / "results.json").read_text()) == before


def test_resume_needs_the_folder(recipe, framework):
    result = framework("run", recipe, "--resume")
    assert result.status == 2
    assert "--out" in result.err


def test_resume_needs_a_folder_that_exists(recipe, tmp_path, framework):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "recipe.yaml").write_text("")
    result = framework("run", recipe, "--out", tmp_path / "mime", "--resume")
    assert result.status == 2
    assert str(tmp_path / "mime") in result.err
    assert "did you mean 'mine'?" in result.err
    assert not (tmp_path / "mime").exists()


def test_lines_logged_before_the_first_checkpoint_are_not_duplicated(recipe, tmp_path, framework, outcome):
    out = tmp_path / "run"
    assert framework("run", recipe, "--out", out).status == 0
    run, before = RunFolder(out), outcome(out)
    for file in (run.results, run.weights, *run.checkpoints.iterdir()):
        file.unlink()
    result = framework("run", recipe, "--out", out, "--resume")
    assert result.status == 0
    assert "no checkpoint" in result.out
    assert outcome(out) == before


def test_only_a_truncated_last_line_is_dropped(tmp_path):
    run = RunFolder(tmp_path)
    for step in (1, 2):
        run.append_metrics({"step": step, "class": "a\u2028b\u0085 é \udce9"})
    lines = list(run.metrics_lines())
    assert [line["step"] for line in lines] == [1, 2]
    with run.metrics.open("ab") as file:
        file.write('{"step": 3, "class": "é'.encode()[:-1])
    assert list(run.metrics_lines()) == lines
    run.rewind_metrics(1)
    assert list(run.metrics_lines()) == lines[:1]


def test_two_processes_cannot_train_in_one_folder(recipe, tmp_path, start_framework, framework):
    out = tmp_path / "run"
    first = start_framework("run", recipe, "train.epochs=400", "--out", out)
    wait_for_step(RunFolder(out), 1, first)
    result = framework("run", recipe, "train.epochs=400", "--out", out, "--resume")
    assert (result.status, f"'{out}'" in result.err) == (2, True)
    first.kill()
    first.wait()
    with lock_folder(out):
        pass
