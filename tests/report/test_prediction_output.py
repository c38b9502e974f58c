"""Predictions on a terminal."""

import io

import pytest
from rich.console import Console

from framework import Region
from framework.inference.predictor import Prediction
from framework.report.prediction_output import TableOutput, bar
from framework.report.prediction_text import PredictionFormat, one_line


def rows(predictions, width=80, **form):
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    table = TableOutput(
        PredictionFormat(("happy", "sad"), **form), console, [prediction.name for prediction in predictions]
    )
    for prediction in predictions:
        table.show(prediction)
    return console.file.getvalue().splitlines()


def test_rows_are_aligned():
    first, second = rows([Prediction("a.png", (0.9, 0.1)), Prediction("longer.png", (0.25, 0.75))])
    assert first == "a.png        90.0 % █████████  happy  sad 10.0 %"
    assert second == "longer.png   75.0 % ███████▌   sad    happy 25.0 %"


def test_no_row_is_longer_than_the_terminal_and_the_end_of_a_long_name_is_shown():
    (row,) = rows([Prediction("folder/" * 30 + "end.png", (0.9, 0.1))], width=50)
    assert row.startswith("…")
    assert "/end.png " in row
    assert len(row) <= 50


def test_wide_characters_take_two_columns():
    first, second = rows([Prediction("日本.png", (0.9, 0.1)), Prediction("abcd.png", (0.9, 0.1))])
    assert first.replace("日本", "abcd") == second


def test_an_abstained_prediction_shows_the_best_class():
    (row,) = rows([Prediction("a.png", (0.6, 0.4))], abstain_below=0.7)
    assert row.split() == ["a.png", "60.0", "%", "██████", "abstained", "happy", "60.0", "%", "sad", "40.0", "%"]


def test_a_missing_prediction_has_a_reason():
    bad, none = rows([Prediction("a.png", error="damaged"), Prediction("b.png")], detector="faces")
    assert bad.split(maxsplit=1) == ["a.png", "cannot be read: damaged"]
    assert none.split(maxsplit=1) == ["b.png", "nothing found by 'faces'"]


def test_a_region_has_its_size_and_position():
    (row,) = rows([Prediction("a.png#1", (0.9, 0.1), region=Region(5, 6, 20, 30))], detector="faces")
    assert row.endswith("  20×30 at 5,6")


@pytest.mark.parametrize(
    ("fraction", "cells"), [(0, ""), (1, "█" * 10), (0.5, "█" * 5), (0.0125, "▏"), (0.99, "█" * 9 + "▉")]
)
def test_bars_are_exact_to_an_eighth_of_a_cell(fraction, cells):
    assert bar(fraction) == cells.ljust(10)


@pytest.mark.parametrize(
    ("name", "shown"), [("a b é.png", "a b é.png"), ("a\nb", "a\\nb"), ("\x1b[1m", "\\x1b[1m"), ("\udcff", "\\udcff")]
)
def test_names_are_one_line(name, shown):
    assert one_line(name) == shown


@pytest.mark.parametrize("width", [40, 80])
def test_a_problem_is_printed_whole(width):
    error = "32-bit pixels have no range; set dataset.value_range=[BLACK,WHITE], or save it as 8 or 16 bits"
    name = "folder/" * 20 + "x.png"
    lines = rows([Prediction(name, error=error), Prediction("a.png", (0.9, 0.1))], width)
    assert " ".join(" ".join(lines[:-1]).split()) == f"{name} cannot be read: {error}"
    assert max(len(line) for line in lines if name not in line) <= width
