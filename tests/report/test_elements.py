"""The page's elements escape whatever they are given; axes have round values."""

import pytest

from framework.report.page.axes import ticks, whole_ticks
from framework.report.page.elements import Markup, element, markup


def test_text_is_escaped_and_elements_are_not_twice():
    assert element("p", "a < b & c", element("b", "<i>")) == "<p>a &lt; b &amp; c<b>&lt;i&gt;</b></p>"


def test_attributes_are_escaped():
    assert element("img", alt='"><script>', class_="a") == '<img alt="&quot;&gt;&lt;script&gt;" class="a">'


def test_what_is_none_or_false_is_left_out_and_true_stands_alone():
    assert element("td", None, ["a", None], title=None, hidden=True, open=False) == "<td hidden>a</td>"


def test_names_of_attributes_are_those_of_html():
    assert element("svg", aria_label="x", viewBox="0 0 1 1", x1=2.500001) == (
        '<svg aria-label="x" viewBox="0 0 1 1" x1="2.5"></svg>'
    )


def test_text_that_is_html_already_stays():
    assert markup([Markup("<b>"), "<b>"]) == "<b>&lt;b&gt;"


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.12, 0.97, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (0.5, 0.5, [0, 0.1, 0.2, 0.3, 0.4, 0.5]),
        (0, 0, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (1 - 1e-16, 1, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (-0.03, 0.01, [-0.03, -0.02, -0.01, 0, 0.01]),
        (0, 0.00041, [0, 0.0001, 0.0002, 0.0003, 0.0004, 0.0005]),
    ],
)
def test_ticks_are_round_and_enclose_the_values(low, high, expected):
    assert ticks(low, high) == pytest.approx(expected)


@pytest.mark.parametrize(("high", "expected"), [(3, [0, 1, 2, 3]), (50, [0, 10, 20, 30, 40, 50]), (1, [0, 1])])
def test_epochs_are_whole_numbers(high, expected):
    assert whole_ticks(high) == expected
