"""Walk all of timm, or of torchvision: build each architecture for one image size, train a step, predict.

    python tests/walk_timm.py [PATTERN] [--size 48] [--limit N] [--torchvision] [--small-images]

One line per architecture that fails, with the reason, and a summary. Each is tried in a process of its own with a limit
on time and memory. Architectures come family by family in turn, so that `--limit 200` sees all families.
"""

from __future__ import annotations

import argparse
import fnmatch
import itertools
import multiprocessing
import resource
import sys
import time
import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from threading import Lock
from typing import Any

import timm
import torch
import torchvision
from framework_timm.models import TimmModel
from framework_torchvision.models import model_classes

from framework import Model, UserError

CLASSES, CHANNELS, BATCH = 7, 1, 2
FORK = multiprocessing.get_context("fork")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pattern", nargs="?", default="*", help="shell pattern of names, as 'vit_*'")
    parser.add_argument("--size", type=int, default=48, help="side of the images (48)")
    parser.add_argument("--limit", type=int, help="stop after trying this many")
    parser.add_argument("--max-parameters", type=float, default=300, help="leave out larger ones, in millions (300)")
    parser.add_argument("--all", action="store_true", help="leave out none")
    parser.add_argument("--torchvision", action="store_true", help="walk torchvision instead")
    parser.add_argument("--small-images", action="store_true", help="with the stem for small images")
    parser.add_argument("--seconds", type=float, default=120, help="time limit for each (120)")
    parser.add_argument("--gigabytes", type=float, default=8, help="memory limit for each (8)")
    parser.add_argument("--jobs", type=int, default=1, help="how many at a time (1)")
    return parser.parse_args()


def names_by_turns(pattern: str, of_torchvision: bool) -> list[str]:
    """Names that match: the first of each family, then the second of each, and so on."""
    if of_torchvision:
        names = torchvision.models.list_models(module=torchvision.models)
        return [name for name in names if fnmatch.fnmatch(name, pattern)]
    families = [timm.list_models(pattern, module=module) for module in timm.list_modules()]
    turns = itertools.zip_longest(*families)
    return list(dict.fromkeys(name for turn in turns for name in turn if name))


def component_for(name: str, options: argparse.Namespace) -> Model:
    if options.torchvision:
        return next(model for model in model_classes() if model.name == name)(small_images=options.small_images)
    return TimmModel(arch=name, small_images=options.small_images)


def parameters_of(name: str, of_torchvision: bool) -> float:
    """In millions, or 0 where it cannot be counted without building it."""
    try:
        with torch.device("meta"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = torchvision.models.get_model(name) if of_torchvision else timm.create_model(name)
    except Exception:
        return 0.0
    return sum(parameter.numel() for parameter in model.parameters()) / 1e6


def try_out(name: str, options: argparse.Namespace) -> str:
    """`ok`, `skipped`, or the reason of a failure."""
    if not options.all and parameters_of(name, options.torchvision) > options.max_parameters:
        return "skipped"
    warnings.simplefilter("error")
    torch.manual_seed(0)
    model = component_for(name, options).build(CLASSES, CHANNELS, (options.size, options.size))
    images = torch.randn(BATCH, CHANNELS, options.size, options.size)
    with torch.inference_mode():
        logits = model.eval()(images)
    if tuple(logits.shape) != (BATCH, CLASSES):
        return f"gives logits of shape {tuple(logits.shape)}"
    optimizer = torch.optim.SGD(model.parameters(), 1e-3)
    logits = model.train()(images)
    if not isinstance(logits, torch.Tensor):
        return f"gives {type(logits).__name__} in training"
    loss = torch.nn.functional.cross_entropy(logits, torch.arange(BATCH))
    loss.backward()
    optimizer.step()
    idle = [key for key, parameter in model.named_parameters() if parameter.requires_grad and parameter.grad is None]
    if idle:
        print(f"note  {name}: no gradient for {', '.join(idle[:4])}{' …' if len(idle) > 4 else ''}", flush=True)
    return "ok" if torch.isfinite(loss) else "the loss is not finite"


def child(name: str, options: argparse.Namespace, report: Connection) -> None:
    limit = int(options.gigabytes * 2**30)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    try:
        report.send(try_out(name, options))
    except UserError as error:
        report.send(f"UserError: {error}")
    except BaseException as error:
        report.send(f"CRASH {type(error).__name__}: {error}"[:600])


def outcome(name: str, options: argparse.Namespace) -> str:
    receiver, sender = FORK.Pipe(duplex=False)
    process = FORK.Process(target=child, args=(name, options, sender))
    process.start()
    sender.close()
    try:
        result = str(receiver.recv()) if receiver.poll(options.seconds) else f"took over {options.seconds:g} s"
    except EOFError:
        result = "CRASH the process died (memory?)"
    process.kill()
    process.join()
    return result


def main() -> int:
    options = arguments()
    torch.set_num_threads(1)
    names = names_by_turns(options.pattern, options.torchvision)
    outcomes: Counter[str] = Counter()
    lock, start = Lock(), time.monotonic()

    def walk(name: str) -> None:
        with lock:
            if options.limit and outcomes["ok"] + outcomes["failed"] >= options.limit:
                return
        result = outcome(name, options)
        kind = result if result in ("ok", "skipped") else "failed"
        with lock:
            outcomes[kind] += 1
            if kind == "failed":
                print(f"FAIL  {name}: {result}", flush=True)

    with ThreadPoolExecutor(options.jobs) as pool:
        list(pool.map(walk, names))
    counts: dict[str, Any] = {kind: outcomes[kind] for kind in ("ok", "failed", "skipped")}
    print(f"{counts} of {len(names)} at {options.size}×{options.size} in {time.monotonic() - start:.0f} s")
    return 1 if outcomes["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
