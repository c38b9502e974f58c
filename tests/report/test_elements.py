"""The page's elements escape whatever they are given; axes have round values."""

import re

import pytest

from framework.report.page.axes import NUMBER, PERCENT, POINTS, label_width, ticks, whole_ticks
from framework.report.page.elements import Markup, element, markup
from framework.report.page.lines import Line, line_chart
from framework.report.page.whiskers import whisker_chart


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


@pytest.mark.parametrize(
    ("unit", "values", "expected"),
    [
        (NUMBER, [1.7, 1.8, 2.0], ["1.7", "1.8", "2.0"]),
        (NUMBER, [0, 0.00025, 0.0005], ["0.00000", "0.00025", "0.00050"]),
        (NUMBER, [0, 2.5e-6, 5e-6], ["0", "2.5e-6", "5e-6"]),
        (NUMBER, [0, 1.25, 2.5], ["0.00", "1.25", "2.50"]),
        (PERCENT, [0, 0.125, 0.25], ["0.0 %", "12.5 %", "25.0 %"]),
        (PERCENT, [0, 0.5, 1], ["0 %", "50 %", "100 %"]),
        (POINTS, [-0.005, 0, 0.005], ["−0.5", "0.0", "+0.5"]),
    ],
)
def test_labels_of_an_axis_are_exact_and_have_the_same_decimals(unit, values, expected):
    assert unit.labels(values) == expected


def test_single_values_are_short():
    assert [NUMBER.text(8.04e-9), PERCENT.text(0.33667), POINTS.text(-0.01234)] == ["8.04e-9", "33.7 %", "−1.23"]


def labels(chart):
    """Of each label its left end in user units, if it stands left of its place or around it, and its text."""
    for place, anchor, text in re.findall(
        r'<text x="([\d.]+)"[^>]*class="tick" text-anchor="(end|middle)">([^<]*)', chart
    ):
        width = label_width([text])
        yield float(place) - (width if anchor == "end" else width / 2), float(place) + width / 2, text


@pytest.mark.parametrize("high", [0.002, 0.0008, 0.00035, 4.1e-7, 12345.0])
def test_no_label_of_a_chart_is_clipped(high):
    chart = line_chart("Learning rate", [Line("lr", [(1, high / 9), (2, high)], "c0")])
    assert len(list(labels(chart))) > 4
    assert all(left >= 0 for left, _, _ in labels(chart))
    whiskers = whisker_chart("Top-1", [("run", 0.286, 0.337, 0.392, "c0")], PERCENT)
    assert all(left >= 0 and right <= 460 for left, right, _ in labels(whiskers))
