"""TensorBoard, MLflow and W&B log a real run without a network, and their own readers read the logs."""

import importlib
import json
import os
import shutil
import signal
import struct
import sys
import time
from contextlib import contextmanager

import pytest

from framework import RunFolder

RECIPE = """
dataset: {name: folder, root: ROOT, test: 0.25, validation: 0.25}
preprocess: {size: 12, channels: 3}
model: tinynet
train: {epochs: 3, batch_size: 5, device: cpu, log_every: 2, keep: last, keep_checkpoints: 3}
"""


@pytest.fixture
def train(tmp_path, photos, framework, monkeypatch):
    """Train with a callback, or resume a run."""
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_ERROR_REPORTING", "false")
    recipe, out = tmp_path / "photos.yaml", tmp_path / "run"
    recipe.write_text(RECIPE.replace("ROOT", str(photos)))

    def call(callback, *arguments, status=0):
        result = framework("run", recipe, "--out", out, f"callbacks=[{callback}]", *arguments)
        assert result.status == status, result.err
        return RunFolder(out), result

    return call


def delete_last_epoch(run):
    """Simulate a process that was killed after logging the last epoch but before its checkpoint."""
    max(run.checkpoints.glob("step-*")).unlink()
    run.results.unlink()
    run.weights.unlink()


@contextmanager
def stopped_after_an_epoch(tracker):
    """A signal arrives while the tracker logs the first epoch."""
    module = importlib.import_module(f"framework_{tracker}._tracker")
    original = module.examples_picture

    def stop(examples):
        os.kill(os.getpid(), signal.SIGTERM)
        return original(examples)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "examples_picture", stop)
        yield


def lines(run, event):
    return [line for line in run.metrics_lines() if line["event"] == event]


def curve(run, event, key):
    return [(line["step"], line[key]) for line in lines(run, event)]


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("tensorboard", ("torch.utils.tensorboard", "framework_tensorboard._writer")),
        ("mlflow", ("framework_mlflow._tracker",)),
        ("wandb", ("framework_wandb._tracker",)),
    ],
)
def test_a_missing_tracker_is_an_error_before_any_image_is_read(name, parts, train, monkeypatch):
    for module in [module for module in sys.modules if module.startswith((f"{name}.", *parts))]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, name, None)
    _, result = train(name, "dataset.root=nowhere", status=2)
    assert f"pip install 'framework[{name}]'" in result.err
    assert "nowhere" not in result.err


def events(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    accumulator = EventAccumulator(str(folder))
    accumulator.Reload()
    return accumulator


def points(accumulator, tag):
    return [(event.step, event.value) for event in accumulator.Scalars(tag)]


def test_tensorboard_has_curves_images_recipe_and_final_metrics(train):
    run, _ = train("tensorboard")
    logged = events(run.path / "tensorboard")
    assert points(logged, "step/loss") == [(step, pytest.approx(loss)) for step, loss in curve(run, "step", "loss")]
    assert points(logged, "lr") == [(step, pytest.approx(lr)) for step, lr in curve(run, "epoch", "lr")]
    assert [value for _, value in points(logged, "validation/top1")] == pytest.approx(
        [line["validation"]["top1"] for line in lines(run, "epoch")]
    )
    assert points(logged, "final/test/top1")[0][1] == pytest.approx(run.read("results")["test"]["top1"])
    assert {"confusion", "examples", "final/confusion"} == set(logged.Tags()["images"])
    assert len(logged.Images("examples")) == 3
    assert "tinynet" in logged.Tensors("recipe/text_summary")[0].tensor_proto.string_val[0].decode()
    assert {"validation/images", "kept", "validation/per_class/red/f1"} & set(logged.Tags()["scalars"]) == set()


def test_tensorboard_has_each_step_of_a_resumed_run_once(train):
    run, _ = train("tensorboard")
    before = points(events(run.path / "tensorboard"), "step/loss")
    delete_last_epoch(run)
    train("tensorboard", "--resume")
    logged = events(run.path / "tensorboard")
    assert len(list((run.path / "tensorboard").iterdir())) == 2
    assert points(logged, "step/loss") == before
    assert [step for step, _ in points(logged, "epoch")] == [step for step, _ in curve(run, "epoch", "lr")]


def test_a_run_resumed_after_its_last_step_logs_final_metrics_at_that_step(train):
    run, _ = train("tensorboard")
    run.results.unlink()
    train("tensorboard", "--resume")
    (step, _) = points(events(run.path / "tensorboard"), "final/test/top1")[-1]
    assert step == run.read("results")["steps"] > 0


def test_tensorboard_options_set_the_folder_and_the_number_of_images(train, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    run, _ = train("{name: tensorboard, folder: ~/all, log_images: 0}")
    assert not (run.path / "tensorboard").exists()
    assert "examples" not in events(tmp_path / "all" / "run").Tags()["images"]


def mlflow_run(run, store):
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=store.as_uri())
    (found,) = client.search_runs([run.read("mlflow")["experiment_id"]])
    return client, found


def history(client, found, key):
    return [(metric.step, metric.value) for metric in client.get_metric_history(found.info.run_id, key)]


def files(client, found, folder=None):
    return sorted(file.path for file in client.list_artifacts(found.info.run_id, folder))


def test_mlflow_has_curves_images_recipe_metrics_and_the_model(train, tmp_path, framework):
    store = tmp_path / "mlruns"
    run, _ = train(f"{{name: mlflow, tracking_uri: '{store.as_uri()}', experiment: faces, log_model: true}}")
    client, found = mlflow_run(run, store)
    assert client.get_experiment(found.info.experiment_id).name == "faces"
    assert (found.info.run_name, found.info.status) == ("run", "FINISHED")
    assert found.data.params["train.batch_size"] == "5"
    assert set(found.data.params) == set(run.settings())
    assert history(client, found, "step/loss") == curve(run, "step", "loss")
    assert history(client, found, "validation/loss") == [
        (line["step"], line["validation"]["loss"]) for line in lines(run, "epoch")
    ]
    assert found.data.metrics["final/test/top1"] == run.read("results")["test"]["top1"]
    assert files(client, found, "examples") == [f"examples/epoch_000{epoch}.png" for epoch in (1, 2, 3)]
    assert "confusion/test.png" in files(client, found, "confusion")
    model = client.download_artifacts(found.info.run_id, "model", str(tmp_path))
    photo = next((tmp_path / "photos").rglob("*.png"))
    assert framework("predict", model, photo).status == 0


def test_a_resumed_run_continues_its_mlflow_run(train, tmp_path):
    store = tmp_path / "mlruns"
    callback = f"{{name: mlflow, tracking_uri: '{store.as_uri()}'}}"
    run, _ = train(callback)
    delete_last_epoch(run)
    train(callback, "--resume")
    client, found = mlflow_run(run, store)
    points = history(client, found, "step/loss")
    assert list(dict.fromkeys(points)) == curve(run, "step", "loss")
    assert len(points) <= len(set(points)) + 1  # the last step may be logged twice
    assert found.info.status == "FINISHED"


def test_metrics_that_mlflow_rejects_are_logged_later_with_a_warning(train, tmp_path, monkeypatch):
    from mlflow import MlflowClient

    log_batch, calls = MlflowClient.log_batch, []

    def failing(self, run_id, metrics=(), params=(), **more):
        calls.append(metrics)
        if metrics and len(calls) < 5:
            raise ConnectionError("the server\nis down")
        return log_batch(self, run_id, metrics=metrics, params=params, **more)

    monkeypatch.setattr(MlflowClient, "log_batch", failing)
    store = tmp_path / "mlruns"
    run, result = train(f"{{name: mlflow, tracking_uri: '{store.as_uri()}'}}")
    (warning,) = [line for line in result.out.splitlines() if "ConnectionError" in line]
    assert all(fact in warning for fact in ("'mlflow'", "step_end", "the server is down"))
    client, found = mlflow_run(run, store)
    assert history(client, found, "step/loss") == curve(run, "step", "loss")


@contextmanager
def failing(call):
    """A server that rejects images (`log_image`) or metrics (`log_batch`)."""
    from mlflow import MlflowClient

    original = getattr(MlflowClient, call)

    def fail(self, *given, **named):
        if call == "log_batch" and "metrics" not in named:  # parameters, before training
            return original(self, *given, **named)
        raise ConnectionError("the server is down")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MlflowClient, call, fail)
        yield


@pytest.mark.parametrize("call", ["log_batch", "log_image"])
def test_a_rejected_call_at_the_end_does_not_prevent_the_others(call, train, tmp_path):
    store = tmp_path / "mlruns"
    with failing(call):
        run, result = train(f"{{name: mlflow, tracking_uri: '{store.as_uri()}', log_model: true}}")
    assert "'mlflow' failed in" in result.out
    client, found = mlflow_run(run, store)
    assert found.info.status == "FINISHED"
    assert {"results.json", "model"} < set(files(client, found))


def test_a_failed_run_has_status_failed_in_mlflow_even_if_its_metrics_were_rejected(train, tmp_path):
    store = tmp_path / "mlruns"
    arguments = ("optimizer.lr=1e30", "train.log_every=1")
    with failing("log_batch"):
        run, _ = train(f"{{name: mlflow, tracking_uri: '{store.as_uri()}'}}", *arguments, status=1)
    assert mlflow_run(run, store)[1].info.status == "FAILED"


def test_metrics_that_mlflow_rejected_are_logged_after_a_resume(train, tmp_path):
    store = tmp_path / "mlruns"
    callback = f"{{name: mlflow, tracking_uri: '{store.as_uri()}'}}"
    with failing("log_batch"):
        run, _ = train(callback)
    delete_last_epoch(run)
    train(callback, "--resume")
    client, found = mlflow_run(run, store)
    assert history(client, found, "step/loss") == curve(run, "step", "loss")
    assert history(client, found, "train/loss") == [
        (line["step"], line["train"]["loss"]) for line in lines(run, "epoch")
    ]
    assert set(found.data.metrics) & {"step/step", "step/epoch", "step"} == set()


def test_mlflow_gets_the_metrics_of_sessions_without_it(train, tmp_path):
    store = tmp_path / "mlruns"
    callback = f"{{name: mlflow, tracking_uri: '{store.as_uri()}'}}"
    with stopped_after_an_epoch("mlflow"):
        train(callback, status=130)
    run, _ = train("", "--resume")
    run.results.unlink()
    train(callback, "--resume")
    points = history(*mlflow_run(run, store), "step/loss")
    assert list(dict.fromkeys(points)) == curve(run, "step", "loss")
    assert len(points) <= len(set(points)) + 1  # the last logged step may be logged twice


@pytest.mark.parametrize("callback", ["tensorboard", "{name: mlflow, tracking_uri: STORE}", "wandb"])
def test_a_failed_run_has_a_failed_status(callback, train, tmp_path):
    store = tmp_path / "mlruns"
    run, result = train(callback.replace("STORE", f"'{store.as_uri()}'"), "optimizer.lr=1e30", status=1)
    assert "failed in" not in result.out
    if "mlflow" in callback:
        assert mlflow_run(run, store)[1].info.status == "FAILED"
    if callback == "wandb":
        assert wandb_records(run.path)[-1].exit.exit_code == 1


def test_an_interrupted_run_has_status_killed_in_mlflow_until_it_is_resumed(train, tmp_path):
    from mlflow import MlflowClient

    store = tmp_path / "mlruns"
    callback = f"{{name: mlflow, tracking_uri: '{store.as_uri()}', log_images: 0}}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MlflowClient, "log_image", lambda *given, **named: os.kill(os.getpid(), signal.SIGTERM))
        run, _ = train(callback, status=130)
    assert mlflow_run(run, store)[1].info.status == "KILLED"
    train(callback, "--resume")
    assert mlflow_run(run, store)[1].info.status == "FINISHED"


def test_an_unreachable_mlflow_is_an_error_before_training(train):
    run, result = train("{name: mlflow, tracking_uri: 'nonsense://x'}", status=2)
    assert "'mlflow'" in result.err
    assert lines(run, "epoch") == []
    assert train("", "--resume")[0].results.is_file()


def wandb_records(folder):
    """All records of the offline runs, in order."""
    records = []
    for file in sorted((folder / "wandb").glob("offline-run-*/*.wandb")):
        deadline = time.monotonic() + 30  # W&B's own process may still be writing
        while not (found := records_of(file.read_bytes())) or not found[-1].HasField("exit"):
            assert time.monotonic() < deadline, f"{file} is incomplete"
            time.sleep(0.05)
        records += found
    return records


def records_of(log):
    """The records of a log in the format of LevelDB, after 7 bytes."""
    from wandb.proto.wandb_internal_pb2 import Record

    records, parts, place = [], [], 7
    while place + 7 <= len(log):
        if 32768 - place % 32768 < 7:  # a header does not fit into this block
            place += 32768 - place % 32768
            continue
        _, length, kind = struct.unpack_from("<IHB", log, place)
        parts.append(log[place + 7 : place + 7 + length])
        place += 7 + length
        if kind in (1, 4) and place <= len(log):  # a complete record, or its last part
            records.append(Record.FromString(b"".join(parts)))
            parts = []
    return records


def wandb_rows(folder):
    for record in wandb_records(folder):
        if record.WhichOneof("record_type") == "history":
            yield {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in record.history.item}


def test_wandb_has_curves_images_recipe_and_final_metrics(train):
    run, result = train("{name: wandb, project: faces}")
    rows = list(wandb_rows(run.path))
    assert [(row["step"], row["step/loss"]) for row in rows if "step/loss" in row] == curve(run, "step", "loss")
    epochs = [row for row in rows if "epoch" in row]
    assert [row["validation/loss"] for row in epochs] == [line["validation"]["loss"] for line in lines(run, "epoch")]
    assert all(row["examples/_type"] == row["confusion/_type"] == "image-file" for row in epochs)
    records = list(wandb_records(run.path))
    wandb_run = next(record.run for record in records if record.WhichOneof("record_type") == "run")
    assert (wandb_run.project, wandb_run.run_id, wandb_run.display_name) == (
        "faces",
        run.read("wandb")["run_id"],
        "run",
    )
    config = {item.key: json.loads(item.value_json) for item in wandb_run.config.update}
    assert config["train.batch_size"] == 5
    summaries = [record.summary for record in records if record.WhichOneof("record_type") == "summary"]
    final = {item.key or item.nested_key[0]: item.value_json for summary in summaries for item in summary.update}
    assert json.loads(final["final/test/top1"]) == run.read("results")["test"]["top1"]
    assert "wandb sync" in result.out


def test_wandb_has_the_model_as_an_artifact(train, tmp_path, framework):
    run, _ = train("{name: wandb, log_model: true}")
    [artifact] = [r.artifact for r in wandb_records(run.path) if r.WhichOneof("record_type") == "artifact"]
    assert (artifact.name, artifact.type) == (f"model-{run.read('wandb')['run_id']}", "model")
    model = tmp_path / "model"
    model.mkdir()
    for entry in artifact.manifest.contents:
        shutil.copy(entry.local_path, model / entry.path)
    photo = next((tmp_path / "photos").rglob("*.png"))
    assert framework("predict", model, photo).status == 0


def test_a_resumed_run_continues_its_wandb_run(train):
    run, _ = train("wandb")
    first = run.read("wandb")["run_id"]
    delete_last_epoch(run)
    train("wandb", "--resume")
    records = [record.run for record in wandb_records(run.path) if record.WhichOneof("record_type") == "run"]
    assert {record.run_id for record in records} == {first}
    points = [(row["step"], row["step/loss"]) for row in wandb_rows(run.path) if "step/loss" in row]
    assert list(dict.fromkeys(points)) == curve(run, "step", "loss")
    assert len(points) <= len(set(points)) + 1  # the last step may be logged twice


def test_wandb_gets_the_metrics_of_sessions_without_it(train):
    with stopped_after_an_epoch("wandb"):
        train("wandb", status=130)
    run, _ = train("", "--resume")
    run.results.unlink()
    train("wandb", "--resume")
    rows = list(wandb_rows(run.path))
    points = [(row["step"], row["step/loss"]) for row in rows if "step/loss" in row]
    assert list(dict.fromkeys(points)) == curve(run, "step", "loss")
    assert len(points) <= len(set(points)) + 1  # the last step may be logged twice
    epochs = [(row["step"], row["train/loss"]) for row in rows if "epoch" in row]
    assert list(dict.fromkeys(epochs)) == [(line["step"], line["train"]["loss"]) for line in lines(run, "epoch")]


@pytest.fixture
def wandb_disabled(monkeypatch):
    import wandb

    wandb.teardown()  # it reads the environment once per process
    monkeypatch.setenv("WANDB_MODE", "disabled")
    yield
    wandb.teardown()


def test_a_disabled_wandb_prints_no_address(train, wandb_disabled):
    run, result = train("wandb")
    assert not list(run.path.glob("wandb/*run-*"))
    assert "None" not in result.out
