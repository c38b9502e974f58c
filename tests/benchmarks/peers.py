"""Training loops of other frameworks, with the same network and optimizer.

Lightning, fastai and the Hugging Face Trainer use the DataLoader of the bench; timm uses its own loader.
"""

from __future__ import annotations

import tempfile

import torch
from torch import nn

from tests.benchmarks.bench import Bench


def lightning(bench: Bench) -> None:
    """A minimal LightningModule."""
    import lightning as pl

    class Module(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.network = bench.timed(bench.network())

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
    """Forward pass in the precision of the bench, for trainers whose mixed precision supports only CUDA."""

    def __init__(self, bench: Bench) -> None:
        super().__init__()
        self.network, self.autocast = bench.timed(bench.network()), bench.autocast

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        with self.autocast():
            logits: torch.Tensor = self.network(images.contiguous(memory_format=torch.channels_last))
        return logits.float()


def fastai(bench: Bench) -> None:
    """A Learner without progress bars."""
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
    """The Hugging Face Trainer on the same dataset."""
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


def timm_loop(bench: Bench) -> None:
    """timm's dataset, transforms and prefetching loader, in a loop like that of its training script."""
    from timm.data import ImageDataset, create_loader

    task = bench.task
    loader = create_loader(
        ImageDataset(str(bench.folder), input_img_mode="L" if task.channels == 1 else "RGB"),
        input_size=(task.channels, task.size, task.size),
        batch_size=task.batch_size,
        is_training=True,
        no_aug=False,
        re_prob=0.5,
        re_mode="pixel",
        scale=(0.8, 1.0),
        color_jitter=(0.2, 0.2, 0.0),
        mean=(0.5,) * task.channels,
        std=(0.25,) * task.channels,
        num_workers=bench.workers,
        pin_memory=bench.device.type == "cuda",
        device=bench.device,
        persistent_workers=False,
    )
    model = bench.timed(bench.network()).train()
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    for images, labels in loader:
        with bench.autocast():
            logits = model(images.contiguous(memory_format=torch.channels_last))
        nn.functional.cross_entropy(logits.float(), labels).backward()
        optimizer.step()
        optimizer.zero_grad()


PEERS = {"timm": timm_loop, "lightning": lightning, "fastai": fastai, "transformers": transformers}
