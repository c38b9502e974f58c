"""Time the start of commands, and of a run up to its first training step, next to bare imports, in turns.

`python -m tests.benchmarks.startup DATA/fer2013` prints the median seconds of each command, of `import torch,
torchvision`, and of a `framework run` up to its first step, with the images cached by an earlier run. Without the
folder, it trains on as many small images, which it generates. `--against CHECKOUT` times the commands of another
checkout of the project too, in the same turns, and prints the ratio of the medians.
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
"""Training images of FER-2013."""

COMMANDS = {
    "framework --help": ["--help"],
    "framework list": ["list"],
    "framework check": ["check", "fer2013_resnet18"],
    "framework show": ["show", "model", "resnet18"],
    "framework plugins": ["plugins"],
}
RUN = "framework run, to the first step"
TRAIN = "train={epochs: 8, batch_size: 128, ema: 0.998, keep: last, log_every: 1}"
"""The recipe's, without progressive resizing, in options that every checkout has."""


def framework(*arguments: str) -> list[str]:
    """The installed command."""
    return [str(Path(sys.executable).with_name("framework")), *arguments]


def checkout_environment(checkout: Path) -> dict[str, str]:
    """Variables with which commands import the code of a checkout."""
    paths = [str(checkout), str(checkout / "plugins"), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def whole(command: list[str], environment: Mapping[str, str]) -> Callable[[], float]:
    """Seconds until the command ends."""

    def seconds() -> float:
        started = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
        return time.perf_counter() - started

    return seconds


def until_first_step(command: list[str], environment: Mapping[str, str]) -> Callable[[], float]:
    """Seconds until the run has written the metrics of its first step."""

    def seconds() -> float:
        with tempfile.TemporaryDirectory() as out:
            metrics = Path(out, "run", "metrics.jsonl")
            started = time.perf_counter()
            process = subprocess.Popen(
                [*command, "--out", str(metrics.parent)], stdout=subprocess.DEVNULL, env=environment
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


def timed_commands(checkout: Path, dataset: list[str], cache: Path) -> dict[str, Callable[[], float]]:
    """All commands of a checkout, by name; the last one is the run."""
    environment = checkout_environment(checkout)
    run = framework("run", "fer2013_resnet18", *dataset, "preprocess.size=48", TRAIN)
    commands = {name: whole(framework(*words), environment) for name, words in COMMANDS.items()}
    return {**commands, RUN: until_first_step(run, {**environment, "FRAMEWORK_CACHE": str(cache)})}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", nargs="?", help="of FER-2013")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--against", type=Path, metavar="CHECKOUT", help="another checkout to compare with")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        dataset = ["dataset=fer2013", f"dataset.root={arguments.root}"]
        if arguments.root is None:
            write_images(Path(folder, "images"), Task("startup", "resnet18", 48, 1, 64, IMAGES))
            dataset = ["dataset=folder", f"dataset.root={folder}/images"]
        checkouts = [Path(__file__).parents[2], *([arguments.against.resolve()] if arguments.against else [])]
        sides = [timed_commands(path, dataset, Path(folder, f"cache{i}")) for i, path in enumerate(checkouts)]
        for path, side in zip(checkouts, sides, strict=True):
            print(
                f"{path}: first run, which reads {IMAGES:,} images: {side[RUN]():.2f} s to the first step", flush=True
            )
        imports = whole([sys.executable, "-c", "import torch, torchvision"], os.environ)
        times = [{name: [] for name in side} for side in sides]
        of_imports = []
        for _ in range(arguments.rounds):
            of_imports.append(imports())
            for name in (*COMMANDS, RUN):
                for side, measured in zip(sides, times, strict=True):
                    measured[name].append(side[name]())
    print(f"{statistics.median(of_imports):7.2f} s  import torch, torchvision")
    for name in (*COMMANDS, RUN):
        own, *other = (statistics.median(measured[name]) for measured in times)
        print(f"{own:7.2f} s  {name}" + "".join(f"  ({own / its:.2f} of {its:.2f} s there)" for its in other))


if __name__ == "__main__":
    main()
