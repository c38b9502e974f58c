"""GPU tests: `python -m pytest -m cuda tests/cuda`.

They are skipped without a GPU. With FRAMEWORK_CUDA_TESTS=cpu they run on the CPU, to test the tests.
"""

import os

import pytest
import torch

REHEARSAL = os.environ.get("FRAMEWORK_CUDA_TESTS") == "cpu"


@pytest.fixture
def device():
    """The GPU, or the CPU in a rehearsal."""
    if not REHEARSAL and not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    return torch.device("cpu" if REHEARSAL else "cuda")


@pytest.fixture
def gpu():
    """A real GPU, for tests without a CPU equivalent."""
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    return torch.device("cuda")
