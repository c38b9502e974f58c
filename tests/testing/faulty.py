"""Components that fail exactly one check each, by kind and name of the check."""

import json
import time
import zipfile
from collections.abc import Callable

import numpy as np
import torch
from framework_tasks import SingleLabel
from pydantic import Field, field_validator
from torch import nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import LambdaLR, LRScheduler

from framework import (
    Callback,
    Dataset,
    Detector,
    ExportedFile,
    Exporter,
    ImageArrays,
    Loss,
    Method,
    Metric,
    Model,
    Optimizer,
    Region,
    Scheduler,
    Transform,
    UserError,
    hookimpl,
)  # fmt: skip


class PlainLoss(Loss):
    """Cross entropy."""

    name = "plain"

    def build(self):
        return F.cross_entropy


class Undocumented(PlainLoss):
    """Has an option without documentation."""

    scale: float = 1.0


class WithoutSchema(PlainLoss):
    """Has an option that is a function."""

    function: Callable[[int], int] | None = None
    """A function."""


class WrongDefault(PlainLoss):
    """Has a default outside of its bounds."""

    fraction: float = Field(2.0, le=1)
    """At most 1."""


class NeverPassed(PlainLoss):
    """Has an argument that no loss gets."""

    def build(self, smoothing=0.1):
        return F.cross_entropy


class WrongValidator(PlainLoss):
    """Has a validator that raises KeyError."""

    reduction: str = "mean"
    """How to reduce."""

    @field_validator("reduction")
    @classmethod
    def _known(cls, reduction):
        return {"mean": reduction}[reduction]


class Gray(ImageArrays):
    """Twelve random images."""

    @classmethod
    def make(cls, order=range(12)):
        images = np.random.default_rng(0).integers(0, 255, (12, 1, 8, 8), dtype=np.uint8)
        return cls(images[list(order)], [index % 2 for index in order], ["a", "b"])


class RowsFirst(Gray):
    def read(self, index):
        return super().read(index).transpose(1, 2, 0)


class OneBuffer(Gray):
    def read(self, index):
        self.__dict__["buffer"] = super().read(index)
        time.sleep(0.002)
        return self.__dict__["buffer"]


class WithLambda(Gray):
    def __post_init__(self):
        super().__post_init__()
        self.__dict__["function"] = lambda image: image


class FaultyDataset(Dataset):
    """A dataset with one kind of source."""

    name = "faulty"


class Transposed(FaultyDataset):
    """Reads H×W×C."""

    def build(self):
        return {"train": RowsFirst.make()}


class Shuffled(FaultyDataset):
    """Has another order each time."""

    def build(self):
        return {"train": Gray.make(np.random.permutation(12))}


class NotThreadSafe(FaultyDataset):
    """Shares a buffer between calls."""

    def build(self):
        return {"train": OneBuffer.make()}


class NotPicklable(FaultyDataset):
    """Holds a function."""

    def build(self):
        return {"train": WithLambda.make()}


class TooBright(Transform):
    """Leaves [0, 1]."""

    name = "faulty"

    def build(self):
        return lambda images, targets, rng: (images + 0.1, targets)


class RandomWhenBuilt(Transform):
    """Draws its strength from the global generator."""

    name = "faulty"

    def build(self):
        strength = torch.rand(())
        return lambda images, targets, rng: (images * strength, targets)


class OfTheBatch(Transform):
    """Divides by the maximum of the batch."""

    name = "faulty"

    def build(self):
        return lambda images, targets, rng: (images / images.max(), targets)


class Network(nn.Module):
    def __init__(self, channels, num_classes):
        super().__init__()
        self.convolution = nn.Conv2d(channels, 4, 3, stride=4)
        self.head = nn.Linear(4, num_classes)

    def forward(self, images):
        return self.head(self.convolution(images).relu().mean((2, 3)))


class FaultyModel(Model):
    """A small network."""

    name = "faulty"

    def build(self, num_classes, channels):
        return Network(channels, num_classes)


class AtLeastTwoClasses(FaultyModel):
    """Has two logits for one class."""

    def build(self, num_classes, channels):
        return Network(channels, max(num_classes, 2))


class RandomByNumPy(FaultyModel):
    """Has weights from NumPy's generator."""

    def build(self, num_classes, channels):
        network = Network(channels, num_classes)
        nn.init.constant_(network.head.bias, np.random.rand())
        return network


class Centred(FaultyModel):
    """Subtracts the mean of the batch, in evaluation too."""

    def build(self, num_classes, channels):
        class Centring(Network):
            def forward(self, images):
                logits = super().forward(images)
                return logits - logits.mean(0)

        return Centring(channels, num_classes)


class Unused(FaultyModel):
    """Has a layer that is not used."""

    def build(self, num_classes, channels):
        network = Network(channels, num_classes)
        network.unused = nn.Linear(2, 2)
        return network


class HiddenState(FaultyModel):
    """Has a running mean that is no buffer."""

    def build(self, num_classes, channels):
        class Running(Network):
            mean = torch.zeros(num_classes)

            def forward(self, images):
                logits = super().forward(images)
                if self.training:
                    self.mean = 0.9 * self.mean + 0.1 * logits.detach().mean(0)
                return logits - self.mean

        return Running(channels, num_classes)


class Branching(FaultyModel):
    """Branches on a value."""

    def build(self, num_classes, channels):
        class Branches(Network):
            def forward(self, images):
                logits = super().forward(images)
                return logits * 2 if logits.sum() > 0 else logits

        return Branches(channels, num_classes)


class DividesByOtherClasses(PlainLoss):
    """Divides by the number of other classes in the batch."""

    def build(self):
        return lambda logits, targets: F.cross_entropy(logits, targets) / ((targets.sum(0) > 0).sum() - 1)


class Noisy(PlainLoss):
    """Adds noise from NumPy's generator."""

    def build(self):
        return lambda logits, targets: F.cross_entropy(logits, targets) + float(np.random.rand())


class LogOfZero(PlainLoss):
    """Takes the logarithm of probabilities."""

    def build(self):
        return lambda logits, targets: -(targets * logits.softmax(1).log()).sum(1).mean()


class Counting(PlainLoss):
    """Counts its calls."""

    def build(self):
        calls = []

        def loss(logits, targets):
            calls.append(1)
            return F.cross_entropy(logits, targets) * 0.9 ** len(calls)

        return loss


class FaultyMethod(Method):
    """Supervised training with a loss that is changed."""

    name = "faulty"

    def build(self):
        def method(step):
            for batch in step.batches:
                loss, logits = step.forward(batch)
                step.backward(self.changed(loss), batch)
                yield loss, logits

        return method


class Maximises(FaultyMethod):
    """Maximises the loss."""

    def changed(self, loss):
        return -loss


class Shrinks(FaultyMethod):
    """Has a weight decay of its own."""

    def build(self):
        def method(step):
            with torch.no_grad():
                for weight in step.model.parameters():
                    weight.mul_(0.99)
            for batch in step.batches:
                loss, logits = step.forward(batch)
                step.backward(loss, batch)
                yield loss, logits

        return method


class FirstBatchOnly(FaultyMethod):
    """Uses one micro-batch."""

    def build(self):
        def method(step):
            batch = next(step.batches)
            loss, logits = step.forward(batch)
            step.backward(loss, batch)
            return [(loss, logits)]

        return method


class RandomWeight(FaultyMethod):
    """Has a random weight of the loss."""

    def changed(self, loss):
        return loss * np.random.rand()


class Decreasing(FaultyMethod):
    """Counts its calls."""

    def build(self):
        calls = []

        def method(step):
            for batch in step.batches:
                loss, logits = step.forward(batch)
                step.backward(loss * 0.9 ** len(calls), batch)
                calls.append(1)
                yield loss, logits

        return method


class FaultyOptimizer(Optimizer):
    """Gradient descent."""

    name = "faulty"


class MatricesOnly(FaultyOptimizer):
    """Leaves out biases."""

    def build(self, model):
        return torch.optim.SGD([each for each in model.parameters() if each.requires_grad and each.ndim > 1], 0.1)


class RandomRate(FaultyOptimizer):
    """Has a random learning rate in each step."""

    def build(self, model):
        class Random(torch.optim.SGD):
            def step(self, closure=None):
                self.param_groups[0]["lr"] = np.random.rand()
                return super().step(closure)

        return Random(model.parameters(), 0.1)


class HiddenSteps(FaultyOptimizer):
    """Counts its steps in an attribute."""

    def build(self, model):
        class Slowing(torch.optim.SGD):
            steps = 0

            def step(self, closure=None):
                self.steps += 1
                self.param_groups[0]["lr"] = 0.1 / self.steps
                return super().step(closure)

        return Slowing(model.parameters(), 0.1)


class FaultyScheduler(Scheduler):
    """A schedule."""

    name = "faulty"


class BelowZero(FaultyScheduler):
    """Falls below zero, and divides by zero for one step."""

    def build(self, optimizer, total_steps):
        return LambdaLR(optimizer, lambda step: 1 - step / (total_steps - 1))


class RandomFactor(FaultyScheduler):
    """Draws its rate when it is built."""

    def build(self, optimizer):
        class Random(LRScheduler):
            def __init__(self, optimizer):
                self.rate = float(np.random.rand())
                super().__init__(optimizer)

            def get_lr(self):
                return [self.rate for _ in self.optimizer.param_groups]

        return Random(optimizer)


class HiddenCount(FaultyScheduler):
    """Counts its steps outside of its state."""

    def build(self, optimizer):
        calls = []

        def factor(step):
            calls.append(1)
            return 0.9 ** len(calls)

        return LambdaLR(optimizer, factor)


class FaultyCallback(Callback):
    """A callback."""

    name = "faulty"


class Misspelt(FaultyCallback):
    """Has a hook that does not exist."""

    def build(self):
        class Listener:
            @hookimpl
            def epoch_ends(self):
                pass

        return Listener()


class FailsInTheSecondEpoch(FaultyCallback):
    """Fails unless the run was resumed."""

    def build(self):
        class Listener:
            @hookimpl
            def run_start(self, start_step):
                self.first = start_step

            @hookimpl
            def epoch_end(self, epoch):
                if epoch == 2 and self.first == 0:
                    raise KeyError("second")

        return Listener()


class NewFile(FaultyCallback):
    """Creates a file that must not exist."""

    def build(self, run):
        class Listener:
            @hookimpl
            def run_start(self):
                (run.path / "log.txt").open("x").close()

        return Listener()


class FaultyDetector(Detector):
    """The whole image."""

    name = "faulty"


class Overwrites(FaultyDetector):
    """Modifies the image."""

    def build(self):
        def find(image):
            image[:] = 0
            return [Region(0, 0, image.shape[2], image.shape[1])]

        return find


class RandomScore(FaultyDetector):
    """Draws its score when it is built."""

    def build(self):
        score = np.random.rand()
        return lambda image: [Region(0, 0, image.shape[2], image.shape[1], score)]


class SharesTheImage(FaultyDetector):
    """Keeps the size of the image in a variable of all calls."""

    def build(self):
        shared = {}

        def find(image):
            shared["size"] = image.shape
            time.sleep(0.002)
            return [Region(0, 0, shared["size"][2], shared["size"][1])] if shared["size"] == image.shape else []

        return find


class FaultyMetric(Metric):
    """Top-1 accuracy."""

    name = "faulty"


def accuracy(probabilities, labels):
    return (probabilities.argmax(1) == labels).double().mean()


class OfManyClasses(FaultyMetric):
    """Is undefined for two classes."""

    def build(self):
        return lambda probabilities, labels: (
            accuracy(probabilities, labels) if probabilities.shape[1] > 2 else torch.nan
        )


class ErrorRate(FaultyMetric):
    """Does not declare that lower is better."""

    def build(self):
        return lambda probabilities, labels: 1 - accuracy(probabilities, labels)


class FirstHalf(FaultyMetric):
    """Weights the first images more."""

    def build(self):
        def metric(probabilities, labels):
            weights = torch.linspace(1, 0.1, len(labels)).double()
            return ((probabilities.argmax(1) == labels) * weights).sum() / weights.sum()

        return metric


class Accumulating(FaultyMetric):
    """Is the mean over all calls."""

    def build(self):
        calls = []

        def metric(probabilities, labels):
            calls.append(accuracy(probabilities, labels))
            return torch.stack(calls).mean()

        return metric


class InPlace(FaultyMetric):
    """Modifies the labels."""

    def build(self):
        def metric(probabilities, labels):
            value = accuracy(probabilities, labels)
            labels.clamp_(max=0)
            return value

        return metric


class NeedsAllClasses(FaultyMetric):
    """Fails if a class has no images."""

    def build(self, classes):
        def metric(probabilities, labels):
            recalls = [accuracy(probabilities[labels == label], labels[labels == label]) for label in labels.unique()]
            return sum(recalls[label] for label in range(len(classes))) / len(classes)

        return metric


class FaultyTask(SingleLabel):
    """One class for each image."""

    name = "faulty"


class UnknownScore(FaultyTask):
    """Logs a metric that it does not describe."""

    training_metric = "speed"


class DoublePrecision(FaultyTask):
    """Returns labels in float64."""

    def check_labels(self, labels, classes, names):
        checked = super().check_labels(labels, classes, names)
        return np.eye(len(classes))[checked] if checked.ndim == 1 else checked.astype(np.float64)

    def targets(self, labels, classes):
        return super().targets(labels, classes).float()


class Unchecked(FaultyTask):
    """Accepts any numbers."""

    def check_labels(self, labels, classes, names):
        return labels.astype(np.float32) if labels.ndim == 2 else super().check_labels(labels, classes, names)


class ByPosition(FaultyTask):
    """Holds out the first images."""

    def hold_out(self, names, labels, classes, fractions, seed):
        indices, parts = list(range(len(names))), {}
        for split, fraction in fractions.items():
            number = round(len(names) * fraction)
            parts[split], indices = indices[:number], indices[number:]
        return {**parts, "train": indices}


class MeanScore(FaultyTask):
    """Returns the mean of the batch."""

    def score(self, logits, targets):
        return super().score(logits, targets) / len(logits)


class Tensors(FaultyTask):
    """Returns a tensor as a metric."""

    def metrics(self, predictions):
        found = super().metrics(predictions)
        return found | {"top1": torch.tensor(found["top1"])}


class TwoClasses(FaultyTask):
    """Predicts two classes, but is evaluated on the first."""

    def decide(self, probabilities, classes, thresholds):
        return sorted(zip(classes, probabilities, strict=True), key=lambda pair: -pair[1])[:2]


class FaultyExporter(Exporter):
    """The graph of torch.export and the texts in a zip file."""

    name = "faulty"
    suffix = ".faulty"

    def write(self, export, path):
        torch.export.save(export.program, graph := path.with_suffix(".pt2"))
        self.pack(export, path, graph)
        graph.unlink()

    def pack(self, export, path, graph):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("texts", json.dumps(dict(export.texts)))
            archive.write(graph, "graph")

    def open(self, path):
        try:
            with zipfile.ZipFile(path) as archive:
                return ExportedFile(json.loads(archive.read("texts")), lambda: self.load(path))
        except zipfile.BadZipFile as error:
            raise UserError(f"{path}: {error}") from None

    def load(self, path):
        with zipfile.ZipFile(path) as archive, archive.open("graph") as graph:
            return torch.inference_mode()(torch.export.load(graph).module())


class LeavesAFile(FaultyExporter):
    """Does not remove a temporary file."""

    def write(self, export, path):
        super().write(export, path)
        path.with_suffix(".log").write_text("written")


class WithoutClasses(FaultyExporter):
    """Stores only some of the texts."""

    def open(self, path):
        opened = super().open(path)
        return ExportedFile({key: opened.texts[key] for key in ("model", "recipe", "card")}, opened.load)


class Uncalibrated(FaultyExporter):
    """Undoes the temperature."""

    def load(self, path):
        graph = super().load(path)

        def compute(images):
            logits = graph(images)[1] * 2
            return logits.softmax(1), logits

        return compute


class RemembersItsPath(FaultyExporter):
    """Reads the graph from the path that it was written to."""

    def load(self, path):
        return super().load(path.with_stem("checked"))


class RaisesBadZipFile(FaultyExporter):
    """Raises whatever zipfile raises."""

    def open(self, path):
        with zipfile.ZipFile(path) as archive:
            return ExportedFile(json.loads(archive.read("texts")), lambda: self.load(path))


FAULTY = {
    ("loss", "documentation"): Undocumented,
    ("loss", "schema"): WithoutSchema,
    ("loss", "options"): WrongDefault,
    ("loss", "build_arguments"): NeverPassed,
    ("loss", "invalid_options"): WrongValidator,
    ("dataset", "splits"): Transposed,
    ("dataset", "determinism"): Shuffled,
    ("dataset", "threads"): NotThreadSafe,
    ("dataset", "pickling"): NotPicklable,
    ("transform", "shapes"): TooBright,
    ("transform", "determinism"): RandomWhenBuilt,
    ("transform", "batch_independence"): OfTheBatch,
    ("model", "shapes"): AtLeastTwoClasses,
    ("model", "determinism"): RandomByNumPy,
    ("model", "batch_independence"): Centred,
    ("model", "gradients"): Unused,
    ("model", "resume"): HiddenState,
    ("model", "export"): Branching,
    ("loss", "shapes"): DividesByOtherClasses,
    ("loss", "determinism"): Noisy,
    ("loss", "gradients"): LogOfZero,
    ("loss", "resume"): Counting,
    ("method", "updates"): Maximises,
    ("method", "weights"): Shrinks,
    ("method", "batches"): FirstBatchOnly,
    ("method", "determinism"): RandomWeight,
    ("method", "resume"): Decreasing,
    ("optimizer", "updates"): MatricesOnly,
    ("optimizer", "determinism"): RandomRate,
    ("optimizer", "resume"): HiddenSteps,
    ("scheduler", "rates"): BelowZero,
    ("scheduler", "determinism"): RandomFactor,
    ("scheduler", "resume"): HiddenCount,
    ("callback", "hooks"): Misspelt,
    ("callback", "events"): FailsInTheSecondEpoch,
    ("callback", "resume"): NewFile,
    ("detector", "regions"): Overwrites,
    ("detector", "determinism"): RandomScore,
    ("detector", "threads"): SharesTheImage,
    ("metric", "values"): OfManyClasses,
    ("metric", "direction"): ErrorRate,
    ("metric", "order"): FirstHalf,
    ("metric", "repeatability"): Accumulating,
    ("metric", "inputs"): InPlace,
    ("metric", "few_images"): NeedsAllClasses,
    ("task", "declared_metrics"): UnknownScore,
    ("task", "labels"): DoublePrecision,
    ("task", "invalid_labels"): Unchecked,
    ("task", "held_out"): ByPosition,
    ("task", "training"): MeanScore,
    ("task", "metrics"): Tensors,
    ("task", "decisions"): TwoClasses,
    ("exporter", "files"): LeavesAFile,
    ("exporter", "texts"): WithoutClasses,
    ("exporter", "parity"): Uncalibrated,
    ("exporter", "standalone"): RemembersItsPath,
    ("exporter", "damaged"): RaisesBadZipFile,
}
