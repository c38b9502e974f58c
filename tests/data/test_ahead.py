"""Work ahead: in order, bounded, with its errors in their place."""

import itertools
import os
import subprocess
import sys
import time

import pytest

from framework.data.ahead import in_order


def test_answers_come_in_the_order_of_the_items():
    def slower_at_first(item):
        time.sleep(0.002 if item % 2 == 0 else 0)
        return item * item

    assert list(in_order(slower_at_first, range(20), 4)) == [item * item for item in range(20)]


def test_no_more_are_ahead_than_allowed_so_that_items_may_be_endless():
    taken = itertools.count()
    predictions = in_order(str, (next(taken) for _ in itertools.count()), ahead=3)
    assert [next(predictions) for _ in range(5)] == ["0", "1", "2", "3", "4"]
    predictions.close()
    assert next(taken) <= 5 + 3


def test_an_error_is_raised_when_its_turn_comes():
    def fails(item):
        if item == 3:
            raise ValueError("three")
        return item

    predictions = in_order(fails, range(10), 8)
    assert [next(predictions) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="three"):
        next(predictions)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no process is told its processors here")
def test_there_are_as_many_readers_as_processors_that_the_process_may_use():
    code = (
        "import os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])\n"
        "from framework.data.ahead import THREADS; print(THREADS)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"
