"""`framework predict`."""

from __future__ import annotations

import argparse
import shlex
import sys
from contextlib import ExitStack
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

from framework.cli.arguments import add_batch_size, add_detect, add_run
from framework.cli.images import Inputs
from framework.cli.streams import output_is_optional
from framework.errors import Interrupted, RunFailed, UserError, count
from framework.registry import Registry
from framework.runs.bundle import SUFFIX
from framework.runs.export_file import exporters
from framework.runs.trained import names_trained, open_trained

if TYPE_CHECKING:
    from collections.abc import Sequence

    from framework.inference.image_reader import Keep
    from framework.inference.predictor import Prediction
    from framework.report.prediction_text import PredictionFormat, PredictionTable
    from framework.runs.trained import Trained


FIRST = 64
"""Images that are listed before the network is loaded: there must be one, and their names set the column width."""


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_run(parser)
    parser.add_argument(
        "paths", metavar="PATH", nargs="*",
        help="image files, folders, quoted patterns ('photos/**/*.jpg'); - reads paths from standard input",
    )  # fmt: skip
    parser.add_argument("--stdin", action="store_true", help="read paths from standard input, one per line")
    parser.add_argument("-0", "--null", action="store_true", help="the same, separated by NUL (find … -print0)")
    parser.add_argument("--top", type=int, default=3, metavar="K", help="classes shown per image (default: 3)")
    parser.add_argument(
        "--abstain-below", type=float, metavar="P", help="predict no class if the highest probability is below P"
    )
    add_batch_size(parser)
    parser.add_argument("--csv", metavar="FILE", help="write all probabilities as CSV; - is standard output")
    parser.add_argument("--json", action="store_true", help="print one line of JSON per image")
    add_detect(parser)
    parser.add_argument("--save-crops", type=Path, metavar="DIR", help="save the detected regions as PNG files")


def execute(arguments: argparse.Namespace) -> int:
    """Print a line per image as it is classified; the status is 1 if an image could not be read."""
    registry = Registry.load(arguments.plugin)
    trained = open_trained(arguments.run, registry)
    words, end = _inputs(arguments)
    _require_images(words, arguments.run, registry)
    inputs = Inputs(words, end)
    _check(arguments, trained)
    if arguments.csv not in (None, "-") or arguments.save_crops:
        output_is_optional()
    from framework.inference.detection import WHOLE_IMAGES, open_detector

    detector = open_detector(arguments.detect, trained, registry)
    images = inputs.images()
    first = list(islice(images, FIRST))
    if not first:
        raise UserError(inputs.reason_for_none())
    from framework.data.decode import quiet_decoding
    from framework.inference.predictor import Predictor
    from framework.report.prediction_output import choose_output
    from framework.report.prediction_text import PredictionCounts, PredictionFormat

    predictor = Predictor.open(trained, registry).with_batch_size(arguments.batch_size)
    form = PredictionFormat(
        predictor.classes,
        arguments.top,
        arguments.abstain_below,
        detector.name if detector else None,
        predictor.task,
        predictor.thresholds,
    )
    counts = PredictionCounts(form, predictor.preprocess.value_range)
    if detector and arguments.detect is None:
        print(f"the bundle uses the detector '{detector.name}'; {WHOLE_IMAGES}", file=sys.stderr)
    with ExitStack() as open_files:
        table = _table(arguments.csv, form, open_files) if arguments.csv else None
        names = [image for image in first if isinstance(image, str)]
        output = choose_output(form, arguments.json, arguments.csv == "-", inputs.are_many, names)
        keep = _keep(arguments.save_crops) if arguments.save_crops else None
        try:
            with quiet_decoding(), output:
                for prediction in predictor.predict(chain(first, images), detector, keep):
                    counts.add(prediction)
                    output.show(prediction)
                    if table is not None:
                        _write(table, prediction, arguments.csv)
                    output.progress(counts.images, inputs.total)
        except KeyboardInterrupt:
            raise Interrupted(f"interrupted after {count(counts.images, 'image')}") from None
        finally:
            for line in [*counts.lines(), *inputs.lines()]:
                print(line, file=sys.stderr)
    return 1 if counts.failed else 0


def _inputs(arguments: argparse.Namespace) -> tuple[list[str], bytes | None]:
    """The paths, and the separator of paths on standard input; None if it is not read."""
    words = [word for word in arguments.paths if word != "-"]
    from_stream = arguments.stdin or arguments.null or "-" in arguments.paths
    return words, (b"\0" if arguments.null else b"\n") if from_stream else None


def _require_images(words: Sequence[str], run: str, registry: Registry) -> None:
    """Raise `UserError` if one of the paths is a trained network."""
    for word in words:
        if names_trained(word, registry):
            distill = shlex.quote(f"loss={{name: distill, teachers: [{run}, {word}]}}")
            suffixes = tuple(exporter.suffix for exporter in exporters(registry) if exporter.suffix != SUFFIX)
            exports = run.endswith(suffixes) or word.endswith(suffixes)
            raise UserError(
                f"'{word}' is a trained network, not an image, and predict takes only one network. To evaluate the "
                f"ensemble: `{shlex.join(['framework', 'evaluate', run, word])}`"
                + ("" if exports else f". To train one network from both: {distill}")
            )


def _check(arguments: argparse.Namespace, trained: Trained) -> None:
    """Raise `UserError` for invalid values and combinations."""
    if arguments.top < 1:
        raise UserError(f"--top is {arguments.top}; it must be at least 1")
    if arguments.abstain_below is not None and not 0 <= arguments.abstain_below <= 1:
        raise UserError(f"--abstain-below is {arguments.abstain_below}; it is a probability, from 0 to 1")
    if arguments.csv == "-" and arguments.json:
        raise UserError("--csv - and --json both write to standard output; use one of them, or a file for --csv")
    if arguments.save_crops is not None and (arguments.detect or trained.detector) in (None, "none"):
        raise UserError("--save-crops needs --detect, such as --detect faces")


def _table(file: str, form: PredictionFormat, open_files: ExitStack) -> PredictionTable:
    """Open the file before the work starts, to report errors early."""
    from framework.report.prediction_text import PredictionTable

    to_stdout = file == "-"
    try:
        stream = open(  # noqa: SIM115
            sys.stdout.fileno() if to_stdout else file, "w", buffering=1, encoding="utf-8",
            errors="surrogateescape", newline="", closefd=not to_stdout,
        )  # fmt: skip
        return PredictionTable(open_files.enter_context(stream), form)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UserError(f"cannot write '{file}': {error.strerror}") from None


def _write(table: PredictionTable, prediction: Prediction, file: str) -> None:
    try:
        table.write(prediction)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise RunFailed(f"cannot write '{file}': {error.strerror}") from None


def _keep(folder: Path) -> Keep:
    """A function that saves a region as a PNG file, named after the image."""
    from PIL import Image

    def keep(name: str, pixels: object) -> None:
        import numpy as np

        parts = [part for part in Path(name).parts if part not in (Path(name).anchor, "..")]
        file = folder.joinpath(*parts).with_name(f"{parts[-1]}.png")
        picture = np.asarray(pixels)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture[0] if len(picture) == 1 else picture.transpose(1, 2, 0)).save(file)
        except OSError as error:
            raise RunFailed(f"cannot write '{file}': {error.strerror or error}") from None

    return keep
