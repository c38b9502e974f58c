"""Batches brought to the device: through pinned memory, the next one while the network works on this one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


def sent(tensor: Tensor, device: torch.device) -> Tensor:
    """A copy on the device; the CPU does not wait until it has arrived."""
    if device.type != "cuda" or tensor.device.type == "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


def uploaded(batches: Iterable[Tensor], device: torch.device) -> Iterator[Tensor]:
    """The same batches on the device.

    To a CUDA device they are copied on a stream of its own, one batch ahead of the one that is used: the copy then
    overlaps with the network, and the CPU waits for neither. Batches that are on the device are returned unchanged.
    """
    if device.type != "cuda":
        yield from (batch.to(device) for batch in batches)
        return
    copying = torch.cuda.Stream(device)
    waiting: tuple[Tensor, torch.cuda.Event] | None = None
    for batch in batches:
        if batch.device.type == device.type:
            yield batch
            continue
        with torch.cuda.stream(copying):
            coming = batch.pin_memory().to(device, non_blocking=True)
            arrived = copying.record_event()
        if waiting is not None:
            yield _arrived(*waiting)
        waiting = coming, arrived
    if waiting is not None:
        yield _arrived(*waiting)


def _arrived(batch: Tensor, copied: torch.cuda.Event) -> Tensor:
    """The batch, for the stream that is now current; its memory is not used again before that has done with it."""
    current = torch.cuda.current_stream(batch.device)
    current.wait_event(copied)
    batch.record_stream(current)
    return batch
