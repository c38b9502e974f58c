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
    """Name of the project."""
    entity: str | None = None
    """User or team of the project. Default: your own."""
    mode: Literal["online", "offline"] | None = Field(None, examples=["offline"])
    """`offline` writes to the run folder, for `wandb sync` later. Default: `$WANDB_MODE`, or online."""
    log_images: int = Field(16, ge=0)
    """Validation images to log with their predictions whenever weights are saved as the best; 0: none."""
    log_model: bool = False
    """Upload the final weights as an artifact, with the files that are needed to load them."""

    def build(self, run: RunFolder, say: Callable[[str], None]) -> Any:
        """The callback. Raises `UserError` if W&B is not installed."""
        try:
            from framework_wandb._tracker import Tracker
        except ImportError as error:
            raise UserError(f"callback 'wandb' needs W&B: pip install 'framework[wandb]' ({error})") from error
        return Tracker(run, say, self.project, self.entity, self.mode, self.log_images, self.log_model)


@hookimpl
def components() -> Sequence[type[Component]]:
    """The components of this plugin."""
    return [Wandb]
