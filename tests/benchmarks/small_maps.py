"""What the matrix product for small maps brings: ResNet-18's step with and without it, in turn, in one process.

`python -m tests.benchmarks.small_maps` prints the median time of forward and backward and the ratio, for each size.
"""

from __future__ import annotations

import argparse
import statistics
import time
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import nn
from torchvision.models import resnet18

from framework.training.small_maps import small_map_convolutions

CPU = torch.device("cpu")


def seconds(model: nn.Module, images: torch.Tensor, targets: torch.Tensor, context: AbstractContextManager) -> float:
    """Of one forward and backward pass in bfloat16."""
    model.zero_grad()
    started = time.perf_counter()
    with torch.autocast("cpu", torch.bfloat16), context:
        logits = model(images)
    nn.functional.cross_entropy(logits.float(), targets).backward()
    return time.perf_counter() - started


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[48, 64])
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=12)
    arguments = parser.parse_args()
    for size in arguments.sizes:
        torch.manual_seed(0)
        model = resnet18(num_classes=7)
        model.conv1 = nn.Conv2d(1, 64, 7, stride=2, padding=3, bias=False)
        model = model.to(memory_format=torch.channels_last)
        images = torch.randn(arguments.batch_size, 1, size, size).contiguous(memory_format=torch.channels_last)
        targets = torch.randint(0, 7, (arguments.batch_size,))
        times: tuple[list[float], list[float]] = ([], [])
        for _ in range(arguments.rounds + 2):  # two to warm up
            times[0].append(seconds(model, images, targets, nullcontext()))
            times[1].append(seconds(model, images, targets, small_map_convolutions(CPU, torch.bfloat16)))
        direct, product = (statistics.median(each[2:]) for each in times)
        print(
            f"{size}×{size}, batch {arguments.batch_size}: direct {direct * 1e3:.0f} ms, "
            f"matrix product {product * 1e3:.0f} ms, ratio {direct / product:.2f}"
        )


if __name__ == "__main__":
    main()
