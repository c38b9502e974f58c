"""`framework bundle`."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from framework.cli.arguments import add_run, beside, require_place
from framework.cli.streams import output_is_optional
from framework.errors import UserError
from framework.registry import Registry
from framework.runs.bundle import SUFFIX, write_bundle
from framework.runs.card import model_card
from framework.runs.plugin_files import needed_files
from framework.runs.trained import open_trained


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_run(parser, "a run folder")
    parser.add_argument("--out", type=Path, metavar="FILE", help=f"the bundle (default: RUN{SUFFIX})")
    parser.add_argument("--half", action="store_true", help="weights in half precision: half the size")
    parser.add_argument("--title", help="of its model card (default: the file's name)")


def execute(arguments: argparse.Namespace) -> int:
    """Seal a run into one file."""
    output_is_optional()
    trained = open_trained(arguments.run, Registry.load(arguments.plugin))
    if trained.folder is None:
        what = "an export; bundle the run that it is of" if trained.weights.suffix == ".onnx" else "a bundle already"
        raise UserError(f"'{arguments.run}' is {what}")
    out: Path = arguments.out or beside(trained.folder.path, SUFFIX)
    if out.suffix != SUFFIX:
        raise UserError(f"--out {out}: a bundle's file ends in {SUFFIX}")
    if out.exists():
        raise UserError(f"'{out}' is there already; remove it, or choose another --out")
    require_place(out, "--out")
    shared = trained.for_others()
    card = model_card(shared, arguments.title or out.stem, half=arguments.half)
    documents = {**shared.documents, "recipe": shared.recipe, "card": card}
    with tempfile.TemporaryDirectory() as folder:
        weights = trained.weights
        if arguments.half:
            from framework.runs.half import write_halved

            weights = Path(folder) / "half.safetensors"
            write_halved(trained.weights, weights)
        write_bundle(out, weights, documents)
    print(f"{out}  {out.stat().st_size / 1e6:.1f} MB, {len(trained.classes)} classes")
    for file in needed_files(trained.documents.get("environment", {})):
        print(f"it contains no code: users also need {file}, as in `framework predict {out.name} PATH… --plugin FILE`")
    if arguments.half:
        print(f"what half precision costs: framework evaluate {out}")
    print(f"try it: framework predict {out} PATH…")
    return 0
