"""Training speed beside a bare loop and beside other ways to train, all in turns in one process.

`python -m tests.benchmarks.throughput` trains the same network on the same files with the same optimizer, precision
and augmentation by each way, some steps at a time, round after round, and prints the median images a second of each
and its ratio to the bare loop. A rate is the time between forward passes, after some that are left out, so that nobody
pays for starting up. The others come with `pip install 'framework[benchmark]'`; one that is not installed is left out.

bare        a plain loop on one batch, already in memory; no data, no augmentation
framework   `framework run` with the full augmentation, and without any
torchvision ImageFolder, DataLoader and torchvision's transforms in a plain loop, at its best number of workers
lightning, fastai, transformers   the same DataLoader handed to each
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
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
from framework.recipe.sections import Recipe
from framework.registry import Registry
from framework.report.display import SilentDisplay
from framework.training import run as framework_run
from framework.training.device import choose_device, choose_precision

LEFT_OUT = 5
"""Forward passes at the start of each turn that are not timed."""

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
    """A network and the images that it is trained on."""

    name: str
    model: str
    size: int
    channels: int
    batch_size: int
    images: int


TASKS = {
    task.name: task
    for task in (
        Task("resnet18-48", "resnet18", 48, 1, 64, 2560),
        Task("speednet-48", "speednet", 48, 1, 64, 5120),
        Task("resnet18-224", "resnet18", 224, 3, 32, 640),
    )
}


class Bench:
    """A task with its files, and the ways to train on them."""

    def __init__(self, task: Task, folder: Path, device: torch.device) -> None:
        self.task, self.folder, self.device = task, folder, device
        self.precision = choose_precision("auto", device)
        self.registry = Registry.load()
        self.marks: list[float] = []
        self.workers = 0
        write_images(folder, task)

    def network(self) -> nn.Module:
        """A fresh one, that notes the time of each forward pass in training."""
        torch.manual_seed(0)
        component = Recipe.model_validate(self.tree(), context=self.registry).model
        side = (self.task.size, self.task.size)
        sample = torch.randn(64, self.task.channels, *side)
        model = build(component, num_classes=7, channels=self.task.channels, image_size=side, sample=sample)
        return self.timed(model.to(self.device, memory_format=torch.channels_last))

    def timed(self, model: nn.Module) -> nn.Module:
        """The same network, noting times."""

        def note(module: nn.Module, given: object) -> None:
            if module.training:
                if self.device.type == "cuda":
                    torch.cuda.synchronize()
                self.marks.append(time.perf_counter())

        model.register_forward_pre_hook(note)
        return model

    def tree(self, augment: bool = False) -> dict[str, object]:
        """The recipe."""
        return {
            "dataset": {"name": "folder", "root": str(self.folder), "validation": 0},
            "preprocess": {"size": self.task.size, "channels": self.task.channels},
            "augment": AUGMENT if augment else [],
            "model": self.task.model,
            "optimizer": {"name": "adam"},
            "train": {"epochs": 1, "batch_size": self.task.batch_size, "device": self.device.type, "log_every": 1000},
        }

    def autocast(self) -> torch.autocast:
        """The precision that `framework` would choose here."""
        return torch.autocast(self.device.type, self.precision, enabled=self.precision != torch.float32)

    def loader(self, workers: int | None = None) -> DataLoader:
        """The peers' data: files decoded, augmented and normalised one by one, in worker processes."""
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
        )

    def rate(self, way: Callable[[Bench], None]) -> float:
        """Images a second of one turn."""
        self.marks.clear()
        with redirect_stdout(io.StringIO()):
            way(self)
        timed = self.marks[LEFT_OUT:]
        return self.task.batch_size * (len(timed) - 1) / (timed[-1] - timed[0])


def write_images(folder: Path, task: Task) -> None:
    """Random smooth pictures in seven folders: PNG at 48×48, JPEG of 320×256 for larger networks."""
    random = np.random.default_rng(0)
    for index in range(task.images):
        coarse = random.integers(0, 256, (8, 8, task.channels), dtype=np.uint8).squeeze()
        size = (task.size, task.size) if task.size < 100 else (320, 256)
        path = folder / f"class{index % 7}" / f"{index:05}.{'png' if task.size < 100 else 'jpg'}"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).save(path)


def plain_loop(bench: Bench, batches: Iterator[tuple[torch.Tensor, torch.Tensor]]) -> None:
    """What everybody writes by hand."""
    model = bench.network().train()
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    for images, labels in batches:
        images = images.to(bench.device, memory_format=torch.channels_last, non_blocking=True)
        labels = labels.to(bench.device)
        with bench.autocast():
            logits = model(images)
        nn.functional.cross_entropy(logits.float(), labels).backward()
        optimizer.step()
        optimizer.zero_grad()


def bare(bench: Bench) -> None:
    """One batch, again and again."""
    task = bench.task
    images = torch.randn(task.batch_size, task.channels, task.size, task.size, device=bench.device)
    images = images.contiguous(memory_format=torch.channels_last)
    labels = torch.arange(task.batch_size, device=bench.device) % 7
    plain_loop(bench, ((images, labels) for _ in range(task.images // task.batch_size)))


def torchvision(bench: Bench) -> None:
    """The DataLoader in a plain loop."""
    plain_loop(bench, iter(bench.loader()))


def framework(bench: Bench, augment: bool = True) -> None:
    """A real run in a folder of its own."""
    recipe = Recipe.model_validate(bench.tree(augment), context=bench.registry)
    build_session = framework_run.build_session

    def build_timed(*arguments: object) -> object:
        session = build_session(*arguments)  # type: ignore[arg-type]
        bench.timed(session.model)
        return session

    framework_run.build_session = build_timed  # type: ignore[assignment]
    try:
        with tempfile.TemporaryDirectory() as folder:
            framework_run.run_recipe(recipe, bench.registry, Path(folder, "run"), SilentDisplay())
    finally:
        framework_run.build_session = build_session


def framework_without_augmentation(bench: Bench) -> None:
    """The same with no transforms."""
    framework(bench, augment=False)


def lightning(bench: Bench) -> None:
    """A minimal LightningModule."""
    import lightning as pl

    class Module(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.network = bench.network()

        def training_step(self, batch: list[torch.Tensor], index: int) -> torch.Tensor:
            with bench.autocast():
                logits = self.network(batch[0].contiguous(memory_format=torch.channels_last))
            return nn.functional.cross_entropy(logits.float(), batch[1])

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.Adam(self.parameters(), fused=True)

    trainer = pl.Trainer(
        max_epochs=1,
        accelerator="auto",
        devices=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(Module(), bench.loader())


class Autocast(nn.Module):
    """For trainers whose own mixed precision knows CUDA only: the forward pass in the bench's precision."""

    def __init__(self, bench: Bench) -> None:
        super().__init__()
        self.network, self.autocast = bench.network(), bench.autocast

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        with self.autocast():
            logits: torch.Tensor = self.network(images.contiguous(memory_format=torch.channels_last))
        return logits.float()


def fastai(bench: Bench) -> None:
    """A Learner without its bars."""
    from fastai.callback.progress import ProgressCallback
    from fastai.data.core import DataLoaders
    from fastai.learner import Learner
    from fastai.optimizer import OptimWrapper

    loader = bench.loader()
    learner = Learner(
        DataLoaders(loader, loader, device=bench.device),
        Autocast(bench),
        loss_func=nn.CrossEntropyLoss(),
        opt_func=lambda groups, **options: OptimWrapper(groups, torch.optim.Adam, fused=True),
    )
    learner.remove_cbs(ProgressCallback)
    with learner.no_logging(), learner.no_bar():
        learner._do_epoch_validate = lambda *arguments: None
        learner.fit(1, lr=1e-3)


def transformers(bench: Bench) -> None:
    """The Hugging Face Trainer on the same data set."""
    from transformers import Trainer, TrainingArguments

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = Autocast(bench)

        def forward(self, images: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
            logits = self.inner(images)
            return {"loss": nn.functional.cross_entropy(logits, labels), "logits": logits}

    def collate(items: list[tuple[torch.Tensor, int]]) -> dict[str, torch.Tensor]:
        return {"images": torch.stack([item[0] for item in items]), "labels": torch.tensor([item[1] for item in items])}

    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder,
            num_train_epochs=1,
            per_device_train_batch_size=bench.task.batch_size,
            dataloader_num_workers=bench.workers,
            dataloader_drop_last=True,
            remove_unused_columns=False,
            use_cpu=bench.device.type == "cpu",
            optim="adamw_torch_fused",
            save_strategy="no",
            logging_strategy="no",
            report_to=[],
            disable_tqdm=True,
        )
        Trainer(Network(), arguments, data_collator=collate, train_dataset=bench.loader().dataset).train()


PEERS = {"lightning": lightning, "fastai": fastai, "transformers": transformers}


def measure(task: Task, rounds: int, device: torch.device) -> None:
    """Print a table for one task."""
    ways: dict[str, Callable[[Bench], None]] = {
        "bare": bare,
        "framework, full augmentation": framework,
        "framework, no augmentation": framework_without_augmentation,
        "torchvision": torchvision,
    }
    ways |= {name: way for name, way in PEERS.items() if importlib.util.find_spec(name)}
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(task, Path(folder, "images"), device)
        tried = {}
        for bench.workers in (0, 1, 2, *([4, 8] if torch.get_num_threads() > 4 else [])):
            tried[bench.workers] = bench.rate(torchvision)
        bench.workers = max(tried, key=lambda workers: tried[workers])
        rates: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(rounds):
            for name, way in ways.items():
                rates[name].append(bench.rate(way))
    print(
        f"{task.name}: batches of {task.batch_size}, {device}, {bench.precision}, {bench.workers} workers for the peers"
    )
    of_bare = statistics.median(rates["bare"])
    for name, measured in rates.items():
        middle = statistics.median(measured)
        print(f"  {name:30} {middle:9,.0f} images/s {middle / of_bare:6.2f} of bare", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", nargs="*", choices=[[], *TASKS], help=f"any of {', '.join(TASKS)} (default: all)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", default="auto")
    arguments = parser.parse_args()
    for name in arguments.tasks or TASKS:
        measure(TASKS[name], arguments.rounds, choose_device(arguments.device))


if __name__ == "__main__":
    main()
