"""Memory and disk space that this process may still use: the smallest of all limits that apply to it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

UNLIMITED = 2**60
"""cgroup v1 reports a limit of about this size where there is none."""


def free_memory(root: Path = Path("/")) -> int | None:
    """Bytes available without swapping and within every limit; None where the system does not report it.

    The machine's free memory, the limits of control groups (containers, batch systems), `ulimit -d` and `ulimit -v`.
    /proc and /sys are read below `root`.
    """
    found = [*_machine(root), *_control_groups(root), *_process(root)]
    return max(0, min(found)) if found else None


def free_disk(folder: Path) -> int:
    """Free bytes on the file system of a folder, which need not exist yet; raises `OSError`."""
    existing = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    return shutil.disk_usage(existing).free


def _machine(root: Path) -> Iterator[int]:
    fields = read_fields(root / "proc/meminfo")
    if "MemAvailable" in fields:
        yield fields["MemAvailable"]
        return
    try:
        yield os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # Windows and macOS do not report it
        return


def _control_groups(root: Path) -> Iterator[int]:
    """Free bytes of each control group; file pages that can be reclaimed count as free."""
    for line in _text(root / "proc/self/cgroup").splitlines():
        number, controllers, path = line.split(":", 2)
        if number == "0":
            mount, limit, used, reclaimable = "sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"
        elif "memory" in controllers.split(","):
            mount, limit, used = "sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"
            reclaimable = "total_inactive_file"
        else:
            continue
        # Up to the root: a container sees its own group there, whatever the path says.
        for group in (Path(path), *Path(path).parents):
            folder = root / mount / group.relative_to("/")
            most, now = _text(folder / limit).strip(), _text(folder / used).strip()
            if most.isdigit() and now.isdigit() and int(most) < UNLIMITED:
                yield int(most) - int(now) + read_fields(folder / "memory.stat").get(reclaimable, 0)


def _process(root: Path) -> Iterator[int]:
    try:
        import resource
    except ImportError:  # Windows
        return
    fields = read_fields(root / "proc/self/status")
    for limit, used in ((resource.RLIMIT_DATA, "VmData"), (resource.RLIMIT_AS, "VmSize")):
        most = resource.getrlimit(limit)[0]
        if most != resource.RLIM_INFINITY:
            yield most - fields.get(used, 0)


def read_fields(file: Path) -> dict[str, int]:
    """Values in bytes from lines such as `MemAvailable:  123 kB` and `inactive_file 123`."""
    fields = {}
    for line in _text(file).splitlines():
        name, *rest = line.replace(":", " ").split()
        if rest and rest[0].isdigit():
            fields[name] = int(rest[0]) * (1024 if rest[1:] == ["kB"] else 1)
    return fields


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
