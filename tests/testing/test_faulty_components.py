"""Each check finds its fault: a faulty component fails exactly the check that it is made for."""

from pathlib import Path

import pytest

from framework import Registry
from framework.plugin import Plugin
from framework.testing import CheckFailed, component_cases, conformance, plugin_cases
from framework.testing.declaration import CHECKS as COMMON
from framework.testing.loading import CHECKS as LOADING
from framework.testing.suite import CHECKS
from tests.testing.faulty import FAULTY, PlainLoss


def results(component, **given):
    return {
        result.check.name: result for case in component_cases(component, Registry(), **given) for result in [case.run()]
    }


def failed(component):
    return {name: result.message for name, result in results(component).items() if result.status == "failed"}


@pytest.mark.parametrize(("kind", "check"), FAULTY)
def test_a_faulty_component_fails_exactly_its_check(kind, check):
    component = FAULTY[kind, check]
    assert component.kind == kind
    messages = failed(component)
    assert list(messages) == [check], messages
    assert messages[check]


def test_every_check_has_a_faulty_component():
    checks = {(kind, check.name) for kind, of_kind in CHECKS.items() for check in of_kind}
    common = {("loss", check.name) for check in COMMON}
    assert set(FAULTY) == checks | common


def test_every_check_is_documented_with_its_requirement():
    page = (Path(__file__).parents[2] / "docs" / "writing-a-plugin.md").read_text(encoding="utf-8")
    of_all = [("a plugin", LOADING), ("every kind", COMMON), *((f"`{kind.title()}`", CHECKS[kind]) for kind in CHECKS)]
    rows = [f"| {of} | `{check.name}` | {check.summary} |" for of, checks in of_all for check in checks]
    assert [row for row in rows if row not in page.splitlines()] == []


def test_every_check_has_a_requirement_and_advice():
    every = [*COMMON, *(check for of_kind in CHECKS.values() for check in of_kind)]
    assert all(check.summary.endswith(".") and check.advice.endswith(".") for check in every)


def test_a_failed_case_raises_with_component_requirement_and_advice():
    case = next(
        case for case in component_cases(FAULTY["loss", "resume"], Registry()) if str(case) == "loss-plain-resume"
    )
    with pytest.raises(CheckFailed, match="loss plain") as error:
        case()
    assert case.check.summary in str(error.value)
    assert case.check.advice in str(error.value)


def test_a_component_with_a_required_option_is_skipped_with_a_message():
    class Required(PlainLoss):
        """Has a required option."""

        scale: float
        """Factor."""

    skipped = {name: result.message for name, result in results(Required).items() if result.status == "skipped"}
    assert set(skipped) == {"options", "invalid_options", "shapes", "determinism", "gradients", "resume"}
    assert all("'scale'" in message for message in skipped.values())
    assert {result.status for result in results(Required, options={"scale": 2.0}).values()} == {"passed"}


def test_an_unknown_kind_is_skipped_with_a_message(monkeypatch):
    monkeypatch.setattr(PlainLoss, "kind", "novelty")
    result = results(PlainLoss)["behaviour"]
    assert result.status == "skipped"
    assert "'novelty'" in result.message


def test_a_fault_of_the_plugin_fails_the_check_of_loading():
    plugin = Plugin("bad", "bad", "framework-bad", "1", "", fault="RuntimeError: no licence")
    case = plugin_cases("bad", registry=Registry((plugin,)))[0]
    assert (str(case), case.run().status, case.run().message) == (
        "plugin-bad-loads", "failed", "RuntimeError: no licence"
    )  # fmt: skip


def test_the_random_generators_are_restored():
    import torch

    before = torch.get_rng_state()
    results(PlainLoss)
    assert torch.equal(before, torch.get_rng_state())


def test_pytest_names_each_check():
    mark = conformance("tiles").mark
    assert "detector-tiles-threads" in [str(case) for case in mark.args[1]]
    assert mark.kwargs["ids"] is str


def test_options_for_the_checks_are_given_by_component():
    cases = conformance("timm", ["timm"], {"timm": {"arch": "nothing"}}).mark.args[1]
    message = next(case.run().message for case in cases if str(case) == "model-timm-options")
    assert "nothing" in message
