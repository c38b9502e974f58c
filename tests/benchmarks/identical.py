"""Check that two checkouts of the project give identical results, for changes that must not alter any.

`python -m tests.benchmarks.identical BEFORE AFTER` trains, evaluates, predicts, bundles and exports small recipes with
the code of each checkout, on the CPU with one thread, and compares what comes out:

- every tensor (weights, checkpoints, logits, bundles) byte by byte,
- every number of metrics, results and predictions except times, sizes and memory,
- exports: weights and operators; for ONNX also its predictions, for pt2 also its outputs on a fixed input.

Names of tensors and JSON keys may differ. It prints a line for each file, with the first difference; the exit status is
1 if anything differs. Where options were renamed between the checkouts, `--before-recipes` names a folder with the same
recipes in the old names. `--keep` saves the results of BEFORE, for its commit and recipes, for the next comparison.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import inspect
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from tests.benchmarks.artifacts import artifacts, difference

RECIPES = Path(__file__).with_suffix("")
NAMES = ("drawn", "folder", "table", "resnet18")
"""In this order: `table` is fine-tuned from `folder`."""
EXPORTS = {"drawn": {"onnx": ["--int8"], "pt2": []}, "folder": {"onnx": []}}
CALIBRATED = ("drawn",)


def commands(recipe: str, file: Path) -> Iterator[tuple[str, list[str]]]:
    """The command lines for a recipe, each with the file that receives its output."""
    yield "run.log", ["run", str(file), "--out", recipe]
    yield "evaluate.json", ["evaluate", recipe, "--json", *(["--calibrate"] if recipe in CALIBRATED else [])]
    yield "predict.jsonl", ["predict", recipe, "images", "--json"]
    yield "bundle.log", ["bundle", recipe, "--out", f"{recipe}.safetensors"]
    for kind, options in EXPORTS.get(recipe, {}).items():
        export = f"{recipe}.{kind}"
        yield f"{kind}.json", ["export", recipe, "--out", export, "--parity", "100", "--json", *options]
        if kind == "onnx":
            yield "onnx-predict.jsonl", ["predict", export, "images", "--json"]


def write_images(folder: Path) -> None:
    """PNG files of many sizes in three class folders, and a CSV file that gives them other classes, and splits."""
    random = np.random.default_rng(0)
    rows = [("path", "label", "split")]
    for index in range(120):
        pixels = random.integers(0, 256, (6, 6, 3), dtype=np.uint8)
        pixels[:, :, index % 3] //= 4
        width, height = map(int, random.integers(30, 90, 2))
        path = Path("images", f"class{index % 3}", f"{index:03}.png")
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).resize((width, height)).save(folder / path)
        split = ("train", "train", "validation", "test")[index // 3 % 4]
        rows.append((str(path), ("class0", "class1", "other")[index % 3], split))
    with (folder / "images.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)


def produce(checkout: Path, recipes: Path, names: Sequence[str], folder: Path) -> None:
    """Run all commands with the code of `checkout` in `folder`; raises `RuntimeError` where one fails."""
    write_images(folder)
    paths = {"PYTHONPATH": f"{checkout}{os.pathsep}{checkout / 'plugins'}", "FRAMEWORK_CACHE": str(folder / "cache")}
    environment = {**os.environ, **paths, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}

    def python(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{checkout}: exit status {done.returncode}: {' '.join(arguments)}\n{done.stderr}")
        return done.stdout

    imported = python("-c", "import framework; print(framework.__file__)")
    if not Path(imported).is_relative_to(checkout):
        raise RuntimeError(f"{checkout}: python imports {imported.strip()} instead")
    for name in names:
        for output, arguments in commands(name, recipes / f"{name}.yaml"):
            (folder / f"{name}-{output}").write_text(python("-m", "framework", *arguments), encoding="utf-8")
    (folder / "complete").touch()


def kept_name(checkout: Path, recipes: Path, names: Sequence[str]) -> str:
    """The folder for the results of `checkout`: its commit, and a digest of the recipes and commands."""
    commit = subprocess.run(["git", "-C", checkout, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    digest = hashlib.sha256("".join(map(inspect.getsource, (commands, write_images, produce))).encode())
    for name in names:
        digest.update((recipes / f"{name}.yaml").read_bytes())
    return f"{commit.stdout[:12]}-{digest.hexdigest()[:12]}"


def compare(before: Path, after: Path) -> bool:
    """Print the table; whether all is identical."""
    old, new = artifacts(before), artifacts(after)
    renamed = [path for path in new if path not in old]
    same = True
    for path, values in old.items():
        others = [path] if path in new else [other for other in renamed if other.suffix == path.suffix]
        found = {other: difference(values, new[other]) for other in others}
        partner = min(found, key=lambda other: (found[other] is not None, other.name != path.name), default=None)
        if partner in renamed:
            renamed.remove(partner)
        text = "there is no such file after" if partner is None else found[partner]
        same = same and text is None
        name = str(path) if partner in (path, None) else f"{path} -> {partner}"
        print(f"{'identical' if text is None else 'differs  '}  {name}{f'  ({text})' if text else ''}")
    for path in renamed:
        print(f"differs    {path}  (only after)")
    return same and not renamed


def main() -> int:
    """Produce and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path, help="a checkout of the project")
    parser.add_argument("after", type=Path, help="another one")
    parser.add_argument("--recipes", nargs="+", choices=NAMES, default=NAMES, help="default: all")
    parser.add_argument("--before-recipes", type=Path, default=RECIPES, metavar="DIR", help="for BEFORE")
    parser.add_argument("--after-recipes", type=Path, default=RECIPES, metavar="DIR", help="for AFTER")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep results here; reuse those of BEFORE")
    given = parser.parse_args()
    before, after, of_before, of_after, keep = (
        path and path.resolve()
        for path in (given.before, given.after, given.before_recipes, given.after_recipes, given.keep)
    )
    with tempfile.TemporaryDirectory() as temporary, ThreadPoolExecutor() as threads:
        results = keep or Path(temporary)
        sides = [results / kept_name(before, of_before, given.recipes), results / "after"]
        made = []
        for checkout, recipes, folder in zip((before, after), (of_before, of_after), sides, strict=True):
            if folder == sides[1] or not (folder / "complete").exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir(parents=True)
                made.append(threads.submit(produce, checkout, recipes, given.recipes, folder))
        for side in made:
            side.result()
        return 0 if compare(*sides) else 1


if __name__ == "__main__":
    sys.exit(main())
