"""The files that `framework new plugin` writes."""

from __future__ import annotations

from collections.abc import Sequence

LONGEST_LINE = 88
PYPROJECT = """[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "framework-NAME"
version = "0.1"
description = "Components for framework: KINDS"
requires-python = ">=3.11"
dependencies = ["framework"]

[project.optional-dependencies]
test = ["pytest"]

[project.entry-points.framework]
NAME = "framework_NAME"

[tool.setuptools]
packages = ["framework_NAME"]
"""
README = """# framework-NAME

A plugin for `framework`: KINDS `NAME`.

```sh
pip install -e '.[test]'        # in this folder
framework plugins check NAME
python -m pytest
SHOW
```

The components are in `framework_NAME/__init__.py`. `framework plugins check` and `tests/test_conformance.py` run the
same checks; write tests of your own beside them.
"""
TESTS = '''"""The conformance suite: one test for each check of each component."""

from framework.testing import conformance


@conformance("NAME")
def test_conformance(case):
    case()
'''
MODULE = '''"""The plugin NAME."""

IMPORTS

COMPONENTS

@hookimpl
def components():
CLASSES
'''
TEMPLATES = {
    "dataset": '''
    """Bright or dark squares on gray, drawn at random: replace them by your images."""

    name = "NAME"
    images: int = Field(200, ge=20)
    """Number of training images; the test split has a quarter as many."""

    def build(self):
        import numpy as np

        random = np.random.default_rng(0)
        splits = {}
        for split, number in (("train", self.images), ("test", self.images // 4)):
            labels = [index % 2 for index in range(number)]
            images = random.integers(100, 150, (number, 1, 16, 16), dtype=np.uint8)
            for image, label in zip(images, labels, strict=True):
                image[:, 4:12, 4:12] = 30 if label == 0 else 220
            splits[split] = ImageArrays(images, labels, ["dark", "bright"])
        return splits
''',
    "task": '''
    """One class for each image, of ordered classes such as grades."""

    name = "NAME"
    metric_formats = SingleLabel.metric_formats | {
        "mean_error": MetricFormat(
            "mean error", percent=False, greater_is_better=False, monitor=True
        ),
    }
    step: float = Field(1.0, gt=0)
    """Distance of two adjacent classes."""

    def metrics(self, predictions):
        steps = (self.predicted(predictions) - predictions.labels).abs()
        error = self.step * steps.double().mean().item()
        return super().metrics(predictions) | {"mean_error": error}
''',
    "transform": '''
    """Raise pixel values to a random power."""

    name = "NAME"
    strength: float = Field(0.5, ge=0, le=3)
    """Logarithm of the largest exponent."""

    def build(self):
        def transform(images, targets, rng):
            exponents = rng.uniform(-self.strength, self.strength).exp()
            return images ** exponents.view(-1, 1, 1, 1), targets

        return transform
''',
    "model": '''
    """Two convolutions and a linear layer."""

    name = "NAME"
    width: int = Field(32, ge=1)
    """Channels of the first convolution."""

    def build(self, num_classes, channels):
        from torch import nn

        return nn.Sequential(
            nn.Conv2d(channels, self.width, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(self.width),
            nn.ReLU(),
            nn.Conv2d(self.width, 2 * self.width, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(2 * self.width),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(2 * self.width, num_classes),
        )
''',
    "loss": '''
    """Cross entropy with a penalty on confident predictions (Pereyra et al., 2017)."""

    name = "NAME"
    penalty: float = Field(0.1, ge=0)
    """Weight of the negative entropy."""

    def build(self):
        from torch.nn import functional as F

        def loss(logits, targets):
            logs = F.log_softmax(logits, dim=1)
            negative_entropy = (logs.exp() * logs).sum(dim=1).mean()
            return -(targets * logs).sum(dim=1).mean() + self.penalty * negative_entropy

        return loss
''',
    "method": '''
    """The same prediction for an image and its mirror image."""

    name = "NAME"
    weight: float = Field(1.0, ge=0)
    """Weight of the squared difference of the two predictions."""

    def build(self):
        def method(step):
            for batch in step.batches:
                loss, logits = step.forward(batch)
                mirrored = step.logits(batch.images.flip(3))
                difference = logits.softmax(1) - mirrored.softmax(1)
                loss = loss + self.weight * difference.square().sum(1).mean()
                step.backward(loss, batch)
                yield loss, logits

        return method
''',
    "optimizer": '''
    """Gradient descent with momentum."""

    name = "NAME"
    lr: float = Field(0.1, gt=0)
    """Learning rate."""
    momentum: float = Field(0.9, ge=0, lt=1)
    """Fraction of the previous update kept."""

    def build(self, model):
        import torch

        parameters = [each for each in model.parameters() if each.requires_grad]
        return torch.optim.SGD(parameters, self.lr, momentum=self.momentum)
''',
    "scheduler": '''
    """Linear decay of the learning rate."""

    name = "NAME"
    final: float = Field(0.0, ge=0, le=1)
    """Final learning rate as a fraction of the optimizer's."""

    def build(self, optimizer, total_steps):
        from torch.optim.lr_scheduler import LambdaLR

        decay = (1 - self.final) / total_steps
        return LambdaLR(optimizer, lambda step: 1 - decay * min(step, total_steps))
''',
    "callback": '''
    """Print the validation accuracy of each epoch."""

    name = "NAME"
    essential = False
    digits: int = Field(3, ge=1, le=9)
    """Decimals."""

    def build(self, say):
        digits = self.digits

        class Printer:
            @hookimpl
            def epoch_end(self, epoch, metrics):
                if "validation" in metrics:
                    say(f"epoch {epoch}: {metrics['validation']['top1']:.{digits}f}")

        return Printer()
''',
    "detector": '''
    """The middle of the image."""

    name = "NAME"
    fraction: float = Field(0.5, gt=0, le=1)
    """Fraction of the height and width."""

    def build(self):
        def find(image):
            height, width = image.shape[1:]
            inner_width = max(1, round(width * self.fraction))
            inner_height = max(1, round(height * self.fraction))
            x, y = (width - inner_width) // 2, (height - inner_height) // 2
            return [Region(x, y, inner_width, inner_height)]

        return find
''',
    "metric": '''
    """Fraction of images whose true class is among the most probable classes."""

    name = "NAME"
    percent = True
    k: int = Field(2, ge=1)
    """Number of classes."""

    def build(self):
        def metric(probabilities, labels):
            number = min(self.k, probabilities.shape[1])
            best = probabilities.topk(number, dim=1).indices
            return (best == labels[:, None]).any(dim=1).double().mean()

        return metric
''',
    "exporter": '''
    """A zip file with the graph of torch.export."""

    name = "NAME"
    suffix = ".NAME"
    compressed: bool = True
    """Smaller, but slower to write."""

    def write(self, export, path):
        import torch

        graph = io.BytesIO()
        torch.export.save(export.program, graph)
        method = zipfile.ZIP_DEFLATED if self.compressed else zipfile.ZIP_STORED
        with zipfile.ZipFile(path, "w", method) as archive:
            archive.writestr("texts.json", json.dumps(dict(export.texts)))
            archive.writestr("graph.pt2", graph.getvalue())

    def open(self, path):
        try:
            with zipfile.ZipFile(path) as archive:
                texts = json.loads(archive.read("texts.json"))
        except (zipfile.BadZipFile, KeyError) as error:
            raise UserError(f"{path}: damaged: {error}") from None
        return ExportedFile(texts, lambda: self.graph(path))

    def graph(self, path):
        import torch

        with zipfile.ZipFile(path) as archive:
            program = torch.export.load(io.BytesIO(archive.read("graph.pt2")))
        return torch.inference_mode()(program.module())
''',
}  # fmt: skip
"""The body of the class of each kind."""
FURTHER_IMPORTS = {
    "dataset": ["ImageArrays"],
    "task": ["MetricFormat"],
    "detector": ["Region"],
    "exporter": ["ExportedFile", "UserError"],
}
BASES = {"task": ("framework_tasks", "SingleLabel")}
"""Module and name of the base class, for kinds whose components extend another component."""
MODULES = {"exporter": "import io\nimport json\nimport zipfile\n\n"}
"""Imports of the standard library."""
EXAMPLES = {
    "dataset": "framework run fer2013_resnet18 dataset=NAME preprocess.size=16",
    "transform": "framework run fer2013_resnet18 dataset=drawn_faces augment=[NAME]",
    "callback": "framework run fer2013_resnet18 dataset=drawn_faces callbacks=[NAME]",
    "detector": "framework predict RUN --detect NAME photo.jpg",
    "metric": "framework run fer2013_resnet18 dataset=drawn_faces evaluate.metrics=[NAME]",
    "exporter": "framework export RUN --format NAME",
}
"""Commands that use a component; other kinds replace their section of a recipe."""


def files_of(name: str, kinds: Sequence[str]) -> dict[str, str]:
    """The text of each file, by path in the folder `framework-NAME`."""
    title = name.title().replace("_", "")
    classes = [f"{title}{kind.title()}" for kind in kinds]
    bases = [BASES[kind][1] if kind in BASES else kind.title() for kind in kinds]
    own = [base for base, kind in zip(bases, kinds, strict=True) if kind not in BASES]
    imports = sorted([*own, *(extra for kind in kinds for extra in FURTHER_IMPORTS.get(kind, []))])
    replaced = {
        "IMPORTS": "".join(MODULES.get(kind, "") for kind in kinds)
        + "from pydantic import Field\n\n"
        + _listed("from framework import ", [*imports, "hookimpl"], "()")
        + "".join(f"\nfrom {module} import {name}" for kind, (module, name) in BASES.items() if kind in kinds),
        "COMPONENTS": "\n".join(
            f"\nclass {name}({base}):{TEMPLATES[kind].rstrip()}\n"
            for name, base, kind in zip(classes, bases, kinds, strict=True)
        ).rstrip()
        + "\n",
        "CLASSES": _listed("    return ", classes, "[]"),
        "KINDS": ", ".join(kinds),
        "SHOW": "\n".join(["framework show KIND NAME".replace("KIND", kinds[0]), *map(_example, kinds)]),
        "NAME": name,
    }
    files = {
        "pyproject.toml": PYPROJECT,
        "README.md": README,
        f"framework_{name}/__init__.py": MODULE,
        "tests/test_conformance.py": TESTS,
    }
    return {file: _filled(text, replaced) for file, text in files.items()}


def _listed(start: str, names: Sequence[str], brackets: str) -> str:
    """The names on one line, in brackets if these are `[]`, or one a line in brackets."""
    line = start + (f"[{', '.join(names)}]" if brackets == "[]" else ", ".join(names))
    if len(line) <= LONGEST_LINE:
        return line
    indent = " " * (len(start) - len(start.lstrip()))
    lines = [f"{indent}    {name}," for name in names]
    return "\n".join([start + brackets[0], *lines, indent + brackets[1]])


def _example(kind: str) -> str:
    return EXAMPLES.get(kind, f"framework run fer2013_resnet18 dataset=drawn_faces {kind}=NAME")


def _filled(text: str, replaced: dict[str, str]) -> str:
    for mark, value in replaced.items():
        text = text.replace(mark, value)
    return text
