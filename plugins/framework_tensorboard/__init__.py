"""TensorBoard as a callback."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from framework import Callback, RunFolder, UserError, expand_home, hookimpl
from framework.components import Component


class TensorBoard(Callback):
    """Curves, confusion matrix, sample images, recipe and final metrics as event files for TensorBoard."""

    name = "tensorboard"
    aliases = ("SummaryWriter",)
    essential = False
    folder: Path | None = None
    """Parent of the folder of event files, which is named after the run. Default: `tensorboard` in the run folder."""
    log_images: int = Field(16, ge=0)
    """Validation images to log with their predictions whenever weights are saved as the best; 0: none."""

    def build(self, run: RunFolder) -> Any:
        """The callback. Raises `UserError` if TensorBoard is not installed."""
        try:
            from framework_tensorboard._writer import EventWriter
        except ImportError as error:
            raise UserError(
                f"callback 'tensorboard' needs TensorBoard: pip install 'framework[tensorboard]' ({error})"
            ) from error
        folder = run.path / "tensorboard"
        if self.folder is not None:
            folder = expand_home(self.folder) / run.path.resolve().name
        return EventWriter(run, folder, self.log_images)


@hookimpl
def components() -> Sequence[type[Component]]:
    """The components of this plugin."""
    return [TensorBoard]
