"""`framework profile` and `framework run --dry-run`."""

import json
from types import SimpleNamespace

import pytest
import torch

from framework.recipe.sections import Train
from framework.training.profiling import ARITHMETIC, Profile, SizeProfile, advice

RECIPE = """
dataset: {name: folder, root: ROOT, test: 0.25}
preprocess: {size: 24, channels: 3}
model: tinynet
train: {epochs: 2, batch_size: 5, device: cpu, ema: 0.9}
"""
PHASES = ["data", "forward", "backward", "metrics", "optimizer", "averaging"]


@pytest.fixture
def recipe(tmp_path, photos):
    file = tmp_path / "photos.yaml"
    file.write_text(RECIPE.replace("ROOT", str(photos)))
    return file


def test_it_times_the_phases_of_a_step_and_writes_nothing(recipe, tmp_path, framework, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.rglob("*"))
    result = framework("profile", recipe, "--steps", 2, "--json")
    assert result.status == 0, result.err
    found = json.loads(result.out)
    (stage,) = found["sizes"]
    assert list(stage["phase_seconds"]) == PHASES
    assert all(seconds > 0 for seconds in stage["phase_seconds"].values())
    total = sum(stage["phase_seconds"].values())
    assert stage["images_per_second"] == pytest.approx(5 / total)
    assert stage["fraction_of_bare_loop"] == pytest.approx(
        sum(stage["phase_seconds"][name] for name in ARITHMETIC) / total
    )
    assert found["seconds"] > stage["steps"] * total
    assert found["memory_bytes"] > 1e6
    assert set(tmp_path.rglob("*")) == before


def test_every_image_size_of_progressive_resizing_is_timed(recipe, framework):
    result = framework("profile", recipe, "train.progressive_resize={start: 8, until: 0.5}", "--steps", 1, "--json")
    stages = json.loads(result.out)["sizes"]
    assert [stage["image_size"] for stage in stages] == [[8, 8], [24, 24]]
    assert stages[0]["steps"] == pytest.approx(stages[1]["steps"], abs=1)
    dry = framework("run", recipe, "train.progressive_resize={start: 8, until: 0.5}", "--dry-run").out
    assert "images at 8×8" in dry
    assert "images at 24×24" in dry


def test_the_output_has_phases_speed_and_advice(recipe, framework):
    result = framework("profile", recipe, "--steps", 1)
    assert result.status == 0
    for word in [*PHASES, "24×24", "images/s", "The run takes about"]:
        assert word in result.out


def test_zero_steps_are_a_user_error(recipe, framework):
    result = framework("profile", recipe, "--steps", 0)
    assert (result.status, "--steps is 0" in result.err) == (2, True)


def profile_of(train=None, dtype=torch.bfloat16, place="memory", **shares):
    phases = dict.fromkeys(PHASES, 0.0) | shares
    stage = SizeProfile((48, 48), 100, phases, 64)
    stores = {"train": SimpleNamespace(pixels=SimpleNamespace(place=place))}
    recipe, precision = SimpleNamespace(train=train or Train()), SimpleNamespace(dtype=dtype)
    session = SimpleNamespace(recipe=recipe, precision=precision, stores=stores)
    return Profile(session, [stage], 1.0, 1)


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        ({"data": 0.3, "forward": 0.7}, "Making batches takes 30%"),
        ({"optimizer": 0.2, "forward": 0.8}, "train.batch_size above 64"),
        ({"averaging": 0.1, "forward": 0.9}, "train.ema"),
        ({"forward": 0.4, "backward": 0.6}, "train.progressive_resize"),
    ],
)
def test_the_advice_names_the_bottleneck(shares, said):
    assert said in " ".join(advice(profile_of(**shares)))


def test_the_advice_for_a_stream_is_to_decode_once():
    assert "train.store=disk decodes them once" in " ".join(advice(profile_of(place="stream", data=0.3, forward=0.7)))


def test_advice_is_printed_only_if_it_applies():
    assert advice(profile_of(data=0.05, optimizer=0.05, forward=0.5, metrics=0.4)) == []
    growing = Train(progressive_resize={"start": 32})
    assert "train.progressive_resize" not in " ".join(advice(profile_of(growing, forward=1.0)))
    slow = profile_of(Train(precision="float32"), torch.float32, forward=0.5, metrics=0.5)
    assert "train.precision" in " ".join(advice(slow))
