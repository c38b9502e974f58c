"""The output of a run fits the terminal."""

import io

import numpy as np
import pytest
from rich.cells import cell_len

from framework.evaluation.confusion import Confusion
from framework.report.console import plain_console
from framework.report.epoch_table import EpochTable, exponential
from framework.report.formatting import duration
from framework.report.live import LiveDisplay
from framework.report.progress import progress_line
from framework.report.split import confusion_table
from framework.report.wrapping import wrapped

METRICS = {
    "train": {"loss": 12.345, "top1": 1.0},
    "validation": {"loss": 12.345, "top1": 1.0},
    "lr": 1.94e-3,
    "images_per_second": 123456.7,
    "seconds": 35_999,
    "kept": True,
}
ALWAYS = ["epoch", "val top-1", ""]


@pytest.mark.parametrize("width", [40, 60, 80, 100, 160])
@pytest.mark.parametrize("epochs", [3, 30, 300])
def test_the_table_of_epochs_is_not_wider_than_the_terminal(width, epochs):
    table = EpochTable(epochs, validated=True, width=width)
    rows = [table.row(table.titles), table.row(table.cells(epochs, METRICS))]
    assert max(map(len, rows)) <= width
    assert [title for title in table.titles if title in ALWAYS] == ALWAYS


def test_the_table_has_all_columns_at_80_characters_and_drops_lr_and_speed_at_60():
    assert len(EpochTable(300, validated=True, width=80).titles) == 9
    narrow = EpochTable(30, validated=True, width=60).titles
    assert narrow == ["epoch", "loss", "top-1", "val loss", "val top-1", "time", ""]
    assert EpochTable(30, validated=True).titles == EpochTable(30, validated=True, width=160).titles


def test_without_a_validation_split_there_are_no_empty_columns():
    table = EpochTable(3, validated=False, width=60)
    without = {name: value for name, value in METRICS.items() if name != "validation"}
    assert table.titles == ["epoch", "loss", "top-1", "lr", "images/s", "time", ""]
    assert table.cells(1, without) == ["1/3", "12.345", "100.0 %", "1.9e-3", "123,457", "9:59:59 h", "kept"]


def test_learning_rates_are_short():
    assert [exponential(rate) for rate in (0.1, 1.94e-3, 8e-9, 0)] == ["1.0e-1", "1.9e-3", "8.0e-9", "0"]


def test_durations_are_short():
    assert [duration(seconds) for seconds in (45, 187, 3729, 43_440, 600_000)] == [
        "45 s", "3:07 min", "1:02:09 h", "12:04 h", "166:40 h",
    ]  # fmt: skip


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 160])
def test_progress_is_one_line_with_the_time_left(width):
    notes = ["loss 1.234", "top-1 45.6 %", "1,234 images/s", "step 1,200"]
    line = progress_line(width, "epoch 12/30", 0.4, 159, notes)
    assert line.cell_len <= width
    assert line.plain.startswith("epoch 12/30")
    assert "40 %" in line.plain
    assert ("2:39 min left" in line.plain) == (width > 20)
    shown = [note in line.plain for note in notes]
    assert shown == sorted(shown, reverse=True)
    assert sum(shown) == {20: 0, 40: 0, 60: 1, 80: 2, 100: 3, 160: 4}[width]


def test_progress_of_unknown_length_has_no_bar_and_no_time():
    assert progress_line(80, "predicting", None, None, ["12 images"]).plain == "predicting  12 images"


def live(width, *lines):
    console = plain_console(file=io.StringIO(), width=width)
    display = LiveDisplay(console)
    for text, style in lines:
        display.line(text, style)
    return console.file.getvalue().splitlines()


def test_long_lines_are_wrapped_at_words_and_aligned_with_their_last_column():
    text = f"{'store':>10}  train in memory, decoded by an earlier run; validation in memory"
    first, second = live(60, (text, ""))
    assert first.startswith("     store  train in memory")
    assert second == " " * 12 + "validation in memory"


def test_words_and_commands_are_not_split():
    path = "runs/" + "x" * 80
    assert wrapped(f"Everything is in {path}. Next:", 60).splitlines() == ["Everything is in", f"{path}.", "Next:"]
    command = f"    framework predict {path} IMAGE_OR_FOLDER"
    assert live(60, (command, "bold")) == [command]


@pytest.mark.parametrize(
    "command", ["`framework run x.yaml --out runs/x --resume`", ": framework run x.yaml --out runs/x"]
)
def test_commands_within_a_sentence_are_not_split(command):
    assert command.strip(": ") in wrapped(f"The run in 'runs/x' was stopped. Continue with{command}", 50)


@pytest.mark.parametrize("width", [60, 80])
def test_wide_characters_count_as_two(width):
    assert cell_len(progress_line(width, "読む" * 10, 0.5, 10, ["日本" * 9]).plain) <= width


@pytest.mark.parametrize(("width", "most"), [(60, 7), (80, 12), (60, 12)])
def test_the_confusion_matrix_fits_the_terminal(width, most):
    names = ["happy and more", "sad", "surprised", "読む人", *"abcdefgh"][:most]
    true, predicted = np.repeat(np.arange(most), most), np.tile(np.arange(most), most)
    confusion = Confusion.count(true, predicted, names)
    console = plain_console(file=io.StringIO(), width=width)
    console.print(confusion_table(confusion, width))
    lines = console.file.getvalue().splitlines()
    assert len(lines) == most + 1
    assert max(map(cell_len, lines)) <= width
    assert "…" in lines[0]
