"""Templates escape their values; axes have round values and no label is clipped."""

import re

import pytest
from markupsafe import Markup

from framework.report.page.axes import NUMBER, PERCENT, POINTS, label_width, ticks, whole_ticks
from framework.report.page.charts import IntervalRow, Line, interval_chart, line_chart
from framework.report.page.render import prose, render


def test_values_in_templates_are_escaped_unless_they_are_markup():
    text = render(
        "run_lead.html.jinja", model="<i>", parameters=None, classes="a & b", images=1, time=Markup("<b>"), device=None
    )
    assert text.split() == ["<b>&lt;i&gt;</b>", "for", "a", "&amp;", "b.", "Trained", "on", "1", "image", "in", "<b>."]


def test_attributes_are_escaped():
    chart = line_chart('"><script>', [Line('"<b>', [(0, 1), (1, 2)], "c0")])
    assert 'aria-label="&#34;&gt;&lt;script&gt;"' in chart
    assert '<b>"' not in chart
    assert "<script>" not in chart


def test_code_in_prose_is_marked_and_escaped():
    assert prose("run `a <b>` & 5 %") == "run <code>a &lt;b&gt;</code> &amp; 5\N{NO-BREAK SPACE}%"


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
def test_epoch_ticks_are_whole_numbers(high, expected):
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
def test_tick_labels_are_exact_and_have_the_same_decimals(unit, values, expected):
    assert unit.ticks(values) == list(zip(values, expected, strict=True))


def test_single_values_have_three_digits():
    assert [NUMBER.text(8.04e-9), PERCENT.text(0.33667), POINTS.text(-0.01234)] == ["8.04e-9", "33.7 %", "−1.23"]


def labels(chart):
    """The left and right edge of each tick label in user units."""
    for anchor, x, text in re.findall(
        r'<text class="tick" text-anchor="(end|middle)" x="([\d.]+)"[^>]*>([^<]*)', chart
    ):
        width = label_width([text])
        yield float(x) - (width if anchor == "end" else width / 2), float(x) + width / 2


@pytest.mark.parametrize("high", [0.002, 0.0008, 0.00035, 4.1e-7, 12345.0])
def test_no_label_of_a_chart_is_clipped(high):
    chart = line_chart("Learning rate", [Line("lr", [(1, high / 9), (2, high)], "c0")])
    assert len(list(labels(chart))) > 4
    assert all(left >= 0 for left, _ in labels(chart))
    intervals = interval_chart("Top-1", [IntervalRow("run", 0.286, 0.337, 0.392, "c0")], PERCENT)
    assert all(left >= 0 and right <= 460 for left, right in labels(intervals))
