"""The baseline of this project as a plain PyTorch script without the framework.

Grayscale ImageFolder, ResNet-18 with a 7-way head, cross entropy, Adam at 1e-3, a step schedule, five epochs:
`python -m tests.benchmarks.starting_method DATA/fer2013`. Prints seconds and the accuracy on `test/`.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader, random_split
from torchvision import models, transforms
from torchvision.datasets import ImageFolder


def accuracy(model: nn.Module, loader: DataLoader) -> float:
    """Accuracy, computed without gradients."""
    model.eval()
    with torch.no_grad():
        correct = sum((model(images).argmax(1) == labels).sum().item() for images, labels in loader)
    return correct / len(loader.dataset)


def main() -> None:
    """Train and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--validation", type=float, default=0.1)
    arguments = parser.parse_args()
    torch.manual_seed(0)
    started = time.perf_counter()
    steps = [transforms.Grayscale(), transforms.ToTensor(), transforms.Normalize(0.5, 0.5)]
    train, test = (ImageFolder(arguments.root / part, transforms.Compose(steps)) for part in ("train", "test"))
    train, validation = random_split(train, [1 - arguments.validation, arguments.validation])
    loaders = [
        DataLoader(part, batch_size=64, shuffle=part is train, num_workers=arguments.workers)
        for part in (train, validation, test)
    ]
    model = models.resnet18(num_classes=7)
    model.conv1 = nn.Conv2d(1, 64, 7, stride=2, padding=3, bias=False)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.7)
    for epoch in range(arguments.epochs):
        model.train()
        for images, labels in loaders[0]:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(images), labels).backward()
            optimizer.step()
        scheduler.step()
        seconds = time.perf_counter() - started
        print(f"epoch {epoch + 1}: validation {accuracy(model, loaders[1]):.4f}, {seconds:.0f} s", flush=True)
    top1 = accuracy(model, loaders[2])
    print(f"test {top1:.4f}, {time.perf_counter() - started:.0f} s in total")


if __name__ == "__main__":
    main()
