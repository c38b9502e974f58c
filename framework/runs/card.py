"""The model card of a run: what it is, how good it is, on what it was trained, and how to use it."""

from __future__ import annotations

from typing import Any

from framework.errors import count, enumerate_names
from framework.evaluation.intervals import wilson_interval
from framework.evaluation.untested import untested_note
from framework.recipe.wording import options_in_words
from framework.runs.plugin_files import needed_files
from framework.runs.recipe import has_own_metrics, tta_of, tta_of_metrics
from framework.runs.trained import Trained

SPLITS = {
    "validation": "validation",
    "test": "test",
    "test_without_copies": "test, without images that have a copy in train",
}
HALF = "\n\nThe weights here are rounded to half precision; the metrics are those of the run, before that."
VIEWS = "\n\nHere it looks at {views} of each image; {what} are those of the run, at {own}."
SIGMOID = (
    " Each probability is that of one class against the rest (sigmoid, as it was trained): they need not add up to one."
)
INT8 = (
    "\n\nMost of the arithmetic here is in whole numbers of 8 bits, which changes some predictions; the metrics are "
    "those of the run, before that."
)


def model_card(trained: Trained, title: str, *, half: bool = False) -> str:
    """Markdown; `half` where the weights are rounded.

    Mitchell et al., "Model Cards for Model Reporting", 2019.
    """
    model = trained.documents["model"]
    size = model["preprocess"]
    parts = [
        f"# {title}",
        f"{_network(model['model'])} tells {len(trained.classes)} classes apart: {', '.join(trained.classes)}. "
        f"It sees {size['height']}×{size['width']} pixels, {'grayscale' if size['channels'] == 1 else 'RGB'}; images "
        "of any size and mode are brought to that by the preprocessing that travels with it.",
        "## How good it is\n\n" + _metrics(trained) + (HALF if half else "") + _changes(trained),
        "## What it was trained on\n\n" + _data(trained),
        "## What to keep in mind\n\n"
        "The metrics hold for images like those it was tested on. Of anything else it still names one of its classes, "
        "and its probabilities then mean little."
        + (SIGMOID if trained.activation == "sigmoid" else "")
        + _plugin_files(trained),
        "## The recipe\n\n```yaml\n" + trained.recipe.strip() + "\n```",
    ]
    return "\n\n".join(parts) + "\n"


def summary(trained: Trained) -> str:
    """One line: `7 classes, top-1 63.5 % of 3,589 test images`, and whose, if an export changed the predictions."""
    from framework.data.splits import evaluation_split  # which loads Pillow

    text = f"{len(trained.classes)} classes"
    results = trained.documents.get("results", {})
    split = evaluation_split(results)
    if split is None:
        return text
    whose = "" if has_own_metrics(trained) else " (of the run, before this export)"
    images = count(results[split]["images"], f"{split} image")
    return f"{text}, top-1 {100 * results[split]['top1']:.1f} % of {images}{whose}"


def _network(model: dict[str, Any]) -> str:
    options = options_in_words({key: value for key, value in model.items() if key != "name"})
    return f"The network `{model['name']}`" + (f" ({options})" if options else "")


def _plugin_files(trained: Trained) -> str:
    """The files of code that it needs and that do not travel with it."""
    needed = needed_files(trained.documents.get("environment", {}))
    if not needed:
        return ""
    return (
        f"\n\nIt was trained with code in {enumerate_names(needed)}, which is not part of this file: a bundle needs it "
        "by `--plugin FILE`, an ONNX export predicts without it."
    )


def _changes(trained: Trained) -> str:
    """What an export changed, so that the metrics are not quite its own."""
    here, own = tta_of(trained), tta_of_metrics(trained)
    what = "the metrics and the temperature" if "calibration" in trained.documents else "the metrics"
    views = "" if here == own else VIEWS.format(views=count(here, "view"), what=what, own=count(own, "view"))
    return views + (INT8 if trained.documents["model"].get("int8") else "")


def _metrics(trained: Trained) -> str:
    results = trained.documents.get("results", {})
    rows, notes = [], []
    for split, title in SPLITS.items():
        if results.get(split, {}).get("images"):
            metrics = results[split]
            low, high = wilson_interval(metrics["top1"], metrics["images"])
            rows.append(
                f"| {title} | {metrics['images']:,} | {100 * metrics['top1']:.1f} % "
                f"({100 * low:.1f} to {100 * high:.1f}) | {100 * metrics['balanced_accuracy']:.1f} % | "
                f"{100 * metrics['macro_f1']:.1f} % | {100 * metrics['ece']:.1f} % |"
            )
            notes.append(untested_note(metrics, title))
    if not rows:
        return "It was not evaluated."
    table = "| split | images | top-1 (95 % interval) | balanced accuracy | macro F1 | ECE |\n"
    text = table + "| --- | --- | --- | --- | --- | --- |\n" + "\n".join(rows)
    text += "".join(f"\n\n{note}" for note in notes if note)
    if calibration := trained.documents.get("calibration"):
        text += (
            f"\n\nProbabilities are calibrated: temperature {calibration['temperature']:.3f}, fitted on "
            f"{count(calibration['images'], 'image')} of the {calibration['split']} split, where ECE went from "
            f"{100 * calibration['ece_before']:.1f} % to {100 * calibration['ece_after']:.1f} %. "
            "The metrics above are without it."
        )
    return text


def _data(trained: Trained) -> str:
    data = trained.documents.get("data", {})
    if "train" not in data:
        return "Not recorded."
    counts = ", ".join(f"{name} {number:,}" for name, number in data["train"]["classes"].items())
    return (
        f"{count(data['train']['images'], 'image')}: {counts}. SHA-256 of images, labels and names: "
        f"`{data['train']['fingerprint']}`."
    )
