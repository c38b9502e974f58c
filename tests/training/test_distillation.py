"""Distillation from finished runs, on runs that take a second."""

import json
import shutil

import pytest
import torch
from framework_torch._distilling import Distillation, Teacher
from torch.nn import functional as F

from framework import Predictor, UserError
from framework.data.preprocess import Preprocessor

RECIPE = """
dataset: {name: dots, images: 80}
preprocess: {size: 16}
augment: [flip, mixup]
model: {name: tinynet, dropout: 0.1}
train: {epochs: 1, batch_size: 20, log_every: 1, device: cpu, precision: float32}
"""
CPU = torch.device("cpu")


@pytest.fixture
def run(tmp_path, framework):
    """Run the recipe with overrides in a folder of this name."""
    recipe = tmp_path / "dots.yaml"
    recipe.write_text(RECIPE)

    def call(out, *overrides, status=0):
        result = framework("run", recipe, *overrides, "--out", tmp_path / out)
        assert result.status == status, result.err
        return tmp_path / out, result

    return call


def images(channels=1, size=16):
    """Pixels in [0, 1], and the same normalised by `preprocess`."""
    pixels = torch.rand(6, channels, size, size, generator=torch.Generator().manual_seed(0))
    return pixels, (pixels - 0.4) / 0.2


def preprocess(channels=1, size=16):
    return Preprocessor(size, size, channels, "crop", (0.4,) * channels, (0.2,) * channels)


def test_the_loss_is_hinton_s_with_the_mean_probabilities_of_the_teachers(run):
    teachers = [run("a")[0], run("b", "seed=1")[0]]
    classes = Predictor.open(teachers[0]).classes
    _, inputs = images()
    logits, targets = torch.randn(6, 4), torch.eye(4)[[0, 1, 2, 3, 0, 1]]
    loaded = [Teacher.load(str(path), classes, CPU, torch.float32, preprocess()) for path in teachers]
    loss = Distillation(F.cross_entropy, loaded, temperature=3.0, weight=0.7)(logits, targets, inputs)

    taught = torch.stack([(teacher.logits(inputs) / 3).softmax(1) for teacher in loaded]).mean(0)
    apart = (taught * (taught.log() - (logits / 3).log_softmax(1))).sum(1).mean()
    torch.testing.assert_close(loss, 0.3 * F.cross_entropy(logits, targets) + 0.7 * 9 * apart)


def test_a_teacher_gets_its_own_preprocessing(run):
    """Its logits are those of its predictor, whatever the student's preprocessing."""
    teacher = run("teacher")[0]
    predictor = Predictor.open(teacher).with_temperature(1.0)

    def loaded(**student):
        return Teacher.load(str(teacher), predictor.classes, CPU, torch.float32, preprocess(**student))

    levels = torch.randint(0, 256, (6, 1, 16, 16), dtype=torch.uint8)
    as_student = (levels / 255 - 0.4) / 0.2
    torch.testing.assert_close(loaded().logits(as_student), predictor.engine(levels), rtol=1e-4, atol=1e-4)
    in_colour = as_student.expand(-1, 3, -1, -1)
    torch.testing.assert_close(loaded(channels=3).logits(in_colour), predictor.engine(levels), rtol=1e-3, atol=1e-3)
    larger = F.interpolate(as_student, (32, 32), mode="nearest")
    brought = F.interpolate(larger * 0.2 + 0.4, (16, 16), mode="bilinear", antialias=True)
    expected = predictor.engine.model(predictor.preprocess.normalised(brought))
    torch.testing.assert_close(loaded(size=32).logits(larger), expected, rtol=1e-4, atol=1e-4)


def test_a_gray_student_can_have_a_colour_teacher(run):
    teacher = run("teacher", "preprocess.channels=3")[0]
    predictor = Predictor.open(teacher)
    loaded = Teacher.load(str(teacher), predictor.classes, CPU, torch.float32, preprocess())
    levels = torch.randint(0, 256, (6, 1, 16, 16), dtype=torch.uint8)
    expected = predictor.engine(levels.expand(-1, 3, -1, -1))
    torch.testing.assert_close(loaded.logits((levels / 255 - 0.4) / 0.2), expected, rtol=1e-4, atol=1e-4)


def test_classes_are_matched_by_name(run):
    teacher = str(run("teacher")[0])
    classes = Predictor.open(teacher).classes
    _, inputs = images()
    straight = Teacher.load(teacher, classes, CPU, torch.float32, preprocess()).logits(inputs)
    turned = Teacher.load(teacher, classes[::-1], CPU, torch.float32, preprocess()).logits(inputs)
    assert torch.equal(turned, straight.flip(1))
    with pytest.raises(UserError, match=r"top_left.*cat, dog"):
        Teacher.load(teacher, ["cat", "dog"], CPU, torch.float32, preprocess())


def test_a_teacher_gets_no_gradients_and_keeps_its_statistics(run):
    teacher = str(run("teacher")[0])
    loaded = Teacher.load(teacher, Predictor.open(teacher).classes, CPU, torch.float32, preprocess())
    before = {name: value.clone() for name, value in loaded.predictor.engine.model.state_dict().items()}
    logits = torch.zeros(6, 4, requires_grad=True)
    _, inputs = images()
    Distillation(F.cross_entropy, [loaded], 1.0, 1.0)(logits, torch.eye(6)[:, :4], inputs).backward()
    assert logits.grad.abs().sum() > 0
    model = loaded.predictor.engine.model
    assert all(parameter.grad is None for parameter in model.parameters())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_teacher_computes_in_the_precision_of_the_training(run):
    teacher = str(run("teacher")[0])
    _, inputs = images()
    classes = Predictor.open(teacher).classes
    exact, rounded = (
        Teacher.load(teacher, classes, CPU, dtype, preprocess()).logits(inputs)
        for dtype in (torch.float32, torch.bfloat16)
    )
    assert rounded.dtype == torch.float32
    assert not torch.equal(exact, rounded)
    torch.testing.assert_close(exact, rounded, rtol=0.1, atol=0.1)


def test_a_student_learns_from_its_teacher_alone_and_is_evaluated_without_it(run, framework):
    common = ("augment=[]", "optimizer.lr=0.02", "dataset.images=240", "train.epochs=6")
    teacher, _ = run("teacher", *common)
    student, _ = run("student", *common, f"loss={{name: distill, teachers: [{teacher}], weight: 1.0}}")
    lines = [json.loads(line) for line in (student / "metrics.jsonl").read_text().splitlines()]
    losses = [line["loss"] for line in lines if line["event"] == "step"]
    assert sum(losses[-4:]) < sum(losses[:4]) / 2
    assert str(teacher) in (student / "recipe.yaml").read_text()
    shutil.rmtree(teacher)
    assert framework("evaluate", student).status == 0


def test_a_missing_teacher_is_an_error_before_training(run, tmp_path):
    _, result = run("student", "loss={name: distill, teachers: [runs/nobody]}", status=2)
    assert "loss.teachers: " in result.err
    assert "'runs/nobody'" in result.err
    assert not (tmp_path / "student").exists()


def test_an_export_cannot_be_a_teacher(run, framework, tmp_path):
    teacher, export = run("teacher")[0], tmp_path / "teacher.onnx"
    assert framework("export", teacher, "--parity", 0, "--out", export).status == 0
    _, result = run("student", f"loss={{name: distill, teachers: [{export}]}}", status=2)
    assert f"loss.teachers: '{export}' is an export" in result.err
    assert not (tmp_path / "student").exists()


def test_the_base_loss_has_its_options(run):
    teacher = run("teacher")[0]
    base = "{name: cross_entropy, label_smoothing: 0.1, class_weights: balanced}"
    folder, _ = run("student", f"loss={{name: distill, teachers: [{teacher}], base: {base}}}")
    assert "label_smoothing: 0.1" in (folder / "recipe.yaml").read_text()


def test_the_base_loss_cannot_be_distill(run):
    _, result = run("student", "loss={name: distill, teachers: [a], base: {name: distill, teachers: [b]}}", status=2)
    assert "'teachers'" in result.err


def test_a_loss_without_an_images_argument_is_not_given_images(run):
    folder, _ = run("plain", "loss={name: focal}")
    assert (folder / "results.json").exists()
