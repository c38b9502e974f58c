"""`framework bench`."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from framework.cli.arguments import add_json, add_plugin
from framework.errors import UserError
from framework.registry import Registry

if TYPE_CHECKING:
    from framework.export.timing import Timing


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_plugin(parser)
    parser.add_argument("export", metavar="EXPORT", help=".onnx or .pt2 file of `framework export`, run or bundle")
    parser.add_argument("--batch", default="1,8,64", metavar="N,N", help="batch sizes (default: 1,8,64)")
    parser.add_argument(
        "--size", type=int, nargs=2, metavar=("H", "W"), help="image size (default: input size of the network)"
    )
    parser.add_argument("--seconds", type=float, default=3.0, help="time per batch size in seconds (default: 3)")
    add_json(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Time inference on random images, from pixels to probabilities."""
    batches = _batches(arguments.batch)
    if arguments.size and min(arguments.size) < 1:
        raise UserError(f"--size is {arguments.size[0]} {arguments.size[1]}; both must be 1 or more")
    from framework.export.timing import measure
    from framework.inference.predictor import Predictor

    predictor = Predictor.open(arguments.export, Registry.load(arguments.plugin), "cpu")
    size = tuple(arguments.size or (predictor.preprocess.height, predictor.preprocess.width))
    timings = [measure(predictor.engine, number, size, arguments.seconds) for number in batches]
    if arguments.json:
        print(json.dumps({"export": arguments.export, "size": size, "batches": [_as_dict(one) for one in timings]}))
    else:
        _print(arguments.export, size, timings)
    return 0


def _batches(text: str) -> list[int]:
    try:
        batches = [int(part) for part in text.split(",")]
    except ValueError:
        batches = [0]
    if min(batches) < 1:
        raise UserError(f"--batch is '{text}'; it must be whole numbers of at least 1, such as 1,8,64")
    return batches


def _as_dict(timing: Timing) -> dict[str, float]:
    return {
        "batch_size": timing.batch_size,
        "p50_seconds": timing.p50,
        "p95_seconds": timing.p95,
        "images_per_second": timing.images_per_second,
        "calls": timing.calls,
    }


def _print(label: str, size: tuple[int, int], timings: list[Timing]) -> None:
    from rich.text import Text

    from framework.report.console import plain_console, plain_table

    console = plain_console()
    console.print(Text.assemble((label, "bold"), f", images of {size[0]}×{size[1]} pixels, on the CPU"))
    table = plain_table(right=["batch size", "median", "95th percentile", "images/s", "calls"])
    for one in timings:
        table.add_row(
            str(one.batch_size), f"{one.p50 * 1e3:.2f} ms", f"{one.p95 * 1e3:.2f} ms",
            Text(f"{one.images_per_second:,.0f}", style="green"), f"{one.calls:,}",
        )  # fmt: skip
    console.print(table)
