"""Batches of images from many requests: several threads decode and detect regions, one thread computes."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import torch
from torch import Tensor

from framework.data.decode import BadImage
from framework.data.regions import Region
from framework.inference.activation import activation_maps
from framework.inference.serving.overlay import activation_picture
from framework.inference.serving.reading import DetectorFailed, Reading, UploadReader
from framework.inference.serving.uploads import Upload

DECODERS = 2
"""Threads that decode."""
WAIT = 0.002
"""Seconds that the first image of a batch waits for others."""
MAX_FAILURES = 3
"""Failed batches in a row after which the server is not ready."""

logger = logging.getLogger("framework.serving")


@dataclass(frozen=True)
class Classified:
    """The prediction for an image or for one of its regions."""

    probabilities: tuple[float, ...]
    """One for each class, in the order of `Predictor.classes`."""
    decided: tuple[tuple[str, float], ...] = ()
    """The predicted classes with their probabilities, as `Task.decide` returns them."""
    activations: Mapping[str, str] | None = None
    """If requested, for each predicted class, or else the most probable one, a PNG as a data URI."""
    region: Region | None = None


@dataclass(frozen=True)
class Result:
    """The predictions for one image, or why it cannot be read."""

    name: str
    predictions: tuple[Classified, ...] = ()
    """One for the whole image, or one for each region."""
    size: tuple[int, int] | None = None
    """Width and height of the upright image, if its regions were classified."""
    left_out: int = 0
    """Detected regions that were not classified."""
    error: BadImage | None = None


class ComputeFailed(Exception):
    """The network failed on a batch, or on its activation maps; the log has the reason."""


@dataclass(eq=False)
class _Ticket:
    """One image in progress; its future belongs to the event loop."""

    upload: Upload
    activation: bool
    detect: bool
    future: asyncio.Future[Result]
    reading: Reading | None = None
    """Set before its inputs are ready."""
    predictions: list[Classified] = field(default_factory=list)
    """Of the inputs that are computed, in order: one thread computes them in the order in which they become ready."""

    @property
    def complete(self) -> bool:
        """Whether all inputs are computed."""
        return self.reading is not None and len(self.predictions) == len(self.reading.regions)

    def result(self) -> Result:
        """The result when it is complete."""
        assert self.reading is not None
        return Result(self.upload.name, tuple(self.predictions), self.reading.size, self.reading.left_out)


_Ready = tuple[_Ticket, "Region | None", "Tensor"]
_Done = tuple[_Ticket, Result | Exception]


class Batching:
    """Predicts images in batches of up to `batch_size`, between `start` and `stop`."""

    def __init__(self, reader: UploadReader) -> None:
        self.reader = reader
        self.predictor = reader.predictor
        self.batch_size = reader.predictor.batch_size
        self._places = threading.Semaphore(reader.limits.queue)
        """Of inputs in memory: an image may have many regions."""
        self._ready: queue.SimpleQueue[_Ready | None] = queue.SimpleQueue()
        self._waiting: list[_Ready] = []
        self._ending = False
        self._failures = 0
        self._decoders = ThreadPoolExecutor(DECODERS, "decode")
        self._computer = threading.Thread(target=self._compute, name="compute", daemon=True)

    @property
    def ready(self) -> bool:
        """Whether it is started and at least one of the last `MAX_FAILURES` batches succeeded."""
        return self._computer.is_alive() and self._failures < MAX_FAILURES

    def start(self) -> None:
        """Start to compute."""
        self._computer.start()

    def stop(self) -> None:
        """Stop after the last request."""
        self._decoders.shutdown()
        self._ready.put(None)
        self._computer.join()

    async def predict(self, uploads: Sequence[Upload], activation: bool, detect: bool = True) -> list[Result]:
        """A result for each image, in order; raises `ComputeFailed` or `DetectorFailed`.

        Cancelling it drops images that have not begun.
        """
        loop = asyncio.get_running_loop()
        tickets = [_Ticket(upload, activation, detect, loop.create_future()) for upload in uploads]
        for ticket in tickets:
            self._decoders.submit(self._decode, ticket)
        return await asyncio.gather(*(ticket.future for ticket in tickets))

    def _decode(self, ticket: _Ticket) -> None:
        if ticket.future.done():
            return
        try:
            self._read(ticket)
        except BadImage as error:
            _deliver([(ticket, Result(ticket.upload.name, error=error))])
        except DetectorFailed as error:
            logger.exception("the detector failed on an image")
            _deliver([(ticket, error)])
        except Exception:  # a pool's threads do not report errors
            logger.exception("an image could not be prepared")
            _deliver([(ticket, ComputeFailed())])

    def _read(self, ticket: _Ticket) -> None:
        """Put the inputs of an image into the queue, each when there is a place for it."""
        ticket.reading, inputs = self.reader.read(ticket.upload, ticket.detect)
        if ticket.complete:  # nothing was found
            _deliver([(ticket, ticket.result())])
        for region, pixels in zip(ticket.reading.regions, inputs, strict=True):
            self._places.acquire()
            self._ready.put((ticket, region, pixels))
            if ticket.future.done():  # cancelled
                return

    def _compute(self) -> None:
        while batch := self._next_batch():
            if current := [item for item in batch if not item[0].future.done()]:
                _deliver(self._computed(current))
            self._places.release(len(batch))

    def _computed(self, batch: Sequence[_Ready]) -> list[_Done]:
        """The images that are complete with this batch, or have failed."""
        try:
            done = self._predicted(batch)
            self._failures = 0
            return done
        except Exception:
            logger.exception("a batch of %d images failed", len(batch))
            self._failures += 1
            return [(ticket, ComputeFailed()) for ticket, *_ in batch]

    def _next_batch(self) -> list[_Ready]:
        """Waiting images, and those that arrive within `WAIT` of the first, cut to a round number; empty at the end."""
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

    def _predicted(self, batch: Sequence[_Ready]) -> list[_Done]:
        images = torch.stack([pixels for *_, pixels in batch])
        probabilities = self.predictor.probabilities(images)
        task, classes, thresholds = self.predictor.task, self.predictor.classes, self.predictor.thresholds
        rows = probabilities.tolist()
        decided = [tuple(task.decide(row, classes, thresholds)) for row in rows]
        overlays = self._overlays(batch, images, decided, probabilities.argmax(dim=1).tolist())
        done: list[_Done] = []
        for index, ((ticket, region, _), row) in enumerate(zip(batch, rows, strict=True)):
            if ticket.activation and index not in overlays:
                done.append((ticket, ComputeFailed()))
                continue
            ticket.predictions.append(Classified(tuple(row), decided[index], overlays.get(index), region))
            if ticket.complete:
                done.append((ticket, ticket.result()))
        return done

    def _overlays(
        self,
        batch: Sequence[_Ready],
        images: Tensor,
        decided: Sequence[Sequence[tuple[str, float]]],
        best: Sequence[int],
    ) -> dict[int, dict[str, str]]:
        """The activation maps that were requested, by class; empty if that fails.

        They are of the predicted classes, or of the most probable one, `best`, if none is predicted.
        """
        classes = self.predictor.classes
        pairs = [
            (index, label)
            for index, (ticket, *_) in enumerate(batch)
            if ticket.activation
            for label in [classes.index(name) for name, _ in decided[index]] or [best[index]]
        ]
        if not pairs:
            return {}
        requested, labels = (list(column) for column in zip(*pairs, strict=True))
        found: dict[int, dict[str, str]] = {}
        try:
            maps = activation_maps(self.predictor, images[requested], torch.tensor(labels))
            for (index, label), heat in zip(pairs, maps, strict=True):
                found.setdefault(index, {})[classes[label]] = activation_picture(images[index], heat)
            return found
        except Exception:  # requests without maps must still succeed
            logger.exception("activation maps of %d images failed", len({index for index, _ in pairs}))
            return {}


def round_number(waiting: int, most: int) -> int:
    """The size of the next batch: `most`, a power of two, or three times one.

    Libraries cache something for each batch size: few sizes bound that memory.
    """
    if waiting >= most or waiting < 2:
        return min(waiting, most)
    power = 1 << (waiting.bit_length() - 1)
    return power + power // 2 if waiting >= power + power // 2 else power


def _deliver(done: Sequence[_Done]) -> None:
    """Hand results over to the event loop, all at once: each call wakes it."""
    if not done:
        return

    def resolve() -> None:
        for ticket, result in done:
            if ticket.future.done():
                continue
            if isinstance(result, Exception):
                ticket.future.set_exception(result)
            else:
                ticket.future.set_result(result)

    done[0][0].future.get_loop().call_soon_threadsafe(resolve)
