"""Times commands that run in turns, so that a machine with varying speed is equally fast for all of them.

`python -m tests.benchmarks.in_turns 'COMMAND' 'COMMAND' …` runs each command for some seconds while the others are
stopped (SIGSTOP), round after round, and prints the total seconds of each and the ratio to the first. The output of a
command is written to `turn-N.log` in the working directory. POSIX only.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Turn:
    """A command in its own process group."""

    command: str
    process: subprocess.Popen[bytes]
    seconds: float = 0.0

    @classmethod
    def begin(cls, command: str, log: Path) -> Turn:
        """Start the command and stop it immediately."""
        with log.open("wb") as output:
            process = subprocess.Popen(
                command, shell=True, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
            )
        os.killpg(process.pid, signal.SIGSTOP)
        return cls(command, process)

    def take(self, seconds: float) -> bool:
        """Run the command for some seconds; return whether it has ended."""
        os.killpg(self.process.pid, signal.SIGCONT)
        started = time.perf_counter()
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGSTOP)
        self.seconds += time.perf_counter() - started
        return self.process.returncode is not None


def main() -> None:
    """Run and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("commands", nargs="+")
    parser.add_argument("--seconds", type=float, default=15, help="per turn (default: 15)")
    arguments = parser.parse_args()
    turns = [Turn.begin(command, Path(f"turn-{i}.log")) for i, command in enumerate(arguments.commands, 1)]
    try:
        waiting = list(turns)
        while waiting:
            waiting = [turn for turn in waiting if not turn.take(arguments.seconds)]
    finally:
        for turn in turns:
            if turn.process.poll() is None:
                os.killpg(turn.process.pid, signal.SIGKILL)
    for turn in turns:
        failed = f", exit status {turn.process.returncode}" if turn.process.returncode else ""
        print(f"{turn.seconds:7.0f} s  {turn.seconds / turns[0].seconds:5.2f}  {turn.command}{failed}")


if __name__ == "__main__":
    main()
