"""`framework bundle`."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from framework.cli.arguments import add_run
from framework.cli.streams import output_is_optional
from framework.errors import UserError
from framework.files import append_suffix, require_writable
from framework.recipe.option_text import component_text
from framework.registry import Registry
from framework.runs.bundle import SUFFIX, write_bundle
from framework.runs.card import model_card
from framework.runs.named_detector import with_detector
from framework.runs.plugin_files import needed_files
from framework.runs.trained import open_trained


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_run(parser, "run folder")
    parser.add_argument("--out", type=Path, metavar="FILE", help=f"bundle file (default: RUN{SUFFIX})")
    parser.add_argument("--half", action="store_true", help="save weights in half precision: half the size")
    parser.add_argument(
        "--detect", metavar="DETECTOR",
        help="name the detector that predict and serve use for this bundle, such as faces or 'faces margin=0.2' (see "
        "`framework list detectors`); evaluate and export do not use it",
    )  # fmt: skip
    parser.add_argument("--title", help="title of the model card (default: name of the file)")


def execute(arguments: argparse.Namespace) -> int:
    """Pack a run into one file."""
    output_is_optional()
    registry = Registry.load(arguments.plugin)
    trained = open_trained(arguments.run, registry)
    if trained.folder is None:
        what = "an export; bundle the run that it was made from" if trained.is_export else "a bundle already"
        raise UserError(f"'{arguments.run}' is {what}")
    out: Path = arguments.out or append_suffix(trained.folder.path, SUFFIX)
    if out.suffix != SUFFIX:
        raise UserError(f"--out {out}: the name of a bundle must end in {SUFFIX}")
    if out.exists():
        raise UserError(f"'{out}' already exists; remove it or choose another --out")
    require_writable(out, "--out")
    if arguments.detect is not None:
        from framework.data.regions import BuiltDetector, parse_detector

        registry = trained.registry(registry)
        detector = parse_detector(arguments.detect, registry)
        BuiltDetector.of(detector)  # raises if it cannot be used
        trained = with_detector(trained, detector, registry)
    shared = trained.shareable()
    card = model_card(shared, arguments.title or out.stem, trained.task(registry), half=arguments.half)
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
    if trained.detector is not None:
        named = component_text(trained.detector)
        print(f"predict and serve classify the regions found by the detector {named}, unless --detect says otherwise")
    if arguments.half:
        print(f"To see its effect on the metrics: framework evaluate {out}")
    print(f"To use it: framework predict {out} PATH…")
    return 0
