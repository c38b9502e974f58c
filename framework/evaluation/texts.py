"""Lists of strings as tensors: two million names exceed the 100 MB limit of a safetensors header."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor


def pack_texts(texts: Sequence[str]) -> tuple[Tensor, Tensor]:
    """The concatenated bytes, uint8, and the offsets of the strings, int64 N+1.

    Encoded as UTF-8; bytes of file names that are not UTF-8 are preserved (surrogates).
    """
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.int64)
    return torch.frombuffer(bytearray(b"".join(encoded) or b"\0"), dtype=torch.uint8), torch.from_numpy(ends)


def unpack_texts(content: Tensor, ends: Tensor) -> tuple[str, ...]:
    """The inverse of `pack_texts`."""
    whole = content.numpy().tobytes()
    return tuple(whole[begin:end].decode("utf-8", "surrogatepass") for begin, end in pairwise(ends.tolist()))
