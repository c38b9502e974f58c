"""The facts that are printed before a run starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from framework.attribution import full_name
from framework.errors import count

if TYPE_CHECKING:
    from framework.training.session import Session

STORES = {"device": "on {device}", "memory": "in memory", "disk": "on disk", "stream": "streamed"}
"""Where the pixels of a split are."""


def overview(session: Session) -> list[tuple[str, str]]:
    """Dataset, input, model, store, training and device, each as a name and a text."""
    from framework.device import describe_device

    recipe, preprocess = session.recipe, session.preprocess
    splits = ", ".join(f"{name} {len(store):,}" for name, store in session.stores.items())
    classes = count(len(session.stores["train"].classes), "class", "classes")
    parameters = sum(parameter.numel() for parameter in session.model.parameters())
    size = f"{preprocess.channels}×{preprocess.height}×{preprocess.width}"
    if recipe.train.progressive_resize is not None:
        sizes = session.batches.image_sizes
        size += f", growing from {sizes.start}" if sizes else "; the model takes no smaller images"
    precision = str(session.precision.dtype).removeprefix("torch.")
    return [
        ("dataset", f"{recipe.dataset.name}: {splits} images of {classes}"),
        ("input", f"{size}; batches of {recipe.train.batch_size}"),
        ("model", f"{full_name(recipe.model)}, {count(parameters, 'parameter')}"),
        ("store", _store(session)),
        (
            "training",
            f"{full_name(recipe.method)}, {full_name(recipe.optimizer)}, {full_name(recipe.scheduler)}, "
            f"{count(session.total_steps, 'step')}",
        ),
        ("device", f"{describe_device(session.device)}, {precision}"),
    ]


def _store(session: Session) -> str:
    """`train, test in memory; validation streamed`, without names of splits if all are the same."""
    splits: dict[str, list[str]] = {}
    for split, store in session.stores.items():
        text = STORES[store.pixels.place].format(device=session.device)
        splits.setdefault(text + (", from the cache" if store.reused else ""), []).append(split)
    if len(splits) == 1:
        return next(iter(splits))
    return "; ".join(f"{', '.join(names)} {text}" for text, names in splits.items())
