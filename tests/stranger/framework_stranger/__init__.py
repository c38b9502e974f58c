"""A third-party plugin in its own distribution.

A dataset, models, an optimizer and a scheduler, and a few components with unusual behaviour.
"""

import json
from pathlib import Path

from framework_tasks import SingleLabel
from pydantic import Field

from framework import (
    Callback,
    Command,
    Dataset,
    Detector,
    ExportedFile,
    Exporter,
    ImageArrays,
    Loss,
    Method,
    Metric,
    MetricFormat,
    Model,
    Optimizer,
    Region,
    Scheduler,
    Transform,
    build,
    hookimpl,
)


class Dots(Dataset):
    """A bright dot in one of four corners of a noisy square."""

    name = "dots"
    images: int = Field(240, ge=8)
    """Training images."""

    def build(self):
        """Splits `train` and `test`."""
        import numpy as np

        splits = {}
        for split, count, seed in (("train", self.images, 1), ("test", self.images // 4, 2)):
            random = np.random.default_rng(seed)
            images = random.integers(0, 90, (count, 1, 16, 16), dtype=np.uint8)
            labels = [index % 4 for index in range(count)]
            for image, label in zip(images, labels, strict=True):
                row, column = (
                    8 * (label // 2) + random.integers(1, 6),
                    8 * (label % 2) + random.integers(1, 6),
                )
                image[0, row : row + 2, column : column + 2] = random.integers(60, 200)
            splits[split] = ImageArrays(images, labels, ["top_left", "top_right", "bottom_left", "bottom_right"])
        return splits


class Shades(Dataset):
    """Dark and bright squares."""

    name = "shades"

    def build(self):
        """Split `train`, from which others are held out."""
        import numpy as np

        labels = np.arange(80) % 2
        images = np.random.default_rng(0).integers(0, 100, (80, 1, 16, 16), dtype=np.uint8)
        images += (100 * labels).astype(np.uint8)[:, None, None, None]
        return {"train": ImageArrays(images, labels.tolist(), ["dark", "bright"])}


class Negative(Transform):
    """The negative of half of the images."""

    name = "negative"

    def build(self):
        """The transform."""

        def negative(images, targets, rng):
            chosen = (rng.uniform(0, 1) < 0.5)[:, None, None, None]
            return (1 - images).where(chosen, images), targets

        return negative


class Squared(Loss):
    """Squared distance of the probabilities from the targets."""

    name = "squared"

    def build(self):
        """A function of logits and targets."""
        return lambda logits, targets: (logits.softmax(dim=1) - targets).square().sum(dim=1).mean()


class Middle(Detector):
    """The middle of an image."""

    name = "middle"

    def build(self):
        """The detector."""
        return lambda image: [
            Region(image.shape[2] // 4, image.shape[1] // 4, image.shape[2] // 2, image.shape[1] // 2)
        ]


class TinyNet(Model):
    """Two convolutions, dropout and a linear layer."""

    name = "tinynet"
    width: int = Field(8, ge=1)
    """Channels."""
    dropout: float = Field(0.1, ge=0, lt=1)
    """Dropout rate."""

    def build(self, num_classes, channels):
        """The network, for images of any size."""
        from torch import nn

        return nn.Sequential(
            nn.Conv2d(channels, self.width, 3, stride=2, padding=1), nn.BatchNorm2d(self.width), nn.ReLU(),
            nn.Conv2d(self.width, self.width, 3, stride=2, padding=1), nn.BatchNorm2d(self.width), nn.ReLU(),
            nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Dropout(self.dropout), nn.Linear(16 * self.width, num_classes),
        )  # fmt: skip


class PlainSGD(Optimizer):
    """Plain gradient descent."""

    name = "plain_sgd"
    lr: float = Field(0.1, gt=0)
    """Learning rate."""

    def build(self, model):
        """The optimizer."""
        import torch

        return torch.optim.SGD(model.parameters(), self.lr)


class LBFGS(Optimizer):
    """Quasi-Newton steps, which evaluate the loss several times (Liu and Nocedal, 1989)."""

    name = "lbfgs"

    def build(self, model):
        """The optimizer."""
        import torch

        return torch.optim.LBFGS(model.parameters(), 0.1, max_iter=3, history_size=4)


class Mirrored(Method):
    """The same prediction for an image and its mirror image."""

    name = "mirrored"

    def build(self):
        """The method."""

        def method(step):
            for batch in step.batches:
                loss, logits = step.forward(batch)
                difference = step.logits(batch.images.flip(3)).softmax(1) - logits.softmax(1)
                step.backward(loss + difference.square().mean(), batch)
                yield loss, logits

        return method


class Halving(Scheduler):
    """Halves the learning rate at regular intervals."""

    name = "halving"
    every: int = Field(1, ge=1)
    """Interval in epochs."""

    def build(self, optimizer, steps_per_epoch):
        """The scheduler."""
        import torch

        return torch.optim.lr_scheduler.StepLR(optimizer, self.every * steps_per_epoch, gamma=0.5)


class LinearProbe(Model):
    """One linear layer on the pixels, independent of the batch."""

    name = "linear_probe"

    def build(self, num_classes, channels, image_size):
        """The network."""
        from torch import nn

        height, width = image_size
        return nn.Sequential(nn.Flatten(), nn.Linear(channels * height * width, num_classes))


class Warm(Model):
    """Another network, with initial weights from a file."""

    name = "warm"
    inside: Model
    """The network."""
    weights: Path | None = None
    """A safetensors file."""

    def without_pretrained(self):
        """A copy with random weights."""
        return self.model_copy(update={"inside": self.inside.without_pretrained(), "weights": None})

    def build(self, num_classes, channels, image_size):
        """The network."""
        from safetensors.torch import load_file

        network = build(self.inside, num_classes=num_classes, channels=channels, image_size=image_size)
        if self.weights is not None:
            network.load_state_dict(load_file(self.weights))
        return network


class WrongShape(Model):
    """Returns one logit too many."""

    name = "wrong_shape"

    def build(self, num_classes, channels, image_size):
        """The network."""
        return LinearProbe().build(num_classes + 1, channels, image_size)


class Picky(Model):
    """Does not support images smaller than 100 pixels."""

    name = "picky"

    def build(self, num_classes):
        """The network."""
        from torch import nn

        return nn.Sequential(nn.Conv2d(1, 4, 100), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, num_classes))


class Explodes(Loss):
    """Cross entropy for four batches, then NaN."""

    name = "explodes"
    gradient_only: bool = False
    """Only the gradient is NaN; the loss is finite."""

    def build(self):
        """The loss."""
        import torch

        calls = iter(range(1, 1_000_000))

        def loss(logits, targets):
            value = torch.nn.functional.cross_entropy(logits, targets)
            if next(calls) < 5:
                return value
            no_distance = (logits - logits.detach()).abs().sum().sqrt()  # 0, with a gradient of NaN
            return value + no_distance if self.gradient_only else value * float("nan")

        return loss


class Tiring(Loss):
    """Cross entropy times a factor that decays with each call."""

    name = "tiring"
    learned: bool = False
    """The decay is a trained parameter."""

    def build(self):
        """The loss."""
        import torch

        class Module(torch.nn.Module):
            def __init__(self, learned):
                super().__init__()
                self.register_buffer("strength", torch.ones(()))
                self.rate = torch.nn.Parameter(torch.tensor(0.9), requires_grad=learned)

            def forward(self, logits, targets):
                self.strength *= self.rate.detach()
                return torch.nn.functional.cross_entropy(logits, targets) * self.strength

        return Module(self.learned)


class Ordinal(SingleLabel):
    """One class for each image, of ordered classes."""

    name = "ordinal"
    metric_formats = SingleLabel.metric_formats | {
        "mean_error": MetricFormat("mean error", percent=False, greater_is_better=False, monitor=True)
    }
    monitor = "mean_error"

    def metrics(self, predictions):
        error = (self.predicted(predictions) - predictions.labels).abs().double().mean().item()
        return super().metrics(predictions) | {"mean_error": error}


class Sureness(Metric):
    """Mean probability of the true class."""

    name = "sureness"
    title = "sureness"
    percent = True

    def build(self):
        """The metric."""
        return lambda probabilities, labels: probabilities.gather(1, labels[:, None]).mean()


class Parcel(Exporter):
    """The graph of `torch.export` in a file with another suffix, its texts in a second file."""

    name = "parcel"
    suffix = ".parcel"
    companions = (".texts",)

    def write(self, export, path):
        """Write both files."""
        import torch

        with path.open("wb") as file:
            torch.export.save(export.program, file)
        path.with_suffix(".texts").write_text(json.dumps(dict(export.texts)))

    def open(self, path):
        """The texts now, the graph later."""
        return ExportedFile(json.loads(path.with_suffix(".texts").read_text()), lambda: load_graph(path))


def load_graph(path):
    """The graph as a function."""
    import torch

    with path.open("rb") as file:
        return torch.inference_mode()(torch.export.load(file).module())


class MeanTeacher(Method):
    """Predictions that agree with those of averaged weights (Tarvainen and Valpola, 2017)."""

    name = "mean_teacher"

    def build(self, model):
        """The method; the averaged weights are its state."""
        import copy

        import torch

        class Teaching(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.teacher = copy.deepcopy(model).requires_grad_(False)

            def forward(self, step):
                pairs = zip(self.teacher.parameters(), step.model.parameters(), strict=True)
                for average, weight in pairs:
                    average.lerp_(weight.detach(), 0.1)
                for batch in step.batches:
                    loss, logits = step.forward(batch)
                    target = self.teacher(batch.images).softmax(1)
                    step.backward(loss + (logits.softmax(1) - target).square().mean(), batch)
                    yield loss, logits

        return Teaching()


class Diary(Callback):
    """Logs every hook."""

    name = "diary"

    def build(self, run):
        """The callback."""

        def write(hook):
            with (run.path / "diary.jsonl").open("a") as file:
                file.write(json.dumps({"hook": hook}) + "\n")

        class Writer:
            @hookimpl
            def run_start(self):
                write("run_start")

            @hookimpl
            def step_end(self):
                write("step_end")

            @hookimpl
            def epoch_end(self):
                write("epoch_end")

            @hookimpl
            def run_end(self):
                write("run_end")

        return Writer()


class Fragile(Callback):
    """Raises an exception in one hook; not essential for the run."""

    name = "fragile"
    essential = False
    hook: str

    def build(self, run, say):
        """The callback."""
        failing = self.hook

        class Listener:
            @hookimpl
            def run_start(self):
                self.call("run_start")

            @hookimpl
            def epoch_end(self, epoch, examples):
                self.call("epoch_end")
                with (run.path / "seen.jsonl").open("a") as file:
                    file.write(json.dumps([example.name for example in examples(4)]) + "\n")

            @hookimpl
            def run_end(self, results, examples):
                self.call("run_end")
                say(f"shown {len(examples(4))} at the end")

            @hookimpl
            def run_stopped(self, error):
                self.call("run_stopped")
                say(f"stopped by {type(error).__name__}")

            def call(self, hook):
                if hook == failing:
                    raise ConnectionError("connection\nrefused")

        return Listener()


class Misspelt(Callback):
    """Has a hook that does not exist."""

    name = "misspelt"

    def build(self):
        """The callback."""

        class Listener:
            @hookimpl
            def epoch_ends(self, step):
                pass

        return Listener()


@hookimpl
def components():
    """The components of this plugin."""
    return [
        Dots, Shades, Ordinal, Negative, TinyNet, PlainSGD, LBFGS, Mirrored, MeanTeacher, Halving, LinearProbe, Warm,
        WrongShape, Picky, Explodes, Tiring, Squared, Middle, Sureness, Parcel, Diary, Fragile, Misspelt,
    ]  # fmt: skip


@hookimpl
def commands():
    """The command `framework hello`."""
    return [Command("hello", "print a greeting", "framework_stranger.hello")]
