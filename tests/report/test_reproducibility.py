"""The environment in the report."""

import json

import pytest


@pytest.mark.parametrize(
    ("changes", "note"), [(False, ""), (True, "with uncommitted"), (None, "maybe with uncommitted")]
)
def test_the_commit_is_shown_with_its_uncommitted_changes(changes, note, run, page, framework):
    environment = json.loads((run / "environment.json").read_text())
    environment["git"] = {"commit": "c0ffee", "uncommitted_changes": changes}
    (run / "environment.json").write_text(json.dumps(environment))
    result = framework("report", run)
    assert result.status == 0, result.err
    text = page(run / "report.html").text
    assert f"git commit c0ffee, {note}" in text if note else "git commit c0ffee " in text
