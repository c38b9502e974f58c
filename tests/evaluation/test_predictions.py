import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file

from framework.errors import RunFailed, UserError
from framework.evaluation.predictions import Predictions, averaged

GENERATOR = torch.Generator().manual_seed(0)
LOGITS = torch.randn(20, 3, generator=GENERATOR)
LABELS = torch.arange(20) % 3
NAMES = tuple(f"{index}.png" for index in range(20))


def predictions(logits=LOGITS, classes=("a", "b", "c"), names=NAMES):
    return Predictions(classes, names, LABELS, logits)


def test_predictions_are_restored_from_their_file(tmp_path):
    predictions().save(tmp_path / "deep" / "test.safetensors")
    read = Predictions.load(tmp_path / "deep" / "test.safetensors")
    assert (read.classes, read.names) == (("a", "b", "c"), NAMES)
    assert torch.equal(read.logits, LOGITS)
    assert torch.equal(read.labels, LABELS)


@pytest.mark.parametrize("content", [b"", b"x" * 100])
def test_another_file_is_a_user_error(content, tmp_path):
    (tmp_path / "test.safetensors").write_bytes(content)
    with pytest.raises(UserError, match=r"test\.safetensors: damaged"):
        Predictions.load(tmp_path / "test.safetensors")


def test_a_file_of_an_earlier_version_is_a_user_error(tmp_path):
    tensors = {"logits": LOGITS, "labels": LABELS}
    save_file(tensors, tmp_path / "test.safetensors", metadata={"names": json.dumps(NAMES), "classes": "[]"})
    with pytest.raises(UserError, match="earlier version"):
        Predictions.load(tmp_path / "test.safetensors")


def test_an_ensemble_averages_probabilities():
    other = torch.randn(20, 3, generator=GENERATOR)
    expected = (LOGITS.double().softmax(1) + other.double().softmax(1)) / 2
    torch.testing.assert_close(
        averaged([predictions(), predictions(other)]).probabilities, expected, rtol=1e-6, atol=1e-7
    )


def test_the_classes_of_ensemble_members_are_matched_by_name():
    turned = predictions(LOGITS[:, [2, 0, 1]], classes=("c", "a", "b"))
    together = averaged([predictions(), turned])
    assert together.classes == ("a", "b", "c")
    torch.testing.assert_close(together.probabilities, predictions().probabilities, rtol=1e-6, atol=1e-7)


def test_members_with_other_images_are_rejected():
    with pytest.raises(RunFailed, match="the same images"):
        averaged([predictions(), predictions(names=NAMES[::-1])])


def test_members_with_another_activation_are_rejected():
    with pytest.raises(UserError, match="softmax and sigmoid"):
        averaged([predictions(), replace(predictions(), activation="sigmoid")])


def test_an_ensemble_of_sigmoid_networks_averages_probabilities():
    first, other = (
        replace(predictions(torch.randn(20, 3, generator=GENERATOR) * 9), activation="sigmoid") for _ in "ab"
    )
    expected = (first.logits.double().sigmoid() + other.logits.double().sigmoid()) / 2
    torch.testing.assert_close(averaged([first, other]).probabilities, expected, rtol=1e-6, atol=1e-7)


def test_names_of_any_length_and_script_are_restored_and_not_in_the_header(tmp_path):
    names = tuple(
        f"{index}{name}" for index in range(4) for name in ("", "é" * 300, "\udcff.png", "a/b c\n.png", "日本")
    )
    replace(predictions(), names=names, activation="sigmoid").save(tmp_path / "test.safetensors")
    read = Predictions.load(tmp_path / "test.safetensors")
    assert (read.names, read.activation) == (names, "sigmoid")
    assert int.from_bytes((tmp_path / "test.safetensors").read_bytes()[:8], "little") < 1000


def test_a_temperature_divides_logits():
    torch.testing.assert_close(predictions().at_temperature(2.0).logits, LOGITS / 2)
