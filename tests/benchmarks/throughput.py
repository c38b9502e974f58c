"""Training speed compared with a bare loop and with other frameworks, in turns.

`python -m tests.benchmarks.throughput` trains the same network on the same files with the same optimizer, precision
and augmentation in each way, each in a separate process, some steps at a time, round after round. It prints the median
images/s of each and its ratio to the bare loop. Rates are measured between forward passes, after some untimed ones, so
that start-up does not count. `pip install 'framework[benchmark]'` installs the other frameworks; missing ones are
skipped.

bare              a plain loop on one batch, already in memory; no data, no augmentation
framework         `framework run` with the full augmentation
framework-plain   the same without augmentation
torchvision       ImageFolder, DataLoader and torchvision's transforms in a plain loop
timm              timm's dataset, transforms and loader in a plain loop
lightning, fastai, transformers   the same DataLoader in each trainer

DataLoaders have the number of workers with the highest rate in torchvision's loop. `--against CHECKOUT` compares with
another checkout instead of other frameworks: `bare`, and both ways of `framework` with the code of each checkout.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from framework.device import choose_device, choose_precision
from tests.benchmarks.bench import Task, task_arguments, write_images
from tests.benchmarks.startup import checkout_environment
from tests.benchmarks.ways import installed

OWN = Path(__file__).parents[2]
FRAMEWORK = ("framework", "framework-plain")
THERE = ", there"


class Way:
    """A process that trains in one way, a turn at a time."""

    def __init__(self, name: str, task: Task, folder: Path, device: str, checkout: Path = OWN) -> None:
        command = [sys.executable, "-W", "ignore", "-m", "tests.benchmarks.ways", task.name, str(folder), device, name]
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 (open as long as the process)
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True,
            cwd=checkout, env=checkout_environment(checkout),
        )  # fmt: skip

    def turn(self, workers: int) -> float:
        """Images/s of one turn; raises `RuntimeError` with the output of the process if it failed."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{workers}\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            self.errors.seek(0)
            raise RuntimeError(self.errors.read())
        return float(line)


def best_workers(torchvision: Way) -> int:
    """The number of DataLoader workers with the highest rate in torchvision's loop."""
    tried = (0, 1, 2, *([4, 8] if (os.cpu_count() or 1) > 4 else []))
    by_workers = {workers: torchvision.turn(workers) for workers in tried}
    return max(by_workers, key=by_workers.__getitem__)


def rates_of(
    task: Task,
    rounds: int,
    device: str,
    names: Sequence[str],
    workers: int | None = None,
    after_turn: Callable[[dict[str, list[float]]], None] = lambda rates: None,
    against: Path | None = None,
) -> tuple[dict[str, list[float]], int]:
    """Images/s of each round by way, and the number of DataLoader workers; `workers` None: the best number."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        write_images(folder, task)
        ways = {name: Way(name, task, folder, device) for name in names}
        if against is not None:
            ways |= {f"{name}{THERE}": Way(name, task, folder, device, against) for name in names if name != "bare"}
        for way in ways.values():
            stack.callback(way.process.kill)
        if workers is None:
            workers = best_workers(ways["torchvision"])
        rates: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(rounds):
            for name, way in ways.items():
                rates[name].append(way.turn(workers))
                after_turn(rates)
    return rates, workers


def measure(task: Task, rounds: int, device: str, against: Path | None = None) -> None:
    """Print a table for one task."""
    if against is None:
        rates, workers = rates_of(task, rounds, device, installed())
    else:
        rates, workers = rates_of(task, rounds, device, ("bare", *FRAMEWORK), workers=0, against=against)
    where = choose_device(device)
    precision = str(choose_precision("auto", where)).removeprefix("torch.")
    print(f"{task.name}: batches of {task.batch_size}, {where}, {precision}, {workers} workers for DataLoaders")
    of_bare = statistics.median(rates["bare"])
    for name, measured in rates.items():
        middle = statistics.median(measured)
        ratios = [rate / bare for rate, bare in zip(measured, rates["bare"], strict=True)]
        print(
            f"  {name:16} {middle:8,.0f} images/s  {middle / of_bare:5.2f} of bare"
            f"  ({min(ratios):.2f} to {max(ratios):.2f} by round)",
            flush=True,
        )
    for name in FRAMEWORK if against else ():
        ratios = [here / there for here, there in zip(rates[name], rates[f"{name}{THERE}"], strict=True)]
        print(
            f"  {name}: {statistics.median(ratios):.3f} of {against} ({min(ratios):.3f} to {max(ratios):.3f} by round)"
        )


def main() -> None:
    """Measure and print."""
    arguments = task_arguments(__doc__, rounds=7, against=True)
    for task in arguments.tasks:
        measure(task, arguments.rounds, arguments.device, arguments.against and arguments.against.resolve())


if __name__ == "__main__":
    main()
