"""The conformance suite for plugins, modelled on scikit-learn's `check_estimator`.

In a test file of a plugin, one test for each check of each component:

    from framework.testing import conformance

    @conformance("zebra")
    def test_conformance(case):
        case()

- check.py: what a check is, and what it is applied to
- arguments.py: the arguments of `build` in the checks
- loading.py: checks of a plugin as a whole
- declaration.py: checks of all kinds: documentation, schema, options, arguments
- datasets.py, tasks.py, transforms.py, models.py, losses.py, methods.py, callbacks.py, detectors.py, metrics.py,
  exporters.py: checks of a kind
- optimizers.py: checks of optimizers and schedulers
- export.py: parity of a network with its export
- suite.py: which checks apply, and their results
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from framework.testing.check import Check, CheckFailed, CheckSkipped
from framework.testing.suite import Case, Result, component_cases, plugin_cases

__all__ = ["Case", "Check", "CheckFailed", "CheckSkipped", "Result", "component_cases", "conformance", "plugin_cases"]


def conformance(
    plugin: str, components: Sequence[str] = (), options: Mapping[str, Mapping[str, Any]] | None = None
) -> Callable[[Any], Any]:
    """Parametrise a pytest test, which has an argument `case` and calls it, by all checks of an installed plugin.

    `components` restricts the checks to the components with these names. `options` has options for the checks, by the
    name of the component; other options have their first example (`Field(examples=[…])`) or their default.
    """
    import pytest

    return pytest.mark.parametrize("case", plugin_cases(plugin, components, options), ids=str)
