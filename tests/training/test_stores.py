"""The results of a run do not depend on where its images are stored."""

import json
import os
import signal
import time
from pathlib import Path

import pytest
from PIL import Image

from framework import RunFolder

RECIPE = """
dataset: {{name: folder, root: {photos}, test: 0.2}}
preprocess: {{size: 8}}
augment: [{{name: shift, fraction: 0.05}}, {{name: mixup, p: 0.5}}]
model: {{name: tinynet, dropout: 0.2}}
train: {{epochs: 3, batch_size: 4, checkpoint_every: 0, log_every: 3, device: cpu, store: memory}}
"""
ON_LINUX = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")


@pytest.fixture
def recipe(tmp_path, photos):
    file = tmp_path / "photos.yaml"
    file.write_text(RECIPE.format(photos=photos))
    return file


@pytest.fixture
def in_memory(recipe, tmp_path, framework, outcome):
    out = tmp_path / "in_memory"
    assert framework("run", recipe, "--out", out).status == 0
    return outcome(out)


def children(pid):
    """The child processes, zombies included."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if int(parent) == pid:
            found.append((int(stat.parent.name), state))
    return found


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until(condition, process=None):
    while not condition():
        assert process is None or process.poll() is None, process.communicate()[1]
        time.sleep(0.01)


@pytest.mark.parametrize("place", ["disk", "device", "stream"])
def test_all_stores_give_the_same_bytes(place, recipe, tmp_path, in_memory, framework, outcome):
    out = tmp_path / "run"
    assert framework("run", recipe, f"train.store={place}", "--out", out).status == 0
    assert outcome(out) == in_memory
    data = json.loads((out / "data.json").read_text())
    assert {split["store"] for split in data.values()} == {"memory" if place == "device" else place}
    assert framework("evaluate", out, "--json").status == 0


def test_the_overview_has_the_store(recipe, tmp_path, framework):
    first = framework("run", recipe, "train.max_steps=1", "--out", tmp_path / "1")
    assert "     store  in memory\n" in first.out
    again = framework("run", recipe, "train.max_steps=1", "train.store=disk", "--out", tmp_path / "2")
    assert "     store  on disk, from the cache\n" in again.out


def test_changed_images_are_decoded_again(recipe, photos, tmp_path, framework):
    framework("run", recipe, "train.max_steps=1", "--out", tmp_path / "1")
    for file in sorted(photos.rglob("*.png")):
        os.utime(file, ns=(1, 1))  # same contents
    result = framework("run", recipe, "train.max_steps=1", "--out", tmp_path / "2")
    assert "decoding all again" not in result.out
    for file in sorted(photos.rglob("*.png")):
        Image.open(file).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(file)
    result = framework("run", recipe, "train.max_steps=1", "--out", tmp_path / "3")
    assert f"28 images of '{photos}' changed since the last run" in result.out
    assert "     store  in memory\n" in result.out


@ON_LINUX
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stream_interrupted_within_an_epoch_and_resumed_equals_the_uninterrupted_one(
    sent, recipe, tmp_path, start_framework, outcome
):
    whole, out = tmp_path / "whole", tmp_path / "run"
    longer = (recipe, "train.epochs=12", "train.keep_checkpoints=1000")
    in_memory = start_framework("run", *longer, "--out", whole)
    process = start_framework("run", *longer, "train.store=stream", "--out", out)
    run = RunFolder(out)

    def steps_done():
        return len(list(run.checkpoints.glob("step-*")))

    wait_until(steps_done, process)
    workers = [pid for pid, _ in children(process.pid)]
    assert workers
    for pid in workers:  # as terminals and batch systems do
        os.kill(pid, sent)
    more = steps_done() + 16  # more than were decoded ahead
    wait_until(lambda: steps_done() > more, process)
    process.send_signal(sent)
    _, stderr = process.communicate()
    assert process.returncode == 130, stderr
    assert "Traceback" not in stderr
    assert not any(alive(pid) for pid in workers)
    assert start_framework("run", *longer, "train.store=stream", "--out", out, "--resume").wait() == 0
    assert in_memory.wait() == 0
    assert outcome(out) == outcome(whole)


@ON_LINUX
def test_a_killed_run_leaves_no_workers(recipe, tmp_path, start_framework):
    process = start_framework("run", recipe, "train.store=stream", "train.epochs=1000", "--out", tmp_path / "run")
    wait_until(lambda: list((tmp_path / "run").glob("checkpoints/step-*")), process)
    workers = [pid for pid, _ in children(process.pid)]
    assert workers
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_until(lambda: not any(alive(pid) for pid in workers))


def test_a_bad_image_is_skipped_by_a_stream_and_recorded(recipe, photos, tmp_path, framework):
    (photos / "red" / "03.png").write_bytes(b"")
    out = tmp_path / "run"
    refused = framework("run", recipe, "train.store=stream", "--out", out)
    assert refused.status == 2
    assert "red/03.png: the file is empty" in refused.err
    assert framework("run", recipe, "train.store=stream", "dataset.on_bad_image=skip", "--out", out).status == 0
    data = json.loads((out / "data.json").read_text())
    assert [bad["name"] for split in data.values() for bad in split["skipped"]] == ["red/03.png"]


def test_a_run_may_be_resumed_with_another_store(recipe, tmp_path, in_memory, framework, outcome):
    out = tmp_path / "run"
    assert framework("run", recipe, "--out", out).status == 0
    (out / "results.json").unlink()
    assert framework("run", recipe, "train.store=stream", "--out", out, "--resume").status == 0
    assert outcome(out) == in_memory


def test_a_stream_can_be_profiled(recipe, framework):
    result = framework("profile", recipe, "train.store=stream", "--steps", "2", "--json")
    assert result.status == 0, result.err
    assert json.loads(result.out)["seconds"] > 0
