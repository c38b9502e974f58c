"""`framework list runs`, `framework diff` and `framework reproduce`, on tiny runs."""

import json
import shutil

import pytest

RECIPE = """
dataset: {name: drawn_faces, train_images: 140, test_images: 70}
preprocess: {size: 16}
model: tinynet
train: {epochs: 2, batch_size: 20, device: cpu, precision: float32}
"""
RUNS = {"a-1": (), "a-2": ("seed=1",), "a-10": ("train.epochs=1", "model=linear_probe", "optimizer.lr=0.01")}


@pytest.fixture(scope="module")
def trained(tmp_path_factory, start_framework):
    """A folder with a recipe and three runs of it."""
    folder = tmp_path_factory.mktemp("runs")
    (folder / "tiny.yaml").write_text(RECIPE)
    for name, overrides in RUNS.items():
        process = start_framework("run", "tiny.yaml", "--out", f"runs/{name}", *overrides, cwd=folder)
        _, err = process.communicate()
        assert process.returncode == 0, err
    return folder


@pytest.fixture
def folder(trained, tmp_path, monkeypatch):
    """A copy of it, as the current folder."""
    shutil.copytree(trained, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def listed(framework, *arguments):
    result = framework("list", "runs", *arguments, "--json")
    assert result.status == 0, result.err
    return json.loads(result.out)


def names(runs):
    return [run["path"].rpartition("/")[2] for run in runs]


def test_every_run_of_the_folder_is_listed_with_its_metrics(framework, folder):
    runs = listed(framework)
    assert names(runs) == ["a-1", "a-2", "a-10"]
    results = json.loads((folder / "runs" / "a-1" / "results.json").read_text())
    assert runs[0]["status"] == "finished"
    assert runs[0]["recipe"] == "tiny"
    assert runs[0]["components"]["model"] == "tinynet"
    assert runs[0]["epochs"] == 2
    assert runs[0]["split"] == "test"
    assert runs[0]["metrics"]["top1"] == results["test"]["top1"]
    assert runs[0]["seconds"] == results["seconds"]["total"]
    low, high = runs[0]["top1_interval"]
    assert low < results["test"]["top1"] < high


def test_the_table_has_a_line_for_each_run(framework, folder):
    lines = framework("list", "runs").out.splitlines()
    assert len(lines) == 4
    assert [line.split()[:3] for line in lines[1:]] == [
        ["runs/a-1", "tiny", "tinynet"], ["runs/a-2", "tiny", "tinynet"], ["runs/a-10", "tiny", "linear_probe"],
    ]  # fmt: skip


def test_folders_and_runs_may_be_named(framework, folder):
    (folder / "more" / "deep").mkdir(parents=True)
    (folder / "runs" / "a-2").rename(folder / "more" / "deep" / "b")
    assert names(listed(framework, "more", "runs/a-1")) == ["b", "a-1"]
    assert set(names(listed(framework, "."))) == {"a-1", "a-10", "b"}


@pytest.mark.parametrize(
    ("key", "descending"),
    [("top1", True), ("macro_f1", True), ("loss", False), ("ece", False), ("seconds", False), ("optimizer.lr", False)],
)
def test_runs_are_sorted_by_metrics_best_first_and_by_all_else_upwards(framework, folder, key, descending):
    runs = listed(framework, "--sort", key)
    values = [run["metrics"].get(key, run["settings"].get(key, run.get(key))) for run in runs]
    assert values == sorted(values, reverse=descending)
    reverse = [run["metrics"].get(key, run["settings"].get(key, run.get(key))) for run in
               listed(framework, "--sort", key, "--reverse")]  # fmt: skip
    assert reverse == sorted(values, reverse=not descending)


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        (["seed=1"], ["a-2"]),
        (["model=tinynet"], ["a-1", "a-2"]),
        (["model=*probe"], ["a-10"]),
        (["train.epochs=2", "seed=0"], ["a-1"]),
        (["optimizer.lr=1e-2"], ["a-10"]),
        (["dataset=fer2013"], []),
    ],
)
def test_runs_are_filtered_by_their_options(framework, folder, conditions, expected):
    assert names(listed(framework, "--filter", *conditions)) == expected


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--filter", "modle=x"], "'model'"),
        (["--filter", "model"], "option=value"),
        (["--sort", "tpo1"], "'top1'"),
        (["nowhere"], "'nowhere'"),
    ],
)
def test_a_mistake_in_the_arguments_is_the_user_s(framework, folder, arguments, named):
    result = framework("list", "runs", *arguments)
    assert result.status == 2
    assert named in result.err


def test_an_unfinished_and_a_damaged_run_are_listed_as_such(framework, folder):
    for file in ("results.json", "model.safetensors"):
        (folder / "runs" / "a-1" / file).unlink()
    (folder / "runs" / "a-2" / "results.json").write_text("{")
    runs = {run["path"]: run for run in listed(framework)}
    unfinished, damaged = runs["runs/a-1"], runs["runs/a-2"]
    assert (unfinished["status"], unfinished["epochs"], unfinished["split"]) == ("unfinished", 2, "validation")
    assert damaged["status"] == "damaged"
    assert "runs/a-2/results.json" in damaged["problem"]
    assert names(listed(framework, "--sort", "seconds"))[0] == "a-10"
    assert framework("list", "runs").status == 0


def test_an_empty_folder_has_no_run(framework, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert framework("list", "runs").status == 2
    (tmp_path / "runs").mkdir()
    assert framework("list", "runs").status == 2
    assert "list runs" in framework("list", "run").err


def test_diff_names_what_differs(framework, folder):
    result = framework("diff", "runs/a-1", "runs/a-10", "--json")
    assert result.status == 0
    found = json.loads(result.out)
    assert list(found) == ["runs", "recipe", "data", "code", "versions", "hardware"]
    assert next(iter(found["recipe"])) == "model"
    assert found["recipe"]["train.epochs"] == [2, 1]
    assert found["data"] == found["code"] == found["versions"] == {}


def test_diff_names_data_code_versions_and_hardware(framework, folder):
    environment = folder / "runs" / "a-2" / "environment.json"
    document = json.loads(environment.read_text())
    document["plugins"]["stranger"]["version"] = "0.9"
    document["packages"]["torch"] = "1.0"
    document["device"] = "a larger one"
    document["resumed"] = [{"command": "again", "device": "another"}]
    environment.write_text(json.dumps(document))
    data = folder / "runs" / "a-2" / "data.json"
    described = json.loads(data.read_text())
    described["train"]["fingerprint"] = "f" * 64
    described["test"]["dropped"] = ["one.png"]
    data.write_text(json.dumps(described))
    found = json.loads(framework("diff", "runs/a-1", "runs/a-2", "--json").out)
    assert found["recipe"] == {"seed": [0, 1]}
    assert found["data"]["test.dropped"] == [0, 1]
    assert "train.fingerprint" in found["data"]
    assert found["code"] == {"plugin stranger": ["framework-stranger 1.2", "framework-stranger 0.9"]}
    assert found["versions"]["torch"][1] == "1.0"
    assert found["hardware"]["device"][1] == ["a larger one", "another"]
    out = framework("diff", "runs/a-1", "runs/a-2").out
    headings = [line.split()[0] for line in out.splitlines() if "a-1" in line and "a-2" in line]
    assert headings[:5] == ["recipe", "data", "code", "versions", "hardware"]


def test_diff_takes_bundles(framework, folder):
    assert framework("bundle", "runs/a-1").status == 0
    found = json.loads(framework("diff", "runs/a-1", "runs/a-1.safetensors", "--json").out)
    assert all(values == {} for kind, values in found.items() if kind != "runs")


def test_a_run_is_reproduced_to_the_same_bytes(framework, folder):
    result = framework("reproduce", "runs/a-1")
    assert result.status == 0, result.err
    again = folder / "runs" / "a-1-reproduced-1"
    original = (folder / "runs" / "a-1" / "model.safetensors").read_bytes()
    assert (again / "model.safetensors").read_bytes() == original
    repeated = framework("reproduce", "runs/a-1", "--out", "runs/a-1-reproduced-1", "--json")
    found = json.loads(repeated.out)
    assert (repeated.status, found["agreement"], found["weights"]) == (0, "bytes", True)
    assert found["logits"] == {"test": True, "validation": True}
    assert not any(found["differences"].values())


def test_another_result_is_compared_by_its_metrics_and_the_differences_are_named(framework, folder):
    shutil.copytree(folder / "runs" / "a-2", folder / "again")
    shutil.copy(folder / "runs" / "a-1" / "recipe.yaml", folder / "again")
    environment = folder / "again" / "environment.json"
    environment.write_text(environment.read_text().replace('"numpy": "', '"numpy": "9'))
    results = folder / "again" / "results.json"
    document = json.loads(results.read_text())
    original = json.loads((folder / "runs" / "a-1" / "results.json").read_text())
    for top1, status in ((original["test"]["top1"], 0), (original["test"]["top1"] + 0.5, 1)):
        for split in ("test", "validation"):
            document[split] |= {
                name: original[split][name] for name in ("top1", "top5", "balanced_accuracy", "macro_f1")
            }
        document["test"]["top1"] = top1
        results.write_text(json.dumps(document))
        result = framework("reproduce", "runs/a-1", "--out", "again", "--json")
        found = json.loads(result.out)
        assert result.status == status
        assert found["agreement"] == ("metrics" if status == 0 else None)
        assert found["weights"] is False
        assert found["metrics"]["test"]["top1"]["agrees"] is (status == 0)
        assert list(found["differences"]["versions"]) == ["numpy"]
        text = framework("reproduce", "runs/a-1", "--out", "again")
        assert text.status == status
        assert "numpy" in text.out


def test_a_run_with_a_plugin_file_a_table_and_callbacks_is_reproduced_from_its_folder(framework, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = "from framework import Model\nclass Mine(Model):\n    'A layer.'\n    name = 'mine'\n"
    model += "    def build(self, num_classes, channels, image_size):\n        from torch import nn\n"
    model += "        return nn.Sequential(nn.Flatten(), nn.Linear(256 * channels, num_classes))\n"
    (tmp_path / "my_model.py").write_text(model)
    (tmp_path / "tiny.yaml").write_text(RECIPE.replace("tinynet", "mine"))
    (tmp_path / "my.csv").write_text("split,name\n")
    overrides = ("callbacks=[csv]", "dataset.drop=my.csv")
    trained = framework("run", "tiny.yaml", "--plugin", "my_model.py", "--out", "run", *overrides)
    assert trained.status == 0, trained.err
    (tmp_path / "my_model.py").unlink()
    (tmp_path / "my.csv").unlink()
    result = framework("reproduce", "run", "--json")
    assert result.status == 0, result.err
    found = json.loads(result.out)
    assert found["agreement"] == "bytes"
    assert not any(found["differences"].values())
    assert (tmp_path / "run-reproduced-1" / "plugins" / "my_model.py").is_file()


def test_moved_images_are_named_and_may_be_given(framework, photos, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = ("model=tinynet", "preprocess.size=16", "train.max_steps=2", "train.batch_size=8", "dataset.test=0.2")
    started = framework("run", "folder", f"dataset.root={photos}", "augment=[]", *options, "--out", "run")
    assert started.status == 0, started.err
    photos.rename(tmp_path / "moved")
    refused = framework("reproduce", "run")
    assert refused.status == 2
    assert "dataset.root" in refused.err
    assert not (tmp_path / "run-reproduced-1").exists()
    given = framework("reproduce", "run", "dataset.root=moved", "--json")
    assert given.status == 0, given.err
    assert json.loads(given.out)["differences"]["recipe"] == {}


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["drawn/faces"], "drawn/faces"),
        (["runs/a-1", "train.epochs=3"], "train.epochs"),
        (["runs/nothing"], "runs/nothing"),
    ],
)
def test_what_cannot_be_reproduced_is_the_user_s_error(framework, folder, arguments, named):
    result = framework("reproduce", *arguments)
    assert result.status == 2
    assert named in result.err


def test_a_soup_cannot_be_reproduced_and_the_command_is_named(framework, folder):
    assert framework("soup", "runs/a-1", "runs/a-2", "--out", "soup").status == 0
    result = framework("reproduce", "soup")
    assert result.status == 2
    assert "framework soup runs/a-1 runs/a-2" in result.err
