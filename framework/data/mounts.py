"""Whether a file system records when a file was last changed."""

from __future__ import annotations

import os
import sys
from pathlib import Path

MOUNTS = Path("/proc/self/mountinfo")
RECORDING = {"9p", "afs", "apfs", "bcachefs", "beegfs", "btrfs", "ceph", "cifs", "ext2", "ext3", "ext4", "f2fs", "gpfs"}
RECORDING |= {"hfs", "hfsplus", "jfs", "lustre", "nfs", "nfs4", "nilfs2", "overlay", "ramfs", "reiserfs", "rootfs"}
RECORDING |= {"smb3", "tmpfs", "virtiofs", "xfs", "zfs"}
"""File systems on which no program can set a file's time of change (ctime). Others, such as sshfs, FAT or squashfs,
report the time of modification instead."""


def records_changes(path: str | Path) -> bool:
    """Whether an overwritten file always gets a new ctime there, even if its time of modification is restored.

    On Windows ctime is the time of creation. Systems without a mount table, such as macOS, are trusted.
    """
    if sys.platform == "win32":
        return False
    try:
        lines = MOUNTS.read_bytes().splitlines()
    except OSError:
        return True
    real, best = os.path.realpath(os.fsencode(path)), b""
    kind = ""
    for line in lines:
        fields, _, rest = line.partition(b" - ")
        folder = fields.split()[4].decode("unicode_escape").encode("latin-1")  # a space is written as \040
        inside = real == folder or real.startswith(folder.rstrip(b"/") + b"/")
        if inside and len(folder) >= len(best):  # the last mount hides earlier ones
            best, kind = folder, rest.split()[0].decode()
    return kind in RECORDING
