"""The tests of a GPU: `python -m pytest -m cuda tests/cuda`.

They skip where there is none. With FRAMEWORK_CUDA_TESTS=cpu they run on the CPU, which shows that they themselves work.
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
    """A real one, for what has no likeness on the CPU."""
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    return torch.device("cuda")
