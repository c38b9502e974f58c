"""Generators seeded by position: random draws are a function of (seed, epoch, step) alone."""

from __future__ import annotations

import hashlib

import torch


def seed_at(*position: int | str) -> int:
    """63 bits that depend on every part of the position."""
    digest = hashlib.blake2b("/".join(map(str, position)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def generator_at(*position: int | str) -> torch.Generator:
    """A CPU generator for that position."""
    return torch.Generator().manual_seed(seed_at(*position))
