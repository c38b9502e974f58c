"""The table of classes fits into 60 columns and has all counts."""

import pytest
from rich.cells import cell_len

from framework.report.class_table import WIDTH, class_table


def lines(splits):
    return [text for text, _ in class_table(splits)]


def test_each_class_has_its_images_in_each_split():
    shown = lines({"train": {"cat": 1234, "dog": 5}, "validation": {"cat": 3, "dog": 0}, "test": {"cat": 7}})
    assert [line.split() for line in shown] == [
        ["classes", "train", "validation", "test"],
        ["cat", "1,234", "3", "7"],
        ["dog", "5", "0", "0"],
    ]


def test_of_many_classes_the_first_and_the_last_are_shown():
    shown = lines({"train": {f"c{number:04}": number for number in range(10_000)}})
    names = [line.split()[0] for line in shown]
    assert names == ["classes", *(f"c{n:04}" for n in range(5)), "…", *(f"c{n:04}" for n in range(9995, 10_000))]
    assert "9,990 more, 5 to 9,994 images" in shown[6]


def test_twelve_classes_are_all_shown():
    assert len(lines({"train": dict.fromkeys("abcdefghijkl", 1)})) == 13


NAMES = ["a" * 300, "日本語" * 30, "emotion", "tab\tand\nnewline", "[red]", "😀", "e\u0301" * 40]
SPLITS = ["train", "validation", "test", "public_test", "private_test", "写真" * 20, "x" * 90]


@pytest.mark.parametrize("number", range(1, len(SPLITS) + 1))
def test_no_line_is_wider_than_a_small_terminal(number):
    counts = dict.fromkeys(NAMES, 1_234_567)
    shown = lines(dict.fromkeys(SPLITS[:number], counts))
    assert max(map(cell_len, shown)) <= WIDTH
    assert "\n" not in "".join(shown)
    assert sum(line.count("1,234,567") for line in shown) == number * len(NAMES)


def test_columns_are_aligned_in_any_script():
    shown = lines({"train": {"日本": 1, "a": 22}, "test": {"日本": 333, "a": 4}})
    assert len({cell_len(line) for line in shown}) == 1


def test_three_splits_fit_side_by_side_with_long_class_names():
    counts = {f"a class with a long name {number}": 123_456 for number in range(3)}
    assert len(lines({"train": counts, "validation": counts, "test": counts})) == 4
