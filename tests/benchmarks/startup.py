"""How long a command takes to start, and a run to its first training step, beside bare imports, in turns.

`python -m tests.benchmarks.startup DATA/fer2013` prints the median seconds of each command, of `import torch,
torchvision`, and of a warm `framework run`, whose images were kept by a run before, up to its first step. Left out the
folder, it trains on one of as many small images, which it makes.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.benchmarks.bench import Task, write_images

IMAGES = 28_709
"""As many as FER-2013 trains on."""

COMMANDS = {
    "framework --help": ["--help"],
    "framework list": ["list"],
    "framework check": ["check", "fer2013_resnet18"],
    "framework show": ["show", "model", "resnet18"],
    "framework plugins": ["plugins"],
}


def framework(*arguments: str) -> list[str]:
    """The installed command."""
    return [str(Path(sys.executable).with_name("framework")), *arguments]


def whole(command: list[str]) -> Callable[[], float]:
    """Seconds until it ends."""

    def seconds() -> float:
        started = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - started

    return seconds


def until_first_step(command: list[str], environment: Mapping[str, str]) -> Callable[[], float]:
    """Seconds until the run has written the metrics of its first step."""

    def seconds() -> float:
        with tempfile.TemporaryDirectory() as out:
            metrics = Path(out, "run", "metrics.jsonl")
            started = time.perf_counter()
            process = subprocess.Popen(
                [*command, "--out", str(metrics.parent)], stdout=subprocess.DEVNULL, env={**os.environ, **environment}
            )
            while not metrics.is_file():
                if process.poll() is not None:
                    raise RuntimeError(f"ended with exit status {process.returncode}: {' '.join(command)}")
                time.sleep(0.005)
            passed = time.perf_counter() - started
            process.kill()
            process.wait()
            return passed

    return seconds


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", nargs="?", help="of FER-2013")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        dataset = ["dataset=fer2013", f"dataset.root={arguments.root}"]
        if arguments.root is None:
            write_images(Path(folder, "images"), Task("startup", "resnet18", 48, 1, 64, IMAGES))
            dataset = ["dataset=folder", f"dataset.root={folder}/images"]
        run = framework("run", "fer2013_resnet18", *dataset, "train.log_every=1", "preprocess.size=48")
        run.append("train.progressive_resize=null")
        first_step = until_first_step(run, {"FRAMEWORK_CACHE": f"{folder}/cache"})
        imports = whole([sys.executable, "-c", "import torch, torchvision"])
        ways = {name: whole(framework(*words)) for name, words in COMMANDS.items()}
        ways |= {"import torch, torchvision": imports, "framework run, to the first step": first_step}
        print(f"the first run, that reads {IMAGES:,} images: {first_step():.2f} s to the first step", flush=True)
        times = {name: [] for name in ways}
        for _ in range(arguments.rounds):
            for name, way in ways.items():
                times[name].append(way())
    for name, measured in times.items():
        print(f"{statistics.median(measured):7.2f} s  {name}")


if __name__ == "__main__":
    main()
