import subprocess
import sys

import pytest

from framework.training import allocator

SCRIPT = """
import ctypes, resource, sys
from framework.training.allocator import keep_freed_memory

library = ctypes.CDLL("libc.so.6")
library.malloc.restype = ctypes.c_void_p
if "keep" in sys.argv:
    assert keep_freed_memory()

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    blocks = [ctypes.c_void_p(library.malloc(2**24)) for _ in range(8)]
    for block in blocks:
        ctypes.memset(block, 1, 2**24)
    for block in blocks:
        library.free(block)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

print([faults() for _ in range(4)][-1])
"""


def page_faults(*arguments):
    """Page faults of the fourth time that another process allocates and frees 128 MiB."""
    command = [sys.executable, "-c", SCRIPT, *arguments]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.mark.skipif(not allocator.keep_freed_memory(), reason="another C library than glibc")
def test_freed_memory_causes_no_page_faults():
    assert page_faults() > 1000
    assert page_faults("keep") < 100


def test_other_systems_are_not_changed(monkeypatch):
    monkeypatch.setattr(allocator.sys, "platform", "darwin")
    assert not allocator.keep_freed_memory()


def test_a_c_library_without_mallopt_is_not_changed(monkeypatch):
    monkeypatch.setattr(allocator.ctypes, "CDLL", lambda name: object())
    assert not allocator.keep_freed_memory()
