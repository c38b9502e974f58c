"""`framework data cache`."""

from __future__ import annotations

import argparse
import json
import sys
import time

from framework.cli.arguments import add_json
from framework.errors import RunFailed, count
from framework.report.wrapping import fitted


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("--clear", action="store_true", help="remove all decoded images")
    add_json(parser)


def execute(arguments: argparse.Namespace) -> int:
    """List or clear the cache."""
    return _clear(arguments.json) if arguments.clear else _list(arguments.json)


def _list(as_json: bool) -> int:
    from framework.data.stores.cache import Cache, default_folder, describe

    cache = Cache(default_folder())
    entries = cache.entries()
    if as_json:
        print(json.dumps([describe(entry) for entry in entries], indent=2))
        return 0
    for entry in entries:
        _, channels, height, width = entry.store.shape
        used = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.used))
        row = (
            f"{entry.size / 1e6:10,.1f} MB  {used}  {count(entry.store.images, 'image'):>16} of "
            f"{channels}×{height}×{width}  {entry.store.origin}"
        )
        print(fitted(row, sys.stdout, indent=4))
    total = sum(entry.size for entry in entries)
    whole = (
        f"{count(len(entries), 'store')} of {total / 1e9:.2f} GB in {cache.folder}; "
        f"beyond {cache.limit() / 1e9:.0f} GB those go that were not used for longest"
    )
    print(fitted(whole, sys.stdout))
    return 0


def _clear(as_json: bool) -> int:
    from framework.data.stores.cache import Cache, default_folder

    cache = Cache(default_folder())
    try:
        freed = cache.clear()
    except OSError as error:
        raise RunFailed(f"data cache --clear: '{error.filename}' cannot be removed: {error.strerror}") from None
    print(json.dumps({"freed_bytes": freed}) if as_json else f"{freed / 1e9:.2f} GB removed from {cache.folder}")
    return 0
