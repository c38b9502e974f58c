"""A bundle is a run in one file: sealed, readable without torch, and used like the run."""

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
"""Bundles of plugins, and the recipe of each."""


@pytest.fixture
def bundle(tmp_path):
    save_file(TENSORS, tmp_path / "weights.safetensors")
    write_bundle(tmp_path / "sealed.safetensors", tmp_path / "weights.safetensors", DOCUMENTS)
    return tmp_path / "sealed.safetensors"


def test_any_reader_of_safetensors_finds_the_weights(bundle):
    read = load_file(bundle)
    assert read.keys() == TENSORS.keys()
    assert all(torch.equal(read[name], TENSORS[name]) for name in TENSORS)
    with safe_open(bundle, framework="pt") as file:
        assert file.metadata()["recipe"] == "seed: 0\n"


def test_its_documents_come_back(bundle):
    assert read_bundle(bundle) == DOCUMENTS


@pytest.mark.parametrize("place", [-1, 40])
def test_a_changed_byte_breaks_the_seal(place, bundle):
    content = bytearray(bundle.read_bytes())
    content[place] ^= 1
    bundle.write_bytes(content)
    with pytest.raises(UserError, match=r"not as it was sealed|damaged"):
        read_bundle(bundle)


@pytest.mark.parametrize("content", [b"", b"\xff" * 9, b"\x02" + b"\x00" * 7 + b"[]", b"PK\x03\x04" * 10])
def test_another_file_is_said_to_be_none(content, tmp_path):
    (tmp_path / "x.safetensors").write_bytes(content)
    with pytest.raises(UserError, match=r"x\.safetensors: damaged, or no safetensors file"):
        read_bundle(tmp_path / "x.safetensors")


@pytest.mark.parametrize("spoil", [lambda content: content[:-1], lambda content: content + b"x"])
def test_weights_that_are_not_whole_are_never_sealed(spoil, bundle, tmp_path):
    weights = tmp_path / "weights.safetensors"
    weights.write_bytes(spoil(weights.read_bytes()))
    with pytest.raises(UserError, match=r"weights\.safetensors: damaged"):
        write_bundle(tmp_path / "new.safetensors", weights, DOCUMENTS)
    assert not (tmp_path / "new.safetensors").exists()


def test_a_bundle_that_could_not_be_opened_is_not_written(bundle, tmp_path):
    out = tmp_path / "large.safetensors"
    with pytest.raises(RunFailed, match=r"large\.safetensors was not written.*\n.*'model'.*100 MB"):
        write_bundle(out, tmp_path / "weights.safetensors", {**DOCUMENTS, "model": {"classes": ["x" * 101_000_000]}})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sealed.safetensors", "weights.safetensors"]


def test_images_that_were_left_out_are_counted_in_what_travels_and_not_named():
    described = {"images": 3, "skipped": [{"name": "a.png", "reason": "empty"}], "dropped": ["b.png", "c.png"]}
    run = Trained("run", Path("x"), "", {"model": {}, "data": {"train": described}})
    data = run.shareable().documents["data"]
    assert data == {"train": {"images": 3, "skipped_images": 1, "dropped_images": 2}}
    assert run.documents["data"]["train"] == described


def test_without_metadata_it_is_no_bundle(tmp_path):
    header = b'{"__metadata__":null}'
    (tmp_path / "x.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(UserError, match="safetensors, but no bundle"):
        read_bundle(tmp_path / "x.safetensors")


def test_plain_weights_are_no_bundle(bundle):
    with pytest.raises(UserError, match=r"no bundle; `framework bundle RUN` makes one"):
        read_bundle(bundle.with_name("weights.safetensors"))


def test_what_ships_with_a_plugin_is_found_by_name_and_classifies():
    predictor = Predictor.open("drawn/faces")
    assert predictor.classes == ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")
    from framework_drawn import DrawnFaces

    source = DrawnFaces(test_images=140, train_images=14, seed=5).build()["test"]
    assert predictor.predictions(predictor.store(source, "error")).metrics()["top1"] > 0.85


@pytest.mark.parametrize(("bundle", "recipe"), SHIPPED.items())
def test_the_recipe_that_is_named_for_it_is_the_one_it_was_made_by(bundle, recipe):
    from framework.recipe import load_recipe, recipe_text
    from framework.recipe.loading import load_recipe_text

    registry = Registry.load()
    sealed = load_recipe_text(open_trained(bundle, registry).recipe, "sealed", registry)
    assert recipe_text(sealed) == recipe_text(load_recipe(recipe, registry))


def test_opening_one_does_not_import_torch():
    program = (
        "import sys; from framework import Registry; from framework.runs.trained import open_trained; "
        "print(open_trained('drawn/faces', Registry.load()).classes, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip().endswith("False"), done.stderr


@pytest.mark.parametrize("bundle", SHIPPED)
def test_it_tells_nothing_of_the_machine_it_was_made_on(bundle):
    environment = open_trained(bundle, Registry.load()).documents["environment"]
    assert environment.keys() & {"command", "git"} == set()
    assert "/" not in json.dumps({**environment, "platform": ""})


def test_nothing_that_was_typed_is_in_any_of_its_documents(tmp_path, framework, monkeypatch):
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
