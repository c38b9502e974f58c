"""`python -m tests.benchmarks.gpu` runs on the CPU, and docs/write_gpu_tables.py writes tables from its output."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks.gpu.__main__ import LIMITS

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory):
    """The output folder of a rehearsal of all parts."""
    out = tmp_path_factory.mktemp("gpu")
    command = [sys.executable, "-m", "tests.benchmarks.gpu", "--rehearse", "--budget", "900", "--out", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    logs = {path.stem: path.read_text()[-3000:] for path in out.glob("*.log")}
    assert done.returncode == 0, (done.stdout, done.stderr, logs)
    return out


def test_every_part_completes_and_writes_its_metrics(rehearsed):
    outcomes = {part: json.loads((rehearsed / f"{part}.json").read_text()) for part in LIMITS}
    assert {outcome["status"] for outcome in outcomes.values()} == {"done"}
    assert outcomes["tests"]["result"]["passed"] > 10
    for part in ("throughput-resnet18-48", "throughput-speednet-48", "throughput-resnet50-224"):
        rates = outcomes[part]["result"]["images_per_second"]
        assert {"bare", "framework", "torchvision", "timm"} <= set(rates)
        assert min(rates.values()) > 0
    assert 0 <= outcomes["fer2013"]["result"]["top1"] <= 1
    assert len(outcomes["data"]["result"]) == 6
    assert all(isinstance(rate, float) for name, rate in outcomes["data"]["result"].items() if name != "machine")


def test_tables_contain_measurements_but_no_rehearsals(rehearsed, tmp_path):
    spec = importlib.util.spec_from_file_location("write_gpu_tables", ROOT / "docs" / "write_gpu_tables.py")
    tables = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tables)
    assert tables.read_parts(rehearsed) == {}
    for file in rehearsed.glob("*.json"):
        outcome = json.loads(file.read_text())
        outcome["result"]["machine"]["device"] = "Some GPU"
        if "top1" in outcome["result"]:
            outcome["result"]["data"] = "fer2013"
        (tmp_path / file.name).write_text(json.dumps(outcome))
    parts = tables.read_parts(tmp_path)
    before = f"before\n{tables.BEGIN}previous content\n{tables.END}after\n"
    page = tables.with_section(before, tables.benchmarks(parts))
    assert page.startswith("before\n")
    assert page.endswith("after\n")
    assert "previous content" not in page
    bare = parts["throughput-resnet18-48"]["images_per_second"]["bare"]
    assert f"{bare:,.0f} (1.00)" in page
    results = "\n".join(tables.results(parts))
    assert f"{100 * parts['fer2013']['top1']:.2f} %" in results


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
