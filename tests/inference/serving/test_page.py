"""The web page in a real browser: with the mouse, with the keyboard only, on a phone."""

import re

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="driving a browser needs playwright")
expect = playwright.expect

PHONE = {"width": 360, "height": 740}
NOT_READ = "422 (Unprocessable Entity)"
"""The browser's own console message about a rejected file."""


@pytest.fixture
def pictures(tmp_path, faces):
    """Files by name."""
    for name, content in faces.items():
        (tmp_path / f"{name}.png").write_bytes(content)
    (tmp_path / "<b>notes.txt").write_text("no image")
    return {path.stem: path for path in tmp_path.iterdir()}


def rows(page):
    return page.locator(".result")


def test_a_chosen_image_gets_its_class_and_bars(open_page, pictures):
    page = open_page()
    page.set_input_files("#files", pictures["happy"])
    expect(rows(page).locator(".top-class")).to_contain_text("happy")
    expect(rows(page).locator(".bars li")).to_have_count(7)
    percentages = [float(text.strip("> %")) for text in rows(page).locator(".bars .percent").all_inner_texts()]
    assert percentages == sorted(percentages, reverse=True)
    expect(page.locator("#status")).to_contain_text(re.compile(r"happy\.png: happy, \d+\.\d %"))


def test_several_files_are_a_list_and_a_wrong_one_has_its_error(open_page, pictures):
    page = open_page(noted=[NOT_READ])
    page.set_input_files("#files", [pictures["sad"], pictures["<b>notes"], pictures["surprise"]])
    expect(rows(page)).to_have_count(3)
    expect(rows(page).nth(0).locator(".top-class")).to_contain_text("sad")
    expect(rows(page).nth(1)).to_contain_text("<b>notes.txt")
    expect(rows(page).nth(1).locator(".problem")).to_contain_text("Not an image")
    expect(rows(page).nth(2).locator(".top-class")).to_contain_text("surprise")


def test_the_keyboard_is_enough(open_page, pictures):
    page = open_page()
    page.on("filechooser", lambda _: None)  # suppresses the native dialog
    reached = []
    for _ in range(3):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("() => document.activeElement.id || document.activeElement.className"))
    assert reached == ["skip", "files", "camera-open"]
    page.keyboard.press("Shift+Tab")
    assert page.evaluate("() => getComputedStyle(document.activeElement.nextElementSibling).outlineStyle") == "solid"
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(pictures["happy"])
    expect(rows(page).locator(".top-class")).to_contain_text("happy")
    page.locator("#camera-open").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page.get_by_role("switch", name="Show activation maps")).to_be_checked()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#results")).to_be_hidden()
    assert page.evaluate("() => document.activeElement.id") == "files"
    page.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Results")).to_be_visible()


def test_an_activation_map_is_shown_on_request(open_page, pictures):
    page = open_page()
    page.set_input_files("#files", pictures["happy"])
    picture = rows(page).locator(".preview img")
    expect(picture).to_have_attribute("src", re.compile("^blob:"))
    page.get_by_text("Show activation maps").click()
    expect(picture).to_have_attribute("src", re.compile("^data:image/png;base64,"))
    expect(picture).to_have_attribute("alt", re.compile("happy"))
    expect(page.locator("#legend")).to_be_visible()
    page.get_by_text("Show activation maps").click()
    expect(picture).to_have_attribute("src", re.compile("^blob:"))


def test_an_activation_map_is_requested_for_an_image_in_progress(open_page, pictures):
    page = open_page()
    requests = []
    page.route("**/predict", lambda route: requests.append(route))
    with page.expect_request("**/predict"):
        page.set_input_files("#files", pictures["happy"])
    page.get_by_text("Show activation maps").click()
    requests[0].continue_()
    expect(rows(page).locator(".preview img")).to_have_attribute("src", re.compile("^data:image/png;base64,"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_needs_no_horizontal_scrolling(open_page, pictures, scheme):
    page = open_page(noted=[NOT_READ], viewport=PHONE, color_scheme=scheme)
    page.set_input_files("#files", [pictures["happy"], pictures["<b>notes"]])
    expect(rows(page).locator(".top-class")).to_contain_text("happy")
    page.get_by_text("Show activation maps").click()
    page.locator("summary").click()
    expect(page.locator("#card-text table")).to_be_visible()
    assert page.evaluate("() => document.documentElement.scrollWidth") == PHONE["width"]
    dark = page.evaluate("() => getComputedStyle(document.body).backgroundColor") == "rgb(20, 22, 27)"
    assert dark == (scheme == "dark")


def test_reduced_motion_disables_animations(open_page, pictures):
    page = open_page(reduced_motion="reduce")
    page.set_input_files("#files", pictures["happy"])
    fill = rows(page).locator(".fill").first
    expect(fill).to_be_visible()
    assert fill.evaluate("bar => getComputedStyle(bar).animationName") == "none"


HAND_OVER = """([kind, bytes]) => {
    const data = new DataTransfer();
    data.items.add(new File([new Uint8Array(bytes)], "handed over.png", {type: "image/png"}));
    const options = {bubbles: true, cancelable: true};
    const event = kind === "paste"
        ? new ClipboardEvent(kind, {...options, clipboardData: data})
        : new DragEvent(kind, {...options, dataTransfer: data});
    document.body.dispatchEvent(event);
}"""


@pytest.mark.parametrize("kind", ["drop", "paste"])
def test_an_image_can_be_dropped_or_pasted(open_page, faces, kind):
    page = open_page()
    page.evaluate(HAND_OVER, [kind, list(faces["happy"])])
    expect(rows(page).locator(".file")).to_have_text("handed over.png")
    expect(rows(page).locator(".top-class")).to_contain_text("happy")


def test_a_picture_is_taken_with_the_camera(open_page):
    page = open_page(permissions=["camera"])
    page.get_by_role("button", name="Use camera").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.locator("#video").evaluate("video => video.videoWidth || new Promise(done => video.onloadeddata = done)")
    page.keyboard.press("Enter")  # the focus is on "Take picture"
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(rows(page).locator(".top-class")).to_be_visible()
    expect(rows(page).locator(".file")).to_contain_text("camera")
    assert page.locator("#video").evaluate("video => video.srcObject") is None


REFUSE = """() => navigator.mediaDevices.getUserMedia = () => {
    throw new DOMException("no", "NotAllowedError");
}"""
ABSENT = "() => Object.defineProperty(navigator, 'mediaDevices', {value: undefined})"


@pytest.mark.parametrize(("without", "words"), [(REFUSE, "denied"), (ABSENT, "https://")])
def test_an_unavailable_camera_is_explained(open_page, without, words):
    page = open_page()
    page.evaluate(without)
    page.get_by_role("button", name="Use camera").click()
    expect(page.get_by_role("alert")).to_contain_text(words)


def test_a_stopped_server_is_explained(open_page, pictures):
    page = open_page(noted=["Failed to load resource"])
    page.route("**/predict", lambda route: route.abort())
    page.set_input_files("#files", pictures["happy"])
    expect(rows(page).locator(".problem")).to_contain_text("does not respond")


def test_a_busy_server_gets_the_request_again(open_page, pictures):
    page = open_page(noted=["503"])
    busy = [True]

    def respond(route):
        if busy:
            busy.clear()
            route.fulfill(status=503, headers={"Retry-After": "0.1"}, json={"error": {}})
        else:
            route.fallback()

    page.route("**/predict", respond)
    page.set_input_files("#files", pictures["happy"])
    expect(rows(page).locator(".top-class")).to_contain_text("happy")


def test_a_file_that_is_too_large_shows_the_limit(open_page, server):
    page = open_page()
    about = server.get("/model").json()
    about["limits"]["body"] = 30_000
    page.route("**/model", lambda route: route.fulfill(json=about))
    page.reload()
    expect(page.locator("#facts")).to_contain_text("7 classes")
    page.evaluate(HAND_OVER, ["drop", [0] * 30_001])
    expect(rows(page).locator(".problem")).to_contain_text("0.03 MB")
