"""What must be equal of two runs that are the same."""

import pytest

from framework import RunFolder

TIMINGS = {"seconds", "images_per_second", "peak_memory_bytes"}


def without_timings(line):
    return {key: value for key, value in line.items() if key not in TIMINGS}


@pytest.fixture(scope="session")
def outcome():
    """Everything that must be equal: weights as bytes, metrics, the course of training."""

    def read(folder):
        run = RunFolder(folder)
        return {
            "weights": run.weights.read_bytes(),
            "results": without_timings(run.read("results")),
            "metrics": [without_timings(line) for line in run.metrics_lines()],
        }

    return read
