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
    """Of the last of four times that 128 MiB are taken and given back, in a process of its own."""
    command = [sys.executable, "-c", SCRIPT, *arguments]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.mark.skipif(not allocator.keep_freed_memory(), reason="another C library than glibc")
def test_memory_that_was_freed_is_not_asked_for_again():
    assert page_faults() > 1000
    assert page_faults("keep") < 100


def test_another_system_s_allocator_is_left_alone(monkeypatch):
    monkeypatch.setattr(allocator.sys, "platform", "darwin")
    assert not allocator.keep_freed_memory()


def test_a_library_without_mallopt_is_left_alone(monkeypatch):
    monkeypatch.setattr(allocator.ctypes, "CDLL", lambda name: object())
    assert not allocator.keep_freed_memory()
