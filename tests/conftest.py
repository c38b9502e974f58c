"""Fixtures: the command line, in this process or in a separate one, and some images."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from framework import Registry

STRANGER = Path(__file__).parent / "stranger"


@pytest.fixture(autouse=True)
def _no_cache_of_the_user_s(tmp_path_factory, monkeypatch):
    """Every test has its own cache of decoded images."""
    monkeypatch.setenv("FRAMEWORK_CACHE", str(tmp_path_factory.mktemp("cache")))


@dataclass(frozen=True)
class Result:
    """Status and output of a command."""

    status: int
    out: str
    err: str


@pytest.fixture
def framework(capfd, monkeypatch):
    """The command line, called in this process, with the plugin `stranger` installed."""
    monkeypatch.syspath_prepend(str(STRANGER))

    def call(*arguments):
        from framework.cli import main

        capfd.readouterr()
        status = main([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        return Result(status, out, err)

    return call


def _search_path(plugins):
    return os.pathsep.join([*map(str, plugins), *filter(None, [os.environ.get("PYTHONPATH")])])


def heed_interrupts():
    """As on a terminal, also where the tests run in the background or under nohup, and ignore SIGINT or SIGHUP."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(scope="session")
def start_framework():
    """The command line, started in a separate process, with the plugin `stranger` installed."""
    started = []

    def start(*arguments, plugins=(STRANGER,), cwd=None):
        environment = os.environ | {"PYTHONPATH": _search_path(plugins), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "framework", *map(str, arguments)]
        process = subprocess.Popen(
            command, env=environment, cwd=cwd, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            preexec_fn=heed_interrupts,
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def photos(tmp_path):
    """A folder of small colour images with two classes of different colours."""
    import numpy as np
    from PIL import Image

    random = np.random.default_rng(0)
    root = tmp_path / "photos"
    for name, channel in (("blue", 2), ("red", 0)):
        (root / name).mkdir(parents=True)
        for index in range(20):
            pixels = random.integers(0, 100, (12, 16, 3), dtype=np.uint8)
            pixels[..., channel] += 120
            Image.fromarray(pixels).save(root / name / f"{index:02}.png")
    return root


@pytest.fixture
def unsure_photos(photos):
    """The same with a fifth of the labels wrong, also in a held-out tenth: no network is correct for all images."""
    from framework.data.splits import split_keys

    names = {color: [f"{color}/{index:02}.png" for index in range(20)] for color in ("red", "blue")}
    red, blue = (
        [name for _, name in sorted(zip(split_keys(0, color, of), of, strict=True))] for color, of in names.items()
    )
    for one, other in ((3, 1), (7, 6), (11, 10), (17, 16)):
        aside = photos / "aside"
        (photos / red[one]).rename(aside)
        (photos / blue[other]).rename(photos / red[one])
        aside.rename(photos / blue[other])
    return photos


@pytest.fixture
def dots_recipe(tmp_path):
    """A recipe file: a small network and a dataset of the plugin `stranger`, plain gradient descent."""
    file = tmp_path / "dots.yaml"
    file.write_text("""
dataset: {name: dots, images: 80}
preprocess: {size: 16}
model: {name: tinynet, dropout: 0.2}
optimizer: {name: sgd, lr: 0.05, nesterov: false, weight_decay: 0.0}
scheduler: constant
train: {epochs: 20, batch_size: 8, device: cpu, precision: float32, channels_last: false}
""")
    return file


@pytest.fixture
def dots_session(framework, dots_recipe):
    """Builds the session of that recipe, with overrides."""
    from framework.recipe import load_recipe
    from framework.training.prepare import prepare_data
    from framework.training.session import build_session

    def build(*overrides):
        recipe = load_recipe(dots_recipe, Registry.load(), overrides)
        return build_session(recipe, *prepare_data(recipe))

    return build
