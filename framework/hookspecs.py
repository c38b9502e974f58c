"""The hooks of plugins and callbacks; pluggy checks implementations against these signatures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from torch import Tensor

    from framework.components import Component

hookspec = pluggy.HookspecMarker("framework")
hookimpl = pluggy.HookimplMarker("framework")


@dataclass(frozen=True)
class Command:
    """A command that a plugin adds to the command line: `framework NAME`."""

    name: str
    """One word of lower case letters, digits, `-` and `_`."""
    summary: str
    """One line for `framework --help`, without a full stop."""
    module: str
    """The import path of the module that implements it, which is imported only when the command is called.

    The module has the functions `configure(parser: argparse.ArgumentParser) -> None`, which adds arguments, and
    `execute(arguments: argparse.Namespace) -> int`, which returns the exit status (None: 0).
    """


class PluginSpec:
    """The hooks of a plugin, a module named by an entry point of the group `framework`."""

    @hookspec
    def components(self) -> Sequence[type[Component]]:
        """Return the component classes of the plugin.

        Called once, when the registry is loaded. Import torch and other large packages inside `build`, so that
        `framework list` and `framework check` stay fast.

            from framework import Model, hookimpl

            class Linear(Model):
                "One linear layer on the pixels."

                name = "linear"

                def build(self, num_classes, channels, image_size):
                    from torch import nn
                    height, width = image_size
                    return nn.Sequential(nn.Flatten(), nn.Linear(channels * height * width, num_classes))

            @hookimpl
            def components():
                return [Linear]
        """
        return ()

    @hookspec
    def bundles(self) -> Mapping[str, Path]:
        """Return the trained classifiers of the plugin: files of `framework bundle`, by name.

        Their names for users are `PLUGIN/NAME`, where PLUGIN is the entry point's name: with `{"compact": …}`, the
        plugin `fer2013` allows `framework predict fer2013/compact photo.jpg`. Called once, when the registry is loaded;
        the files are not opened.

            from pathlib import Path
            from framework import hookimpl

            @hookimpl
            def bundles():
                return {"compact": Path(__file__).parent / "compact.safetensors"}
        """
        return {}

    @hookspec
    def commands(self) -> Sequence[Command]:
        """Return the commands that the plugin adds to the command line.

        Called once, when the registry is loaded; the modules are imported when their commands are called. The name of
        a command of the framework itself cannot be used.

            from framework import Command, hookimpl

            @hookimpl
            def commands():
                return [Command("hello", "print a greeting", "framework_mine.hello")]
        """
        return ()


@dataclass(frozen=True)
class Example:
    """One image and its prediction."""

    name: str
    image: Tensor
    """Uint8 C×H×W on the CPU: the network's input before normalisation."""
    label: str
    prediction: str
    probability: float
    """Probability of the prediction, by the loss's activation."""

    @property
    def correct(self) -> bool:
        """Whether the prediction is the label."""
        return self.prediction == self.label


class CallbackSpec:
    """The hooks of a callback, called during a run. Implement any of them, with the arguments you need.

    An exception in a hook stops the run (its checkpoints are kept), unless the callback's component sets
    `essential = False`: then an exception in `run_start` is reported as a user's error, and later exceptions are
    printed and counted while the run continues.

    `examples(16)` returns up to 16 images of the validation split (in `run_end`, of the test split if there is no
    validation split), correct and incorrect ones, with their predictions. The images are read when it is called.

    `confusion()` returns the confusion matrix (`framework.Confusion`; with several labels `CoOccurrence`): in
    `epoch_end` of the validation split, in `run_end` of the test split. It is computed when it is called, and empty if
    the run has no such split.
    """

    @hookspec
    def run_start(self, total_steps: int, start_step: int, epochs: int, steps_per_epoch: int) -> None:
        """Training is about to start at optimizer step `start_step`, which is above 0 in a resumed run."""

    @hookspec
    def step_end(self, step: int, epoch: int, metrics: Mapping[str, float]) -> None:
        """Called every `train.log_every` optimizer steps, with the means since the last call.

        `metrics` has `loss`, the training metric of the task (`top1`, a fraction), `lr` and `images_per_second`. `step`
        and `epoch` count from 1.
        """

    @hookspec
    def epoch_end(
        self,
        step: int,
        epoch: int,
        metrics: Mapping[str, Any],
        examples: Callable[[int], Sequence[Example]],
        confusion: Callable[[], Any],
    ) -> None:
        """Called after each epoch.

        `metrics` has `train` (`loss`, `top1`), `validation` (all metrics of the validation split, if there is one),
        `lr`, `seconds`, `images_per_second` (of the epoch's training, without validation), and `kept`: whether the
        weights were saved.
        """

    @hookspec
    def run_end(
        self,
        results: Mapping[str, Any],
        examples: Callable[[int], Sequence[Example]],
        confusion: Callable[[], Any],
    ) -> None:
        """Training and the final evaluation are done; `results` is the content of `results.json`."""

    @hookspec
    def run_stopped(self, error: BaseException) -> None:
        """The run was interrupted (`error` is `Interrupted`) or failed. It may be resumed."""
