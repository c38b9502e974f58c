"""Any table is read as it was written, or is an error; labels are never wrong."""

import csv
import io
import unicodedata

import pytest
from framework_folder import Csv
from hypothesis import given, settings
from hypothesis import strategies as st

from framework import UserError
from framework.data.splits import build_splits

SPECIAL = [
    "nan",
    "null",
    "yes",
    "0",
    "0.0",
    "007",
    "1e3",
    "2020-01-01",
    "~",
    "Cat",
    "cat",
    "caf\u00e9",
    "cafe\u0301",
    '"',
]
words = st.one_of(
    st.sampled_from(SPECIAL),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12),
    st.text(",;\t| \"'\\/-_.aB0\n\r", min_size=1, max_size=8),
)
splits = st.sampled_from(["train", "val", "Test", "hard"])
tables = st.lists(st.tuples(words, words, splits), min_size=2, max_size=12)
names = st.lists(
    st.tuples(st.sampled_from(["cat", "dog"]), st.text("ab1", min_size=1, max_size=4)), min_size=8, unique=True
)
reproducible = settings(max_examples=100, deadline=None, derandomize=True, database=None)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("tables")


def written(rows, delimiter, quoting, end):
    """A table with further columns before, between and after those that are read."""
    text = io.StringIO(newline="")
    if any("\r" in cell for row in rows for cell in row):  # Python's writer does not quote it if lines end otherwise
        quoting = csv.QUOTE_ALL
    writer = csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator=end)
    writer.writerow(["number", "path", "note", "label", "fold", "more"])
    for number, (path, label, split) in enumerate(rows):
        writer.writerow([number, path, f"a{delimiter}b", label, split, ""])
    return text.getvalue()


def read(file, **options):
    """The splits of the table, or the error."""
    try:
        return Csv(file=file, **options).build()
    except UserError as error:
        return error


def plain(path):
    """A path as text, without empty parts and `.`."""
    return "/".join(part for part in unicodedata.normalize("NFC", str(path)).split("/") if part not in ("", "."))


def images(rows, folder):
    """Path and label of each image, by split; no file name contains a backslash."""
    expected = {}
    for path, label, split in rows:
        image = plain(folder / path.strip().replace("\\", "/")), unicodedata.normalize("NFC", label.strip())
        expected.setdefault({"val": "validation", "Test": "test"}.get(split, split), []).append(image)
    return expected


@reproducible
@given(
    tables,
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_a_table_is_read_as_it_was_written_or_is_an_error(folder, rows, delimiter, quoting, end, encoding):
    file = folder / "table.csv"
    file.write_bytes(written(rows, delimiter, quoting, end).encode(encoding))
    expected, found = images(rows, folder), read(file, split_column="fold")
    if isinstance(found, UserError):
        assert "train" not in expected or any(not (path.strip() and label.strip()) for path, label, _ in rows), found
        return
    assert {
        split: [(plain(source.file(index)), source.classes[label]) for index, label in enumerate(source.labels)]
        for split, source in found.items()
    } == expected


@reproducible
@given(st.binary(max_size=60), st.sampled_from([b"", b"path,label\n", b"path;label\r\n", b"\xff\xfe"]))
def test_any_bytes_are_a_table_or_one_error(folder, content, header):
    file = folder / "any.csv"
    file.write_bytes(header + content)
    found = read(file)
    if isinstance(found, UserError):
        assert str(file) in str(found)
    else:
        assert len(found["train"].labels) == len(found["train"].paths) > 0


@reproducible
@given(names, st.randoms(use_true_random=False), st.sampled_from([0.1, 0.25, 0.5]))
def test_held_out_images_do_not_depend_on_the_order_and_one_more_row_moves_one_image(folder, rows, random, fraction):
    file = folder / "order.csv"

    def held(some):
        text = "".join(f"{label}/{name}.png,{label}\n" for label, name in some)
        file.write_text(f"path,label\n{text}")
        try:
            return set(build_splits(Csv(file=file, validation=fraction))["validation"].names)
        except UserError:  # one class alone
            return set()

    before, after = held(rows[:-1]), held(rows)
    assert held(random.sample(rows, len(rows))) == after
    assert not after or len(before - after) <= 1
