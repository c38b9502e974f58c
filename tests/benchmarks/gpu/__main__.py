"""All GPU benchmarks of this project.

`python -m tests.benchmarks.gpu --data DIR` runs these parts, the most important first, each in a separate process with
a time limit, and skips those that exceed the budget. Each part writes `OUT/PART.json` when it ends.
`python docs/write_gpu_tables.py OUT` writes the tables of the documentation from these files.

It needs a checkout and some packages, and lists the missing ones; it installs nothing. Container images with PyTorch
usually lack pydantic, pydantic_core, annotated_types, typing_inspection, ruamel.yaml and pluggy. Lightning is measured
if it is installed.

If the parts do not fit into the budget, run the command twice: with `--only tests throughput-resnet18-48
throughput-speednet-48 throughput-resnet50-224 modes data`, and with `--only fer2013 cifar10 cifar10-longer`.

`--data` is a folder with `fer2013.tar.xz` and `cifar10.tar.xz`, or with the unpacked folders. Without it, the recipes
train on drawn faces. `--rehearse` runs small versions of all parts on the CPU.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.gpu.installed import ROOT, environment, missing

LIMITS = {
    "throughput-resnet18-48": 150,
    "fer2013": 420,
    "throughput-resnet50-224": 150,
    "cifar10": 60,
    "tests": 120,
    "throughput-speednet-48": 150,
    "cifar10-longer": 120,
    "modes": 90,
    "data": 60,
}
"""The parts in order, with their time limits in seconds."""


@dataclass(frozen=True)
class Outcome:
    """Result of a part."""

    part: str
    status: str
    """`done`, `failed`, `out of time` or `left out`."""
    seconds: float
    result: dict[str, Any]


def main() -> int:
    """Run the parts; 0 if all are done."""
    arguments = parse()
    if lacking := missing():
        print(f"missing: {', '.join(lacking)}; install them, or add their wheels to PYTHONPATH", file=sys.stderr)
        return 2
    arguments.out.mkdir(parents=True, exist_ok=True)
    ends = time.monotonic() + arguments.budget
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="gpu-benchmark-") as folder:
        variables = environment(Path(folder, "site")) | {"FRAMEWORK_CACHE": str(Path(folder, "cache"))}
        for part in arguments.only or LIMITS:
            limit = min(LIMITS[part] * (6 if arguments.rehearse else 1), ends - time.monotonic())
            outcome = run(part, limit, arguments, variables)
            outcomes.append(outcome)
            (arguments.out / f"{part}.json").write_text(json.dumps(asdict(outcome), indent=2) + "\n")
            print(f"{part:26} {outcome.status:12} {outcome.seconds:6.1f} s", flush=True)
    return 0 if all(outcome.status == "done" for outcome in outcomes) else 1


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", type=float, default=780, help="seconds for everything (default: 780)")
    parser.add_argument("--rehearse", action="store_true", help="run small versions on the CPU")
    parser.add_argument("--data", type=Path, help="folder with the datasets")
    parser.add_argument("--out", type=Path, default=Path("gpu-results"), help="folder for the JSON files")
    parser.add_argument("--only", nargs="+", choices=list(LIMITS), metavar="PART", help=f"some of {', '.join(LIMITS)}")
    return parser.parse_args()


def run(part: str, limit: float, arguments: argparse.Namespace, variables: dict[str, str]) -> Outcome:
    """Run a part in a separate process, with its output in `OUT/PART.log`."""
    if limit < 5:
        return Outcome(part, "left out", 0.0, {})
    started = time.monotonic()
    file = (arguments.out / f"{part}.partial").resolve()
    file.unlink(missing_ok=True)
    command = [sys.executable, "-m", "tests.benchmarks.gpu.parts", part, str(file), "--limit", str(limit)]
    command += ["--rehearse"] if arguments.rehearse else []
    command += ["--data", str(arguments.data.resolve())] if arguments.data else []
    with (arguments.out / f"{part}.log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=variables, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        status = ended(process, limit)
    result = json.loads(file.read_text()) if file.is_file() else {}
    file.unlink(missing_ok=True)
    return Outcome(part, status, round(time.monotonic() - started, 1), result)


def ended(process: subprocess.Popen[bytes], limit: float) -> str:
    """Wait for the process up to `limit` seconds, then kill it and its child processes."""
    try:
        return "done" if process.wait(limit) == 0 else "failed"
    except subprocess.TimeoutExpired:
        return "out of time"
    finally:
        if process.poll() is None:  # also if this program is interrupted
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


if __name__ == "__main__":
    sys.exit(main())
