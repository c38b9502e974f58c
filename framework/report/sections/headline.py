"""The metrics that matter, and what they say in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from framework.errors import count
from framework.evaluation.untested import untested_note
from framework.report.formatting import HEADLINES, headline, share
from framework.report.page.bars import range_bar
from framework.report.page.document import callout, prose
from framework.report.page.elements import Markup, element

if TYPE_CHECKING:
    from framework.report.evidence import Evidence, Gap

MEANING = {
    "top1": "predictions that are right",
    "top5": "right among the five most probable",
    "balanced_accuracy": "mean recall of the classes",
    "macro_f1": "mean F1 of the classes",
    "ece": "distance from confidence to accuracy",
    "loss": "cross entropy, in nats",
}

CLASSES_OF = {"balanced_accuracy": "tested_classes", "macro_f1": "f1_classes"}
"""Metrics that are means over classes, and the figure that says over how many."""


def headline_section(evidence: Evidence) -> Markup:
    """Cards, then sentences."""
    metrics = evidence.metrics
    gaps = gap_callout(evidence.gap("predictions"))
    if not metrics:
        return element("div", callout("There are no metrics."), gaps)
    cards = [_card(key, evidence) for key in MEANING if key in metrics]
    told = [element("li", [prose(part) for part in sentence]) for sentence in _sentences(evidence, metrics)]
    sentences = element("ul", told, class_="words")
    untested = untested_note(metrics, evidence.split)
    warning = callout(prose(untested)) if untested else None
    return element("div", element("div", cards, class_="cards"), warning, sentences, gaps)


def gap_callout(gap: Gap | None) -> Markup | None:
    """The place where something is missing says so."""
    return callout(prose(_text(gap))) if gap else None


def _text(gap: Gap) -> str:
    why = gap.why[0].upper() + gap.why[1:]
    return f"{why.rstrip('.')}. {gap.remedy}".strip()


def _card(key: str, evidence: Evidence) -> Markup:
    assert evidence.metrics
    value = evidence.metrics[key]
    interval = evidence.intervals.get(key)
    number, _, unit = headline(key, value).partition(" ")
    below: list[Markup] = []
    if interval:
        low, high = interval
        below = [
            range_bar(low, value, high),
            element("p", f"{100 * low:.1f} to {100 * high:.1f} %", class_="interval"),
        ]
    return element(
        "div",
        element("h3", HEADLINES[key]),
        element("p", number, element("small", f" {unit}") if unit else None, class_="figure"),
        below,
        element("p", _meaning(key, evidence), class_="meaning"),
        class_="card first" if key == "top1" else "card",
    )


def _meaning(key: str, evidence: Evidence) -> str:
    """What the figure is, and of how many classes where those are not all."""
    assert evidence.metrics
    if key == "loss" and evidence.trained.activation == "sigmoid":
        return "binary cross entropy, summed over the classes, in nats"
    if key == "ece" and (interval := evidence.intervals.get(key)) and interval[1] < evidence.metrics[key]:
        return f"{MEANING[key]}; above its interval, for chance raises it on so few images"
    number, total = evidence.metrics.get(CLASSES_OF.get(key, "")), len(evidence.metrics["per_class"])
    if number is None or number == total:
        return MEANING[key]
    return f"{MEANING[key].removesuffix(' of the classes')} of {number:,} of {total:,} classes"


def _sentences(evidence: Evidence, metrics: Mapping[str, Any]) -> Iterator[list[Markup | str]]:
    per_class: Mapping[str, Mapping[str, Any]] = metrics["per_class"]
    low, high = evidence.intervals["top1"]
    common = max(per_class, key=lambda name: per_class[name]["support"])
    images = count(metrics["images"], f"{evidence.split} image")
    yield [
        f"Of {images} ", _strong(share(metrics["top1"])), " are named right. "
        f"On images like these the share lies between {100 * low:.1f} and {100 * high:.1f} %, with 95 % confidence; "
        "always model ", _class(common), " would reach "
        f"{share(per_class[common]['support'] / metrics['images'])}.",
    ]  # fmt: skip
    seen = {name: row for name, row in per_class.items() if row["support"]}
    hardest = min(seen, key=lambda name: seen[name]["recall"])
    easiest = max(seen, key=lambda name: seen[name]["recall"])
    if seen[hardest]["recall"] < seen[easiest]["recall"]:
        yield [
            "The hardest class is ", _class(hardest), f": {share(seen[hardest]['recall'])} of its "
            f"{count(seen[hardest]['support'], 'image')} are found. The easiest is ", _class(easiest),
            f" with {share(seen[easiest]['recall'])}.",
        ]  # fmt: skip
    for true, predicted, number, of in evidence.confusion.mistakes(1) if evidence.confusion else ():
        yield [
            "The most frequent mistake: ", _class(true), " taken for ", _class(predicted),
            f", {number:,} of {count(of, 'image')} ({share(number / of)}).",
        ]  # fmt: skip
    if evidence.predictions is not None:
        yield [_confidence(evidence, metrics)]


def _confidence(evidence: Evidence, metrics: Mapping[str, Any]) -> str:
    assert evidence.predictions is not None
    said = evidence.predictions.at_temperature(evidence.trained.temperature).confidences.mean().item()
    gap = said - metrics["top1"]
    if abs(gap) < 0.01:
        return f"Its confidence is right on average: it claims {share(said)}."
    word = "too sure of itself" if gap > 0 else "too modest"
    text = f"It is {word}: on average it claims {share(said)} and is right on {share(metrics['top1'])}"
    if evidence.temperature and evidence.trained.temperature == 1:
        after = evidence.predictions.at_temperature(evidence.temperature.value).metrics()["ece"]
        return f"{text}; a temperature of {evidence.temperature.value:.2f} brings ECE to {share(after)}."
    return f"{text}."


def _class(name: str) -> Markup:
    return element("b", name, class_="class")


def _strong(text: str) -> Markup:
    return element("strong", prose(text))
