"""A plugin whose components violate their contracts; the option `how` selects the violation."""

import json
from types import SimpleNamespace

from framework_tasks import SingleLabel
from pydantic import field_validator

from framework import (
    Callback,
    Dataset,
    Detector,
    ExportedFile,
    Exporter,
    Loss,
    Method,
    Metric,
    Model,
    Optimizer,
    Region,
    Scheduler,
    Transform,
    build,
    hookimpl,
)


def fail(*arguments, **named):
    raise KeyError("no such thing")


class FaultyDataset(Dataset):
    """Forty images of two classes."""

    name = "faulty_images"
    how: str = "read"

    def build(self):
        import numpy as np

        from framework import ImageArrays

        images = ImageArrays(np.zeros((40, 1, 16, 16), np.uint8), [0, 1] * 20, ["a", "b"])
        if self.how == "build":
            fail()
        if self.how == "none":
            return None
        members = {name: getattr(images, name) for name in ("classes", "labels", "names", "channels")}
        if self.how == "labels":
            members["labels"] = [7] * 40
        return {"train": Listed(images.read if self.how != "read" else fail, self.how, **members)}


class Listed(SimpleNamespace):
    def __init__(self, read, how, **members):
        super().__init__(**members)
        self.read = (lambda index: [[0]]) if how == "form" else read

    def __len__(self):
        return 40


class FaultyTransform(Transform):
    """Changes images incorrectly."""

    name = "faulty_transform"
    how: str

    def build(self, image_size):
        import torch

        projective = torch.eye(3).repeat(256, 1, 1)
        projective[200, 2, 0] = 0.1  # one image in many
        returned = {
            "raises": fail,
            "none": lambda images, targets, rng: None,
            "images alone": lambda images, targets, rng: images,
            "size": lambda images, targets, rng: (images[:, :, 1:], targets),
            "range": lambda images, targets, rng: (images + 1, targets),
            "nan": lambda images, targets, rng: (images * float("nan"), targets),
            "targets": lambda images, targets, rng: (images, targets * 2),
            "projective": SimpleNamespace(matrices=lambda rng: projective[-len(rng) :]),
            "matrices": SimpleNamespace(matrices=lambda rng: torch.eye(3)),
            "levels": SimpleNamespace(levels=lambda means, rng: means),
            "not callable": 3,
        }
        return returned[self.how]


class FaultyModel(Model):
    """One linear layer."""

    name = "faulty_model"
    how: str

    def build(self, num_classes, channels, image_size):
        from torch import nn

        how = self.how
        if how == "none":
            return None
        if how == "no parameters":
            return nn.Flatten()

        class Network(nn.Module):
            def __init__(self):
                super().__init__()
                self.head = nn.Linear(channels * image_size[0] * image_size[1], num_classes)

            def forward(self, images):
                logits = self.head(images.flatten(1))
                if self.training and how == "raises":
                    fail()
                if self.training and how == "evaluation":
                    self.trained = True
                if not self.training and hasattr(self, "trained"):
                    fail()
                return (logits, logits) if self.training and how == "tuple" else logits

        return Network()


class FaultyLoss(Loss):
    """Incorrect cross entropy."""

    name = "faulty_loss"
    how: str
    after: int = 0
    """Number of correct calls before the first violation."""

    def build(self):
        import torch
        from torch.nn import functional as F

        wrong = {
            "raises": fail,
            "shape": lambda logits, targets: F.cross_entropy(logits, targets, reduction="none"),
            "arity": lambda logits: logits.sum(),
            "none": lambda logits, targets: None,
            "number": lambda logits, targets: F.cross_entropy(logits, targets).item(),
            "detached": lambda logits, targets: F.cross_entropy(logits, targets).detach(),
            "exit": lambda logits, targets: exit(0),
            "backward": lambda logits, targets: Backward.apply(logits.mean()),
        }[self.how]

        class Backward(torch.autograd.Function):
            @staticmethod
            def forward(context, value):
                return value.clone()

            @staticmethod
            def backward(context, gradient):
                fail()

        calls = []

        def loss(logits, targets):
            calls.append(1)
            return wrong(logits, targets) if len(calls) > self.after else F.cross_entropy(logits, targets)

        return wrong if self.how == "arity" else loss


class FaultyMethod(Method):
    """Supervised training, wrongly."""

    name = "faulty_method"
    how: str
    after: int = 0

    def build(self):
        how, after = self.how, self.after
        if how == "none":
            return None

        def method(step):
            batches = list(step.batches)
            right = [(batch, *step.forward(batch)) for batch in batches]
            for batch, loss, _ in right:
                if how != "no backward":
                    step.backward(loss, batch)
            results = [(loss, logits) for _, loss, logits in right]
            if step.index < after:
                return results
            wrong = {
                "raises": fail,
                "returns none": lambda: None,
                "loss alone": lambda: [loss for loss, _ in results],
                "number": lambda: [(1.0, logits) for _, logits in results],
                "logits": lambda: [(loss, logits[1:]) for loss, logits in results],
                "too few": list,
                "too many": lambda: results * 2,
                "no backward": lambda: results,
            }
            return wrong[how]()

        return method


class FaultyOptimizer(Optimizer):
    """Incorrect gradient descent."""

    name = "faulty_optimizer"
    how: str
    after: int = 0

    def build(self, model):
        import torch

        how, after, steps = self.how, self.after, []
        if how == "none":
            return None
        if how == "other parameters":
            return torch.optim.SGD([torch.nn.Parameter(torch.zeros(3))], 0.1)

        class Steps(torch.optim.SGD):
            def step(self, closure=None):
                steps.append(1)
                if len(steps) > after:
                    fail()
                return super().step(closure)

        return Steps(model.parameters(), 0.1)


class FaultyScheduler(Scheduler):
    """Incorrect constant learning rate."""

    name = "faulty_scheduler"
    how: str

    def build(self, optimizer):
        import torch

        if self.how == "none":
            return None
        factor = {"raises": lambda step: fail() if step else 1.0, "nan": lambda step: float("nan") if step else 1.0}
        return torch.optim.lr_scheduler.LambdaLR(optimizer, factor[self.how])


class FaultyCallback(Callback):
    """Raises an exception in the given hooks."""

    name = "faulty_callback"
    how: str

    def build(self):
        if self.how == "build":
            fail()
        if self.how == "none":
            return None

        class Listener:
            pass

        for name in self.how.split("+"):
            setattr(Listener, name, hookimpl(lambda self: fail()))
        return Listener()


class FaultyDetector(Detector):
    """Returns invalid regions."""

    name = "faulty_detector"
    how: str

    def build(self):
        return {"none": None, "raises": fail, "outside": lambda image: [Region(900, 900, 2, 2)]}[self.how]


class FaultyTask(SingleLabel):
    """Fails in one of its methods."""

    name = "faulty_task"
    how: str

    def score(self, logits, targets):
        return fail() if self.how == "score" else super().score(logits, targets)

    def check_labels(self, labels, classes, names):
        return fail() if self.how == "labels" else super().check_labels(labels, classes, names)

    def hold_out(self, *arguments):
        return fail() if self.how == "hold_out" else super().hold_out(*arguments)

    def targets(self, labels, classes):
        return fail() if self.how == "targets" else super().targets(labels, classes)

    def metrics(self, predictions):
        return fail() if self.how == "metrics" else super().metrics(predictions)


class FaultyMetric(Metric):
    """Returns no number, except for `spared` images."""

    name = "faulty_metric"
    how: str
    spared: int = 0

    def build(self):
        wrong = {"none": None, "raises": fail, "vector": lambda probabilities, labels: probabilities[0]}[self.how]

        def metric(probabilities, labels):
            return wrong(probabilities, labels) if len(labels) != self.spared else 0.5

        return wrong and metric


class FaultyExporter(Exporter):
    """Fails at one point, or computes something else."""

    name = "faulty_exporter"
    suffix = ".faulty"
    how: str = "none"

    def write(self, export, path):
        if self.how == "write":
            fail()
        if self.how != "no file":
            path.write_text(json.dumps({**export.texts, "how": json.dumps(self.how)}))

    def open(self, path):
        import torch

        texts = json.loads(path.read_text())
        how = json.loads(texts["how"])
        if how == "open":
            fail()

        def uniform(images):
            return torch.full((len(images), 4), 0.25)

        graphs = {"graph": fail, "one output": uniform, "uniform": lambda images: (uniform(images), uniform(images))}
        load = {"load": fail}.get(how, lambda: graphs[how])
        return None if how == "returns none" else ExportedFile(texts, load)


class FaultyOptions(Loss):
    """Its validator raises an exception other than ValueError."""

    name = "faulty_options"
    how: str = "well"

    @field_validator("how")
    @classmethod
    def _check(cls, how):
        return fail() if how == "raises" else how

    def build(self):
        from torch.nn import functional as F

        return F.cross_entropy


class Wrapping(Loss):
    """Another loss."""

    name = "wrapping"
    base: Loss

    def build(self, class_counts):
        return build(self.base, class_counts=class_counts)


@hookimpl
def components():
    return [
        FaultyDataset, FaultyTask, FaultyTransform, FaultyModel, FaultyLoss, FaultyMethod, FaultyOptimizer,
        FaultyScheduler, FaultyCallback, FaultyDetector, FaultyMetric, FaultyExporter, FaultyOptions, Wrapping,
    ]  # fmt: skip
