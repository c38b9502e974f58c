"""The model card: architecture, metrics, training data, limitations, recipe."""

from __future__ import annotations

from typing import Any

from framework.component_checks import FIXED_METRICS
from framework.errors import count, enumerate_names
from framework.evaluation.intervals import wilson_interval
from framework.evaluation.untested import untested_note
from framework.recipe.option_text import options_text
from framework.runs.plugin_files import needed_files
from framework.runs.recipe import metrics_apply, tta_of, tta_of_metrics
from framework.runs.trained import Trained

SPLITS = {
    "validation": "validation",
    "test": "test",
    "test_without_copies": "test without copies of training images",
}
HALF = "\n\nThe weights are rounded to half precision. The metrics were measured before that."
TTA = "\n\nThis file predicts with `evaluate.tta={tta}`; {what} were measured with `tta={own}`."
INT8 = (
    "\n\nThis file is quantised: most of its arithmetic is 8-bit, which changes some predictions. The metrics were "
    "measured before that."
)
SIGMOID = " Each probability is that of one class against all others (sigmoid); they need not sum to one."


def model_card(trained: Trained, title: str, *, half: bool = False) -> str:
    """Markdown; `half` if the weights are rounded to half precision.

    Mitchell et al., "Model Cards for Model Reporting", 2019.
    """
    model = trained.documents["model"]
    size = model["preprocess"]
    parts = [
        f"# {title}",
        f"{_network(model['model'])}, trained to classify images into {len(trained.classes)} classes: "
        f"{', '.join(trained.classes)}. Its input is {size['height']}×{size['width']} pixels, "
        f"{'grayscale' if size['channels'] == 1 else 'RGB'}; the included preprocessing converts images of any size "
        "and mode.",
        "## Results\n\n" + _metrics(trained) + (HALF if half else "") + _changes(trained),
        *_detector(trained),
        "## Training data\n\n" + _data(trained),
        "## Limitations\n\n"
        "The metrics apply to images like those of the test data. For any other image the network still predicts one "
        "of its classes, and its probabilities mean little."
        + (SIGMOID if trained.activation == "sigmoid" else "")
        + _plugin_files(trained),
        "## Recipe\n\n```yaml\n" + trained.recipe.strip() + "\n```",
    ]
    return "\n\n".join(parts) + "\n"


def summary(trained: Trained) -> str:
    """One line, such as `7 classes, top-1 63.5 % of 3,589 test images, detector faces`.

    It says if an export changes predictions.
    """
    from framework.data.splits import evaluation_split  # which loads Pillow

    text = f"{len(trained.classes)} classes"
    results = trained.documents.get("results", {})
    if split := evaluation_split(results):
        note = "" if metrics_apply(trained) else " (of the run, not of this export)"
        images = count(results[split]["images"], f"{split} image")
        text += f", top-1 {100 * results[split]['top1']:.1f} % of {images}{note}"
    return text if trained.detector is None else f"{text}, detector {trained.detector['name']}"


def _network(model: dict[str, Any]) -> str:
    options = options_text({key: value for key, value in model.items() if key != "name"})
    return f"`{model['name']}`" + (f" ({options})" if options else "")


def _detector(trained: Trained) -> list[str]:
    """A section on the detector that a bundle names, if it does."""
    if trained.detector is None:
        return []
    environment, name = trained.documents["environment"], trained.detector["name"]
    plugin = environment["plugins"][environment["components"]["detector"][name]]
    options = options_text({key: value for key, value in trained.detector.items() if key != "name"})
    return [
        "## Detector\n\n"
        f"This network classifies regions of photographs. `framework predict` and `framework serve` find them with the "
        f"detector `{name}`{f' ({options})' if options else ''} of {plugin['distribution']} {plugin['version']}; with "
        "`--detect none` they classify whole images, such as images that are regions already. Evaluations and exports "
        "do not use the detector: the metrics apply to images like those of the test data."
    ]


def _plugin_files(trained: Trained) -> str:
    """The code that the network needs and that the file does not contain."""
    needed = needed_files(trained.documents.get("environment", {}))
    if not needed:
        return ""
    return (
        f"\n\nIt was made with code in {enumerate_names(needed)}, which is not part of this file: a bundle needs it "
        "by `--plugin FILE`, an export predicts without it."
    )


def _changes(trained: Trained) -> str:
    """What an export changed since the metrics were measured."""
    tta, own = tta_of(trained), tta_of_metrics(trained)
    what = "the metrics and the temperature" if "calibration" in trained.documents else "the metrics"
    changed = "" if tta == own else TTA.format(tta=tta, what=what, own=own)
    return changed + (INT8 if trained.documents["model"].get("int8") else "")


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
        return "Not evaluated."
    table = "| split | images | top-1 (95 % interval) | balanced accuracy | macro F1 | ECE |\n"
    text = table + "| --- | --- | --- | --- | --- | --- |\n" + "\n".join(rows) + _further_metrics(results)
    text += "".join(f"\n\n{note}" for note in notes if note)
    if calibration := trained.documents.get("calibration"):
        text += (
            f"\n\nProbabilities are calibrated: temperature {calibration['temperature']:.3f}, fitted on "
            f"{count(calibration['images'], 'image')} of the {calibration['split']} split, where it changed ECE from "
            f"{100 * calibration['ece_before']:.1f} % to {100 * calibration['ece_after']:.1f} %. "
            "The metrics above are without calibration."
        )
    return text


def _further_metrics(results: dict[str, Any]) -> str:
    """A table of the metric components; empty if there are none."""
    splits = {title: results[split] for split, title in SPLITS.items() if results.get(split, {}).get("images")}
    names = list(dict.fromkeys(name for metrics in splits.values() for name in metrics if name not in FIXED_METRICS))
    if not names:
        return ""
    rows = [
        [name, *("–" if metrics.get(name) is None else f"{metrics[name]:.3f}" for metrics in splits.values())]
        for name in names
    ]
    lines = [["metric", *splits], ["---"] * (1 + len(splits)), *rows]
    return "\n\n" + "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _data(trained: Trained) -> str:
    data = trained.documents.get("data", {})
    if "train" not in data:
        return "Not recorded."
    counts = ", ".join(f"{name} {number:,}" for name, number in data["train"]["classes"].items())
    return (
        f"{count(data['train']['images'], 'image')}: {counts}. SHA-256 of images, labels and names: "
        f"`{data['train']['fingerprint']}`."
    )
