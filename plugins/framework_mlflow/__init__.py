"""MLflow as a callback."""

from collections.abc import Callable, Sequence
from typing import Any

from pydantic import Field

from framework import Callback, RunFolder, UserError, hookimpl
from framework.components import Component


class MLflow(Callback):
    """Curves, confusion matrix, sample images, recipe and final metrics as a run of an MLflow experiment."""

    name = "mlflow"
    essential = False
    experiment: str = "framework"
    """The experiment that the run belongs to; it is made where there is none."""
    tracking_uri: str | None = None
    """The tracking server, as in `http://localhost:5000`, or a database. Left out: `$MLFLOW_TRACKING_URI`, or what
    MLflow takes without. Recipes are kept and shared: a password belongs into `$MLFLOW_TRACKING_PASSWORD`."""
    log_images: int = Field(16, ge=0)
    """Images of the validation split to show with their predictions whenever weights are kept; 0: none."""
    log_model: bool = False
    """Upload the kept weights at the end, with the files that make them a classifier again."""

    def build(self, run: RunFolder, say: Callable[[str], None]) -> Any:
        """The callback. Raises `UserError` where MLflow is not installed."""
        try:
            from framework_mlflow._tracker import Tracker
        except ImportError as error:
            raise UserError(f"callback 'mlflow' needs MLflow: pip install 'framework[mlflow]' ({error})") from error
        return Tracker(self, run, say)


@hookimpl
def components() -> Sequence[type[Component]]:
    """What this plugin offers."""
    return [MLflow]
