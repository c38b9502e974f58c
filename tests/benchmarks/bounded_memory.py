"""`framework run` on images that are, decoded, ten times as large as the memory limit of the run.

`python -m tests.benchmarks.bounded_memory` writes JPEGs to a temporary folder (hard links to a few). For `disk` and
`stream`, it runs a few steps on few images without a limit and measures the peak of data memory (`VmData`: private
writable memory, of the run or of one of its workers). Then it sets RLIMIT_DATA to this peak plus `--megabytes`, runs on
ten times as many bytes of images, and prints the peak. With the same limit, `memory` must be an error. Takes some
minutes and, for `disk`, some 20 GB in the temporary folder. Linux only.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

SIDE = 224
ORIGINALS = 100


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=256, help="memory above the peak of a small run")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_tree(folder, "few", 400)
        for place in ("disk", "stream"):
            status, needed = run(folder, place, "few", None)
            assert status == 0
            limit = needed + arguments.megabytes * 1_000_000
            number = 10 * limit // (3 * SIDE * SIDE)
            make_tree(folder, f"many-{place}", number)
            started = time.perf_counter()
            status, peak = run(folder, place, f"many-{place}", limit)
            print(
                f"{place:>8}: {number:,} images, {10 * limit / 1e9:.1f} GB decoded; limit {limit / 1e6:,.0f} MB, "
                f"peak {peak / 1e6:,.0f} MB (with 400 images {needed / 1e6:,.0f}), exit status {status}, "
                f"{time.perf_counter() - started:.0f} s",
                flush=True,
            )
        status, _ = run(folder, "memory", "many-disk", limit)
        print(f"  memory: exit status {status} (2: error, as expected)")


def make_tree(folder: Path, name: str, number: int) -> None:
    """Two classes of JPEGs, larger than the input of the network."""
    random = np.random.default_rng(0)
    for index in range(ORIGINALS):
        original = folder / f"{index}.jpg"
        if not original.exists():
            coarse = Image.fromarray(random.integers(0, 256, (20, 20, 3), dtype=np.uint8))
            coarse.resize((200, 160), Image.Resampling.BICUBIC).save(original)
    for label in ("a", "b"):
        (folder / name / label).mkdir(parents=True)
    for index in range(number):
        os.link(folder / f"{index % ORIGINALS}.jpg", folder / name / "ab"[index % 2] / f"{index:06}.jpg")


def run(folder: Path, place: str, tree: str, limit: int | None) -> tuple[int, int]:
    """Exit status, and peak of data memory in bytes of a process of the run."""
    out = folder / f"{place}-{tree}"
    command = [
        sys.executable,
        "-m",
        "framework",
        "run",
        "folder",
        f"dataset.root={folder / tree}",
        "model=timm/test_resnet",
    ]
    command += [f"preprocess.size={SIDE}", "train.batch_size=16", "train.max_steps=20", "dataset.validation=0.02"]
    command += ["dataset.test=0.02", "train.device=cpu", f"train.store={place}", "--out", str(out)]
    environment = os.environ | {"FRAMEWORK_CACHE": str(folder / f"cache-{place}-{tree}")}

    def restrict() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))

    process = subprocess.Popen(command, env=environment, preexec_fn=restrict, stdout=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None:
        peak = max(peak, *(data_memory(pid) for pid in family(process.pid)))
        time.sleep(0.01)
    return process.returncode, peak


def family(pid: int) -> list[int]:
    """A process and its children."""
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except OSError:
        text = ""
    return [pid, *map(int, text.split())]


def data_memory(pid: int) -> int:
    """`VmData` of a process in bytes; 0 if it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return 0
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("VmData:")), 0)


if __name__ == "__main__":
    main()
