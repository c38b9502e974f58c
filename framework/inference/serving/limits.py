"""What a server lets in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from framework.errors import count
from framework.inference.serving.refusals import Refused

BODIES = 4
"""So many bodies of the largest size are held at once, or as many more as are smaller."""


@dataclass(frozen=True)
class Limits:
    """For one request, unless something else is said."""

    body: int = 64_000_000
    """Bytes of a body."""
    files: int = 64
    """Images in one body."""
    pixels: int = 50_000_000
    """Of one image."""
    seconds: float = 30
    """Until a body has arrived, and again until it is answered."""
    queue: int = 256
    """Images of all requests that wait or are computed."""


class Admission:
    """How much is being worked on. It belongs to the event loop's thread."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.images = 0
        """That wait or are computed."""
        self.bytes = 0
        """Of all bodies that are held."""
        self.answered = 0
        """Images, since the start."""

    @contextmanager
    def request(self) -> Iterator[Held]:
        """What one request takes is given back at its end; raises `Refused` where nothing more fits."""
        held = Held(self)
        held.require_room(1)
        try:
            yield held
        finally:
            self.images -= held.images
            self.bytes -= held.bytes


class Held:
    """What one request has taken so far."""

    def __init__(self, admission: Admission) -> None:
        self.admission = admission
        self.images = 0
        self.bytes = 0

    def take_bytes(self, number: int) -> None:
        """Hold so many bytes more; raises `Refused` where other bodies fill the memory that is meant for them."""
        if self.bytes and self.admission.bytes + number > BODIES * self.admission.limits.body:
            raise _busy("other requests' images fill the memory that is meant for them")
        self.bytes += number
        self.admission.bytes += number

    def take_images(self, number: int) -> None:
        """Hold places in the queue; raises `Refused` where there are not so many."""
        self.require_room(number)
        self.images += number
        self.admission.images += number

    def require_room(self, number: int) -> None:
        """Raises `Refused` where the queue has not so many places."""
        waiting, queue = self.admission.images, self.admission.limits.queue
        if waiting + number > queue:
            raise _busy(f"{count(waiting, 'image')} waiting already, of {queue} at most")


def _busy(reason: str) -> Refused:
    return Refused(503, "busy", f"the server is busy: {reason}", "try again in a second", {"Retry-After": "1"})
