"""The pages in a browser: no overflow, no requests, no errors."""

import shutil

import pytest

PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("there is no chromium to open the page with")
    with playwright.sync_playwright() as starter:
        opened = starter.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield opened
        opened.close()


@pytest.fixture(params=["report", "comparison"])
def written(request, run, other, tmp_path, framework):
    out = tmp_path / "page.html"
    command = ["report", run, "--out", out] if request.param == "report" else ["compare", run, other, "--html", out]
    assert framework(*command).status == 0
    return out


@pytest.mark.parametrize("width", [320, 390, 1200])
def test_nothing_overflows(browser, written, width):
    with browser.new_context(viewport={**PHONE, "width": width}) as context:
        tab = context.new_page()
        tab.goto(written.as_uri())
        assert tab.evaluate("document.documentElement.scrollWidth") <= width


def test_there_are_no_requests_and_no_errors(browser, written):
    requests, errors = [], []
    with browser.new_context(viewport=PHONE, java_script_enabled=False) as context:
        tab = context.new_page()
        tab.on("request", lambda request: requests.append(request.url))
        tab.on("console", lambda message: errors.append(message.text))
        tab.goto(written.as_uri())
        tab.wait_for_load_state("load")
    assert [url for url in requests if not url.startswith("data:")] == [written.as_uri()]
    assert errors == []
