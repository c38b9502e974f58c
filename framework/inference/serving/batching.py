"""Images of many requests are computed together: threads decode, one thread computes."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from framework.data.decode import MAX_PIXELS, BadImage
from framework.inference.activation import activation_maps
from framework.inference.serving.pictures import activation_picture

if TYPE_CHECKING:
    from torch import Tensor

    from framework.inference.predictor import Predictor
    from framework.inference.serving.uploads import Upload

DECODERS = 2
"""Threads."""
WAIT = 0.002
"""Seconds that the first image of a batch waits for others."""
FAILURES = 3
"""Batches that failed in a row: what comes next is not expected to be answered."""

logger = logging.getLogger("framework.serving")


@dataclass(frozen=True)
class Answer:
    """What the network says of one image, or why it could not be read."""

    name: str
    probabilities: tuple[float, ...] = ()
    """One for each class, in the order of `Predictor.classes`."""
    activation: str | None = None
    """A PNG as a data URI, where it was asked for."""
    error: BadImage | None = None


class ComputeFailed(Exception):
    """The network failed on a batch, or on the maps that were asked for; the log says why."""


@dataclass(frozen=True, eq=False)
class _Ticket:
    """One image on its way; its future belongs to the event loop."""

    upload: Upload
    activation: bool
    future: asyncio.Future[Answer]


_Ready = tuple[_Ticket, "Tensor"]
_Done = tuple[_Ticket, Answer | Exception]


class Batching:
    """Answers for images, in batches of `batch_size` at most; `start` it first, and `stop` it at the end."""

    def __init__(self, predictor: Predictor, batch_size: int, max_pixels: int = MAX_PIXELS) -> None:
        self.predictor = predictor
        self.batch_size = batch_size
        self.max_pixels = max_pixels
        self._ready: queue.SimpleQueue[_Ready | None] = queue.SimpleQueue()
        self._waiting: list[_Ready] = []
        self._ending = False
        self._failures = 0
        self._decoders = ThreadPoolExecutor(DECODERS, "decode")
        self._computer = threading.Thread(target=self._compute, name="compute", daemon=True)

    @property
    def at_work(self) -> bool:
        """Whether anything would be answered: begun, not ended, and not every one of the last batches failed."""
        return self._computer.is_alive() and self._failures < FAILURES

    def start(self) -> None:
        """Begin to compute what is ready."""
        self._computer.start()

    def stop(self) -> None:
        """Once nothing is asked for any more."""
        self._decoders.shutdown()
        self._ready.put(None)
        self._computer.join()

    async def answers(self, uploads: Sequence[Upload], activation: bool) -> list[Answer]:
        """One for each image, in order; raises `ComputeFailed`. Cancelled, it gives up what has not begun."""
        loop = asyncio.get_running_loop()
        tickets = [_Ticket(upload, activation, loop.create_future()) for upload in uploads]
        for ticket in tickets:
            self._decoders.submit(self._decode, ticket)
        return await asyncio.gather(*(ticket.future for ticket in tickets))

    def _decode(self, ticket: _Ticket) -> None:
        if ticket.future.cancelled():
            return
        name = ticket.upload.name
        try:
            pixels = self.predictor.read(ticket.upload.content, name, self.max_pixels)
        except BadImage as error:
            _deliver([(ticket, Answer(name, error=error))])
        except Exception:  # no thread of the pool says a word of its own
            logger.exception("an image could not be prepared")
            _deliver([(ticket, ComputeFailed())])
        else:
            self._ready.put((ticket, pixels))

    def _compute(self) -> None:
        while batch := self._next_batch():
            wanted = [(ticket, pixels) for ticket, pixels in batch if not ticket.future.cancelled()]
            if not wanted:
                continue
            try:
                done = self._answered(wanted)
                self._failures = 0
            except Exception:
                logger.exception("a batch of %d images failed", len(wanted))
                self._failures += 1
                done = [(ticket, ComputeFailed()) for ticket, _ in wanted]
            _deliver(done)

    def _next_batch(self) -> list[_Ready]:
        """What is there, and what comes within `WAIT` of the first, cut to a round number; nothing at the end."""
        until = time.monotonic() + WAIT
        while not self._ending and len(self._waiting) < self.batch_size:
            try:
                item = self._ready.get(timeout=max(0.0, until - time.monotonic()) if self._waiting else None)
            except queue.Empty:
                break
            if item is None:
                self._ending = True
            else:
                until = until if self._waiting else time.monotonic() + WAIT
                self._waiting.append(item)
        number = round_number(len(self._waiting), self.batch_size)
        batch, self._waiting = self._waiting[:number], self._waiting[number:]
        return batch

    def _answered(self, batch: Sequence[_Ready]) -> list[_Done]:
        images = torch.stack([pixels for _, pixels in batch])
        probabilities = self.predictor.probabilities(images)
        pictures = self._pictures(batch, images, probabilities.argmax(dim=1))
        done: list[_Done] = []
        for index, ((ticket, _), row) in enumerate(zip(batch, probabilities.tolist(), strict=True)):
            failed = ticket.activation and index not in pictures
            answer = Answer(ticket.upload.name, tuple(row), pictures.get(index))
            done.append((ticket, ComputeFailed() if failed else answer))
        return done

    def _pictures(self, batch: Sequence[_Ready], images: Tensor, classes: Tensor) -> dict[int, str]:
        """Of those that asked for one: where the network saw the class that it named; empty where that fails."""
        asked = [index for index, (ticket, _) in enumerate(batch) if ticket.activation]
        if not asked:
            return {}
        try:
            maps = activation_maps(self.predictor, images[asked], classes[asked])
            return {index: activation_picture(images[index], heat) for index, heat in zip(asked, maps, strict=True)}
        except Exception:  # it is no matter of those that asked for none
            logger.exception("activation maps of %d images failed", len(asked))
            return {}


def round_number(waiting: int, most: int) -> int:
    """How many of those that wait are computed together: `most`, or a power of two, or three times one.

    A network's libraries prepare and keep something for each size of a batch: a few sizes bound that memory.
    """
    if waiting >= most or waiting < 2:
        return min(waiting, most)
    power = 1 << (waiting.bit_length() - 1)
    return power + power // 2 if waiting >= power + power // 2 else power


def _deliver(done: Sequence[_Done]) -> None:
    """Hand over to the event loop, all at once: each call wakes it."""

    def resolve() -> None:
        for ticket, answer in done:
            if ticket.future.done():
                continue
            if isinstance(answer, Exception):
                ticket.future.set_exception(answer)
            else:
                ticket.future.set_result(answer)

    done[0][0].future.get_loop().call_soon_threadsafe(resolve)
