"""Measure on a GPU what this project promises there.

`python -m tests.benchmarks.gpu --data DIR` runs these parts, the most telling first, each in a process of its own with
a time limit, and leaves out what the budget has no time for. Each writes `OUT/PART.json` as soon as it has ended.
`python docs/write_gpu_tables.py OUT` makes the tables of the documentation from them.

It needs a checkout and the packages that it names where one is missing; nothing is installed. Of what plain images with
PyTorch lack, these wheels must be brought along, as a rule: pydantic, pydantic_core, annotated_types,
typing_inspection, ruamel.yaml, pluggy. Lightning is measured where it is installed.

Where all parts do not fit into the budget, two calls measure everything: one with `--only tests throughput-resnet18-48
throughput-speednet-48 throughput-resnet50-224 modes data`, one with `--only fer2013 cifar10 cifar10-longer`.

`--data` is a folder with `fer2013.tar.xz` and `cifar10.tar.xz`, or with the folders that are in them. Without it, the
recipes are run on drawn faces. `--rehearse` runs all of it small on the CPU.
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
    "throughput-resnet18-48": 70,
    "fer2013": 240,
    "throughput-resnet50-224": 80,
    "cifar10": 60,
    "tests": 120,
    "throughput-speednet-48": 70,
    "cifar10-longer": 120,
    "modes": 90,
    "data": 60,
}
"""The parts in their order, and the seconds that each may take; most end sooner."""


@dataclass(frozen=True)
class Outcome:
    """How a part ended."""

    part: str
    status: str
    """`done`, `failed`, `out of time` or `left out`."""
    seconds: float
    result: dict[str, Any]


def main() -> int:
    """Run the parts; 0 where all of them are done."""
    arguments = parse()
    if lacking := missing():
        print(f"missing: {', '.join(lacking)}; install them, or put their wheels on PYTHONPATH", file=sys.stderr)
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
    parser.add_argument("--budget", type=float, default=480, help="seconds for everything (default: 480)")
    parser.add_argument("--rehearse", action="store_true", help="small, on the CPU")
    parser.add_argument("--data", type=Path, help="folder with the data sets")
    parser.add_argument("--out", type=Path, default=Path("gpu-results"), help="folder for the JSON files")
    parser.add_argument("--only", nargs="+", choices=list(LIMITS), metavar="PART", help=f"some of {', '.join(LIMITS)}")
    return parser.parse_args()


def run(part: str, limit: float, arguments: argparse.Namespace, variables: dict[str, str]) -> Outcome:
    """One part in a process of its own; what it prints goes to `OUT/PART.log`."""
    if limit < 5:
        return Outcome(part, "left out", 0.0, {})
    started = time.monotonic()
    answer = (arguments.out / f"{part}.answer").resolve()
    answer.unlink(missing_ok=True)
    command = [sys.executable, "-m", "tests.benchmarks.gpu.parts", part, str(answer), "--limit", str(limit)]
    command += ["--rehearse"] if arguments.rehearse else []
    command += ["--data", str(arguments.data.resolve())] if arguments.data else []
    with (arguments.out / f"{part}.log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=variables, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        status = ended(process, limit)
    result = json.loads(answer.read_text()) if answer.is_file() else {}
    answer.unlink(missing_ok=True)
    return Outcome(part, status, round(time.monotonic() - started, 1), result)


def ended(process: subprocess.Popen[bytes], limit: float) -> str:
    """Wait for the process, no longer than `limit` seconds; then end it and all that it started."""
    try:
        return "done" if process.wait(limit) == 0 else "failed"
    except subprocess.TimeoutExpired:
        return "out of time"
    finally:
        if process.poll() is None:  # also where this program is stopped
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


if __name__ == "__main__":
    sys.exit(main())
