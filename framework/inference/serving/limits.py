"""Limits of a server, and how much of them is in use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from framework.errors import count
from framework.inference.serving.api_error import ApiError

MAX_BODIES = 4
"""Memory for request bodies, in bodies of the largest size."""


@dataclass(frozen=True)
class Limits:
    """Limits of one request, and of the queue."""

    body: int = 64_000_000
    """Bytes of a body."""
    files: int = 64
    """Images in a body."""
    pixels: int = 50_000_000
    """Of one image."""
    regions: int = 64
    """Detected regions of one image that are classified, the most important ones."""
    seconds: float = 30
    """For a body to arrive, and again for its predictions."""
    queue: int = 256
    """Images of all requests that are waiting or being computed."""


class Admission:
    """Images and bytes of all requests in progress. Used from the event loop's thread only."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.images = 0
        """Waiting or being computed."""
        self.bytes = 0
        """Of all bodies in memory."""
        self.predicted = 0
        """Images since the start."""

    @contextmanager
    def request(self) -> Iterator[Reservation]:
        """A reservation, released at the end of the block; raises `ApiError` if the queue is full."""
        reservation = Reservation(self)
        reservation.require_places(1)
        try:
            yield reservation
        finally:
            self.images -= reservation.images
            self.bytes -= reservation.bytes


class Reservation:
    """Images and bytes of one request."""

    def __init__(self, admission: Admission) -> None:
        self.admission = admission
        self.images = 0
        self.bytes = 0

    def add_bytes(self, number: int) -> None:
        """Reserve memory; raises `ApiError` if other requests use it up."""
        if self.bytes and self.admission.bytes + number > MAX_BODIES * self.admission.limits.body:
            raise _busy("other requests use all memory for request bodies")
        self.bytes += number
        self.admission.bytes += number

    def add_images(self, number: int) -> None:
        """Reserve places in the queue; raises `ApiError` if there are too few."""
        self.require_places(number)
        self.images += number
        self.admission.images += number

    def require_places(self, number: int) -> None:
        """Raises `ApiError` if the queue has fewer places."""
        waiting, queue = self.admission.images, self.admission.limits.queue
        if waiting + number > queue:
            raise _busy(f"{count(waiting, 'image')} waiting, at most {queue}")


def _busy(reason: str) -> ApiError:
    return ApiError(503, "busy", f"the server is busy: {reason}", "try again in a second", {"Retry-After": "1"})
