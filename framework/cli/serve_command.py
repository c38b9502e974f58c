"""`framework serve`."""

from __future__ import annotations

import argparse
import math
import sys

from framework.cli.arguments import add_batch_size, add_detect, add_run
from framework.cli.streams import output_is_optional
from framework.errors import UserError
from framework.registry import Registry
from framework.runs.card import summary
from framework.runs.trained import open_trained


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_run(parser)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1, this machine)")
    parser.add_argument("--port", type=int, default=8000, help="port; 0 is any free port (default: 8000)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 or mps (default: auto)")
    add_batch_size(parser)
    add_detect(parser)
    parser.add_argument(
        "--allow-origin", action="append", default=[], metavar="URL",
        help="also accept requests from web pages of this origin, such as https://example.org, or of a reverse "
        "proxy; may be repeated",
    )  # fmt: skip
    limits = parser.add_argument_group("maximum values")
    for option, kind, default, metavar, meaning in (
        ("--max-body", float, 64, "MB", "size of a request"),
        ("--max-files", int, 64, "N", "images in a request"),
        ("--max-pixels", int, 50_000_000, "N", "pixels of an image"),
        ("--max-regions", int, 64, "N", "detected regions of an image that are classified"),
        ("--timeout", float, 30, "S", "seconds to receive a request, and to compute its response"),
        ("--queue", int, 256, "N", "waiting images; beyond it, status 503"),
    ):
        limits.add_argument(option, type=kind, default=default, metavar=metavar, help=f"{meaning} (default: {default})")


def execute(arguments: argparse.Namespace) -> int:
    """Serve until a signal stops the process."""
    output_is_optional()
    registry = Registry.load(arguments.plugin)
    trained = open_trained(arguments.run, registry)
    _check(arguments)
    try:
        from framework.inference.serving import server
        from framework.inference.serving.access import AccessPolicy, is_loopback
        from framework.inference.serving.app import Service
        from framework.inference.serving.limits import Limits
    except ModuleNotFoundError as error:
        hint = "pip install 'framework[serve]'"
        raise UserError(f"serving needs FastAPI and uvicorn ('{error.name}' is missing): {hint}") from None
    from framework.inference.detection import open_detector
    from framework.inference.predictor import Predictor

    detector = open_detector(arguments.detect, trained, registry)
    bound = server.listen(arguments.host, arguments.port)
    with bound:
        predictor = Predictor.open(trained, registry, arguments.device)
        limits = Limits(
            round(arguments.max_body * 1e6), arguments.max_files, arguments.max_pixels,
            arguments.max_regions, arguments.timeout, arguments.queue,
        )  # fmt: skip
        service = Service.of(predictor.with_batch_size(arguments.batch_size), limits, detector)
        local = is_loopback(bound.getsockname()[0])
        if not local:
            print(
                "warning: anyone who can reach this host can send requests; there is no authentication", file=sys.stderr
            )

        def on_ready() -> None:
            print(f"{arguments.run}: {summary(trained, predictor.task)}, on {predictor.device}")
            if detector is not None:
                print(f"classifies the regions found by the detector '{detector.name}'; whole images: --detect none")
            elif trained.detector is not None:
                print(f"classifies whole images, without the detector '{trained.detector['name']}' of the bundle")
            print(f"open {server.address_of(bound)} in a browser; press Ctrl+C to stop", flush=True)

        policy = AccessPolicy(tuple(arguments.allow_origin), arguments.host if local else None)
        server.run(service, bound, policy, on_ready)
    return 0


def _check(arguments: argparse.Namespace) -> None:
    for name in ("max_body", "max_files", "max_pixels", "max_regions", "timeout", "queue"):
        value = getattr(arguments, name)
        if value is not None and not 0 < value < math.inf:
            raise UserError(f"--{name.replace('_', '-')} is {value}; it must be more than 0 and finite")
    if not 0 <= arguments.port <= 65535:
        raise UserError(f"--port is {arguments.port}; ports are 0 to 65535")
    from framework.data.decode import MAX_PIXELS

    if arguments.max_pixels > MAX_PIXELS:
        raise UserError(f"--max-pixels is {arguments.max_pixels}; no image of more than {MAX_PIXELS} is decoded")
    if arguments.queue < arguments.max_files:
        raise UserError(f"--queue is {arguments.queue}, less than --max-files {arguments.max_files}")
