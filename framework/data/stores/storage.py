"""Where the pixels of a store go: what a recipe's `train.store` asks for, and what fits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import torch

from framework.data.stores.cache import Cache, default_folder
from framework.data.stores.pixels import Place
from framework.data.stores.room import free_disk, free_memory
from framework.errors import UserError, count

if TYPE_CHECKING:
    from framework.recipe.sections import Recipe

MODEST = {"device": 0.25, "memory": 0.5, "disk": 0.8}
"""Shares of what is free that `auto` takes: a network, its activations and other processes need the rest."""
MOST = {"device": 0.8, "memory": 0.8, "disk": 0.95}
"""Shares of what is free that somebody who asks for a place may take."""

Say = Callable[[str], None]
Kind = Literal["auto", "device", "memory", "disk", "stream"]


@dataclass(frozen=True)
class Storage:
    """What is asked for, and where stores are kept between runs (None: nowhere)."""

    kind: Kind = "memory"
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    cache: Cache | None = None
    say: Say = lambda text: None
    """Told, in a sentence, when something is not as asked for."""

    @classmethod
    def of_recipe(cls, recipe: Recipe, device: torch.device, say: Say) -> Storage:
        """As `train.store` asks for, with this user's cache; no cache if the user has no home folder."""
        try:
            cache = Cache(default_folder())
        except UserError as error:
            say(f"decoded images are not kept for the next run: {error}")
            cache = None
        return cls(recipe.train.store, device, cache, say)

    def choose(self, shape: tuple[int, int, int, int], kept: bool = False) -> Place:
        """The place for pixels of that shape, N×C×H×W; raises `UserError` where they do not fit where they shall.

        Those that are `kept` on the disk already need no room there.
        """
        number, channels, height, width = shape
        needed = number * channels * height * width
        if self.kind == "auto":
            there = "disk" if kept else "stream"
            return next(place for place in self._places() if place == there or self._fits(place, needed, MODEST))
        if self.kind == "disk" and kept:
            return "disk"
        if self.kind == "device" and self.device.type == "cpu":
            return "memory"
        if self.kind == "disk" and self.cache is not None and not self.cache.writable:
            return self.without_disk(shape)  # as was said when it failed
        if not self._fits(self.kind, needed, MOST):
            free = self._free(self.kind)
            raise UserError(
                f"train.store={self.kind}: {count(number, 'image')} of {channels}×{height}×{width} bytes need "
                f"{needed / 1e9:.1f} GB; {(free or 0) / 1e9:.1f} GB are free {self._where(self.kind)}. "
                f"Choose train.store=auto, which takes what fits, or a smaller preprocess.size"
            )
        return self.kind

    def has_room_to_keep(self, needed: int) -> bool:
        """Whether a file of so many bytes may be written and leaves the disk some room."""
        return self._fits("disk", needed, MODEST)

    def without_disk(self, shape: tuple[int, int, int, int]) -> Place:
        """The next best place where files cannot be written."""
        number, channels, height, width = shape
        return "memory" if self._fits("memory", number * channels * height * width, MODEST) else "stream"

    def _places(self) -> list[Place]:
        on_device: list[Place] = ["device"] if self.device.type == "cuda" else []
        return [*on_device, "memory", "disk", "stream"]

    def _fits(self, place: Place, needed: int, shares: dict[str, float]) -> bool:
        if place == "stream":
            return True
        free = self._free(place)
        return free is None or needed <= shares[place] * free

    def _free(self, place: Place) -> int | None:
        """Bytes; None where the system does not say."""
        if place == "device":
            return torch.cuda.mem_get_info(self.device)[0] if self.device.type == "cuda" else None
        if place == "memory":
            return free_memory()
        try:
            return free_disk(self.cache.folder) if self.cache and self.cache.writable else 0
        except OSError:
            return 0

    def _where(self, place: Place) -> str:
        folder = f"in '{self.cache.folder}'" if self.cache else "without a folder to write to"
        return {"device": f"on {self.device}", "memory": "in memory", "disk": folder}[place]
