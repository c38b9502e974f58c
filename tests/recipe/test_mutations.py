"""Randomly mutated recipes: `framework check` ends with status 0 (valid) or 2 (mistakes), nothing else.

A few hundred as a test; more with `python -m tests.recipe.test_mutations NUMBER [FIRST_SEED]`.
"""

import io
import random
import re
import sys
import tempfile
import time
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

from framework import Registry
from framework.cli import main

RECIPES = [file.read_text() for file in sorted((Path(__file__).parents[2] / "recipes").glob("*.yaml"))]
EVERYTHING = """
seed: 1
dataset: {name: folder, root: photos, test: 0.25, drop: drop.csv, validation: 0.1}
preprocess: {size: [48, 64], channels: 3, fit: pad, mean: [0.5, 0.5, 0.5], std: [0.2, 0.2, 0.2]}
augment: [flip, {name: shift, fraction: 0.1, until: 0.9}, {name: mixup, p: 0.5}]
model: {name: timm, arch: convnext_atto, options: {drop_rate: 0.1}}
loss: {name: distill, teachers: [runs/a, runs/b]}
optimizer: {name: timm/muon, lr: 7e-3, options: {nesterov: true}}
scheduler: {name: multi_step, milestones: [0.5, 0.75]}
train:
  lookahead: {every: 5, decay: 0.5}
  freeze: ["layer1.*"]
  max_time: 1h30m
  checkpoint_every: 0
evaluate: {tta: 6}
callbacks: [csv, {name: tensorboard, folder: logs}]
"""
ODD_VALUES = (
    "null  true  false  yes  0  -1  1  3  1.5  1e999  -.inf  .nan  0x10  0o17  0x  1_000  1__0  12:30  2001-12-14"
    "  1e-400  -0.0  ~  =  9999999999999999999999  ''  \"\"  []  {}  [[]]  [{}]  {a: b}  {name: }  {name: []}"
    "  {name: flip}  [flip, 3]  timm  timm/  /timm  timm/a/b  resnet18  resnet18/x  speednet  folder  csv  ~nobody/x"
    "  /dev/null  .  ..  cuda:99  auto  1h  90s  1x  [1,2]  [1,2,3]  !!str  !!int  !!int x  !!binary AA  !!set {a}"
    "  !!null x  !x  !<tag:x>  !!python/object:os.system  &a  &a 1  *a  *b  <<: {<<: *a}  |  >  ?  -  :  ,  #  %"
    "  @  `  \\  \t  \ufeff  \u2028  \x85  \U0001f600  caf\u00e9  (((((  ''''  %YAML  ---  ...  a: {? b : c}"
    "  {? [a] : b}  {1: 2}  {null: 1}"
    '  "\\ud800"  "\\udcff"  "a\\udcffb"  "\\0"  "\\x85"  "\\U0001F600"'
)
ODD_PATHS = (
    "train.epochs augment augment.0 augment.0.p augment.9 augment.x.p model model.name model.options.a dataset.root "
    "optimizer.lr lr epochs train train.lookahead.every seed seed.x scheduler.warmup . .. a..b =x train. .train "
    "preprocess.size preprocess.size.0 callbacks.0.name loss.teachers.0 \ud800 \udcff \x00"
)
VALUES, OVERRIDES = ODD_VALUES.split("  "), ODD_PATHS.split()


def mutated(seed):
    """The bytes of a recipe, and overrides; the same for the same seed."""
    chance = random.Random(seed)
    content = chance.choice([*RECIPES, EVERYTHING, EVERYTHING, EVERYTHING])
    for _ in range(chance.choice([0, 1, 1, 1, 2, 3, 8])):
        content = chance.choice(MUTATIONS)(chance, content)
    content = content.encode(errors="surrogatepass" if chance.random() < 0.5 else "replace")
    if chance.random() < 0.03:
        place = chance.randrange(len(content) + 1)
        content = content[:place] + chance.randbytes(chance.randint(1, 4)) + content[place:]
    paths = [chance.choice(OVERRIDES) for _ in range(chance.choice([0, 0, 0, 1, 2]))]
    return content, [f"{path}={chance.choice(VALUES)}" for path in paths]


def a_value(chance, text):
    """Another value for a word, number or text."""
    return replaced(chance, text, r"""[\w.~/*'"-]+""", chance.choice(VALUES))


def a_key(chance, text):
    """Another key."""
    keys = re.findall(r"(\w+):", text + RECIPES[0]) or ["x"]
    return replaced(chance, text, r"\w+(?=:)", chance.choice([*keys, *VALUES]))


def a_sign(chance, text):
    """A sign too few, too many or another."""
    return replaced(chance, text, r"[\[\]{}:,#\n\"' -]", chance.choice(["", *"[]{}:,#\n\"' -&*!|>%@\t"]))


def a_line(chance, text):
    """A line lost, doubled, moved, indented, or of another recipe."""
    lines = text.split("\n")
    index = chance.randrange(len(lines))
    line = lines.pop(index)
    put = chance.choice([[], [line, line], [f"  {line}"], [line.lstrip()], [f"- {line}"], [another_line(chance), line]])
    lines[index:index] = put
    if not put:
        lines.insert(chance.randrange(len(lines) + 1), line)
    return "\n".join(lines)


def another_line(chance):
    return chance.choice(chance.choice([*RECIPES, EVERYTHING]).split("\n"))


def a_cut(chance, text):
    """A piece lost."""
    start = chance.randrange(len(text) + 1)
    return text[:start] + text[start + chance.randint(1, 40) :]


def a_depth(chance, text):
    """Something nested deeply."""
    depth = chance.choice([3, 30, 60, 300, 600])
    return replaced(chance, text, r"[\w.]+", chance.choice(["[", "{a: ", "- "]) * depth)


def replaced(chance, text, pattern, by):
    places = list(re.finditer(pattern, text))
    if not places:
        return text + by
    place = chance.choice(places)
    return text[: place.start()] + by + text[place.end() :]


MUTATIONS = [a_value, a_value, a_value, a_key, a_key, a_sign, a_line, a_line, a_cut, a_depth]


def fault(seed, file):
    """What is wrong with the output of `framework check` for that recipe; None if nothing is."""
    content, overrides = mutated(seed)
    file.write_bytes(content)
    arguments = ["check", str(file), *overrides, *(["--resolved"] if seed % 2 else [])]
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            status = main(arguments)
        except BaseException as error:  # nothing may come through
            return f"seed {seed}: {type(error).__name__}: {error}"
    printed = out.getvalue() if status == 0 else err.getvalue()
    if status not in (0, 2) or not printed.strip() or "Traceback" in printed:
        return f"seed {seed}: status {status}: {printed[:200]}"
    return None


def test_a_mutated_recipe_is_valid_or_a_user_error(registry, tmp_path, monkeypatch):
    monkeypatch.setattr(Registry, "load", lambda files: registry)
    assert [found for seed in range(300) if (found := fault(seed, tmp_path / "recipe.yaml"))] == []


def walk(number, first=0):
    """The test for many seeds; prints what is found, and how long the slowest took."""
    faults, slowest, registry = 0, (0.0, 0), Registry.load()
    with (
        tempfile.TemporaryDirectory() as folder,
        patch.object(Registry, "load", lambda files: registry),
    ):
        for seed in range(first, first + number):
            started = time.perf_counter()
            found = fault(seed, Path(folder) / "recipe.yaml")
            slowest = max(slowest, (time.perf_counter() - started, seed))
            if found:
                faults += 1
                print(found, flush=True)
    print(f"{number:,} recipes, {faults} faults; the slowest took {slowest[0]:.2f} s (seed {slowest[1]})")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(walk(*map(int, sys.argv[1:])))
