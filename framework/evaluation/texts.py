"""Lists of texts as tensors: a safetensors header ends at 100 MB, which the names of two million images exceed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor


def pack_texts(texts: Sequence[str]) -> tuple[Tensor, Tensor]:
    """Their bytes one after the other, uint8, and where each begins and the last one ends, int64 N+1.

    UTF-8, in which bytes of file names that are not UTF-8 stay what they are (surrogates).
    """
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.int64)
    return torch.frombuffer(bytearray(b"".join(encoded) or b"\0"), dtype=torch.uint8), torch.from_numpy(ends)


def unpack_texts(content: Tensor, ends: Tensor) -> tuple[str, ...]:
    """What `pack_texts` was given."""
    whole = content.numpy().tobytes()
    return tuple(whole[begin:end].decode("utf-8", "surrogatepass") for begin, end in pairwise(ends.tolist()))
