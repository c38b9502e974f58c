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
    """Name of the experiment; it is created if it does not exist."""
    tracking_uri: str | None = Field(None, examples=["file:mlruns"])
    """The tracking server, as in `http://localhost:5000`, or a database. Default: `$MLFLOW_TRACKING_URI`, or
    MLflow's own default. Recipes are saved and shared: put passwords in `$MLFLOW_TRACKING_PASSWORD`."""
    log_images: int = Field(16, ge=0)
    """Validation images to log with their predictions whenever weights are saved as the best; 0: none."""
    log_model: bool = False
    """Upload the final weights, with the files that are needed to load them."""

    def build(self, run: RunFolder, say: Callable[[str], None]) -> Any:
        """The callback. Raises `UserError` if MLflow is not installed."""
        try:
            from framework_mlflow._tracker import Tracker
        except ImportError as error:
            raise UserError(f"callback 'mlflow' needs MLflow: pip install 'framework[mlflow]' ({error})") from error
        return Tracker(run, say, self.experiment, self.tracking_uri, self.log_images, self.log_model)


@hookimpl
def components() -> Sequence[type[Component]]:
    """The components of this plugin."""
    return [MLflow]
