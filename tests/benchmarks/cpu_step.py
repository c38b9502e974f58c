"""Speedup by the CPU settings: a step of ResNet-18 with and without each of them, in turns, in one process.

`python -m tests.benchmarks.cpu_step` prints, for each image size, the median time of forward and backward in bfloat16
and the speedup over a plain step: with the matrix product for small maps, with freed memory kept, and both. Linux only.
"""

from __future__ import annotations

import argparse
import ctypes
import statistics
import time
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import nn
from torchvision.models import resnet18

from framework.training.allocator import MMAP_THRESHOLD, TRIM_THRESHOLD, keep_freed_memory
from framework.training.small_maps import small_map_convolutions

CPU = torch.device("cpu")
ROUNDS_LEFT_OUT = 2
STEPS_LEFT_OUT = 1


def return_freed_memory() -> None:
    """Set the thresholds that glibc reaches by itself after the first steps."""
    mallopt = ctypes.CDLL("libc.so.6").mallopt
    mallopt(MMAP_THRESHOLD, 2**25)
    mallopt(TRIM_THRESHOLD, 2**26)


def seconds(model: nn.Module, images: torch.Tensor, targets: torch.Tensor, context: AbstractContextManager) -> float:
    """Of one forward and backward pass in bfloat16."""
    model.zero_grad()
    started = time.perf_counter()
    with torch.autocast("cpu", torch.bfloat16), context:
        logits = model(images)
    nn.functional.cross_entropy(logits.float(), targets).backward()
    return time.perf_counter() - started


def measure(size: int, batch_size: int, rounds: int) -> None:
    """Print a table for one image size."""
    torch.manual_seed(0)
    model = resnet18(num_classes=7)
    model.conv1 = nn.Conv2d(1, 64, 7, stride=2, padding=3, bias=False)
    model = model.to(memory_format=torch.channels_last)
    images = torch.randn(batch_size, 1, size, size).contiguous(memory_format=torch.channels_last)
    targets = torch.randint(0, 7, (batch_size,))
    ways = {
        "plain": (False, False),
        "matrix product for small maps": (True, False),
        "freed memory kept": (False, True),
        "both": (True, True),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS_LEFT_OUT + rounds):
        for name, (small_maps, keep) in ways.items():
            keep_freed_memory() if keep else return_freed_memory()
            context = small_map_convolutions(CPU, torch.bfloat16) if small_maps else nullcontext()
            steps = [seconds(model, images, targets, context) for _ in range(STEPS_LEFT_OUT + 3)]
            times[name] += steps[STEPS_LEFT_OUT:]
    middle = {name: statistics.median(measured[3 * ROUNDS_LEFT_OUT :]) for name, measured in times.items()}
    print(f"{size}×{size}, batches of {batch_size}")
    for name, value in middle.items():
        print(f"  {name:30} {value * 1e3:5.0f} ms  {middle['plain'] / value:.2f} times as fast")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[48, 64])
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=6)
    arguments = parser.parse_args()
    for size in arguments.sizes:
        measure(size, arguments.batch_size, arguments.rounds)


if __name__ == "__main__":
    main()
