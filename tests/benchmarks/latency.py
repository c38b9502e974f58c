"""Latency of one image from the bytes of a file to probabilities, compared with the bare network.

`python -m tests.benchmarks.latency [--calls N] [--threads N]` trains and exports small runs of speednet and resnet18.
In turns, in one process, it times: the bare onnxruntime call, `Predictor` with the ONNX file on the bytes of a JPEG,
the bare network in PyTorch, and `Predictor` with the run. It prints medians, the ratios of the whole to the bare call,
and the time of decoding with warm caches and after the network, by the framework and by torchvision's decoder (C++).
"""

from __future__ import annotations

import argparse
import io
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from framework_exporters._session import open_session
from PIL import Image
from torchvision.io import decode_jpeg

from framework.cli import main as framework
from framework.data.decode import decode
from framework.inference.graph_engine import GraphEngine, onnx_graph
from framework.inference.predictor import Predictor
from framework.inference.torch_engine import TorchEngine

NETWORKS = {
    "small speednet, 48×48 gray": [
        "model: {name: speednet, widths: [32, 64, 128]}",
        "preprocess: {size: 48, channels: 1}",
    ],
    "speednet, 48×48 gray": ["model: speednet", "preprocess: {size: 48, channels: 1}"],
    "resnet18, 48×48 gray": ["model: resnet18", "preprocess: {size: 48, channels: 1}"],
    "resnet18, 64×64 RGB": ["model: resnet18", "preprocess: {size: 64, channels: 3}"],
}
COMMON = ["dataset: {name: drawn_faces, train_images: 140, test_images: 70}", "train: {max_steps: 1, batch_size: 20}"]
WARM = 5
"""Untimed calls at the start of each turn."""
TURN = 25


def make(folder: Path, lines: list[str]) -> tuple[Path, Path]:
    """A run with one training step, and its export."""
    run = folder / "run"
    recipe = folder / "recipe.yaml"
    recipe.write_text("\n".join([*COMMON, *lines]))
    with redirect_stdout(io.StringIO()):
        for command in (
            ["run", str(recipe), "--out", str(run)],
            ["export", str(run), "--out", str(folder / "run.onnx"), "--parity", "20"],
        ):
            if framework(command):
                raise SystemExit("command failed: " + " ".join(command))
    return run, folder / "run.onnx"


def photograph(side: int) -> bytes:
    """A JPEG of `side`×`side` pixels."""
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).resize((side, side), Image.Resampling.BICUBIC).save(file, "JPEG", quality=90)
    return file.getvalue()


def ways(run: Path, export: Path, side: int, threads: int) -> dict[str, Callable[[], object]]:
    """The timed calls by name."""
    data = photograph(side)
    exported, trained = Predictor.open(export), Predictor.open(run, device="cpu")
    assert isinstance(exported.engine, GraphEngine)
    assert isinstance(trained.engine, TorchEngine)
    session, engine = open_session(export, threads), trained.engine
    exported = replace(exported, engine=replace(exported.engine, graph=onnx_graph(session)))
    pixels = np.random.default_rng(0).integers(0, 256, (1, 3, side, side), dtype=np.uint8)
    inputs = torch.randn(1, trained.preprocess.channels, side, side).contiguous(memory_format=torch.channels_last)

    @torch.inference_mode()
    def network() -> object:
        return engine.model(inputs)

    return {
        "onnxruntime": lambda: session.run(["probabilities"], {"images": pixels}),
        "bytes to probabilities, ONNX": lambda: exported.probabilities(exported.read(data)[None]),
        "network in PyTorch": network,
        "bytes to probabilities, run": lambda: trained.probabilities(trained.read(data)[None]),
    }


def medians(calls: dict[str, Callable[[], object]], number: int, clock: Callable[[], float]) -> dict[str, float]:
    """Median seconds of each call, in turns of `TURN` calls, so that caches are warm."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(-(-number // TURN)):
        for name, call in calls.items():
            for index in range(WARM + TURN):
                started = clock()
                call()
                if index >= WARM:
                    times[name].append(clock() - started)
    return {name: statistics.median(taken) for name, taken in times.items()}


def after(prelude: Callable[[], object], call: Callable[[], object], number: int, clock: Callable[[], float]) -> float:
    """Median seconds of a call that follows an untimed call of `prelude`."""
    times = []
    for _ in range(number):
        prelude()
        started = clock()
        call()
        times.append(clock() - started)
    return statistics.median(times)


def print_decoding(export: Path, side: int, arguments: argparse.Namespace, clock: Callable[[], float]) -> None:
    """Print the time of both decoders, with warm caches and after the network."""
    data, session = photograph(side), open_session(export, arguments.threads)
    pixels, encoded = np.zeros((1, 3, side, side), dtype=np.uint8), torch.frombuffer(bytearray(data), dtype=torch.uint8)
    decoders = {"the framework": lambda: decode(data), "torchvision": lambda: decode_jpeg(encoded)}
    for name, call in decoders.items():
        alone = after(lambda: None, call, arguments.calls, clock)
        cold = after(lambda: session.run(["probabilities"], {"images": pixels}), call, arguments.calls, clock)
        print(f"  decoding by {name:13} {alone * 1e3:10.3f} ms warm, after the network {cold * 1e3:.3f} ms", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=500)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--cpu-time", action="store_true", help="measure CPU time of the thread, for a machine under load"
    )
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    clock = time.thread_time if arguments.cpu_time else time.perf_counter
    for label, lines in NETWORKS.items():
        with tempfile.TemporaryDirectory() as folder:
            run, export = make(Path(folder), lines)
            side = 64 if "64" in label else 48
            found = medians(ways(run, export, side, arguments.threads), arguments.calls, clock)
            print(label)
            print_decoding(export, side, arguments, clock)
        bare, whole, network, trained = found.values()
        for name, seconds in found.items():
            print(f"  {name:30} {seconds * 1e3:7.3f} ms")
        print(f"  ratio of whole to bare: ONNX {whole / bare:.2f}, PyTorch {trained / network:.2f}", flush=True)


if __name__ == "__main__":
    main()
