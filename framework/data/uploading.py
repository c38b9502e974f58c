"""Copies batches to the device through pinned memory, one batch ahead of the network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor


def sent(tensor: Tensor, device: torch.device) -> Tensor:
    """A copy on the device; the CPU does not wait for the transfer."""
    if device.type != "cuda" or tensor.device.type == "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


def uploaded(batches: Iterable[Tensor], device: torch.device) -> Iterator[Tensor]:
    """The same batches on the device.

    For a CUDA device they are copied on a separate stream, one batch ahead: the copy overlaps with the network, and
    the CPU waits for neither. Batches that are on the device already are returned unchanged.
    """
    if device.type != "cuda":
        yield from (batch.to(device) for batch in batches)
        return
    copying = torch.cuda.Stream(device)
    pending: tuple[Tensor, torch.cuda.Event] | None = None
    for batch in batches:
        if batch.device.type == device.type:
            yield batch
            continue
        with torch.cuda.stream(copying):
            coming = batch.pin_memory().to(device, non_blocking=True)
            arrived = copying.record_event()
        if pending is not None:
            yield _arrived(*pending)
        pending = coming, arrived
    if pending is not None:
        yield _arrived(*pending)


def _arrived(batch: Tensor, copied: torch.cuda.Event) -> Tensor:
    """The batch for the current stream; its memory is not reused until that stream is finished with it."""
    current = torch.cuda.current_stream(batch.device)
    current.wait_event(copied)
    batch.record_stream(current)
    return batch
