"""Speedup by `torch.compile` on this device: training steps of each task's network with and without it, in turns.

`python -m tests.benchmarks.compiled` prints the median images/s of both, their ratio, and the seconds of compilation.
Compiling did not pay off on the CPU in measurements, so `train.compile: auto` compiles only on CUDA devices.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from framework.device import choose_device
from framework.training.precision import Precision
from tests.benchmarks.bench import Bench, Task, task_arguments

STEPS = 5
"""Timed steps per turn, after one that is not timed."""


def stepper(bench: Bench, compiled: bool) -> Callable[[], float]:
    """A function that runs a few steps and returns images/s; the first call compiles."""
    task, device = bench.task, bench.device
    model = bench.network().train()
    forward = torch.compile(model) if compiled else model
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    precision = Precision(device, bench.precision)
    images = torch.randn(task.batch_size, task.channels, task.size, task.size, device=device)
    images = images.contiguous(memory_format=torch.channels_last)
    labels = torch.arange(task.batch_size, device=device) % 7

    def step() -> None:
        with precision.forward_pass():
            logits = forward(images)
        precision.backward(nn.functional.cross_entropy(logits.float(), labels))
        precision.step(optimizer, model)

    def turn() -> float:
        step()
        bench.wait()
        started = time.perf_counter()
        for _ in range(STEPS):
            step()
        bench.wait()
        return STEPS * task.batch_size / (time.perf_counter() - started)

    return turn


def measure(task: Task, rounds: int, device: torch.device) -> None:
    """Print a line for one task."""
    bench = Bench(task, Path(), device)
    plain, compiled = stepper(bench, False), stepper(bench, True)
    plain()
    started = time.perf_counter()
    compiled()
    seconds = time.perf_counter() - started
    rates = [(plain(), compiled()) for _ in range(rounds)]
    before, after = (statistics.median(rate) for rate in zip(*rates, strict=True))
    print(
        f"{task.name}, {device}: plain {before:,.0f} images/s, compiled {after:,.0f}, ratio {after / before:.2f}; "
        f"compiling took {seconds:.0f} s",
        flush=True,
    )


def main() -> None:
    """Measure and print."""
    arguments = task_arguments(__doc__, rounds=5)
    for task in arguments.tasks:
        measure(task, arguments.rounds, choose_device(arguments.device))


if __name__ == "__main__":
    main()
