"""Write the GPU sections of docs/benchmarks.md and docs/results.md: `python docs/write_gpu_tables.py [FOLDER]`.

FOLDER holds the JSON files of `python -m tests.benchmarks.gpu` (default: docs/results/gpu). Unfinished parts and
rehearsals are omitted. If nothing was measured, the pages state it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
BEGIN, END = "<!-- gpu: by docs/write_gpu_tables.py -->\n", "<!-- end of gpu -->\n"

Parts = Mapping[str, Mapping[str, Any]]
"""The result of each finished part."""

NAMES = {
    "bare": "bare loop",
    "framework": "**framework**",
    "framework-plain": "framework without augmentation",
    "torchvision": "ImageFolder and DataLoader by hand",
    "timm": "timm's loader in a loop",
    "lightning": "Lightning",
}
TASKS = {
    "throughput-resnet18-48": "ResNet-18, 48×48",
    "throughput-speednet-48": "`speednet`, 48×48",
    "throughput-resnet50-224": "ResNet-50, 224×224",
}
RECIPES = ("cifar10", "cifar10-longer", "fer2013")


def read_parts(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the results of the parts that finished on a GPU."""
    outcomes = (json.loads(file.read_text(encoding="utf-8")) for file in sorted(folder.glob("*.json")))
    return {
        outcome["part"]: outcome["result"]
        for outcome in outcomes
        if outcome["status"] == "done" and "rehearsal" not in outcome["result"]["machine"]["device"]
    }


def with_section(page: str, lines: Iterable[str]) -> str:
    """Return the text of the page with these lines as its GPU section."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + "".join(f"{line}\n" for line in lines) + END + after


def benchmarks(parts: Parts) -> Iterator[str]:
    """Lines of the GPU section of docs/benchmarks.md."""
    if not parts:
        yield "Not measured yet: no GPU was available."
        return
    yield from _machine(next(iter(parts.values())))
    if tasks := [task for task in TASKS if task in parts]:
        yield from ("", *_throughput(parts, tasks))
    for part, head in (
        ("modes", "`fer2013_best` on drawn faces, as the recipe and with"),
        ("data", "batches without a network"),
    ):
        if part in parts:
            yield from ("", f"| {head} | images/s |", "| --- | --- |")
            rates = {name: rate for name, rate in parts[part].items() if name != "machine"}
            yield from (
                f"| {name} | {rate if isinstance(rate, str) else f'{rate:,.0f}'} |" for name, rate in rates.items()
            )
    if tests := parts.get("tests"):
        counts = ", ".join(f"{tests[word]} {word}" for word in ("passed", "failed", "skipped") if word in tests)
        yield from ("", f"The tests of a GPU (`python -m pytest -m cuda tests/cuda`): {counts}.")


def results(parts: Parts) -> Iterator[str]:
    """Lines of the GPU section of docs/results.md."""
    trained = [parts[part] for part in RECIPES if parts.get(part, {}).get("data")]
    if not trained:
        yield "Not measured yet: no GPU was available."
        return
    yield from _machine(trained[0])
    yield from ("", "| command | data | top-1 | training | in all |", "| --- | --- | --- | --- | --- |")
    for found in trained:
        seconds = found["seconds"]
        yield (
            f"| `{found['command']}` | {found['data']}, {found['images']:,} images ({found['split']}) | "
            f"{100 * found['top1']:.2f} % | {seconds['train']:.0f} s | {seconds['total']:.0f} s |"
        )


def _machine(found: Mapping[str, Any]) -> Iterator[str]:
    machine = found["machine"]
    yield (
        f"{machine['device']}, {machine['cores']} CPU cores, torch {machine['torch']}, torchvision "
        f"{machine['torchvision']}, {machine['date']}: `python -m tests.benchmarks.gpu`."
    )


def _throughput(parts: Parts, tasks: list[str]) -> Iterator[str]:
    heads = [f"{TASKS[task]}, batches of {parts[task]['batch_size']}" for task in tasks]
    yield "| images/s (of bare) | " + " | ".join(heads) + " |"
    yield "| --- |" + " --- |" * len(tasks)
    for way, name in NAMES.items():
        rates = [parts[task]["images_per_second"] for task in tasks]
        if any(way in of_task for of_task in rates):
            cells = [f"{of[way]:,.0f} ({of[way] / of['bare']:.2f})" if way in of else "–" for of in rates]
            yield f"| {name} | " + " | ".join(cells) + " |"


def main() -> None:
    """Update both pages."""
    parts = read_parts(Path(sys.argv[1]) if len(sys.argv) > 1 else DOCS / "results" / "gpu")
    for name, lines in (("benchmarks.md", benchmarks(parts)), ("results.md", results(parts))):
        page = DOCS / name
        page.write_text(with_section(page.read_text(encoding="utf-8"), lines), encoding="utf-8")


if __name__ == "__main__":
    main()
