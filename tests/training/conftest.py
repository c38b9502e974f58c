"""The results that must be equal for equal runs."""

import pytest

from framework import RunFolder

TIMINGS = {"seconds", "images_per_second", "peak_memory_bytes"}


def without_timings(line):
    return {key: value for key, value in line.items() if key not in TIMINGS}


@pytest.fixture(scope="session")
def outcome():
    """Reads weights as bytes, results and logged metrics of a run folder, without timings."""

    def read(folder):
        run = RunFolder(folder)
        return {
            "weights": run.weights.read_bytes(),
            "results": without_timings(run.read("results")),
            "metrics": [without_timings(line) for line in run.metrics_lines()],
        }

    return read
