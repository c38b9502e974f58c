"""`framework serve` under load: many concurrent clients of a server in a separate process.

`python -m tests.benchmarks.serving RUN` prints latency, throughput compared with the bare network, and the increase of
the server's memory after the tenth second. Each client sends its next request when it has the response to the last. The
exit status is 1 if a request failed, or a class differs from the network's prediction.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import re
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from framework.inference.predictor import Predictor

DIFFERENT = 64
"""Number of distinct images that clients send."""
SETTLED = 10
"""Seconds after which memory should be constant."""


@dataclass
class Measured:
    """Measurements of all clients."""

    latencies: list[float] = field(default_factory=list)
    """Seconds."""
    errors: list[str] = field(default_factory=list)
    memory: dict[int, int] = field(default_factory=dict)
    """Resident memory of the server in bytes, by second."""


def pictures(predictor: Predictor, side: int) -> list[bytes]:
    """Smooth random JPEGs."""
    random = np.random.default_rng(0)
    found = []
    for _ in range(DIFFERENT):
        coarse = random.integers(0, 256, (8, 8, predictor.preprocess.channels), dtype=np.uint8).squeeze()
        file = io.BytesIO()
        Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC).save(file, "JPEG", quality=90)
        found.append(file.getvalue())
    return found


def bare_rate(predictor: Predictor, batch_size: int, seconds: float) -> float:
    """Images/s of the bare network, in full batches in memory."""
    size = predictor.preprocess
    images = torch.randint(0, 256, (batch_size, size.channels, size.height, size.width), dtype=torch.uint8)
    predictor.probabilities(images)
    done, started = 0, time.perf_counter()
    while (passed := time.perf_counter() - started) < seconds or not done:
        predictor.probabilities(images)
        done += batch_size
    return done / passed


def request_of(images: list[bytes]) -> bytes:
    """The HTTP request: one image is the body, several are a form."""
    kind, body = b"application/octet-stream", images[0]
    if len(images) > 1:
        kind = b"multipart/form-data; boundary=part"
        part = b'--part\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n%b\r\n'
        body = b"".join(part % image for image in images) + b"--part--\r\n"
    head = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n"
    return head % (kind, len(body)) + body


async def client(port: int, requests: list[bytes], expected: list[list[str]], until: float, seen: Measured) -> None:
    """Send requests one after the other over one connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    turn = id(writer)
    while time.perf_counter() < until:
        turn = (turn + 1) % len(requests)
        started = time.perf_counter()
        writer.write(requests[turn])
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head)
        body = await reader.readexactly(int(length[1]) if length else 0)
        seen.latencies.append(time.perf_counter() - started)
        if not head.startswith(b"HTTP/1.1 200"):
            seen.errors.append(f"{head.splitlines()[0].decode()}: {body[:200].decode()}")
        elif [image["class"] for image in json.loads(body)["images"]] != expected[turn]:
            seen.errors.append("wrong class")
    writer.close()


async def watch(process: int, seconds: float, seen: Measured) -> None:
    """Record the server's memory each second."""
    status = Path(f"/proc/{process}/status")
    for second in range(int(seconds)):
        await asyncio.sleep(1)
        if status.exists():
            seen.memory[second + 1] = 1024 * int(re.search(r"VmRSS:\s+(\d+)", status.read_text())[1])


async def load(server: subprocess.Popen[str], port: int, arguments: argparse.Namespace, turns: list) -> Measured:
    """Run all clients."""
    requests, expected = turns
    seen = Measured()
    until = time.perf_counter() + arguments.seconds
    clients = [client(port, requests, expected, until, seen) for _ in range(arguments.clients)]
    await asyncio.gather(watch(server.pid, arguments.seconds, seen), *clients)
    return seen


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", metavar="RUN", nargs="?", default="drawn/faces")
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--images", type=int, default=1, help="images per request (default: 1)")
    parser.add_argument("--side", type=int, default=48, help="side of the JPEGs in pixels (default: 48)")
    parser.add_argument("--batch-size", type=int, default=64)
    arguments = parser.parse_args()
    predictor = Predictor.open(arguments.run)
    files = pictures(predictor, arguments.side)
    rows = predictor.probabilities(torch.stack([predictor.read(file) for file in files]))
    classes = [predictor.classes[index] for index in rows.argmax(dim=1)]
    turns = [[(turn + place) % DIFFERENT for place in range(arguments.images)] for turn in range(DIFFERENT)]
    requests = [request_of([files[index] for index in turn]) for turn in turns]
    expected = [[classes[index] for index in turn] for turn in turns]
    turn = min(5, arguments.seconds)
    bare = bare_rate(predictor, arguments.batch_size, turn)

    command = [sys.executable, "-m", "framework", "serve", arguments.run, "--port", "0"]
    command += ["--batch-size", str(arguments.batch_size), "--queue", str(10 * arguments.clients * arguments.images)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        port = int(next(found[1] for line in server.stdout if (found := re.search(r"http://[\d.]+:(\d+)", line))))
        seen = asyncio.run(load(server, port, arguments, [requests, expected]))
    finally:
        server.terminate()
        server.wait()
    bare = max(
        bare, bare_rate(predictor, arguments.batch_size, turn)
    )  # before and after, because the machine may be shared
    report(seen, arguments, bare)
    return 1 if seen.errors or server.returncode else 0


def report(seen: Measured, arguments: argparse.Namespace, bare: float) -> None:
    """Print a table."""
    cuts = statistics.quantiles(seen.latencies, n=100)
    rate = len(seen.latencies) * arguments.images / arguments.seconds
    print(f"{arguments.clients} clients for {arguments.seconds:g} s, {arguments.images} image(s) per request")
    print(f"{len(seen.latencies):10,}  requests, {len(seen.errors):,} failed")
    for error in sorted(set(seen.errors))[:5]:
        print(f"            {error}")
    print(f"{rate:10,.0f}  images/s: {100 * rate / bare:.0f} % of the bare network ({bare:,.0f})")
    for name, seconds in (("p50", cuts[49]), ("p95", cuts[94]), ("p99", cuts[98])):
        print(f"{1000 * seconds:10,.1f}  ms {name}")
    if seen.memory:
        last = seen.memory[max(seen.memory)]
        begin = seen.memory.get(SETTLED, seen.memory[min(seen.memory)])
        print(f"{last / 1e6:10,.0f}  MB resident at the end, {(last - begin) / 1e6:+.1f} since second {SETTLED}")


if __name__ == "__main__":
    sys.exit(main())
