"""What `framework data check` prints: counts, a few examples, what to do next."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework.errors import count, have
from framework.report.class_table import class_table

if TYPE_CHECKING:
    from framework.components import Dataset
    from framework.data.check.findings import Finding

EXAMPLES = 2
"""Of each problem."""
UNEVEN = 10
"""A largest class so many times the smallest is pointed out."""
Line = tuple[str, str]
"""Text and style."""
TITLES = {
    "contradiction": "contradictory labels",
    "duplicate": "exact copies",
    "near_duplicate": "near copies",
    "blank": "blank",
    "corrupt": "corrupt",
}


def lines_of(
    summary: dict[str, Any], findings: Sequence[Finding], dataset: Dataset, recipe: Sequence[str], table: Path | None
) -> Iterator[Line]:
    """Everything, line by line; `recipe` is as the user named it, with overrides, `table` where findings were written.

    `summary` is what `summary_of` returned, with `notes` and `advice`.
    """
    yield from _splits(dataset.name, summary)
    yield "", ""
    yield from _counts(summary)
    yield from _leaks(summary)
    yield from _examples(findings)
    yield from _advice(summary["advice"])
    yield "", ""
    yield from _next(summary, findings, shlex.join(recipe), table, dataset.drop)


def _splits(dataset: str, summary: dict[str, Any]) -> Iterator[Line]:
    splits = {name: split for name, split in summary["splits"].items() if split["shared"] < split["images"]}
    images = ", ".join(f"{name} {split['images']:,}" for name, split in splits.items())
    classes = summary["splits"]["train"]["classes"]
    yield f"{dataset}: {images} images of {count(len(classes), 'class', 'classes')}", "bold"
    yield f"{_sizes(summary['sizes'])}", ""
    imbalance = summary["imbalance"]
    if imbalance["ratio"] == 1:
        yield "all classes are equally large in train", ""
    else:
        yield _imbalance(imbalance, classes)
    yield "", ""
    yield from class_table({name: split["classes"] for name, split in splits.items()})


def _imbalance(imbalance: dict[str, Any], classes: dict[str, int]) -> Line:
    return (
        f"largest class to smallest in train: {imbalance['ratio']:.1f} to 1 "
        f"({imbalance['largest']} {classes[imbalance['largest']]:,}, "
        f"{imbalance['smallest']} {classes[imbalance['smallest']]:,})",
        "yellow" if imbalance["ratio"] >= UNEVEN else "",
    )


def _sizes(sizes: dict[str, Any]) -> str:
    if not sizes["most"]:
        return "no image can be read"
    most = sizes["most"][0]
    total = f"{most['height']}×{most['width']}, {'gray' if most['channels'] == 1 else 'colour'}"
    if sizes["different"] == 1:
        return f"all are {total}"
    shortest, longest = sizes["shortest_side"], sizes["longest_side"]
    sides = f"sides of {shortest:,}" if shortest == longest else f"sides from {shortest:,} to {longest:,}"
    return (
        f"{sizes['different']:,} sizes and modes, {sides} pixels, "
        f"{count(sizes['gray'], 'image')} gray; most frequent is {total}: {count(most['images'], 'image')}"
    )


def _counts(summary: dict[str, Any]) -> Iterator[Line]:
    copies, near, odd = summary["duplicates"], summary["near_duplicates"], summary["contradictions"]
    groups, other = count(near["groups"], "group"), near["of_several_classes"]
    alike = f"nearly the same picture, {groups}" + (f", {other:,} of several classes" if other else "")
    same, several = count(copies["groups"], "picture"), count(odd["groups"], "picture")
    rows = [
        ("exact copies", copies["surplus"], f"more than one of the same pixels, {same}"),
        ("contradictory labels", odd["images"], f"the same pixels as several classes, {several}"),
        ("near copies", near["images"], alike),
        ("blank", summary["blank"], "one level only, or nearly"),
        ("corrupt", summary["corrupt"], "cannot be read"),
    ]
    for name, number, explained in rows:
        yield f"{name:>22}  {number:>8,}  {explained if number else ''}".rstrip(), "yellow" if number else "green"


def _leaks(summary: dict[str, Any]) -> Iterator[Line]:
    if summary["leaks"]:
        yield "", ""
    for split, others in summary["leaks"].items():
        total = summary["splits"][split]["images"]
        for other, found in others.items():
            yield (
                f"leak: of {count(total, 'image')} of {split} {have(found['exact'])} an exact copy in {other}, "
                f"{found['near']:,} more a near one",
                "bold red",
            )


def _examples(findings: Sequence[Finding]) -> Iterator[Line]:
    for problem, title in TITLES.items():
        seen: set[int | None] = set()
        shown = 0
        for finding in findings:
            if finding.problem != problem or (finding.group is not None and finding.group in seen):
                continue
            if problem == "contradiction" and finding.image[2] == finding.other[2]:
                continue
            if not shown:
                yield "", ""
                yield f"{title}, such as", "bold"
            seen.add(finding.group)
            yield f"  {_example(finding)}", ""
            shown += 1
            if shown == EXAMPLES:
                break


def _example(finding: Finding) -> str:
    text = _image(finding.image)
    if finding.group is not None:
        return f"{text}  =  {_image(finding.other)}" if finding.problem != "near_duplicate" else (
            f"{text}  ≈  {_image(finding.other)}"
        )  # fmt: skip
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
    summary: dict[str, Any], findings: Sequence[Finding], recipe: str, table: Path | None, dropped: Path | None
) -> Iterator[Line]:
    """`dropped` is the table that the recipe leaves images out by: another one would take its place."""
    if not findings:
        remarks = len(summary["notes"]) + len(summary["advice"])
        if remarks:
            yield f"No image was found at fault; {count(remarks, 'note')} on the data set above.", ""
        else:
            yield "Nothing was found.", "green"
        return
    parts = [f"{number:,} of {split}" for split, number in summary["to_drop"].items()]
    file = table or Path("more-findings.csv" if dropped else "findings.csv")
    if table is None:
        yield "Every finding, with advice which image of a group to keep:", ""
        yield f"    framework data check {recipe} --csv {file}", "bold"
    else:
        yield f"{count(len(findings), 'finding')} in {file}; its column 'keep' is advice, for you to change.", ""
    if parts and dropped:
        yield f"To train without what it advises to drop besides ({', '.join(parts)}), add its rows to {dropped}.", ""
    elif parts:
        yield f"To train without what it advises to drop ({', '.join(parts)}):", ""
        yield f"    framework run {recipe} dataset.drop={shlex.quote(str(file))}", "bold"
