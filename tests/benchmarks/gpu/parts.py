"""One part of `python -m tests.benchmarks.gpu`: `python -m tests.benchmarks.gpu.parts PART RESULT.json`.

A part writes its result after each measurement, so that measurements before a timeout are not lost.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.benchmarks.gpu.installed import ROOT

STARTED = time.monotonic()
SPARE = 75.0
"""Seconds reserved for a run besides training and evaluation: reading the files, and compiling if it is tried."""


@dataclass
class Part:
    """Arguments and result of a part."""

    file: Path
    rehearse: bool
    data: Path | None
    limit: float
    """Seconds from the start of the part."""
    found: dict[str, Any] = field(default_factory=dict)

    @property
    def device(self) -> str:
        """The device of the measurements."""
        return "cpu" if self.rehearse else "cuda"

    def add(self, **found: Any) -> None:
        """Add measurements and write the result."""
        self.found |= found
        whole = self.file.with_suffix(".whole")
        whole.write_text(json.dumps(self.found, indent=2))
        whole.replace(self.file)


def machine(device: str) -> dict[str, Any]:
    """Hardware and software of the measurements."""
    import torch
    import torchvision

    return {
        "device": torch.cuda.get_device_name() if device == "cuda" else "cpu (rehearsal)",
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
        "date": time.strftime("%Y-%m-%d"),
    }


def tests(part: Part) -> None:
    """GPU tests."""
    variables = os.environ | ({"FRAMEWORK_CUDA_TESTS": "cpu"} if part.rehearse else {})
    command = [sys.executable, "-m", "pytest", "-m", "cuda", "tests/cuda", "-p", "no:cacheprovider"]
    command += [
        "-o",
        "filterwarnings=default",
        "-o",
        "addopts=--import-mode=importlib",
    ]  # other versions of torch have more warnings
    if importlib.util.find_spec("xdist") and not part.rehearse:
        command += ["-n", "12"]  # compiling keeps the processor busy, not the GPU
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True)
    print(done.stdout, done.stderr)
    counts = {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|skipped|error)", done.stdout)}
    part.add(**counts)
    if done.returncode:
        sys.exit(done.returncode)


def throughput(part: Part, task: str) -> None:
    """Images/s of each way to train, in turns."""
    from tests.benchmarks.bench import GPU_TASKS, REHEARSED
    from tests.benchmarks.throughput import rates_of

    chosen = REHEARSED[f"rehearsed-{task}"] if part.rehearse else GPU_TASKS[f"gpu-{task}"]
    names = ["bare", "framework", "framework-plain", "torchvision", "timm"]
    names += ["lightning"] if importlib.util.find_spec("lightning") else []
    cores = len(os.sched_getaffinity(0))
    workers = 0 if part.rehearse else cores
    part.add(batch_size=chosen.batch_size, workers=workers)

    def add(rates: dict[str, list[float]]) -> None:
        middle = {name: statistics.median(measured) for name, measured in rates.items() if measured}
        part.add(images_per_second=middle, rounds=rates)

    rates_of(chosen, 1 if part.rehearse or chosen.size > 100 else 2, part.device, names, workers, add)
    middle = part.found["images_per_second"]
    peers = [rate for name, rate in middle.items() if name in ("torchvision", "timm", "lightning")]
    part.add(of_bare=middle["framework"] / middle["bare"], of_best_peer=middle["framework"] / max(peers))


def modes(part: Part) -> None:
    """A training step with each setting of precision, compile and determinism, from a real session."""
    import torch

    from framework.recipe import load_recipe
    from framework.registry import Registry
    from framework.training.backend import backend_settings
    from framework.training.compiling import settle_compile
    from framework.training.prepare import prepare_data
    from framework.training.running_means import RunningMeans
    from framework.training.session import build_session
    from framework.training.step import train_step

    fast = ["train.deterministic=false", "train.compile=false"]
    settings = {
        "as shipped": [],
        "deterministic=false": fast,
        "compile=true": ["train.deterministic=false", "train.compile=true"],
        "float16": [*fast, "train.precision=float16"],
        "float32": [*fast, "train.precision=float32"],
        "float32, tf32=true": [*fast, "train.precision=float32", "train.tf32=true"],
    }
    if part.rehearse:
        settings = {"as shipped": [], "float32": ["train.precision=float32"]}
    registry, steps = Registry.load(), 2 if part.rehearse else 60
    size, faces = ("batch_size=8", 64) if part.rehearse else ("batch_size=128", 20_000)
    for name, overrides in settings.items():
        common = ["dataset=drawn_faces", f"dataset.train_images={faces}", "dataset.test_images=20"]
        common += [f"train.device={part.device}", f"train.{size}"]
        recipe = load_recipe("recipes/fer2013_best.yaml", registry, [*common, *overrides])
        wait = torch.cuda.synchronize if part.device == "cuda" else lambda: None
        try:
            with backend_settings(torch.device(part.device), deterministic=recipe.train.deterministic):
                session, means = build_session(recipe, *prepare_data(recipe)), RunningMeans()
                settle_compile(session, None, print)
                for warm_up in (True, False):
                    wait()
                    started = time.perf_counter()
                    for step in range(10 if warm_up and not part.rehearse else steps):
                        train_step(session, step, means)
                    wait()
        except Exception as error:  # the other settings are still measured
            part.add(**{name: f"{type(error).__name__}: {error}"[:300]})
            continue
        seconds = time.perf_counter() - started
        part.add(**{name: steps * session.batches.images_per_step / seconds})


def data(part: Part) -> None:
    """Batches without a network: stores on the device and in memory, compared with decoding JPEGs on the device."""
    import torch

    from framework.recipe.sections import Recipe
    from framework.training.prepare import prepare_data
    from framework.training.session import build_session
    from tests.benchmarks.bench import GPU_TASKS, REHEARSED, Bench, write_images

    tasks = REHEARSED if part.rehearse else GPU_TASKS
    wait = torch.cuda.synchronize if part.device == "cuda" else lambda: None
    for name in ("speednet-48", "resnet50-224"):
        task = tasks[f"{'rehearsed' if part.rehearse else 'gpu'}-{name}"]
        with tempfile.TemporaryDirectory() as folder:
            bench = Bench(task, Path(folder), torch.device(part.device))
            write_images(Path(folder), task)
            for store in ("device", "memory"):
                tree: dict[str, Any] = bench.tree(augment=True)
                tree["train"]["store"] = store
                recipe = Recipe.model_validate(tree, context=bench.registry)
                batches = build_session(recipe, *prepare_data(recipe)).batches
                for _ in range(2):  # the first time warms up
                    wait()
                    started = time.perf_counter()
                    number = sum(len(batch[0]) for step in range(batches.steps_per_epoch) for batch in batches.at(step))
                    wait()
                part.add(**{f"{name}, store={store}": number / (time.perf_counter() - started)})
            if task.size > 100:
                try:
                    rate: float | str = decoded(Path(folder), part)
                except Exception as error:  # a torchvision without this decoder
                    rate = f"{type(error).__name__}: {error}"[:300]
                part.add(**{f"{name}, JPEG decoded on the device": rate})


def decoded(folder: Path, part: Part) -> float:
    """Images/s of torchvision's decoder on the device, resized to 224×224."""
    import torch
    from torch.nn import functional as F
    from torchvision.io import ImageReadMode, decode_jpeg, read_file

    files = [read_file(str(path)) for path in sorted(folder.rglob("*.jpg"))]

    def decode(some: list[torch.Tensor]) -> None:
        for image in decode_jpeg(some, ImageReadMode.RGB, device=part.device):
            F.interpolate(image[None].float(), (224, 224), mode="bilinear", antialias=True)
        if part.device == "cuda":
            torch.cuda.synchronize()

    decode(files[:64])  # warms up
    started = time.perf_counter()
    for first in range(0, len(files), 64):
        decode(files[first : first + 64])
    return len(files) / (time.perf_counter() - started)


def trained(part: Part, recipe: str, dataset: str, overrides: list[str]) -> None:
    """Run a whole recipe, with fewer epochs if the time limit of the part requires it."""
    with tempfile.TemporaryDirectory() as folder:
        root = unpacked(part, dataset, Path(folder))
        where = [f"dataset.root={root}"] if root else ["dataset=drawn_faces", "dataset.train_images=400"]
        if root and dataset == "fer2013":
            overrides = ["dataset.test_usage=PublicTest", *overrides]
        small = ["train.max_steps=3", "train.batch_size=8", "dataset.test_images=20"] if part.rehearse else []
        options = [*where, f"train.device={part.device}", *overrides, *(small if not root else small[:2])]
        run = Path(folder, "run")
        if not part.rehearse:
            overrides = [*overrides, *fewer_epochs(part, recipe, options)]
            options += overrides[-1:] if overrides and overrides[-1].startswith("train.epochs=") else []
        command = [sys.executable, "-m", "framework", "run", f"recipes/{recipe}.yaml", *options, "--out", str(run)]
        part.add(
            command=f"framework run recipes/{recipe}.yaml {' '.join(overrides)}".strip(), data=dataset if root else ""
        )
        done = subprocess.run(command, cwd=ROOT)
        if done.returncode:
            sys.exit(done.returncode)
        kept = part.file.parent / "runs" / part.file.stem
        kept.mkdir(parents=True, exist_ok=True)
        for name in ("results.json", "metrics.jsonl", "environment.json", "recipe.yaml"):
            shutil.copy(run / name, kept)
        results = json.loads((run / "results.json").read_text())
        split = "test" if "test" in results else "validation"
        part.add(
            split=split,
            images=results[split]["images"],
            top1=results[split]["top1"],
            seconds=results["seconds"],
            images_per_second=results["images_per_second"],
        )


def fewer_epochs(part: Part, recipe: str, options: list[str]) -> list[str]:
    """An override of the epochs, if those of the recipe do not fit into the rest of the time limit."""
    command = [sys.executable, "-m", "framework", "profile", f"recipes/{recipe}.yaml", *options, "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    print(done.stderr)
    if done.returncode:
        sys.exit(done.returncode)
    profile = json.loads(done.stdout)
    left = part.limit - (time.monotonic() - STARTED) - SPARE
    part.add(expected_seconds=profile["seconds"])
    if profile["seconds"] <= left:
        return []
    return [f"train.epochs={max(1, int(profile['epochs'] * left / profile['seconds']))}"]


def unpacked(part: Part, name: str, folder: Path) -> Path | None:
    """The folder of the dataset; None if it is missing."""
    if part.data is None:
        return None
    if (part.data / name).is_dir():
        return part.data / name
    archive = part.data / f"{name}.tar.xz"
    if not archive.is_file():
        return None
    with tarfile.open(archive) as file:
        file.extractall(folder / name, filter="data")
    return folder / name


PARTS: dict[str, Callable[[Part], None]] = {
    "tests": tests,
    "throughput-resnet18-48": lambda part: throughput(part, "resnet18-48"),
    "throughput-speednet-48": lambda part: throughput(part, "speednet-48"),
    "throughput-resnet50-224": lambda part: throughput(part, "resnet50-224"),
    "cifar10": lambda part: trained(part, "cifar10_fast", "cifar10", []),
    "cifar10-longer": lambda part: trained(part, "cifar10_fast", "cifar10", ["train.epochs=40"]),
    "fer2013": lambda part: trained(part, "fer2013_best", "fer2013", ["train.deterministic=false"]),
    "modes": modes,
    "data": data,
}


def main() -> None:
    """Run one part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=list(PARTS))
    parser.add_argument("result", type=Path)
    parser.add_argument("--rehearse", action="store_true")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--limit", type=float, default=300.0)
    arguments = parser.parse_args()
    part = Part(arguments.result, arguments.rehearse, arguments.data, arguments.limit)
    part.add(machine=machine(part.device))
    PARTS[arguments.part](part)


if __name__ == "__main__":
    main()
