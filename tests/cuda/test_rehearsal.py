"""`python -m tests.benchmarks.gpu` runs on the CPU, and docs/write_gpu_tables.py writes tables from its output.

All parts take six minutes on two cores, so that only quick ones are rehearsed; `FRAMEWORK_REHEARSE=all` rehearses all.
"""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks.gpu.__main__ import LIMITS

ROOT = Path(__file__).parents[2]
PARTS = list(LIMITS) if os.environ.get("FRAMEWORK_REHEARSE") == "all" else ["throughput-speednet-48", "cifar10"]


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory):
    """The output folder of a rehearsal of `PARTS`."""
    out = tmp_path_factory.mktemp("gpu")
    command = [sys.executable, "-m", "tests.benchmarks.gpu", "--rehearse", "--budget", "900", "--out", str(out)]
    command += ["--only", *PARTS]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    logs = {path.stem: path.read_text()[-3000:] for path in out.glob("*.log")}
    assert done.returncode == 0, (done.stdout, done.stderr, logs)
    return out


def test_every_part_completes_and_writes_its_metrics(rehearsed):
    outcomes = {part: json.loads((rehearsed / f"{part}.json").read_text()) for part in PARTS}
    assert {outcome["status"] for outcome in outcomes.values()} == {"done"}
    for part, outcome in outcomes.items():
        result = outcome["result"]
        if part.startswith("throughput"):
            rates = result["images_per_second"]
            assert {"bare", "framework", "torchvision", "timm"} <= set(rates)
            assert min(rates.values()) > 0
        elif part == "tests":
            assert result["passed"] > 10
        elif part in ("modes", "data"):
            assert all(rate for name, rate in result.items() if name != "machine")
        else:
            assert 0 <= result["top1"] <= 1


def test_tables_contain_measurements_but_no_rehearsals(rehearsed, tmp_path):
    spec = importlib.util.spec_from_file_location("write_gpu_tables", ROOT / "docs" / "write_gpu_tables.py")
    tables = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tables)
    assert tables.read_parts(rehearsed) == {}
    for file in rehearsed.glob("*.json"):
        outcome = json.loads(file.read_text())
        outcome["result"]["machine"]["device"] = "Some GPU"
        if "top1" in outcome["result"]:
            outcome["result"]["data"] = "real images"
        (tmp_path / file.name).write_text(json.dumps(outcome))
    parts = tables.read_parts(tmp_path)
    before = f"before\n{tables.BEGIN}previous content\n{tables.END}after\n"
    page = tables.with_section(before, tables.benchmarks(parts))
    assert page.startswith("before\n")
    assert page.endswith("after\n")
    assert "previous content" not in page
    bare = parts["throughput-speednet-48"]["images_per_second"]["bare"]
    assert f"{bare:,.0f} (1.00)" in page
    results = "\n".join(tables.results(parts))
    assert f"{100 * parts['cifar10']['top1']:.2f} %" in results


def test_a_missing_package_is_one_line_with_its_name(tmp_path):
    code = "import sys; sys.modules['pydantic'] = None; sys.argv = ['gpu']; "
    code += "from tests.benchmarks.gpu.__main__ import main; sys.exit(main())"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("missing: pydantic;")
    assert len(done.stderr.splitlines()) == 1


def test_a_part_above_its_time_limit_is_killed_with_its_child_processes(tmp_path):
    from tests.benchmarks.gpu.__main__ import ended

    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(600)'])"
    process = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    assert ended(process, 1.0) == "out of time"
    assert process.returncode != 0
