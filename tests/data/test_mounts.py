"""Which file systems keep the time at which a file was changed."""

import sys

import pytest

from framework.data import mounts
from framework.data.mounts import records_changes

TABLE = """
22 1 254:1 / / rw,relatime - ext4 /dev/vda rw
30 22 0:40 / {0}/share rw - fuse.sshfs host:/ rw
31 22 0:41 / {0}/share/home rw shared:7 master:1 - nfs4 host:/home rw
32 22 7:0 / {0}/with\\040blank ro - squashfs /dev/loop0 ro
33 22 7:1 / {0}/twice rw - xfs /dev/sdb rw
34 22 0:42 / {0}/twice rw - vfat /dev/sdc rw
"""


@pytest.fixture(autouse=True)
def table(tmp_path, monkeypatch):
    monkeypatch.setattr(mounts, "MOUNTS", tmp_path / "mountinfo")
    (tmp_path / "mountinfo").write_text(TABLE.strip().format(tmp_path))


@pytest.mark.skipif(sys.platform != "linux", reason="no table of mounts")
@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a.png", True),
        ("share/a.png", False),
        ("share/home/a.png", True),
        ("shared/a.png", True),
        ("with blank/a.png", False),
        ("twice/a.png", False),
    ],
)
def test_the_innermost_mount_decides(path, expected, tmp_path):
    assert records_changes(tmp_path / path) is expected


def test_links_are_followed(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "share")
    assert not records_changes(tmp_path / "link" / "a.png")


def test_without_a_table_of_mounts_times_are_trusted_except_on_windows(tmp_path, monkeypatch):
    monkeypatch.setattr(mounts, "MOUNTS", tmp_path / "none")
    assert records_changes(tmp_path)
    monkeypatch.setattr(sys, "platform", "win32")
    assert not records_changes(tmp_path)
