"""Bundles: a run in one file with a checksum, readable without torch."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from framework import Predictor, Registry, UserError
from framework.errors import RunFailed
from framework.runs.bundle import read_bundle, write_bundle
from framework.runs.trained import Trained, open_trained

TENSORS = {"a.weight": torch.arange(12.0).view(3, 4), "b": torch.tensor([1, 2], dtype=torch.int64)}
DOCUMENTS = {"model": {"classes": ["ä", "b"]}, "recipe": "seed: 0\n", "card": "# Card\n"}

RECIPE = """
dataset: {name: dots, images: 80}
preprocess: {size: 16}
model: tinynet
train: {epochs: 1, batch_size: 20, device: cpu}
"""

SHIPPED = {"drawn/faces": "drawn_faces", "fer2013/compact": "fer2013_compact"}
"""Bundles of plugins with their recipes."""


@pytest.fixture
def bundle(tmp_path):
    save_file(TENSORS, tmp_path / "weights.safetensors")
    write_bundle(tmp_path / "bundle.safetensors", tmp_path / "weights.safetensors", DOCUMENTS)
    return tmp_path / "bundle.safetensors"


def test_any_reader_of_safetensors_can_load_the_weights(bundle):
    read = load_file(bundle)
    assert read.keys() == TENSORS.keys()
    assert all(torch.equal(read[name], TENSORS[name]) for name in TENSORS)
    with safe_open(bundle, framework="pt") as file:
        assert file.metadata()["recipe"] == "seed: 0\n"


def test_documents_are_restored(bundle):
    assert read_bundle(bundle) == DOCUMENTS


@pytest.mark.parametrize("place", [-1, 40])
def test_a_changed_byte_is_detected(place, bundle):
    content = bytearray(bundle.read_bytes())
    content[place] ^= 1
    bundle.write_bytes(content)
    with pytest.raises(UserError, match=r"bundle\.safetensors: damaged"):
        read_bundle(bundle)


@pytest.mark.parametrize("content", [b"", b"\xff" * 9, b"\x02" + b"\x00" * 7 + b"[]", b"PK\x03\x04" * 10])
def test_another_file_is_a_user_error(content, tmp_path):
    (tmp_path / "x.safetensors").write_bytes(content)
    with pytest.raises(UserError, match=r"x\.safetensors: damaged, or not a safetensors file"):
        read_bundle(tmp_path / "x.safetensors")


@pytest.mark.parametrize("spoil", [lambda content: content[:-1], lambda content: content + b"x"])
def test_damaged_weights_are_never_bundled(spoil, bundle, tmp_path):
    weights = tmp_path / "weights.safetensors"
    weights.write_bytes(spoil(weights.read_bytes()))
    with pytest.raises(UserError, match=r"weights\.safetensors: damaged"):
        write_bundle(tmp_path / "new.safetensors", weights, DOCUMENTS)
    assert not (tmp_path / "new.safetensors").exists()


def test_a_bundle_that_cannot_be_opened_is_not_written(bundle, tmp_path):
    out = tmp_path / "large.safetensors"
    with pytest.raises(RunFailed, match=r"large\.safetensors was not written.*\n.*'model'.*100 MB"):
        write_bundle(out, tmp_path / "weights.safetensors", {**DOCUMENTS, "model": {"classes": ["x" * 101_000_000]}})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundle.safetensors", "weights.safetensors"]


def test_shareable_documents_count_left_out_images_instead_of_naming_them():
    described = {"images": 3, "skipped": [{"name": "a.png", "reason": "empty"}], "dropped": ["b.png", "c.png"]}
    run = Trained("run", Path("x"), "", {"model": {}, "data": {"train": described}})
    data = run.shareable().documents["data"]
    assert data == {"train": {"images": 3, "skipped_images": 1, "dropped_images": 2}}
    assert run.documents["data"]["train"] == described


def test_a_file_without_metadata_is_not_a_bundle(tmp_path):
    header = b'{"__metadata__":null}'
    (tmp_path / "x.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(UserError, match=r"x\.safetensors: .*not a bundle"):
        read_bundle(tmp_path / "x.safetensors")


def test_plain_weights_are_not_a_bundle(bundle):
    with pytest.raises(UserError, match="`framework bundle RUN`"):
        read_bundle(bundle.with_name("weights.safetensors"))


def test_a_plugin_s_bundle_is_found_by_name_and_classifies():
    predictor = Predictor.open("drawn/faces")
    assert predictor.classes == ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")
    from framework_drawn import DrawnFaces

    source = DrawnFaces(test_images=140, train_images=14, seed=5).build()["test"]
    assert predictor.predictions(predictor.store(source, "error")).metrics()["top1"] > 0.85


@pytest.mark.parametrize(("bundle", "recipe"), SHIPPED.items())
def test_a_shipped_bundle_has_its_shipped_recipe(bundle, recipe):
    from framework.recipe import load_recipe, recipe_text
    from framework.recipe.loading import load_recipe_text

    registry = Registry.load()
    bundled = load_recipe_text(open_trained(bundle, registry).recipe, "bundle", registry)
    assert recipe_text(bundled) == recipe_text(load_recipe(recipe, registry))


def test_opening_one_does_not_import_torch():
    program = (
        "import sys; from framework import Registry; from framework.runs.trained import open_trained; "
        "print(open_trained('drawn/faces', Registry.load()).classes, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip().endswith("False"), done.stderr


@pytest.mark.parametrize("bundle", SHIPPED)
def test_a_shipped_bundle_has_no_paths_of_a_machine(bundle):
    environment = open_trained(bundle, Registry.load()).documents["environment"]
    assert environment.keys() & {"command", "git"} == set()
    assert "/" not in json.dumps({**environment, "platform": ""})


def test_bundles_contain_no_command_lines_and_paths(tmp_path, framework, monkeypatch):
    recipe, runs, soup = tmp_path / "dots.yaml", (tmp_path / "first", tmp_path / "second"), tmp_path / "soup"
    recipe.write_text(RECIPE)
    monkeypatch.setattr(sys, "argv", ["framework", str(tmp_path)])
    for seed, run in enumerate(runs):
        assert framework("run", recipe, f"seed={seed}", "--out", run).status == 0
    assert framework("soup", *runs, "--out", soup).status == 0
    for run in (*runs, soup):
        assert framework("bundle", run).status == 0
        assert str(tmp_path).encode() not in run.with_suffix(".safetensors").read_bytes()
    documents = read_bundle(soup.with_suffix(".safetensors"))
    assert documents["recipe"].startswith("seed: 0\n")
    for document in ("results", "environment"):
        assert documents[document]["soup"]["runs"] == documents[document]["soup"]["chosen"] == ["first", "second"]
