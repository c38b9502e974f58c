"""How much memory and disk this process may still have: the smallest of all limits that it is under."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

UNLIMITED = 2**60
"""Control groups of version 1 say a number like this where there is no limit."""


def free_memory(root: Path = Path("/")) -> int | None:
    """Bytes that can be had without swapping and within every limit; None where the system does not say.

    The machine's free memory, what control groups (containers, batch systems) leave, and what `ulimit -d` and
    `ulimit -v` leave. `root` is where /proc and /sys are looked for.
    """
    found = [*_of_machine(root), *_of_control_groups(root), *_of_process(root)]
    return max(0, min(found)) if found else None


def free_disk(folder: Path) -> int:
    """Bytes that can be written below the folder, which need not be there yet; raises `OSError` where none can."""
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    return shutil.disk_usage(there).free


def _of_machine(root: Path) -> Iterator[int]:
    fields = _fields(root / "proc/meminfo")
    if "MemAvailable" in fields:
        yield fields["MemAvailable"]
        return
    try:
        yield os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # Windows and macOS have no such figure
        return


def _of_control_groups(root: Path) -> Iterator[int]:
    """What each group above this process leaves; what can be dropped of the files that it has read is free."""
    for line in _text(root / "proc/self/cgroup").splitlines():
        number, controllers, path = line.split(":", 2)
        if number == "0":
            mount, limit, used, reclaimable = "sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"
        elif "memory" in controllers.split(","):
            mount, limit, used = "sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"
            reclaimable = "total_inactive_file"
        else:
            continue
        # Up to the top: seen from within a container that is its own group, whatever the path says.
        for group in (Path(path), *Path(path).parents):
            folder = root / mount / group.relative_to("/")
            most, now = _number(folder / limit), _number(folder / used)
            if most is not None and now is not None and most < UNLIMITED:
                yield most - now + _fields(folder / "memory.stat").get(reclaimable, 0)


def _of_process(root: Path) -> Iterator[int]:
    try:
        import resource
    except ImportError:  # Windows
        return
    fields = _fields(root / "proc/self/status")
    for limit, used in ((resource.RLIMIT_DATA, "VmData"), (resource.RLIMIT_AS, "VmSize")):
        most = resource.getrlimit(limit)[0]
        if most != resource.RLIM_INFINITY:
            yield most - fields.get(used, 0)


def _fields(file: Path) -> dict[str, int]:
    """Lines such as `MemAvailable:  123 kB` and `inactive_file 123`, in bytes."""
    found = {}
    for line in _text(file).splitlines():
        name, *rest = line.replace(":", " ").split()
        if rest and rest[0].isdigit():
            found[name] = int(rest[0]) * (1024 if rest[1:] == ["kB"] else 1)
    return found


def _number(file: Path) -> int | None:
    text = _text(file).strip()
    return int(text) if text.isdigit() else None


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
