"""Ways to train on a task, each in a separate process that `throughput` controls.

`python -m tests.benchmarks.ways TASK FOLDER DEVICE WAY` reads a number of DataLoader workers from each line of its
standard input, trains for one turn, and prints images/s.
"""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import nn

from framework.device import choose_device
from framework.recipe.sections import Recipe
from framework.report.display import SilentDisplay
from framework.training import run as framework_run
from tests.benchmarks.bench import GPU_TASKS, REHEARSED, TASKS, Bench
from tests.benchmarks.peers import PEERS


def plain_loop(bench: Bench, batches: Iterator[tuple[torch.Tensor, torch.Tensor]]) -> None:
    """The usual hand-written training loop."""
    model = bench.timed(bench.network()).train()
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    for images, labels in batches:
        images = images.to(bench.device, memory_format=torch.channels_last, non_blocking=True)
        labels = labels.to(bench.device, non_blocking=True)
        with bench.autocast():
            logits = model(images)
        nn.functional.cross_entropy(logits.float(), labels).backward()
        optimizer.step()
        optimizer.zero_grad()


def bare(bench: Bench) -> None:
    """The same batch in every step."""
    task = bench.task
    images = torch.randn(task.batch_size, task.channels, task.size, task.size, device=bench.device)
    images = images.contiguous(memory_format=torch.channels_last)
    labels = torch.arange(task.batch_size, device=bench.device) % 7
    plain_loop(bench, ((images, labels) for _ in range(task.images // task.batch_size)))


def torchvision(bench: Bench) -> None:
    """The DataLoader in a plain loop."""
    plain_loop(bench, iter(bench.loader()))


def framework(bench: Bench, augment: bool = True) -> None:
    """A real run in a temporary folder."""
    recipe = Recipe.model_validate(bench.tree(augment), context=bench.registry)
    build_session = framework_run.build_session

    def build_timed(*arguments: object) -> object:
        session = build_session(*arguments)  # type: ignore[arg-type]
        model = session.model

        def network(images: torch.Tensor) -> torch.Tensor:
            bench.note()
            logits: torch.Tensor = model(images)
            return logits

        session.network = network
        return session

    framework_run.build_session = build_timed  # type: ignore[assignment]
    try:
        with tempfile.TemporaryDirectory() as folder:
            framework_run.run_recipe(recipe, bench.registry, Path(folder, "run"), SilentDisplay())
    finally:
        framework_run.build_session = build_session


def framework_without_augmentation(bench: Bench) -> None:
    """A real run without augmentation."""
    framework(bench, augment=False)


WAYS: dict[str, Callable[[Bench], None]] = {
    "bare": bare,
    "framework": framework,
    "framework-plain": framework_without_augmentation,
    "torchvision": torchvision,
    **PEERS,
}


def installed() -> list[str]:
    """The ways whose packages are installed."""
    return [name for name in WAYS if name not in PEERS or importlib.util.find_spec(name)]


def main() -> None:
    """Train for one turn per line of standard input."""
    task, folder, device, way = sys.argv[1:]
    bench = Bench({**TASKS, **GPU_TASKS, **REHEARSED}[task], Path(folder), choose_device(device))
    output = sys.stdout
    for line in sys.stdin:
        bench.workers = int(line)
        print(bench.rate(WAYS[way]), file=output, flush=True)


if __name__ == "__main__":
    main()
