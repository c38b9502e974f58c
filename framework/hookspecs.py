"""What a plugin and a callback may implement; pluggy holds implementations to these signatures."""

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
        """Return the component classes that the plugin offers.

        Called once, when the registry is loaded. Keep the module light: import torch and other heavy packages
        inside `build`, so that `framework list` and `framework check` stay fast.

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
        """Return the trained classifiers that the plugin brings, files that `framework bundle` made, by name.

        Users name one `PLUGIN/NAME`, where PLUGIN is the entry point's name: with `{"compact": …}`, the plugin
        `fer2013` makes `framework predict fer2013/compact photo.jpg` work. Called once, when the registry is loaded;
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
                return [Command("hello", "greet somebody", "framework_mine.hello")]
        """
        return ()


@dataclass(frozen=True)
class Example:
    """One image and the answer to it."""

    name: str
    image: Tensor
    """Uint8 C×H×W, as the network sees it, on the CPU."""
    label: str
    prediction: str
    probability: float
    """Of the prediction, by the activation of the loss."""

    @property
    def right(self) -> bool:
        """Whether label and prediction are the same."""
        return self.prediction == self.label


class CallbackSpec:
    """The hooks of a callback: what is told during a run. Implement any of them, naming the arguments you want.

    An exception raised in a hook stops the run (its checkpoints stay), unless the callback's component says
    `essential = False`: then what it raises in `run_start` is reported as the user's error, and later the terminal says
    what went wrong and what was missed, and the run goes on.

    `examples` is for those who show single images: `examples(16)` gives up to that many of the validation split (of
    test, at the end of a run without one), wrong ones and right ones, each with its prediction. Images are fetched when
    it is called, and not otherwise.

    `confusion()` gives the confusion matrix (`framework.Confusion`) of the validation split in `epoch_end`, of the test
    split in `run_end`. It is counted when it is called, and has no images where the run has no such split.
    """

    @hookspec
    def run_start(self, total_steps: int, start_step: int, epochs: int, steps_per_epoch: int) -> None:
        """Training is about to start at optimizer step `start_step` (above 0 where a run is resumed)."""

    @hookspec
    def step_end(self, step: int, epoch: int, metrics: Mapping[str, float]) -> None:
        """Every `train.log_every` optimizer steps: means since the last call.

        `metrics` has `loss`, `top1` (a fraction), `lr` and `images_per_second`. `step` counts from 1, `epoch` from 1.
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
        """After each epoch.

        `metrics` has `train` (`loss`, `top1`), `validation` (every figure of the validation split, absent where the
        run has none), `lr`, `seconds`, `images_per_second` (of this epoch's training, without validation), and `kept`:
        whether the weights were.
        """

    @hookspec
    def run_end(
        self,
        results: Mapping[str, Any],
        examples: Callable[[int], Sequence[Example]],
        confusion: Callable[[], Any],
    ) -> None:
        """Training and the final evaluation are done; `results` is what `results.json` holds."""

    @hookspec
    def run_stopped(self, error: BaseException) -> None:
        """The run ends before its end: it was interrupted (`error` is `Interrupted`), or failed. It may be resumed."""
