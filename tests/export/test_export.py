"""`framework export`: each format predicts what its run predicts, carries its documents, or is rejected."""

import errno
import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from PIL import Image

from framework import Registry
from framework.data.preprocess import Preprocessor
from framework.data.sources import ImageArrays
from framework.errors import RunFailed, UserError
from framework.evaluation.evaluate import Evaluator
from framework.export.classifier import traced
from framework.export.parity import LIMIT, Comparison, RunPredictions, compare
from framework.export.report import warnings_of
from framework.export.sample import Sample
from framework.inference.predictor import Predictor
from framework.inference.serving.about import describe
from framework.inference.serving.limits import Limits
from framework.inference.torch_engine import TorchEngine
from framework.runs.export_file import exporter_of, open_export
from framework.runs.trained import open_trained

ROOT = Path(__file__).parents[2]
STRANGER = ROOT / "tests" / "stranger"
RECIPES = {
    "rgb": "preprocess: {size: 12, channels: 3}\nevaluate: {tta: 6}",
    "gray": "preprocess: {size: 13, channels: 1, fit: pad}",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Two runs, the second one calibrated, each with an ONNX and a pt2 file beside it; one with int8 too."""
    from framework.cli import main

    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(STRANGER))
        patch.setenv("FRAMEWORK_CACHE", str(folder / "cache"))
        draw_photos(folder / "photos")
        for name, lines in RECIPES.items():
            recipe, run = folder / f"{name}.yaml", folder / name
            recipe.write_text(
                f"dataset: {{name: folder, root: {folder / 'photos'}, test: 0.25}}\n{lines}\n"
                "model: tinynet\ntrain: {epochs: 3, batch_size: 5, device: cpu}\n"
            )
            assert main(["run", str(recipe), "--out", str(run)]) == 0
            if name == "gray":
                assert main(["evaluate", str(run), "--calibrate"]) == 0
            for kind in ("onnx", "pt2"):
                extra = ["--int8"] if (name, kind) == ("rgb", "onnx") else []
                assert main(["export", str(run), "--format", kind, *extra]) == 0
        yield folder


def documents_in(path):
    return open_export(path, exporter_of(path, Registry.load())())[0]


def draw_photos(root):
    random = np.random.default_rng(0)
    for name, channel in (("blue", 2), ("red", 0)):
        (root / name).mkdir(parents=True)
        for index in range(20):
            pixels = random.integers(0, 100, (12 + index % 3, 16, 3), dtype=np.uint8)
            pixels[..., channel] += 120
            Image.fromarray(pixels).save(root / name / f"{index:02}.png")


@pytest.fixture
def registry(monkeypatch):
    monkeypatch.syspath_prepend(str(STRANGER))
    return Registry.load()


@pytest.mark.parametrize("kind", ["onnx", "pt2"])
@pytest.mark.parametrize("name", RECIPES)
def test_an_export_predicts_like_its_run_for_every_size_and_batch(name, kind, made, registry):
    export, run = (Predictor.open(made / file, registry, "cpu").engine for file in (f"{name}.{kind}", name))
    for shape in [(1, 3, 12, 12), (5, 3, 13, 13), (1, 3, 1, 1), (5, 3, 31, 17), (1, 3, 480, 640), (2, 3, 1, 300)]:
        images = torch.from_numpy(np.random.default_rng(shape[2]).integers(0, 256, shape, dtype=np.uint8))
        expected = run.probabilities(images).float()
        torch.testing.assert_close(export.probabilities(images), expected, atol=1e-6, rtol=0, msg=str(shape))


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("kind", ["onnx", "pt2"])
def test_predict_and_evaluate_accept_an_export_like_a_run(name, kind, made, framework):
    export, run = made / f"{name}.{kind}", made / name
    photos = sorted((made / "photos").glob("*/0*.png"))
    both = [framework("predict", one, *photos, "--json") for one in (export, run)]
    predictions = [[json.loads(line) for line in result.out.splitlines()] for result in both]
    for exported, trained in zip(*predictions, strict=True):
        assert exported["class"] == trained["class"]
        assert exported["probabilities"] == pytest.approx(trained["probabilities"], abs=1e-6)
    metrics = [json.loads(framework("evaluate", one, "--json").out) for one in (export, run)]
    assert metrics[0]["confusion"] == metrics[1]["confusion"]
    assert metrics[0]["loss"] == pytest.approx(metrics[1]["loss"], abs=1e-5)


def test_the_parity_report_says_what_was_compared(made):
    report = json.loads((made / "rgb.onnx.parity.json").read_text())
    assert report["passed"]
    assert (report["images"], report["agreement"], report["differing"]) == (4, 1.0, [])
    assert report["on"] == "split 'validation' of dataset 'folder'"
    assert report["largest_difference"] < 1e-6
    assert report["top1"]["run"] == report["top1"]["export"]
    assert "100 %" in (made / "rgb.onnx.parity.md").read_text()


def test_the_report_has_accuracy_speed_and_size_of_the_quantised_file(made):
    report = json.loads((made / "rgb.onnx.parity.json").read_text())["int8"]
    assert set(report["top1"]) == {"run", "export"}
    assert report["speedup"] > 0
    assert report["bytes"]["float32"] == (made / "rgb.onnx").stat().st_size
    exact, whole = (documents_in(made / name) for name in ("rgb.onnx", "rgb.int8.onnx"))
    assert {name for name in exact | whole if exact[name] != whole[name]} == {"model", "card"}


def test_the_card_of_a_quantised_file_says_that_it_has_8_bits(made):
    exact, whole = (documents_in(made / name)["card"] for name in ("rgb.onnx", "rgb.int8.onnx"))
    assert whole.startswith("# rgb.int8\n")
    assert "8-bit" in whole
    assert "8-bit" not in exact


def test_quantisation_leaves_preprocessing_as_it_is(made):
    graph = onnx.load(made / "rgb.int8.onnx").graph
    kinds = [node.op_type for node in graph.node]
    assert kinds.index("Round") < kinds.index("QuantizeLinear")
    assert [node.op_type for node in graph.node[: kinds.index("Round")]].count("MatMul") == 2


def test_an_export_carries_the_documents_of_its_run(made):
    documents = documents_in(made / "gray.onnx")
    run = made / "gray"
    assert documents["classes"] == ["blue", "red"]
    assert documents["preprocess"] == json.loads((run / "model.json").read_text())["preprocess"]
    assert documents["temperature"] == json.loads((run / "calibration.json").read_text())["temperature"] != 1
    assert documents["results"] == json.loads((run / "results.json").read_text())
    assert (run / "recipe.yaml").read_text().endswith("\n" + documents["recipe"])
    assert documents["card"].startswith("# gray\n")
    assert "EXIF" in documents["decoding"]
    assert "at least 26 pixels on each" in documents["decoding"]


@pytest.mark.parametrize("kind", ["onnx", "pt2"])
def test_an_export_contains_no_path_of_the_machine(kind, made):
    file = made / f"gray.{kind}"
    parts = [file.read_bytes()]
    if kind == "pt2":
        with zipfile.ZipFile(file) as archive:
            parts = [archive.read(name) for name in archive.namelist()]
    for folder in (Path(sys.prefix), ROOT / "framework"):
        assert not any(str(folder).encode() in part for part in parts)


def test_a_pt2_file_carries_the_same_documents(made):
    files = dict.fromkeys(["classes.json", "recipe.txt", "temperature.json"], "")
    torch.export.load(str(made / "gray.pt2"), extra_files=files)
    documents = documents_in(made / "gray.onnx")
    assert documents_in(made / "gray.pt2") == documents
    assert json.loads(files["classes.json"]) == documents["classes"]
    assert files["recipe.txt"] == documents["recipe"]
    assert json.loads(files["temperature.json"]) == documents["temperature"]


def test_the_graph_contains_no_stack_traces(made):
    assert b"stack_trace" not in (made / "rgb.onnx").read_bytes()


def test_an_export_contains_neither_the_command_line_nor_the_git_state(made):
    documents = documents_in(made / "rgb.onnx")
    environment = documents["environment"]
    assert environment["packages"]["torch"]
    assert environment.keys() & {"command", "git"} == set()
    for name in ("recipe", "card"):
        assert "tta: 6" in documents[name]
        assert "framework run" not in documents[name]


@pytest.mark.parametrize(
    ("name", "tta", "words"),
    [("rgb", 1, ["evaluate.tta=1", "tta=6"]), ("gray", 2, ["evaluate.tta=2", "temperature", "tta=1"])],
)
def test_the_card_says_if_its_metrics_have_another_number_of_views(name, tta, words, made, tmp_path, framework):
    out = tmp_path / "other.safetensors"
    assert framework("export", made / name, f"evaluate.tta={tta}", "--parity", 0, "--out", out).status == 0
    shown = " ".join(framework("show", "bundle", out).out.split())
    assert [word for word in words if word not in shown] == []
    assert "evaluate.tta=" not in documents_in(made / "rgb.onnx")["card"]


@pytest.mark.parametrize("suffix", ["onnx", "safetensors"])
def test_an_export_is_evaluated_with_its_own_number_of_views(suffix, made, tmp_path, framework):
    out = tmp_path / f"once.{suffix}"
    assert framework("export", made / "rgb", "evaluate.tta=1", "--parity", 0, "--out", out).status == 0
    loss, as_typed, as_trained = (
        json.loads(framework("evaluate", *what, "--json").out)["loss"]
        for what in ([out], [made / "rgb", "evaluate.tta=1"], [made / "rgb"])
    )
    assert loss == pytest.approx(as_typed, abs=1e-6) != pytest.approx(as_trained, abs=1e-6)


def test_metrics_of_other_views_or_before_quantisation_are_not_reported_for_a_file(made, tmp_path, framework):
    once = tmp_path / "once.onnx"
    assert framework("export", made / "rgb", "evaluate.tta=1", "--parity", 0, "--out", once).status == 0
    (made / "photos").rename(made / "away")
    try:
        own, *others = [
            framework("report", file, "--out", tmp_path / "page.html").out
            for file in (made / "rgb.onnx", once, made / "rgb.int8.onnx")
        ]
        compared = framework("compare", made / "rgb.onnx", once, "--split", "test")
    finally:
        (made / "away").rename(made / "photos")
    assert "top-1" in own
    assert not any("top-1" in other for other in others)
    assert (compared.status, f"'{once}'" in compared.err) == (2, True)


def tampered(source, target):
    """Write a copy with slightly changed weights of the classifier."""
    model = onnx.load(source)
    weight = max((tensor for tensor in model.graph.initializer if len(tensor.dims) == 2), key=lambda t: t.dims[1])
    values = onnx.numpy_helper.to_array(weight).copy()
    values[0] += 0.01
    weight.CopyFrom(onnx.numpy_helper.from_array(values, weight.name))
    onnx.save(model, target)


def test_a_file_with_changed_weights_fails_verification(made, tmp_path, framework):
    changed = tmp_path / "changed.onnx"
    tampered(made / "rgb.onnx", changed)
    result = framework("export", made / "rgb", "--verify", changed)
    assert result.status == 1
    assert not json.loads((tmp_path / "changed.onnx.parity.json").read_text())["passed"]
    assert framework("export", made / "rgb", "--verify", made / "rgb.onnx").status == 0


def test_an_export_that_differs_from_its_run_is_renamed(made, tmp_path, framework, monkeypatch):
    from framework.export import work

    monkeypatch.setattr(work, "write", lambda kind, predictor, path, title: tampered(made / "rgb.onnx", path))
    result = framework("export", made / "rgb", "--out", tmp_path / "new.onnx")
    assert result.status == 1
    assert "new.mismatch.onnx" in result.err
    names = {path.name for path in tmp_path.iterdir() if path.name.startswith("new")}
    assert names == {"new.mismatch.onnx", "new.mismatch.onnx.parity.json", "new.mismatch.onnx.parity.md"}


def test_a_bundle_is_compared_too_and_equals_the_run_bit_for_bit(made, tmp_path, framework):
    result = framework("export", made / "gray", "--out", tmp_path / "gray.safetensors", "--json")
    report = json.loads(result.out)
    assert (report["largest_difference"], report["agreement"]) == (0, 1)


def test_the_views_of_an_export_are_fixed_and_its_temperature_is_not(made, registry, framework):
    result = framework("evaluate", made / "rgb.onnx", "evaluate.tta=1")
    assert (result.status, "rgb.onnx" in result.err, "evaluate.tta=1" in result.err) == (2, True, True)
    images = torch.randint(0, 256, (5, 1, 13, 13), dtype=torch.uint8)
    run, export = (Predictor.open(made / name, registry, "cpu") for name in ("gray", "gray.onnx"))
    assert run.trained.temperature != 1
    for temperature in (1.0, 3.0):
        expected, changed = (one.with_temperature(temperature) for one in (run, export))
        torch.testing.assert_close(changed.probabilities(images), expected.probabilities(images))
        torch.testing.assert_close(
            changed.engine.probabilities(images), expected.engine.probabilities(images), check_dtype=False
        )


def test_an_export_without_parity_removes_an_earlier_report(made, tmp_path, framework):
    out = tmp_path / "new.safetensors"
    reports = [tmp_path / f"new.safetensors.parity.{kind}" for kind in ("json", "md")]
    assert framework("export", made / "gray", "--out", out).status == 0
    assert all(report.is_file() for report in reports)
    out.unlink()
    assert framework("export", made / "gray", "--out", out, "--parity", 0).status == 0
    assert sorted(tmp_path.iterdir()) == [out]


def test_an_interruption_while_comparing_leaves_nothing(made, tmp_path, framework, monkeypatch):
    from framework.export import work

    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(work, "predict_with_run", interrupt)
    assert framework("export", made / "gray", "--out", tmp_path / "new.safetensors").status == 130
    assert list(tmp_path.iterdir()) == []


def test_ties_are_not_counted_as_another_class(made, tmp_path, framework, monkeypatch):
    from framework.export import work

    def compared(run, exported):
        return Comparison(4, 0.5, 1, 2, ("a.png",), None)

    monkeypatch.setattr(work, "compare", compared)
    result = framework("export", made / "gray", "--out", tmp_path / "new.safetensors")
    assert (result.status, "1 of 4 images" in result.err) == (1, True)


def test_a_name_that_is_a_split_and_a_folder_is_the_split(made, tmp_path, framework, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(made / "photos" / "red", "test")

    def measured_on(asked, *overrides):
        call = ("export", made / "gray", *overrides, "--verify", made / "gray.onnx", "--json", "--parity-on", asked)
        return json.loads(framework(*call).out)["on"]

    assert measured_on("test") == "split 'test' of dataset 'folder'"
    assert measured_on("./test") == "folder 'test'"
    assert measured_on("test", "dataset.root=nowhere") == "folder 'test'"


def test_another_class_that_is_a_tie_for_the_run_is_no_mismatch():
    sample = Sample("here", ImageArrays(np.zeros((3, 1, 2, 2), np.uint8), [0, 0, 0], ("a", "b")), range(3), True)
    run = np.array([[0.5 + LIMIT / 4, 0.5 - LIMIT / 4], [0.9, 0.1], [0.8, 0.2]])
    close = compare(RunPredictions(sample, run, [], 0), run + np.array([[-LIMIT / 2, LIMIT / 2], [0, 0], [0, 0]]))
    assert (close.passed, close.same_class, close.ties, close.differing) == (True, 2, 1, ())
    other = compare(RunPredictions(sample, run, [], 0), run[:, ::-1])
    assert (other.passed, other.same_class, other.ties, len(other.differing)) == (False, 0, 1, 2)


def test_a_server_describes_an_export_like_its_run(made, registry):
    run, export = (
        describe(Predictor.open(made / name, registry, "cpu"), Limits(), None) for name in ("rgb", "rgb.onnx")
    )
    assert export["name"] == "rgb"
    for what in ("classes", "metrics", "preprocessing", "recipe", "card"):
        assert export[what] == run[what] != {}


def test_parity_may_be_measured_on_any_folder_with_or_without_classes(made, framework):
    call = ("export", made / "rgb", "dataset.root=nowhere", "--verify", made / "rgb.onnx", "--json", "--parity-on")
    labelled = json.loads(framework(*call, made / "photos").out)
    assert (labelled["images"], labelled["top1"]["run"] > 0.5) == (40, True)
    (made / "rgb.onnx.parity.json").unlink()
    unlabelled = json.loads(framework(*call, made / "photos" / "red").out)
    assert (unlabelled["images"], unlabelled["top1"]) == (20, None)


def test_large_photographs_are_also_compared_at_full_decoding_size(made, tmp_path, framework):
    folder = tmp_path / "large"
    folder.mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (128, 192, 3), dtype=np.uint8)
    for index in range(3):
        Image.fromarray(np.roll(noise, index)).save(folder / f"{index}.jpg")
    (folder / "broken.jpg").write_bytes(b"no image")
    Image.fromarray(noise).save(folder / "whole.png")
    call = ("export", made / "rgb", "--verify", made / "rgb.onnx", "--json", "--parity-on", folder)
    report = json.loads(framework(*call).out)
    assert (report["images"], report["skipped"], report["largest_difference"] < 1e-6) == (4, 1, True)
    assert report["full_decoding"]["reduced_images"] == 3
    assert report["full_decoding"]["largest_difference"] > report["largest_difference"]


def test_a_missing_data_set_is_reported_before_anything_is_written(made, tmp_path, framework):
    out = tmp_path / "x.onnx"
    result = framework("export", made / "rgb", "dataset.root=nowhere", "--out", out)
    assert result.status == 2
    for words in ("nowhere", "dataset.root=DIR", "--parity-on DIR", "--parity 0"):
        assert words in result.err
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "x.txt"], ".onnx"),
        (["--out", "nowhere/x.onnx"], "there is no folder"),
        (["--format", "pt2", "--int8"], "--format onnx"),
        (["--int8", "--parity", "0", "--out", "x.onnx"], "needs images"),
        (["--parity", "-1", "--out", "x.onnx"], "--parity is -1"),
        (["--parity-on", "tset", "--out", "x.onnx"], "did you mean 'test'"),
        (["--verify", "none.onnx"], "there is no file"),
        ([], "already exists"),
    ],
)
def test_wrong_arguments_are_rejected_with_what_is_allowed(arguments, message, made, framework):
    result = framework("export", made / "rgb", *arguments)
    assert (result.status, message in result.err) == (2, True), result.err


def test_an_export_is_not_exported_or_bundled_again(made, framework):
    for command in ("export", "bundle"):
        for file in ("rgb.onnx", "rgb.pt2"):
            result = framework(command, made / file)
            assert (result.status, f"{file}' is an export" in result.err) == (2, True)


def test_a_missing_package_is_one_line_with_what_to_install(made, framework, monkeypatch):
    import importlib.util

    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "onnx" else found(name, *rest))
    result = framework("export", made / "rgb", "--out", made / "never.onnx")
    assert (result.status, len(result.err.splitlines())) == (2, 1)
    assert "needs onnx: pip install 'framework[export]'" in result.err


def test_an_onnx_file_without_onnxruntime_says_what_to_install(made, framework, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    result = framework("show", "bundle", made / "rgb.onnx")
    assert (result.status, len(result.err.splitlines())) == (2, 1)
    assert "need onnxruntime: pip install 'framework[export]'" in result.err


def test_opening_an_onnx_file_imports_neither_torch_nor_onnx(made):
    script = (
        "import sys; from framework import Registry; from framework.runs.trained import open_trained\n"
        "print(open_trained(sys.argv[1], Registry.load()).classes, {'torch', 'onnx'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script, made / "rgb.onnx"], capture_output=True, text=True, check=True)
    assert done.stdout == "('blue', 'red') set()\n"


@pytest.mark.parametrize("suffix", ["onnx", "pt2"])
@pytest.mark.parametrize("content", [b"", b"text", b"\x3a\xff\xff\xff\x7f", b"\xff" * 20], ids=str)
def test_a_damaged_export_is_a_user_error(content, suffix, tmp_path, registry):
    (tmp_path / f"x.{suffix}").write_bytes(content)
    with pytest.raises(UserError, match=rf"x\.{suffix}: damaged"):
        open_trained(tmp_path / f"x.{suffix}", registry)


def test_exports_of_other_software_are_a_user_error(tmp_path, registry):
    class Twice(torch.nn.Module):
        def forward(self, x):
            return x * 2

    onnx.save(
        onnx.parser.parse_model('<ir_version: 8, opset_import: ["": 18]> g (float[1] x) => (float[1] y) {y = Neg(x)}'),
        tmp_path / "x.onnx",
    )
    torch.export.save(torch.export.export(Twice(), (torch.ones(1),)), tmp_path / "x.pt2")
    for suffix in ("onnx", "pt2"):
        with pytest.raises(UserError, match=rf"x\.{suffix}: .*framework export"):
            open_trained(tmp_path / f"x.{suffix}", registry)


@pytest.mark.parametrize("name", ["rgb.onnx", "rgb.pt2", "rgb"])
def test_bench_times_every_kind(name, made, framework):
    result = framework("bench", made / name, "--batch", "1,2", "--seconds", "0", "--json")
    timings = json.loads(result.out)
    assert timings["size"] == [12, 12]
    assert [batch["batch_size"] for batch in timings["batches"]] == [1, 2]
    assert all(0 < batch["p50_seconds"] <= batch["p95_seconds"] for batch in timings["batches"])


def test_bench_prints_a_table(made, framework):
    out = framework("bench", made / "rgb.onnx", "--batch", "3", "--seconds", "0", "--size", "30", "20").out
    assert "30×20" in out
    assert "images/s" in out
    assert "--batch is '0'" in framework("bench", made / "rgb.onnx", "--batch", "0").err


@pytest.mark.parametrize("kind", ["onnx", "pt2"])
def test_the_code_in_the_docs_predicts_like_the_run(kind, made, framework, tmp_path):
    page = (ROOT / "docs" / "export.md").read_text(encoding="utf-8")
    (code,) = re.findall(rf"```python {kind}\n(.*?)```", page, re.DOTALL)
    script, photo = tmp_path / "script.py", made / "photos" / "red" / "01.png"
    script.write_text(code)
    command = [sys.executable, script, made / f"gray.{kind}", photo]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    expected = json.loads(framework("predict", made / "gray", photo, "--json").out)["probabilities"]
    found = dict(zip(printed[::2], map(float, printed[1::2]), strict=True))
    assert found == pytest.approx(expected, abs=1e-5)


def test_verifying_again_keeps_the_report_on_an_unchanged_quantised_file(made, tmp_path, framework):
    assert framework("export", made / "rgb", "--out", tmp_path / "new.onnx", "--int8").status == 0
    known = json.loads((tmp_path / "new.onnx.parity.json").read_text())["int8"]

    def verified():
        call = ("export", made / "rgb", "--verify", tmp_path / "new.onnx", "--json")
        return json.loads(framework(*call).out)

    assert verified()["int8"] == known
    (tmp_path / "new.int8.onnx").write_bytes(b"another")
    assert "int8" not in verified()


def test_a_failed_quantisation_leaves_the_export_with_its_report(made, tmp_path, framework, monkeypatch):
    def fail(*arguments):
        raise RunFailed("it cannot be done")

    from framework.export import work

    monkeypatch.setattr(work, "write_int8", fail)
    result = framework("export", made / "rgb", "--out", tmp_path / "new.onnx", "--int8")
    assert (result.status, "it cannot be done" in result.err) == (1, True)
    assert json.loads((tmp_path / "new.onnx.parity.json").read_text())["passed"] is True
    assert sorted(path.name for path in tmp_path.glob("*.onnx")) == ["new.onnx"]


def test_a_full_disk_is_reported_as_such(made, tmp_path, framework, monkeypatch):
    save = onnx.save

    def full(model, path, **options):
        if Path(path).parent == tmp_path:
            raise OSError(errno.ENOSPC, "No space left on device")
        save(model, path, **options)

    monkeypatch.setattr(onnx, "save", full)
    result = framework("export", made / "rgb", "--out", tmp_path / "new.onnx", "--int8")
    assert result.status == 1
    assert f"{tmp_path / 'new.int8.onnx'}: No space left on device" in result.err


def test_quantisation_calibrates_on_the_train_split_not_on_a_folder_of_that_name(
    made, tmp_path, framework, monkeypatch
):
    from framework.export import work

    labels = []
    write = work.write_int8
    monkeypatch.setattr(work, "write_int8", lambda *given: (labels.append(given[-1].label), write(*given)))
    monkeypatch.chdir(tmp_path)
    shutil.copytree(made / "photos" / "red", "train")
    assert framework("export", made / "rgb", "--out", "new.onnx", "--int8").status == 0
    assert labels == ["split 'train' of dataset 'folder'"]


@pytest.mark.parametrize("gone", [False, True])
def test_the_report_warns_if_quantisation_was_calibrated_on_the_compared_images(gone, made, tmp_path, framework):
    photos, moved, out = made / "photos", tmp_path / "moved", tmp_path / "new.onnx"
    (shutil.move if gone else shutil.copytree)(photos, moved)
    try:
        result = framework("export", made / "rgb", "--out", out, "--int8", "--parity-on", moved)
    finally:
        if gone:
            shutil.move(moved, photos)
    assert result.status == 0, result.err
    assert json.loads((tmp_path / "new.onnx.parity.json").read_text())["int8"]["calibrated_on_compared_images"] is gone
    assert ("calibrated on the images" in (tmp_path / "new.onnx.parity.md").read_text()) is gone
    assert ("calibrated on the images" in result.err) is gone


@pytest.mark.parametrize(("run", "name"), [("a.v2", "a.v2.onnx"), (".", "a.v2.onnx")])
def test_a_dot_in_the_name_of_a_run_is_kept(run, name, made, tmp_path, framework, monkeypatch):
    shutil.copytree(made / "rgb", tmp_path / "a.v2")
    monkeypatch.chdir(tmp_path / "a.v2" if run == "." else tmp_path)
    for command in (("export", run, "--parity", 0), ("bundle", run)):
        assert framework(*command).status == 0
    assert {path.name for path in tmp_path.iterdir()} == {"a.v2", name, "a.v2.safetensors"}


def test_a_high_cost_of_quantisation_is_a_warning(made, tmp_path, framework, monkeypatch):
    from framework.export import report, work

    monkeypatch.setattr(work, "write", lambda exporter, predictor, path, title: shutil.copy(made / "rgb.onnx", path))
    monkeypatch.setattr(report, "MAX_CHANGED", -1)
    result = framework("export", made / "rgb", "--out", tmp_path / "new.onnx", "--int8")
    assert result.status == 0
    assert re.search(r"warning: .*quantisation changes \d+ %", result.err)
    assert "new.int8.onnx: " in result.out


@pytest.mark.parametrize(
    ("int8", "costs"),
    [
        ({"top1": {"run": 0.75, "export": 0.745}, "agreement": 0.95}, []),
        ({"top1": {"run": 0.75, "export": 0.5}, "agreement": 0.6}, ["25.0 points", "40 %"]),
        ({"top1": None, "agreement": 0.75}, ["25 %"]),
    ],
)
def test_quantisation_warns_above_one_point_of_top1_and_ten_percent_of_the_classes(int8, costs):
    warnings = list(warnings_of(int8))
    assert len(warnings) == len(costs)
    assert all(cost in warning for cost, warning in zip(costs, warnings, strict=True))


def engine_of(model, channels, fit):
    preprocess = Preprocessor(11, 14, channels, fit, (0.4,) * channels, (0.3,) * channels)
    evaluator = Evaluator(preprocess, torch.device("cpu"), 8, channels_last=False, tta=1)
    return TorchEngine(model, evaluator, 1.5)


@pytest.mark.parametrize(("fit", "channels"), [("stretch", 1), ("stretch", 3), ("crop", 1), ("pad", 3)])
def test_every_fit_is_the_same_inside_a_graph(fit, channels):
    torch.manual_seed(0)
    engine = engine_of(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(channels * 154, 5)), channels, fit)
    graph = traced(engine).module()
    for shape in [(1, 3, 11, 14), (5, 3, 9, 30), (2, 3, 1, 1)]:
        images = torch.from_numpy(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8))
        torch.testing.assert_close(graph(images)[1], engine(images), atol=1e-5, rtol=0)


def test_a_network_with_data_dependent_control_flow_is_rejected_with_an_alternative():
    class Moody(torch.nn.Module):
        def forward(self, images):
            return images.mean((1, 2, 3))[:, None] * (2 if images.sum() > 0 else 3)

    with pytest.raises(RunFailed, match="--format bundle"):
        traced(engine_of(Moody(), 1, "crop"))


def test_an_operator_that_onnx_lacks_is_named_with_an_alternative(made, tmp_path, framework, monkeypatch):
    import framework_stranger

    build = framework_stranger.TinyNet.build

    class Singular(torch.nn.Sequential):
        def forward(self, images):
            return super().forward(images) + torch.linalg.svdvals(images[:, 0])[:, :2]

    def singular(self, num_classes, channels):
        return Singular(*build(self, num_classes, channels))

    monkeypatch.setattr(framework_stranger.TinyNet, "build", singular)
    result = framework("export", made / "gray", "--parity", 0, "--out", tmp_path / "new.onnx")
    first, advice = result.err.splitlines()
    assert (result.status, "aten._linalg_svd" in first, "--format pt2" in advice) == (1, True, True), result.err
    assert list(tmp_path.iterdir()) == []


def test_a_network_above_the_size_limit_of_onnx_is_rejected_with_an_alternative(made, tmp_path, framework, monkeypatch):
    from framework_exporters import _onnx

    monkeypatch.setattr(_onnx, "LARGEST", 1000)
    result = framework("export", made / "gray", "--parity", 0, "--out", tmp_path / "new.onnx")
    assert (result.status, "larger than 2 GB" in result.err, "--format pt2" in result.err) == (1, True, True)
