"""The output of `framework data check`: counts, examples, next commands."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from framework.components import Dataset
from framework.data.check.findings import Finding
from framework.errors import count, have
from framework.report.class_table import Line, class_table, number_text

EXAMPLES = 2
"""Of each problem."""
IMBALANCED = 10
"""Ratio of the largest class to the smallest from which it is highlighted."""
PROBLEMS = {
    "contradiction": "contradictory labels",
    "duplicate": "exact copies",
    "near_duplicate": "near copies",
    "blank": "blank",
    "corrupt": "corrupt",
}


def lines_of(
    summary: dict[str, Any], findings: Sequence[Finding], dataset: Dataset, recipe: Sequence[str], table: Path | None
) -> Iterator[Line]:
    """All lines; `recipe` is the recipe and overrides as typed, `table` the CSV file.

    `summary` is from `summary_of`, with `notes` and `advice`.
    """
    yield from _splits(dataset.name, summary)
    yield "", ""
    yield from _counts(summary)
    yield from _leaks(summary)
    for problem, title in PROBLEMS.items():
        if lines := _examples([finding for finding in findings if finding.problem == problem]):
            yield "", ""
            yield f"examples: {title}", "bold"
            yield from ((f"  {line}", "") for line in lines)
    yield from _advice(summary["advice"])
    yield "", ""
    yield from _next(summary, findings, shlex.join(recipe), table, dataset.drop)


def _splits(dataset: str, summary: dict[str, Any]) -> Iterator[Line]:
    splits = {name: split for name, split in summary["splits"].items() if split["shared"] < split["images"]}
    images = ", ".join(f"{name} {split['images']:,}" for name, split in splits.items())
    classes = summary["splits"]["train"]["classes"]
    yield f"{dataset}: {images} images of {count(len(classes), 'class', 'classes')}", "bold"
    yield _sizes(summary["sizes"]), ""
    largest, smallest, ratio = (summary["imbalance"][key] for key in ("largest", "smallest", "ratio"))
    if ratio == 1:
        yield "all classes have the same number of images in train", ""
    else:
        sizes = f"{largest} {number_text(classes[largest])}, {smallest} {number_text(classes[smallest])}"
        style = "yellow" if ratio >= IMBALANCED else ""
        yield f"class imbalance in train (largest to smallest): {ratio:.1f} to 1 ({sizes})", style
    for name, value in summary["labels"].items():
        yield f"{name.replace('_', ' ')} in train: {value:,.3g}", ""
    yield "", ""
    yield from class_table({name: split["classes"] for name, split in splits.items()})


def _sizes(sizes: dict[str, Any]) -> str:
    if not sizes["most"]:
        return "no image can be read"
    most = sizes["most"][0]
    size = f"{most['height']}×{most['width']}, {'gray' if most['channels'] == 1 else 'colour'}"
    if sizes["different"] == 1:
        return f"all images are {size}"
    shortest, longest = sizes["shortest_side"], sizes["longest_side"]
    sides = f"{shortest:,}" if shortest == longest else f"{shortest:,} to {longest:,}"
    return (
        f"{sizes['different']:,} sizes and modes, sides of {sides} pixels, {count(sizes['gray'], 'gray image')}; "
        f"most frequent: {size}, {count(most['images'], 'image')}"
    )


def _counts(summary: dict[str, Any]) -> Iterator[Line]:
    copies, near, labels = summary["duplicates"], summary["near_duplicates"], summary["contradictions"]
    several = f", {near['of_several_classes']:,} of several classes" if near["of_several_classes"] else ""
    rows = {
        "exact copies": (copies["surplus"], f"repeat the pixels of {count(copies['groups'], 'image')}"),
        "contradictory labels": (
            labels["images"],
            f"same pixels, different classes: {count(labels['groups'], 'group')}",
        ),
        "near copies": (near["images"], f"almost the same pixels: {count(near['groups'], 'group')}{several}"),
        "blank": (summary["blank"], "one pixel value, or almost"),
        "corrupt": (summary["corrupt"], "cannot be read"),
    }
    for name, (number, explanation) in rows.items():
        text = f"{name:>22}  {number:>8,}  {explanation if number else ''}".rstrip()
        yield text, "yellow" if number else "green"


def _leaks(summary: dict[str, Any]) -> Iterator[Line]:
    if summary["leaks"]:
        yield "", ""
    for split, others in summary["leaks"].items():
        images = count(summary["splits"][split]["images"], "image")
        for other, found in others.items():
            copies = f"{have(found['exact'])} an exact copy and {found['near']:,} a near copy in {other}"
            yield f"leak: of {images} of {split} {copies}", "bold red"


def _examples(findings: Sequence[Finding]) -> list[str]:
    """One line for each of the first `EXAMPLES` images or groups."""
    lines: list[str] = []
    groups: set[int | None] = set()
    for finding in findings:
        repeated = finding.group is not None and finding.group in groups
        same_label = finding.problem == "contradiction" and finding.image[2] == finding.other[2]
        if not repeated and not same_label:
            groups.add(finding.group)
            lines.append(_example(finding))
    return lines[:EXAMPLES]


def _example(finding: Finding) -> str:
    text = _image(finding.image)
    if finding.group is not None:
        return f"{text}  {'≈' if finding.problem == 'near_duplicate' else '='}  {_image(finding.other)}"
    return f"{text}: {finding.detail}" if finding.detail else text


def _image(image: tuple[str, str, str]) -> str:
    split, name, label = image
    return f"{name} ({split}, {label})"


def _advice(messages: Sequence[str]) -> Iterator[Line]:
    if messages:
        yield "", ""
    for message in messages:
        yield message, "yellow"


def _next(
    summary: dict[str, Any], findings: Sequence[Finding], recipe: str, table: Path | None, current: Path | None
) -> Iterator[Line]:
    """The next commands; `current` is the recipe's dataset.drop, which a new table would replace."""
    if not findings:
        remarks = len(summary["notes"]) + len(summary["advice"])
        if remarks:
            yield f"No problems found in the images; {count(remarks, 'note')} on the dataset above.", ""
        else:
            yield "No problems found.", "green"
        return
    parts = ", ".join(f"{number:,} of {split}" for split, number in summary["to_drop"].items())
    file = table or Path("more-findings.csv" if current else "findings.csv")
    if table is None:
        yield "List all findings, with a suggestion which image of each group to keep:", ""
        yield f"    framework data check {recipe} --csv {file}", "bold"
    else:
        yield f"{count(len(findings), 'finding')} in {file}. Edit its column 'keep', which is a suggestion.", ""
    if parts and current:
        yield f"To drop these images too ({parts}), add the rows to {current}.", ""
    elif parts:
        yield f"To train without the images to drop ({parts}):", ""
        yield f"    framework run {recipe} dataset.drop={shlex.quote(str(file))}", "bold"
