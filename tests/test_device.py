"""What a device is called."""

import torch

from framework.device import describe_device


def test_one_thread_is_singular(monkeypatch):
    found = []
    for number in (1, 2):
        monkeypatch.setattr(torch, "get_num_threads", lambda number=number: number)
        found.append(describe_device(torch.device("cpu")))
    assert found == ["cpu (1 thread)", "cpu (2 threads)"]
