"""Tasks of the training benchmarks: files, networks and recipes."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2

from framework.components import build
from framework.device import choose_precision
from framework.recipe.sections import Recipe
from framework.registry import Registry

AUGMENT = [
    "flip",
    {"name": "rotate", "degrees": 10},
    {"name": "scale", "fraction": 0.1},
    {"name": "shift", "fraction": 0.1},
    {"name": "brightness", "fraction": 0.2},
    {"name": "contrast", "fraction": 0.2},
    {"name": "erase", "p": 0.5},
]


@dataclass(frozen=True)
class Task:
    """A network and its training images."""

    name: str
    model: str
    size: int
    channels: int
    batch_size: int
    images: int
    """Per turn."""
    left_out: int = 5
    """Steps at the start of a turn that are not timed, because DataLoaders have prefetched them."""

    @property
    def steps(self) -> int:
        """Per turn."""
        return self.images // self.batch_size


TASKS = {
    task.name: task
    for task in (
        Task("resnet18-48", "resnet18", 48, 1, 64, 2560),
        Task("speednet-48", "speednet", 48, 1, 64, 5120),
        Task("resnet18-224", "resnet18", 224, 3, 32, 640),
    )
}
"""For the CPU."""

GPU_TASKS = {
    task.name: task
    for task in (
        Task("gpu-resnet18-48", "resnet18", 48, 1, 128, 128 * 160, 40),
        Task("gpu-speednet-48", "speednet", 48, 1, 128, 128 * 160, 40),
        Task("gpu-resnet50-224", "resnet50", 224, 3, 64, 64 * 100, 40),
    )
}
"""For a GPU: turns are longer than what 16 workers prefetch."""

REHEARSED = {
    task.name: task
    for task in (
        Task("rehearsed-resnet18-48", "resnet18", 48, 1, 4, 32),
        Task("rehearsed-speednet-48", "speednet", 48, 1, 4, 32),
        Task("rehearsed-resnet50-224", "resnet50", 112, 3, 2, 16),
    )
}
"""Small tasks that test the commands."""


class Bench:
    """A task with its files and everything that a training loop needs."""

    def __init__(self, task: Task, folder: Path, device: torch.device) -> None:
        self.task, self.folder, self.device = task, folder, device
        self.precision = choose_precision("auto", device)
        # For all training loops.
        torch.backends.cudnn.benchmark = True
        torch.backends.cudnn.allow_tf32 = False
        self.registry = Registry.load()
        self.marks: list[float] = []
        self.workers = 0

    def network(self) -> nn.Module:
        """A new network with fixed initial weights."""
        torch.manual_seed(0)
        component = Recipe.model_validate(self.tree(), context=self.registry).model
        side = (self.task.size, self.task.size)
        sample = torch.randn(64, self.task.channels, *side)
        model = build(component, num_classes=7, channels=self.task.channels, image_size=side, sample=sample)
        return model.to(self.device, memory_format=torch.channels_last)

    def timed(self, model: nn.Module) -> nn.Module:
        """The same network; it records the time of each forward pass in training."""
        model.register_forward_pre_hook(lambda module, given: self.note() if module.training else None)
        return model

    def note(self) -> None:
        """Record the start of a forward pass in training."""
        if len(self.marks) in (self.task.left_out, self.task.steps - 1):  # a GPU runs asynchronously
            self.wait()
        self.marks.append(time.perf_counter())

    def wait(self) -> None:
        """Synchronise with the device."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def tree(self, augment: bool = False) -> dict[str, object]:
        """The recipe."""
        return {
            "dataset": {"name": "folder", "root": str(self.folder), "validation": 0},
            "preprocess": {"size": self.task.size, "channels": self.task.channels},
            "augment": AUGMENT if augment else [],
            "model": self.task.model,
            "optimizer": {"name": "adam"},
            "train": {
                "epochs": 1,
                "batch_size": self.task.batch_size,
                "device": self.device.type,
                "log_every": 1000,
                "deterministic": False,
                "compile": False,
            },
        }

    def autocast(self) -> torch.autocast:
        """The precision that `framework` selects on this device."""
        return torch.autocast(self.device.type, self.precision, enabled=self.precision != torch.float32)

    def loader(self, workers: int | None = None) -> DataLoader:
        """DataLoader of the other frameworks: files are decoded, augmented and normalised in worker processes."""
        side, channels = self.task.size, self.task.channels
        steps = [
            *([v2.Grayscale()] if channels == 1 else []),
            v2.Resize(side),
            v2.CenterCrop(side),
            v2.RandomHorizontalFlip(),
            v2.RandomAffine(10, (0.1, 0.1), (0.9, 1.1)),
            v2.ColorJitter(0.2, 0.2),
            v2.ToImage(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize([0.5] * channels, [0.25] * channels),
            v2.RandomErasing(0.5),
        ]
        return DataLoader(
            ImageFolder(self.folder, v2.Compose(steps)),
            self.task.batch_size,
            shuffle=True,
            drop_last=True,
            num_workers=self.workers if workers is None else workers,
            pin_memory=self.device.type == "cuda",
        )

    def rate(self, way: Callable[[Bench], None]) -> float:
        """Images/s of one turn."""
        self.marks.clear()
        with redirect_stdout(sys.stderr):
            way(self)
        timed = self.marks[self.task.left_out :]
        return self.task.batch_size * (len(timed) - 1) / (timed[-1] - timed[0])


def task_arguments(description: str | None, rounds: int, *, against: bool = False) -> argparse.Namespace:
    """Command-line arguments of a benchmark of some tasks: `tasks`, `rounds`, `device`, and `against` if requested."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", nargs="*", choices=[[], *TASKS], help=f"any of {', '.join(TASKS)} (default: all)")
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--device", default="auto")
    if against:
        parser.add_argument("--against", type=Path, metavar="CHECKOUT", help="another checkout to compare with")
    arguments = parser.parse_args()
    arguments.tasks = [TASKS[name] for name in arguments.tasks or TASKS]
    return arguments


def write_images(folder: Path, task: Task) -> None:
    """Smooth random images in seven folders: PNG at 48×48, JPEG at 320×256 for larger networks."""
    random = np.random.default_rng(0)
    for index in range(task.images):
        coarse = random.integers(0, 256, (8, 8, task.channels), dtype=np.uint8).squeeze()
        size = (task.size, task.size) if task.size < 100 else (320, 256)
        path = folder / f"class{index % 7}" / f"{index:05}.{'png' if task.size < 100 else 'jpg'}"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).save(path)
