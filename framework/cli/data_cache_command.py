"""`framework data cache`."""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import TYPE_CHECKING, Any

from framework.cli.arguments import add_json
from framework.errors import RunFailed, count
from framework.report.wrapping import fitted

if TYPE_CHECKING:
    from framework.data.stores.store_file import StoreFile


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("--clear", action="store_true", help="remove all decoded images")
    add_json(parser)


def execute(arguments: argparse.Namespace) -> int:
    """List or clear the cache."""
    return _clear(arguments.json) if arguments.clear else _list(arguments.json)


def _list(as_json: bool) -> int:
    from framework.data.stores.cache import Cache, default_folder

    cache = Cache(default_folder())
    stores = sorted(cache.stores(), key=lambda store: -store.status.st_mtime)
    if as_json:
        print(json.dumps([_as_json(store) for store in stores], indent=2))
        return 0
    for store in stores:
        _, channels, height, width = store.shape
        used = time.strftime("%Y-%m-%d %H:%M", time.localtime(store.status.st_mtime))
        row = (
            f"{store.status.st_size / 1e6:10,.1f} MB  {used}  {count(store.images, 'image'):>16} of "
            f"{channels}×{height}×{width}  {store.origin}"
        )
        print(fitted(row, sys.stdout, indent=4))
    total = sum(store.status.st_size for store in stores)
    whole = (
        f"{count(len(stores), 'store')} of {total / 1e6:,.1f} MB in {cache.folder}; "
        f"least recently used stores are evicted beyond {cache.limit() / 1e9:.0f} GB"
    )
    print(fitted(whole, sys.stdout))
    return 0


def _as_json(store: StoreFile) -> dict[str, Any]:
    return {
        "file": str(store.path),
        "root": store.origin,
        "images": store.images,
        "size": list(store.shape[1:]),
        "bytes": store.status.st_size,
        "last_used": store.status.st_mtime,
    }


def _clear(as_json: bool) -> int:
    from framework.data.stores.cache import Cache, default_folder

    cache = Cache(default_folder())
    try:
        freed = cache.clear()
    except OSError as error:
        raise RunFailed(f"data cache --clear: '{error.filename}' cannot be removed: {error.strerror}") from None
    print(json.dumps({"freed_bytes": freed}) if as_json else f"{freed / 1e9:.2f} GB removed from {cache.folder}")
    return 0
