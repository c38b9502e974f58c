"""A training step never waits for the device.

Steps run on PyTorch's `meta` device, whose tensors have no values: operations that fetch one (`item`, `cpu`, `nonzero`,
a mask as index, a Python `if`) raise an exception there, as does mixing tensors of two devices. Copies from the CPU to
the device are counted by a dispatch mode.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from framework_torch._distilling import Distillation, Teacher
from framework_torch._losses import SoftCrossEntropy
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from framework import ImageArrays, Predictor, Registry, UserError, hookimpl
from framework.components import Loss, Method, Optimizer, Task, Transform
from framework.data.preprocess import Preprocessor
from framework.data.stores.build import build_store
from framework.data.stores.store import HeldPixels
from framework.recipe import Recipe
from framework.report.display import SilentDisplay
from framework.training import session as sessions
from framework.training.criterion import Criterion
from framework.training.run import run_recipe
from framework.training.running_means import RunningMeans
from framework.training.step import train_step

META = torch.device("meta")
REGISTRY = Registry.load()
CLASSES = ("cat", "dog", "fox")
SHIPPED_ELSEWHERE = {"timm"}  # these optimizers are not ours


class Crossings(TorchDispatchMode):
    """Counts copies of CPU tensors to the device."""

    def __init__(self):
        super().__init__()
        self.found = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        copies = func in (torch.ops.aten._to_copy.default, torch.ops.aten.copy_.default)
        given = [value for value in args if isinstance(value, torch.Tensor)]
        crosses = copies and result.device == META and any(value.device != META for value in given)
        # The indices of a block come from the CPU; on CUDA, from pinned memory.
        if crosses and not (result.dtype == torch.int64 and result.dim() == 1):
            self.found.append(f"{func} {result.dtype} {tuple(result.shape)}")
        return result


class HostConstants(TorchFunctionMode):
    """Counts tensors that are created from Python numbers on the device."""

    def __init__(self):
        super().__init__()
        self.found = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        made = func in (torch.tensor, torch.as_tensor) and (kwargs or {}).get("device") == META
        if made or (func is torch.Tensor.new_tensor and args[0].device == META):
            self.found.append(f"{func.__name__} {args[1:]}")
        return func(*args, **(kwargs or {}))


def session_on_meta(monkeypatch, **sections):
    """A session as on a GPU: store, network and constants are on the device."""
    tree = {
        "dataset": {"name": "drawn_faces", "validation": 0},
        "preprocess": {"size": 16, "channels": 3},
        "model": "speednet",
        "train": {"batch_size": 4, "epochs": 3, "precision": "float32"},
    }
    for name, section in sections.items():
        tree[name] = {**tree.get(name, {}), **section} if isinstance(section, dict) and name == "train" else section
    recipe = Recipe.model_validate(tree, context=REGISTRY)
    preprocess = Preprocessor(16, 16, 3, "crop", (0.5,) * 3, (0.25,) * 3)
    pixels = np.random.default_rng(0).integers(0, 256, (40, 3, 16, 16), dtype=np.uint8)
    labels = recipe.task.check_labels(np.arange(40) % 3, CLASSES, tuple(map(str, range(40))))
    store = build_store(ImageArrays(pixels, labels, CLASSES), preprocess, task=recipe.task)
    object.__setattr__(store, "pixels", HeldPixels(store.pixels.images.to(META), "device"))
    monkeypatch.setattr(sessions, "choose_device", lambda name: META)
    monkeypatch.setattr(type(store), "spread", lambda store, number: torch.zeros(8, 3, 16, 16).byte())
    return sessions.build_session(recipe, {"train": store}, preprocess)


def take_steps(session):
    """Check all steps but the first one, which may create constants and state."""
    means = RunningMeans(session.recipe.task)
    train_step(session, 0, means)
    with Crossings() as crossings, HostConstants() as constants:
        for step in range(1, 25):  # several epochs: blocks of batches are prepared in each
            train_step(session, step, means)
            session.schedule.step()
    assert crossings.found == []
    assert constants.found == []


TRANSFORMS = [
    *REGISTRY.names(Transform),
    {"name": "flip", "alternate": True},
    {"name": "mixup", "until": 0.5},
]


@pytest.mark.parametrize("transform", TRANSFORMS, ids=str)
def test_a_transform_does_not_wait(monkeypatch, transform):
    take_steps(session_on_meta(monkeypatch, augment=[transform]))


def test_all_transforms_together_do_not_wait(monkeypatch):
    take_steps(session_on_meta(monkeypatch, augment=TRANSFORMS))


OF_LABELS = sorted(set(REGISTRY.names(Loss)) - {"distill"})


@pytest.mark.parametrize("loss", OF_LABELS)
@pytest.mark.parametrize("weights", ["none", "balanced"])
def test_a_loss_does_not_wait(monkeypatch, loss, weights):
    take_steps(session_on_meta(monkeypatch, loss={"name": loss, "class_weights": weights}))


@pytest.mark.parametrize("task", REGISTRY.names(Task))
@pytest.mark.parametrize("sampler", ["shuffled", "balanced"])
def test_a_task_does_not_wait(monkeypatch, task, sampler):
    loss = {"name": "bce", "class_weights": "balanced"}
    take_steps(session_on_meta(monkeypatch, task=task, loss=loss, augment=["mixup"], train={"sampler": sampler}))


def test_teachers_do_not_wait(monkeypatch):
    """The student has another image size and other channels."""
    session = session_on_meta(monkeypatch)
    classes = Predictor.open("drawn/faces", device="cpu").classes
    teacher = Teacher.load("drawn/faces", classes, torch.device("cpu"), torch.float32, session.preprocess)
    teacher.predictor.engine.model.to(META)
    own, student = (preprocess.normalization(META) for preprocess in (teacher.predictor.preprocess, session.preprocess))
    teacher = replace(teacher, columns=torch.arange(3, device=META), own=own, student=student)
    session.loss = Criterion(Distillation(SoftCrossEntropy(None, 0.0), [teacher], 2.0, 0.5), True)
    take_steps(session)


@pytest.mark.parametrize("optimizer", [*sorted(set(REGISTRY.names(Optimizer)) - SHIPPED_ELSEWHERE), "timm/muon"])
def test_an_optimizer_does_not_wait(monkeypatch, optimizer):
    monkeypatch.setattr("framework_torch.optimizers._can_fuse", lambda model: False)  # no fused kernels for `meta`
    take_steps(session_on_meta(monkeypatch, optimizer=optimizer))


@pytest.mark.parametrize("method", [*REGISTRY.names(Method), {"name": "sam", "adaptive": True}], ids=str)
def test_a_method_does_not_wait(monkeypatch, method):
    take_steps(session_on_meta(monkeypatch, method=method, train={"grad_accum_steps": 2, "clip_grad_norm": 1.0}))


TRAININGS = {
    "ema": {"ema": 0.9},
    "lookahead": {"lookahead": {}},
    "clipping": {"clip_grad_norm": 1.0},
    "accumulation": {"grad_accum_steps": 3},
    "progressive resizing": {"progressive_resize": {"start": 8}},
    "unfreezing": {"unfreeze_until": 0.5},
    "contiguous": {"channels_last": False},
    "balanced": {"sampler": "balanced"},
}


@pytest.mark.parametrize("train", TRAININGS.values(), ids=TRAININGS)
def test_options_of_train_do_not_wait(monkeypatch, train):
    take_steps(session_on_meta(monkeypatch, train=train))


class Waiting(Transform):
    """Copies a constant to the device for each batch."""

    name = "waiting"

    def build(self):
        return lambda images, targets, rng: (images * torch.tensor([0.5], device=images.device), targets)


def test_waiting_is_detected(monkeypatch):
    session = session_on_meta(monkeypatch, augment=[Waiting()])
    with pytest.raises(AssertionError):
        take_steps(session)
    session = session_on_meta(monkeypatch)
    session.loss = lambda logits, targets, images: logits.sum() if logits.sum() > 0 else -logits.sum()
    with pytest.raises(UserError, match="meta tensors"):
        take_steps(session)
    session = session_on_meta(monkeypatch)
    session.loss = lambda logits, targets, images: (logits * torch.ones(3).to(META)).sum()
    with pytest.raises(AssertionError):
        take_steps(session)
    session = session_on_meta(monkeypatch)
    session.loss = lambda logits, targets, images: (logits * torch.tensor([1.0, 2.0, 3.0], device=META)).sum()
    with pytest.raises(AssertionError):
        take_steps(session)


def test_running_means_are_fetched_on_request_only():
    means = RunningMeans()
    means.add(torch.zeros((), device=META), torch.zeros(4, 3, device=META), torch.zeros(4, 3, device=META), 1)
    with pytest.raises((RuntimeError, NotImplementedError)):
        means.take_recent()


def test_the_tested_step_is_that_of_the_framework():
    assert Path(sessions.__file__).parent / "step.py" == Path(train_step.__code__.co_filename)


def leaves(value):
    if isinstance(value, dict):
        for each in value.values():
            yield from leaves(each)
    else:
        yield value


def test_callbacks_get_plain_numbers(tmp_path):
    seen = []

    class Display(SilentDisplay):
        @hookimpl
        def step_end(self, step, epoch, metrics):
            seen.extend([step, epoch, *leaves(metrics)])

        @hookimpl
        def epoch_end(self, step, epoch, metrics):
            seen.extend([step, epoch, *leaves(metrics)])

    tree = {
        "dataset": {"name": "drawn_faces", "train_images": 60, "test_images": 20},
        "preprocess": {"size": 16},
        "model": "speednet",
        "train": {"epochs": 1, "batch_size": 8, "log_every": 1, "device": "cpu"},
    }
    run_recipe(Recipe.model_validate(tree, context=REGISTRY), REGISTRY, tmp_path / "run", Display())
    assert len(seen) > 20
    assert {type(value) for value in seen} <= {int, float, bool}
