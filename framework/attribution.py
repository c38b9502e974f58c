"""Attribution of errors in components: one message with the component, its plugin and the contract of its kind."""

from __future__ import annotations

import importlib.metadata
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, wraps
from typing import Any, ClassVar, Protocol

from framework.errors import UserError

GROUP = "framework"
"""The entry-point group of plugins."""
FILE = "__plugin_file__"
"""The attribute of a module with the path of the plugin file that it was made from, as it was given."""


class Named(Protocol):
    """The attributes of a component that are used here."""

    kind: ClassVar[str]
    name: ClassVar[str]
    contract: ClassVar[str]
    shorthand: ClassVar[str | None]


class ComponentFault(UserError):
    """A plugin's component raised an exception or broke the contract of its kind."""


def full_name(component: Named | type[Named]) -> str:
    """The name in a recipe: `resnet18`, `timm/convnext_atto`."""
    variant = getattr(component, component.shorthand or "", None)  # a class has none
    return f"{component.name}/{variant}" if variant else component.name


def label_of(component: Named | type[Named]) -> str:
    """The name in messages: `model 'timm/convnext_atto'`."""
    return f"{component.kind} '{full_name(component)}'"


def provider_of(component: Named | type[Named]) -> str | None:
    """The plugin and distribution, or the plugin file, of a component; None if it has none."""
    module = (component if isinstance(component, type) else type(component)).__module__
    if file := plugin_file_of(component):
        return f"plugin file '{file}'"
    points = importlib.metadata.entry_points(group=GROUP)
    best = max(points, key=lambda point: _shared_parts(point.module, module), default=None)
    if best is None or not _shared_parts(best.module, module):
        return None
    return f"plugin '{best.name}' ({' '.join(name_and_version(best.dist)) if best.dist else best.module})"


@cache  # the plugins of a distribution share it, and its metadata are parsed at each access
def name_and_version(distribution: importlib.metadata.Distribution) -> tuple[str, str]:
    """Name and version of a distribution; `unknown` where its metadata lack them."""
    metadata = dict(distribution.metadata.items())  # type: ignore[attr-defined]
    return metadata.get("Name", "unknown"), metadata.get("Version", "unknown")


def plugin_file_of(component: Named | type[Named]) -> str | None:
    """The plugin file that defines the component; None for an installed plugin."""
    module = (component if isinstance(component, type) else type(component)).__module__
    return getattr(sys.modules.get(module), FILE, None)


def line_in(file: str, error: BaseException) -> int | None:
    """The last line of that file in the traceback; None if it is not in it."""
    frames = traceback.extract_tb(error.__traceback__)
    return next((frame.lineno for frame in reversed(frames) if frame.filename == file), None)


def origin_of(component: Named | type[Named], error: BaseException | None = None) -> str:
    """A line for the end of a message that names the component's plugin, and the line in a plugin file.

    Empty if the plugin is unknown.
    """
    provider, file = provider_of(component), plugin_file_of(component)
    line = line_in(file, error) if file and error else None
    return f"\n    It comes from {provider}{f', line {line}' if line else ''}" if provider else ""


def fault(component: Named | type[Named], what: str, error: BaseException | None = None) -> ComponentFault:
    """The error for a component that broke its contract; in the message, `what` follows its name."""
    subject = label_of(component) + ("" if what.startswith(",") else " ")
    return ComponentFault(f"{subject}{what}\n    {component.contract}{origin_of(component, error)}")


@contextmanager
def attributed_to(
    component: Named | type[Named], doing: str, passing: tuple[type[Exception], ...] = ()
) -> Iterator[None]:
    """Convert exceptions to a `ComponentFault`; `doing` completes "… failed in".

    `UserError`, exceptions listed in `passing`, and out-of-memory errors are not converted.
    """
    try:
        yield
    except (Exception, SystemExit) as error:
        if isinstance(error, passing) or is_not_a_fault(error):
            raise
        raise fault(component, f"failed in {doing}: {reason_of(error)} (--debug shows where)", error) from error


def is_not_a_fault(error: BaseException) -> bool:
    """Whether the error is the user's or the machine's, whichever plugin raised it."""
    return isinstance(error, (UserError, BrokenPipeError)) or is_out_of_memory(error)


def attributed(component: Named, doing: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function wrapped in `attributed_to`, with the same signature."""

    @wraps(getattr(function, "forward", function))  # the arguments of a torch module are those of `forward`
    def call(*arguments: Any, **named: Any) -> Any:
        with attributed_to(component, doing):
            return function(*arguments, **named)

    return call


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the error is out of memory, on the CPU or a device."""
    return isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"  # of torch


def reason_of(error: BaseException) -> str:
    """Type and text of an exception on one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}".removesuffix(": ")[:500]


def _shared_parts(one: str, other: str) -> int:
    """Number of leading parts that two module names have in common."""
    pairs = zip(one.split("."), other.split("."), strict=False)
    return next((index for index, (a, b) in enumerate(pairs) if a != b), min(one.count("."), other.count(".")) + 1)
