"""A component's fault becomes one message that names the component, its plugin, and what it should have done."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ClassVar, Protocol

from framework.errors import UserError

GROUP = "framework"
"""The group of entry points that plugins are found through."""


class Named(Protocol):
    """What this module needs to know of a component."""

    kind: ClassVar[str]
    name: ClassVar[str]
    contract: ClassVar[str]
    shorthand: ClassVar[str | None]


class ComponentFault(UserError):
    """A plugin's component raised an exception, or did not do what its kind promises."""


def full_name(component: Named | type[Named]) -> str:
    """As a recipe names it: `resnet18`, `timm/convnext_atto`."""
    variant = getattr(component, component.shorthand or "", None)  # a class has none
    return f"{component.name}/{variant}" if variant else component.name


def label_of(component: Named | type[Named]) -> str:
    """What messages call it: `model 'timm/convnext_atto'`."""
    return f"{component.kind} '{full_name(component)}'"


def provider_of(component: Named | type[Named]) -> str | None:
    """The plugin and the distribution that a component comes from; None where it is of no installed plugin."""
    module = (component if isinstance(component, type) else type(component)).__module__
    points = importlib.metadata.entry_points(group=GROUP)
    best = max(points, key=lambda point: _shared_parts(point.module, module), default=None)
    if best is None or not _shared_parts(best.module, module):
        return None
    distribution = best.dist
    return f"plugin '{best.name}' ({f'{distribution.name} {distribution.version}' if distribution else best.module})"


def origin_of(component: Named | type[Named]) -> str:
    """A line for the end of a message that says which plugin the component is from; empty where that is not known."""
    provider = provider_of(component)
    return f"\n    It comes from {provider}" if provider else ""


def fault(component: Named | type[Named], what: str) -> ComponentFault:
    """The error to raise where a component broke its contract; `what` follows its name in the message."""
    subject = label_of(component) + ("" if what.startswith(",") else " ")
    return ComponentFault(f"{subject}{what}\n    {component.contract}{origin_of(component)}")


@contextmanager
def attributed_to(
    component: Named | type[Named], doing: str, passing: tuple[type[Exception], ...] = ()
) -> Iterator[None]:
    """Turn any exception raised inside into a `ComponentFault`; `doing` completes "… failed in".

    A `UserError`, what is listed in `passing`, and running out of memory are left as they are.
    """
    try:
        yield
    except (Exception, SystemExit) as error:
        if isinstance(error, (UserError, BrokenPipeError, *passing)) or is_out_of_memory(error):
            raise
        raise fault(component, f"failed in {doing}: {reason_of(error)} (--debug shows where)") from error


def attributed(component: Named, doing: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, inside `attributed_to`; it keeps its signature."""

    @wraps(getattr(function, "forward", function))  # the arguments of a torch module are those of `forward`
    def call(*arguments: Any, **named: Any) -> Any:
        with attributed_to(component, doing):
            return function(*arguments, **named)

    return call


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, on the CPU or on a device."""
    return isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"  # torch's own


def reason_of(error: BaseException) -> str:
    """Type and text of an exception on one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}".removesuffix(": ")[:500]


def _shared_parts(one: str, other: str) -> int:
    """How many leading parts two module names share."""
    pairs = zip(one.split("."), other.split("."), strict=False)
    return next((index for index, (a, b) in enumerate(pairs) if a != b), min(one.count("."), other.count(".")) + 1)
