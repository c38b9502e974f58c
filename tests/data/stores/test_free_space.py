"""Memory is bounded by the machine, by control groups and by `ulimit`."""

import resource
from pathlib import Path

import pytest

from framework.data.stores.free_space import free_disk, free_memory

MIB = 2**20


@pytest.fixture
def system(tmp_path):
    """A folder that looks like the root of a system with 100 MiB free, and whatever else is given."""

    def make(**files):
        files = {"proc/meminfo": f"MemTotal: 999 kB\nMemAvailable: {100 * 1024} kB\n", **files}
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(str(text))
        return tmp_path

    return make


def test_without_limits_it_is_what_the_machine_has(system):
    assert free_memory(system()) == 100 * MIB


def group(folder, limit, used, cached=0):
    return {
        f"sys/fs/cgroup/{folder}memory.max": limit,
        f"sys/fs/cgroup/{folder}memory.current": used,
        f"sys/fs/cgroup/{folder}memory.stat": f"anon 5\ninactive_file {cached}\n",
    }


def test_a_control_group_leaves_its_limit_less_what_is_used_and_cannot_be_dropped(system):
    files = {"proc/self/cgroup": "0::/job\n", **group("job/", 50 * MIB, 30 * MIB, cached=10 * MIB)}
    assert free_memory(system(**files)) == 30 * MIB


def test_the_groups_above_bound_it_too(system):
    files = {"proc/self/cgroup": "0::/user/job\n", **group("user/job/", "max", MIB), **group("user/", 40 * MIB, MIB)}
    assert free_memory(system(**files)) == 39 * MIB


def test_within_a_container_the_top_group_is_its_own(system):
    files = {"proc/self/cgroup": "0::/docker/abc\n", **group("", 20 * MIB, 5 * MIB)}
    assert free_memory(system(**files)) == 15 * MIB


def test_version_1_has_other_names(system):
    files = {
        "proc/self/cgroup": "5:cpu:/x\n4:memory:/job\n",
        "sys/fs/cgroup/memory/job/memory.limit_in_bytes": 60 * MIB,
        "sys/fs/cgroup/memory/job/memory.usage_in_bytes": 50 * MIB,
        "sys/fs/cgroup/memory/job/memory.stat": f"total_inactive_file {MIB}\n",
        "sys/fs/cgroup/memory/memory.limit_in_bytes": 9223372036854771712,
        "sys/fs/cgroup/memory/memory.usage_in_bytes": 0,
    }
    assert free_memory(system(**files)) == 11 * MIB


def test_a_group_beyond_its_limit_leaves_nothing(system):
    files = {"proc/self/cgroup": "0::/job\n", **group("job/", MIB, 2 * MIB)}
    assert free_memory(system(**files)) == 0


@pytest.mark.parametrize(("name", "used"), [("RLIMIT_DATA", "VmData"), ("RLIMIT_AS", "VmSize")])
def test_limits_of_the_process_bound_it(name, used, system, monkeypatch):
    limited = getattr(resource, name)
    monkeypatch.setattr(
        resource, "getrlimit", lambda limit: (80 * MIB if limit == limited else resource.RLIM_INFINITY, 0)
    )
    root = system(**{"proc/self/status": f"Name: x\n{used}:   {30 * 1024} kB\n"})
    assert free_memory(root) == 50 * MIB


def test_the_disk_of_a_folder_that_is_not_there_yet_is_that_of_the_one_above(tmp_path):
    assert free_disk(tmp_path / "a" / "b") > 0
    assert free_disk(Path("not/there")) > 0
