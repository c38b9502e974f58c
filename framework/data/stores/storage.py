"""Where the pixels of a store are held: what `train.store` requests, and what fits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import torch

from framework.data.stores.cache import Cache, Say, default_folder
from framework.data.stores.free_space import free_disk, free_memory
from framework.data.stores.store import Place, Shape
from framework.errors import UserError, count

if TYPE_CHECKING:
    from framework.recipe.sections import Recipe

AUTOMATIC = {"device": 0.25, "memory": 0.5, "disk": 0.8}
"""Fractions of the free space that `auto` uses: a network, its activations and other processes need the rest."""
REQUESTED = {"device": 0.8, "memory": 0.8, "disk": 0.95}
"""Fractions of the free space that may be used if a place is requested explicitly."""


@dataclass(frozen=True)
class Storage:
    """The requested place, and the cache of stores (None: stores are not kept between runs)."""

    kind: Literal["auto", "device", "memory", "disk", "stream"] = "memory"
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    cache: Cache | None = None

    @classmethod
    def of_recipe(cls, recipe: Recipe, device: torch.device, say: Say) -> Storage:
        """As `train.store` requests, with the user's cache; without a cache if the user has no home folder."""
        try:
            return cls(recipe.train.store, device, Cache(default_folder(), say))
        except UserError as error:
            say(f"decoded images are not cached: {error}")
            return cls(recipe.train.store, device)

    def choose(self, shape: Shape, on_disk: bool = False) -> Place:
        """The place for pixels N×C×H×W; raises `UserError` if they do not fit where they are requested.

        If they are `on_disk` already, the disk needs no free space.
        """
        kind, needed = self.kind, math.prod(shape)
        if kind == "device" and self.device.type == "cpu":
            kind = "memory"
        if kind == "stream" or (kind == "disk" and on_disk):
            return kind
        if kind == "auto" or (kind == "disk" and self.cache and not self.cache.writable):  # as has been reported
            on_device = kind == "auto" and self.device.type == "cuda"
            places: list[Place] = ["device", "memory", "disk"] if on_device else ["memory", "disk"]
            for place in places:
                if (place == "disk" and on_disk) or self._fits(place, needed, AUTOMATIC):
                    return place
            return "stream"
        if not self._fits(kind, needed, REQUESTED):
            number, channels, height, width = shape
            folder = f"in '{self.cache.folder}'" if self.cache else "without a folder to write to"
            where = {"device": f"on {self.device}", "memory": "in memory", "disk": folder}[kind]
            raise UserError(
                f"train.store={kind}: {count(number, 'image')} of {channels}×{height}×{width} bytes need "
                f"{needed / 1e9:.1f} GB; {(self._free(kind) or 0) / 1e9:.1f} GB are free {where}."
                " Choose train.store=auto, which takes what fits, or a smaller preprocess.size"
            )
        return kind

    def may_cache(self, size: int) -> bool:
        """Whether a store of `size` bytes may be added to the cache; a message says why not."""
        if self.cache is None or not self.cache.writable:
            return False
        allowed = min(self.cache.limit(), int(AUTOMATIC["disk"] * (self._free("disk") or 0)))
        if size > allowed:
            needed = f"{size / 1e9:.1f} GB exceed the {allowed / 1e9:.1f} GB available"
            self.cache.say(f"decoded images are not cached: {needed}")
        return size <= allowed

    def _fits(self, place: Place, needed: int, fractions: Mapping[str, float]) -> bool:
        free = self._free(place)
        return free is None or needed <= fractions[place] * free

    def _free(self, place: Place) -> int | None:
        """Bytes; None if the system does not report it."""
        if place == "device":
            return torch.cuda.mem_get_info(self.device)[0] if self.device.type == "cuda" else None
        if place == "memory":
            return free_memory()
        try:
            return free_disk(self.cache.folder) if self.cache and self.cache.writable else 0
        except OSError:
            return 0
