"""What a plugin and an observer may implement; pluggy holds implementations to these signatures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from framework.components import Component

hookspec = pluggy.HookspecMarker("framework")
hookimpl = pluggy.HookimplMarker("framework")


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


class ObserverSpec:
    """The hooks of an observer: what is told during a run. Implement any of them, naming the arguments you want.

    An exception raised in a hook stops the run (its checkpoints stay).
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
    def epoch_end(self, step: int, epoch: int, metrics: Mapping[str, Any]) -> None:
        """After each epoch.

        `metrics` has `train` (`loss`, `top1`), `validation` (every figure of the validation split, absent where the
        run has none), `lr`, `seconds` and `images_per_second`.
        """

    @hookspec
    def run_end(self, results: Mapping[str, Any]) -> None:
        """Training and the final evaluation are done; `results` is what `results.json` holds."""
