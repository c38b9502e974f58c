"""The code in the documentation works and generated pages are current."""

import importlib.util
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = ["README.md", *sorted(f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w+) ?([^\n]*)\n(.*?)^```", re.M | re.S)


def blocks(page, language, mark=""):
    """The code blocks of a page in that language whose opening line has that mark, with what follows the mark."""
    found = BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))
    return [(info, code) for name, info, code in found if name == language and info.startswith(mark)]


def run(command, cwd, **environment):
    done = subprocess.run(command, cwd=cwd, env=os.environ | environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_worked_example_of_a_plugin_is_installed_listed_and_trained(tmp_path):
    pytest.importorskip("setuptools", minversion="64")
    page = "docs/writing-a-plugin.md"
    for language in ("toml", "python", "yaml"):
        for info, code in blocks(page, language, "file="):
            name = info.removeprefix("file=")
            file = tmp_path / name if language == "yaml" else tmp_path / "framework-blobs" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(code)
    site = tmp_path / "site"
    commands = [line for _, code in blocks(page, "sh", "run") for line in code.splitlines()]
    assert commands[0] == "pip install ./framework-blobs"
    install = ["install", "--no-deps", "--no-build-isolation", "--quiet", "--target", site, "./framework-blobs"]
    run([sys.executable, "-m", "pip", *install], tmp_path)
    printed = ""
    for command in commands[1:]:
        program, *arguments = shlex.split(command)
        assert program == "framework"
        printed += run([sys.executable, "-m", "framework", *arguments], tmp_path, PYTHONPATH=str(site))
    for text in ("blobs  (framework-blobs 0.1)", "Two linear layers on the pixels.", "Units between the two layers."):
        assert text in printed
    assert (tmp_path / "runs" / "blobs-1" / "results.json").exists()


def lay_out_plugin(site, name, code):
    """The plugin's code as if it were installed in that folder."""
    package = site / f"framework_{name}"
    package.mkdir()
    (package / "__init__.py").write_text(code)
    info = site / f"framework_{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: framework-{name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[framework]\n{name} = framework_{name}\n")


def test_the_example_dataset_skips_damaged_files(tmp_path):
    from PIL import Image

    ((_, code),) = blocks("docs/writing-a-plugin.md", "python", "plugin=birds")
    lay_out_plugin(tmp_path, "birds", code)
    images = tmp_path / "data" / "birds" / "images"
    images.mkdir(parents=True)
    names = [f"{index}.png" for index in range(20)]
    for index, name in enumerate(names):
        Image.new("RGB", (12, 12), (10 * index, 0, 255 * (index % 2))).save(images / name)
    (images / "3.png").write_bytes(b"")
    species = "".join(f"{name} {('wren', 'robin')[index % 2]}\n" for index, name in enumerate(names))
    (images.parent / "species.txt").write_text(species)
    (tmp_path / "birds.yaml").write_text(
        "dataset: {name: birds, on_bad_image: skip}\npreprocess: {size: 8}\nmodel: tinynet\n"
        "train: {epochs: 1, batch_size: 4}\n"
    )
    plugins = os.pathsep.join(map(str, (tmp_path, ROOT / "tests" / "stranger")))
    run([sys.executable, "-m", "framework", "run", "birds.yaml"], tmp_path, PYTHONPATH=plugins)
    data = json.loads((tmp_path / "runs" / "birds-1" / "data.json").read_text())
    assert [skipped["name"] for skipped in data["train"]["skipped"]] == ["images/3.png"]
    assert (sum(data["train"]["classes"].values()), [*data["train"]["classes"]]) == (17, ["robin", "wren"])


def test_the_example_metric_and_exporter_are_used_by_a_run(tmp_path):
    for name in ("certainty", "packed", "grades"):
        ((_, code),) = blocks("docs/writing-a-plugin.md", "python", f"plugin={name}")
        lay_out_plugin(tmp_path, name, code)
    (tmp_path / "dots.yaml").write_text(
        "dataset: {name: dots, images: 40}\npreprocess: {size: 16}\nmodel: tinynet\n"
        "task: grades\ntrain: {epochs: 1, batch_size: 10, monitor: certainty}\n"
    )
    plugins = os.pathsep.join(map(str, (tmp_path, ROOT / "tests" / "stranger")))
    for command in (["run", "dots.yaml", "--out", "run"], ["export", "run", "--out", "my.packed"]):
        run([sys.executable, "-m", "framework", *command], tmp_path, PYTHONPATH=plugins)
    assert 0 < json.loads((tmp_path / "run" / "results.json").read_text())["test"]["certainty"] < 1
    assert json.loads((tmp_path / "my.packed.parity.json").read_text())["passed"]


def test_the_example_method_trains_and_conforms(tmp_path):
    ((_, code),) = blocks("docs/writing-a-plugin.md", "python", "plugin=two_views")
    body = code[code.index("class TwoViews") : code.index("@hookimpl")]
    assert len([line for line in body.splitlines() if line.strip()]) <= 20
    lay_out_plugin(tmp_path, "two_views", code)
    plugins = os.pathsep.join(map(str, (tmp_path, ROOT / "tests" / "stranger")))
    (tmp_path / "dots.yaml").write_text(
        "dataset: dots\npreprocess: {size: 16}\nmodel: tinynet\nmethod: two_views\n"
        "train: {epochs: 1, batch_size: 10, grad_accum_steps: 2, device: cpu}\n"
    )
    run([sys.executable, "-m", "framework", "run", "dots.yaml"], tmp_path, PYTHONPATH=plugins)
    results = json.loads((tmp_path / "runs" / "dots-1" / "results.json").read_text())
    assert results["test"]["images"] > 0
    checked = run(
        [sys.executable, "-m", "framework", "plugins", "check", "two_views", "two_views", "--json"],
        tmp_path,
        PYTHONPATH=plugins,
    )
    document = json.loads(checked)
    assert {result["status"] for result in document["results"] if result["of"] == "method two_views"} == {"passed"}


def test_every_public_name_is_on_the_page_about_plugins():
    import framework

    page = (ROOT / "docs" / "writing-a-plugin.md").read_text(encoding="utf-8")
    table = page[page.index("## The names of `framework`") :]
    assert set(re.findall(r"`(\w+)`", table)) - {"framework", "help"} == set(framework.__all__)


def test_the_plugin_of_the_readme_works_and_is_short(tmp_path):
    ((_, code),) = blocks("README.md", "python", "plugin")
    assert len([line for line in code.splitlines() if line.strip()]) <= 15
    lay_out_plugin(tmp_path, "linear", code)
    arguments = ["run", "fer2013_resnet18", "model=linear", "dataset={name: drawn_faces, train_images: 140}"]
    arguments += ["train.max_steps=2", "train.batch_size=20", "--out", str(tmp_path / "run")]
    run([sys.executable, "-m", "framework", *arguments], tmp_path, PYTHONPATH=str(tmp_path))
    assert (tmp_path / "run" / "model.safetensors").exists()


def test_the_code_about_using_trained_networks_runs(tmp_path, monkeypatch):
    from PIL import Image

    Image.linear_gradient("L").save(tmp_path / "photo.png")
    monkeypatch.chdir(tmp_path)
    ((_, code),) = blocks("docs/after-training.md", "python", "run")
    names = {}
    exec(code, names)
    assert names["picture"].shape == (3, *names["seen"].shape)


def test_the_code_of_the_page_about_python_runs(tmp_path, monkeypatch):
    from PIL import Image

    import framework

    monkeypatch.chdir(tmp_path)
    Image.linear_gradient("L").save("face.png")
    names = {"framework": framework, "content": Path("face.png").read_bytes()}
    for _, code in blocks("docs/python.md", "python", "run"):
        exec(code, names)
    assert (tmp_path / "faces.pt2").is_file()


def test_recipes_in_the_docs_are_valid(tmp_path, framework):
    found = [block for page in PAGES for block in blocks(page, "yaml", "recipe")]
    for index, (_, code) in enumerate(found):
        file = tmp_path / f"{index}.yaml"
        file.write_text(code)
        assert framework("check", file).status == 0


def commands_of(page):
    lines = [line.partition("#")[0] for _, code in blocks(page, "sh") for line in code.splitlines()]
    return [shlex.split(line) for line in lines if line.startswith("framework ")]


@pytest.mark.parametrize("page", [page for page in PAGES if commands_of(page)])
def test_commands_in_the_docs_name_commands_and_recipes_that_exist(page, framework):
    from framework.cli import COMMANDS
    from framework.recipe.loading import find_recipe

    written = {info.removeprefix("file=") for info, _ in blocks(page, "yaml", "file=")}  # by the page itself
    for _, command, *arguments in commands_of(page):
        assert command in COMMANDS or f"{command} {arguments[0]}" in COMMANDS
        if command == "run" and not arguments[0].endswith("my.yaml") and arguments[0] not in written:
            path = ROOT / arguments[0]
            assert path.is_file() or find_recipe(arguments[0]).is_file()
            overrides = [argument for argument in arguments[1:] if "=" in argument]
            assert framework("check", path if path.is_file() else arguments[0], *overrides).status == 0


def test_the_command_line_page_is_current():
    spec = importlib.util.spec_from_file_location("write_command_line", ROOT / "docs" / "write_command_line.py")
    writer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(writer)
    assert writer.PAGE.read_text(encoding="utf-8") == writer.command_line_page(), (
        "run: python docs/write_command_line.py"
    )


def test_every_hook_is_documented_with_its_arguments():
    import inspect

    from framework.hookspecs import CallbackSpec, PluginSpec

    page = (ROOT / "docs" / "writing-a-plugin.md").read_text(encoding="utf-8")
    hooks = [hook for spec in (CallbackSpec, PluginSpec) for hook in inspect.getmembers(spec, inspect.isfunction)]
    for name, hook in hooks:
        signature = ", ".join(list(inspect.signature(hook).parameters)[1:])
        assert f"`{name}({signature})`" in page


def test_the_page_of_results_has_the_metrics_of_its_runs():
    spec = importlib.util.spec_from_file_location("write_results", ROOT / "docs" / "write_results.py")
    writer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(writer)
    page = writer.PAGE.read_text(encoding="utf-8")
    assert page == writer.results_page(page), "run: python docs/write_results.py"
