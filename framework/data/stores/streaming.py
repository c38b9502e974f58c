"""Images that are not held anywhere: decoded by worker processes some batches ahead."""

from __future__ import annotations

import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch.multiprocessing.reductions import shared_cache
from torch.utils.data import DataLoader

from framework.data.ahead import processors
from framework.data.decode import BadImage, quiet_decoding
from framework.data.stores.store import Pixels, Place
from framework.data.stores.survey import decode_image
from framework.errors import RunFailed, UserError

if TYPE_CHECKING:
    from torch import Tensor

    from framework.components import ImageSource
    from framework.data.preprocess import Preprocessor

MOST_WORKERS = 16
"""Each worker has two batches ahead: more workers need more memory, and few networks need as many."""


class StreamedPixels(Pixels):
    """Decoded again each time they are requested, by one worker process for each processor.

    `indices` are those of the usable images in the source. Batches do not depend on the number of workers: each is
    made by one worker, and they are returned in the order requested.
    """

    place: Place = "stream"

    def __init__(
        self, source: ImageSource, indices: Sequence[int], preprocess: Preprocessor, workers: int | None = None
    ) -> None:
        self.shape = (len(indices), preprocess.channels, preprocess.height, preprocess.width)
        self.workers = workers or min(processors(), MOST_WORKERS)
        self._source, self._names, self._preprocess = source, source.names, preprocess
        self._indices = torch.tensor(indices)

    def batches(self, lists: Iterable[Tensor]) -> Iterator[Tensor]:
        """Workers live from the first batch until the iterator is released."""
        try:
            for batch in self._start_workers(indices.tolist() for indices in lists):
                yield _checked(batch)
                shared_cache.free_dead_references()
        except RuntimeError as error:
            raise RunFailed(
                f"a process that decodes images has failed: {str(error).strip().splitlines()[-1]}\n"
                "    If it ran out of memory, reduce train.batch_size or preprocess.size; after a bus error, give the "
                "container more shared memory (docker run --shm-size=2g); train.store=disk needs no processes"
            ) from None

    def at(self, indices: Tensor) -> Tensor:
        """These images, uint8 B×C×H×W, decoded in this process."""
        return _checked(self[indices.tolist()])

    def __getitem__(self, batch: list[int]) -> Tensor | str:
        """Decode a batch, usually in a worker; an error is returned as its message."""
        images = torch.empty((len(batch), *self.shape[1:]), dtype=torch.uint8)
        # torch remembers a few bytes of each batch that was sent through shared memory. They lie between the large
        # blocks of the steps, and glibc before 2.38 then takes new memory for every block: 450 MB for batches of 3 MB.
        shared_cache.free_dead_references()
        with quiet_decoding():
            for row, index in enumerate(self._indices[batch].tolist()):
                name = self._names[index]
                try:
                    images[row] = decode_image(self._source, index, name, self._preprocess)
                except BadImage as error:
                    return (
                        f"the image '{name}' could be read when the run started, and no longer can: {error.reason}\n"
                        "    Repair it and continue with --resume; if images were removed, start a new run"
                    )
                except UserError as error:
                    return str(error)
        return images

    def _start_workers(self, lists: Iterator[list[int]]) -> Iterator[Any]:
        before = signal.getsignal(signal.SIGCHLD) if hasattr(signal, "SIGCHLD") else None
        with warnings.catch_warnings():
            # Python warns of forks beside threads, though a worker uses no thread of its parent; torch warns of more
            # workers than processors.
            warnings.simplefilter("ignore")
            loader: DataLoader[Any] = DataLoader(
                self,  # type: ignore[arg-type]  # any class with __getitem__ and __len__ is a dataset
                batch_size=None,
                sampler=lists,  # any iterable is allowed
                num_workers=self.workers,
                worker_init_fn=_init_worker,
                multiprocessing_context="fork" if sys.platform == "linux" else "spawn",
                generator=torch.Generator(),  # otherwise the global one would be used
            )
            ready = iter(loader)
        if before is not None and threading.current_thread() is threading.main_thread():
            # torch's handler raises in the main process, wherever it is, when a worker dies. Waiting for the next
            # batch notices that as well.
            signal.signal(signal.SIGCHLD, before)
        return ready


def _checked(batch: Tensor | str) -> Tensor:
    if isinstance(batch, str):
        raise UserError(batch)
    return batch


def _init_worker(number: int) -> None:
    """Ignore signals: the main process stops after its step and needs its workers until then."""
    for name in ("SIGINT", "SIGHUP"):  # Windows has no SIGHUP
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if hasattr(signal, "sigwaitinfo"):  # macOS has none
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        threading.Thread(target=_exit_when_parent_terminates, daemon=True).start()


def _exit_when_parent_terminates() -> None:
    while signal.sigwaitinfo([signal.SIGTERM]).si_pid != os.getppid():
        pass  # batch systems send it to all processes of the run
    os._exit(0)
