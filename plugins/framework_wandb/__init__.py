"""Weights & Biases as a callback."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

from pydantic import Field

from framework import Callback, RunFolder, UserError, hookimpl
from framework.components import Component


class Wandb(Callback):
    """Curves, confusion matrix, sample images, recipe and final metrics as a run of Weights & Biases."""

    name = "wandb"
    essential = False
    project: str = "framework"
    """The project that the run belongs to."""
    entity: str | None = None
    """The user or team that the project belongs to. Left out: your own."""
    mode: Literal["online", "offline"] | None = None
    """`offline` writes everything into the run folder, for `wandb sync` later. Left out: as `$WANDB_MODE` says, or
    online."""
    log_images: int = Field(16, ge=0)
    """Images of the validation split to show with their predictions whenever weights are kept; 0: none."""
    log_model: bool = False
    """Upload the kept weights at the end as an artifact, with the files that make them a classifier again."""

    def build(self, run: RunFolder, say: Callable[[str], None]) -> Any:
        """The callback. Raises `UserError` where W&B is not installed."""
        try:
            from framework_wandb._tracker import Tracker
        except ImportError as error:
            raise UserError(f"callback 'wandb' needs W&B: pip install 'framework[wandb]' ({error})") from error
        return Tracker(self, run, say)


@hookimpl
def components() -> Sequence[type[Component]]:
    """What this plugin offers."""
    return [Wandb]
