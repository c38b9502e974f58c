"""A run folder is locked by one process at a time."""

import os
import signal
import subprocess
import sys

import pytest

from framework.errors import UserError
from framework.runs.lock import lock_folder

HOLD = """
import sys, time
from pathlib import Path
from framework.runs.lock import lock_folder
with lock_folder(Path(sys.argv[1])):
    print("locked", flush=True)
    time.sleep(60)
"""


def test_a_locked_folder_is_refused_until_it_is_released(tmp_path):
    with lock_folder(tmp_path), pytest.raises(UserError) as refused, lock_folder(tmp_path):
        pass
    assert str(tmp_path) in str(refused.value)
    assert "--out" in str(refused.value)
    with lock_folder(tmp_path):
        pass


def test_a_killed_process_releases_its_lock(tmp_path):
    with subprocess.Popen([sys.executable, "-c", HOLD, tmp_path], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "locked\n"
        with pytest.raises(UserError), lock_folder(tmp_path):
            pass
        holder.kill()
    with lock_folder(tmp_path):
        pass


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_does_not_keep_the_lock(tmp_path):
    reads, writes = os.pipe()
    with lock_folder(tmp_path):
        child = os.fork()
        if child == 0:
            os.write(writes, b"here")
            signal.pause()
        os.read(reads, 4)
    try:
        with lock_folder(tmp_path):
            pass
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
