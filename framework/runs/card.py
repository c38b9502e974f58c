"""The model card: architecture, metrics, training data, limitations, recipe."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from framework.component_checks import FIXED_METRICS
from framework.errors import count, enumerate_names
from framework.evaluation.intervals import wilson_interval
from framework.evaluation.untested import untested_note
from framework.recipe.option_text import options_text
from framework.registry import default_task
from framework.runs.plugin_files import needed_files
from framework.runs.recipe import metrics_apply, tta_of, tta_of_metrics
from framework.runs.trained import Trained

if TYPE_CHECKING:
    from framework.components import MetricFormat, Task

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


def model_card(trained: Trained, title: str, task: Task | None = None, *, half: bool = False) -> str:
    """Markdown; `task` is that of the network (default: `single_label`), `half` if its weights are in half precision.

    Mitchell et al., "Model Cards for Model Reporting", 2019.
    """
    task = task or default_task()
    model = trained.documents["model"]
    size = model["preprocess"]
    parts = [
        f"# {title}",
        f"{_network(model['model'])}, trained to {task.purpose} {len(trained.classes)} classes: "
        f"{', '.join(trained.classes)}. Its input is {size['height']}×{size['width']} pixels, "
        f"{'grayscale' if size['channels'] == 1 else 'RGB'}; the included preprocessing converts images of any size "
        "and mode.",
        "## Results\n\n" + _metrics(trained, task) + (HALF if half else "") + _changes(trained),
        *_detector(trained),
        "## Training data\n\n" + _data(trained),
        "## Limitations\n\n"
        "The metrics apply to images like those of the test data. For any other image the network still predicts "
        f"{task.outcome}, and its probabilities mean little."
        + (SIGMOID if trained.activation == "sigmoid" else "")
        + _plugin_files(trained),
        "## Recipe\n\n```yaml\n" + trained.recipe.strip() + "\n```",
    ]
    return "\n\n".join(parts) + "\n"


def summary(trained: Trained, task: Task | None = None) -> str:
    """One line, such as `7 classes, top-1 63.5 % of 3,589 test images, detector faces`.

    It says if an export changes predictions. `task` is that of the network (default: `single_label`).
    """
    from framework.data.splits import evaluation_split  # which loads Pillow

    text = f"{len(trained.classes)} classes"
    results, task = trained.documents.get("results", {}), task or default_task()
    if split := evaluation_split(results):
        note = "" if metrics_apply(trained) else " (of the run, not of this export)"
        images = count(results[split]["images"], f"{split} image")
        form = task.metric_formats[task.monitor]
        value = _text(form, results[split].get(task.monitor))
        text += f", {form.title} {value} {'of' if form.proportion else 'on'} {images}{note}"
    return text if trained.detector is None else f"{text}, detector {trained.detector['name']}"


def _text(form: MetricFormat, value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %" if form.percent else f"{value:.3f}"


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


def _metrics(trained: Trained, task: Task) -> str:
    results = trained.documents.get("results", {})
    formats = {name: form for name, form in task.metric_formats.items() if form.brief}
    rows, notes = [], []
    for split, title in SPLITS.items():
        if results.get(split, {}).get("images"):
            metrics = results[split]
            rows.append(
                [title, f"{metrics['images']:,}", *(_cell(name, form, metrics) for name, form in formats.items())]
            )
            notes.append(untested_note(metrics, title))
    if not rows:
        return "Not evaluated."
    titles = (f"{form.title} (95 % interval)" if form.proportion else form.title for form in formats.values())
    lines = [["split", "images", *titles], ["---"] * (2 + len(formats)), *rows]
    text = "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + _further_metrics(results, task)
    text += "".join(f"\n\n{note}" for note in notes if note)
    if calibration := trained.documents.get("calibration"):
        text += (
            f"\n\nProbabilities are calibrated: temperature {calibration['temperature']:.3f}, fitted on "
            f"{count(calibration['images'], 'image')} of the {calibration['split']} split, where it changed ECE from "
            f"{100 * calibration['ece_before']:.1f} % to {100 * calibration['ece_after']:.1f} %. "
            "The metrics above are without calibration."
        )
    return text + _thresholds(trained)


def _cell(name: str, form: MetricFormat, metrics: dict[str, Any]) -> str:
    """The metric, with its interval if it is a proportion."""
    value = metrics.get(name)
    if value is None or not form.proportion:
        return _text(form, value)
    low, high = wilson_interval(value, metrics["images"])
    return f"{_text(form, value)} ({100 * low:.1f} to {100 * high:.1f})"


def _thresholds(trained: Trained) -> str:
    """The thresholds as probabilities at the temperature of the run; empty if there are none."""
    document = trained.documents.get("thresholds")
    if document is None:
        return ""
    values = (1 / (1 + math.exp(-logit / trained.temperature)) for logit in document["logits"])
    listed = ", ".join(f"{name} {100 * value:.1f} %" for name, value in zip(trained.classes, values, strict=True))
    images = count(document["images"], f"{document['split']} image")
    return f"\n\nA class is predicted if its probability is above its threshold, chosen on {images}: {listed}."


def _further_metrics(results: dict[str, Any], task: Task) -> str:
    """A table of the metric components; empty if there are none."""
    splits = {title: results[split] for split, title in SPLITS.items() if results.get(split, {}).get("images")}
    fixed = (*FIXED_METRICS, *task.metric_formats)
    names = list(dict.fromkeys(name for metrics in splits.values() for name in metrics if name not in fixed))
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
