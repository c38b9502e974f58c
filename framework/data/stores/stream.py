"""Images that fit nowhere: decoded in worker processes, some batches ahead of where they are needed."""

from __future__ import annotations

import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch.multiprocessing.reductions import shared_cache
from torch.utils.data import DataLoader, Dataset

from framework.data.ahead import processors
from framework.data.decode import BadImage, quiet_decoding
from framework.data.stores.pixels import Pixels, Place
from framework.data.stores.reading import read_one
from framework.errors import RunFailed, UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from framework.components import ImageSource
    from framework.data.preprocess import Preprocessor

MOST_WORKERS = 16
"""Every worker has two batches ahead of it: more of them take memory, and few networks need as many."""


class Streamed(Pixels):
    """Decoded anew whenever they are asked for, by as many processes as there are processors.

    `indices` are the places in the source of the images that can be used. What a batch holds does not depend on the
    number of workers: each batch is the work of one, and they come in the order in which they were asked for.
    """

    place: Place = "stream"

    def __init__(
        self, source: ImageSource, indices: Sequence[int], preprocess: Preprocessor, workers: int | None = None
    ) -> None:
        self.shape = (len(indices), preprocess.channels, preprocess.height, preprocess.width)
        self.workers = workers or min(processors(), MOST_WORKERS)
        self._decoding = Decoding(source, torch.tensor(indices), source.names, preprocess)

    def batches(self, lists: Iterable[Tensor]) -> Iterator[Tensor]:
        """Workers are there from the first batch that is taken until the iterator is let go."""
        ready = self._started(indices.tolist() for indices in lists)
        while True:
            _forget_batches_that_are_gone()
            try:
                batch = next(ready)
            except StopIteration:
                return
            except RuntimeError as error:
                raise RunFailed(_dead_worker_message(error)) from None
            yield _checked(batch)

    def _started(self, lists: Iterator[list[int]]) -> Iterator[Any]:
        before = signal.getsignal(signal.SIGCHLD) if hasattr(signal, "SIGCHLD") else None
        with warnings.catch_warnings():
            # Python warns of forks beside threads: a worker uses none that were there before it. torch warns of more
            # workers than processors.
            warnings.simplefilter("ignore")
            loader: DataLoader[Any] = DataLoader(
                self._decoding,
                batch_size=None,
                sampler=lists,  # any iterable will do
                num_workers=self.workers,
                worker_init_fn=_begin_worker,
                multiprocessing_context="fork" if sys.platform == "linux" else "spawn",
                generator=torch.Generator(),  # else it would draw from the global one
            )
            ready = iter(loader)
        if before is not None and threading.current_thread() is threading.main_thread():
            # torch's own handler would raise, when a worker is gone, wherever the main process happens to be; it is
            # noticed as well where the next batch is waited for.
            signal.signal(signal.SIGCHLD, before)
        return ready

    def at(self, indices: Tensor) -> Tensor:
        """These images, uint8 B×C×H×W, decoded in this process."""
        return _checked(self._decoding[indices.tolist()])


@dataclass(frozen=True)
class Decoding(Dataset[Any]):
    """What a worker does: a list of indices becomes a batch, or the text of an error."""

    source: ImageSource
    places: Tensor
    """Of the usable images in the source, int64 N."""
    names: Sequence[str]
    preprocess: Preprocessor

    def __getitem__(self, indices: list[int]) -> Tensor | str:
        shape = (len(indices), self.preprocess.channels, self.preprocess.height, self.preprocess.width)
        images = torch.empty(shape, dtype=torch.uint8)
        _forget_batches_that_are_gone()
        try:
            with quiet_decoding():
                for row, place in enumerate(self.places[indices].tolist()):
                    images[row] = read_one(self.source, place, self.names[place], self.preprocess)
        except BadImage as error:
            return (
                f"the image '{error.name}' could be read when the run began, and cannot be any more: {error.reason}\n"
                "    Mend or remove it, then go on with --resume, or start anew where images were removed"
            )
        except UserError as error:
            return str(error)
        return images


def _forget_batches_that_are_gone() -> None:
    """Let torch let go of what it remembers of batches that went through shared memory.

    Of 128 batches it is a few bytes each, but they lie between the large blocks of the steps, and glibc before 2.38
    then takes new memory for every one of these: 450 MB for batches of 3 MB.
    """
    shared_cache.free_dead_references()


def _checked(batch: Tensor | str) -> Tensor:
    if isinstance(batch, str):
        raise UserError(batch)
    return batch


def _begin_worker(number: int) -> None:
    """Signals are for the main process, which stops after its step; a worker ends when that one says so."""
    for name in ("SIGINT", "SIGHUP"):  # there is no SIGHUP on Windows
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if hasattr(signal, "sigwaitinfo"):  # not on macOS
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        threading.Thread(target=_wait_for_the_end, daemon=True).start()


def _wait_for_the_end() -> None:
    while signal.sigwaitinfo([signal.SIGTERM]).si_pid != os.getppid():
        pass  # sent to all processes of the run, as batch systems do
    os._exit(0)


def _dead_worker_message(error: RuntimeError) -> str:
    return (
        f"a process that decodes images has failed: {str(error).strip().splitlines()[-1]}\n"
        "    Where memory is short, a smaller train.batch_size or preprocess.size needs less; where it was a bus "
        "error, give the container more shared memory (docker run --shm-size=2g); train.store=disk needs no processes"
    )
