"""The report's part on how a run was made."""

import json

import pytest


@pytest.mark.parametrize(
    ("changes", "told"), [(False, ""), (True, ", with uncommitted changes"), (None, ", maybe with uncommitted changes")]
)
def test_uncommitted_changes_are_told_and_so_is_that_git_did_not_say(changes, told, run, page, framework):
    environment = json.loads((run / "environment.json").read_text())
    environment["git"] = {"commit": "c0ffee", "uncommitted_changes": changes}
    (run / "environment.json").write_text(json.dumps(environment))
    result = framework("report", run)
    assert result.status == 0, result.err
    assert f"git commit c0ffee{told} " in page(run / "report.html").text
