"""A run folder is held by one process."""

import os
import signal

import pytest

from framework.errors import UserError
from framework.runs.lock import alone_in


def test_a_folder_is_held_until_it_is_let_go(tmp_path):
    with alone_in(tmp_path), pytest.raises(UserError, match="another process is training in"), alone_in(tmp_path):
        pass
    with alone_in(tmp_path):
        pass


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_child_that_outlives_the_holder_does_not_hold_on(tmp_path):
    reads, writes = os.pipe()
    with alone_in(tmp_path):
        child = os.fork()
        if child == 0:
            os.write(writes, b"here")
            signal.pause()
        os.read(reads, 4)
    try:
        with alone_in(tmp_path):
            pass
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
