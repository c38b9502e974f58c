"""Warnings about a valid recipe, in `check` and `run`."""

import pytest

RECIPE = """
dataset: dots
preprocess: {size: 16}
model: linear_probe
loss: {name: cross_entropy, class_weights: balanced}
train: {max_steps: 1, batch_size: 20, device: cpu, sampler: balanced}
"""
TWICE = "both correct for rare classes"


@pytest.fixture
def said(tmp_path, framework):
    """What a command prints about the recipe."""
    (tmp_path / "dots.yaml").write_text(RECIPE)

    def call(command, *arguments):
        result = framework(command, tmp_path / "dots.yaml", *arguments)
        assert result.status == 0, result.err
        return result.out + result.err

    return call


def test_balanced_sampler_and_balanced_weights_have_a_warning(said, tmp_path):
    assert TWICE in said("check")
    assert TWICE in said("run", "--out", tmp_path / "run")
    assert TWICE in said("run", "--dry-run")
    assert TWICE in said("check", "loss={name: distill, teachers: [x], base: {name: bce, class_weights: balanced}}")


@pytest.mark.parametrize("override", ["train.sampler=shuffled", "loss.class_weights=none"])
def test_only_one_of_them_has_no_warning(override, said):
    assert TWICE not in said("check", override)


def test_tf32_without_a_cuda_device_is_pointed_out(said, tmp_path):
    assert "train.tf32=true" in said("check", "train.tf32=true", "train.device=cpu")
    assert "train.tf32=true" in said("run", "train.tf32=true", "--dry-run")
    assert "train.tf32=true" in said("run", "train.tf32=true", "--out", tmp_path / "run")
    assert "train.tf32=true" not in said("check", "train.tf32=true", "train.device=cuda")


def test_a_component_of_many_variants_is_shown_with_its_variant(said, tmp_path):
    assert "timm/resnet10t" in said("check", "model=timm/resnet10t")
    assert "timm/lamb" in said("run", "optimizer=timm/lamb", "--out", tmp_path / "run")
