"""The web page of a server with a detector: boxes over the photograph, and a list beside it."""

import re

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="driving a browser needs playwright")
expect = playwright.expect

PHONE = {"width": 360, "height": 740}


def sent(open_page, server, file, **options):
    """A page with the result for the file."""
    page = open_page(of=server, **options)
    page.set_input_files("#files", file)
    expect(page.locator(".head :is(.found, .top-class, .problem)")).to_have_count(1)
    return page


@pytest.mark.parametrize("name", ["gray", "rotated"])
def test_boxes_are_at_their_place_in_the_upright_photograph(open_page, detecting, two_faces, name):
    page = sent(open_page, detecting, two_faces[name])
    expect(page.locator(".box")).to_have_count(2)
    photo, left, right = (
        page.locator(part).bounding_box() for part in (".photo img", ".box >> nth=0", ".box >> nth=1")
    )
    assert photo["width"] / photo["height"] == pytest.approx(2, rel=0.02)
    assert left["x"] == pytest.approx(photo["x"], abs=1)
    assert right["x"] == pytest.approx(photo["x"] + photo["width"] / 2, abs=1)
    for box in (left, right):
        assert box["width"] == pytest.approx(photo["width"] / 2, abs=1)
        assert box["height"] == pytest.approx(photo["height"], abs=1)
    assert [label.split() for label in page.locator(".label").all_inner_texts()] == [["1", "happy"], ["2", "sad"]]


def test_the_list_has_a_prediction_for_each_region(open_page, detecting, two_faces):
    page = sent(open_page, detecting, two_faces["colour"])
    heads = page.locator(".region-head")
    assert heads.locator(".region-class").all_inner_texts() == ["happy", "sad"]
    assert [head.get_attribute("aria-expanded") for head in heads.all()] == ["true", "false"]
    expect(page.locator(".bars:visible li")).to_have_count(7)
    expect(page.locator(".photo img")).to_have_attribute("alt", re.compile("2 regions: happy, .* %; sad, .* %"))
    expect(page.locator("#status")).to_contain_text(re.compile("2 regions: happy"))


def test_a_region_is_opened_by_its_box_and_with_the_keyboard(open_page, detecting, two_faces):
    page = sent(open_page, detecting, two_faces["gray"])
    first, second = (page.locator(".region-head").nth(index) for index in (0, 1))
    page.locator(".box").nth(1).click()
    expect(second).to_have_attribute("aria-expanded", "true")
    expect(first).to_have_attribute("aria-expanded", "false")
    first.focus()
    expect(page.locator(".box").nth(0)).to_have_class(re.compile("marked"))
    page.keyboard.press("Enter")
    expect(first).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(second).to_have_attribute("aria-expanded", "true")
    second.press("Enter")
    expect(second).to_have_attribute("aria-expanded", "false")


def test_an_image_without_regions_can_be_classified_as_a_whole(open_page, detecting, two_faces):
    page = sent(open_page, detecting, two_faces["black"])
    expect(page.locator(".found")).to_contain_text("halves")
    page.get_by_role("button", name="Classify the whole image").click()
    expect(page.locator(".top-class")).to_be_visible()
    expect(page.locator(".bars li")).to_have_count(7)


def test_detection_is_switched_off_and_on_for_all_images(open_page, detecting, two_faces):
    page = sent(open_page, detecting, two_faces["gray"])
    switch = page.get_by_role("switch", name="Detect halves")
    expect(switch).to_be_checked()
    page.get_by_text("Detect halves").click()
    expect(page.locator(".top-class")).to_be_visible()
    expect(page.locator(".box")).to_have_count(0)
    page.get_by_text("Detect halves").click()
    expect(page.locator(".box")).to_have_count(2)


def test_a_server_without_a_detector_has_no_switch(open_page):
    expect(open_page().locator("#detect-label")).to_be_hidden()


def test_activation_maps_are_shown_for_regions_and_the_open_one_stays_open(open_page, detecting, two_faces):
    page = sent(open_page, detecting, two_faces["gray"])
    page.locator(".region-head").nth(1).click()
    page.get_by_text("Show activation maps").click()
    expect(page.locator(".map:visible")).to_have_attribute("alt", re.compile("sad"))
    expect(page.locator(".map")).to_have_count(2)
    page.get_by_text("Show activation maps").click()
    expect(page.locator(".map")).to_have_count(0)


def test_a_failing_detector_is_named_in_its_row(open_page, detecting, two_faces):
    page = sent(open_page, detecting, two_faces["white"], noted=["500 (Internal Server Error)"])
    expect(page.locator(".result .problem")).to_contain_text("etector 'halves'")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_regions_fit_on_a_phone(open_page, detecting, two_faces, scheme):
    page = sent(open_page, detecting, two_faces["gray"], viewport=PHONE, color_scheme=scheme)
    assert page.evaluate("() => document.documentElement.scrollWidth") == PHONE["width"]
    photo, regions = (page.locator(part).bounding_box() for part in (".photo", ".regions"))
    assert regions["y"] > photo["y"] + photo["height"]
    assert photo["width"] > 0.8 * PHONE["width"]
    for head in page.locator(".region-head").all():
        assert head.bounding_box()["height"] >= 44  # a finger's width
    colours = page.locator(".box.open .label").evaluate(
        "label => [getComputedStyle(label).backgroundColor, getComputedStyle(label).color]"
    )
    assert contrast(*colours) > 4.5


def contrast(*colours):
    """The contrast of two opaque CSS colours by WCAG 2."""
    luminances = []
    for colour in colours:
        channels = [int(value) / 255 for value in re.findall(r"\d+", colour)[:3]]
        linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
        luminances.append(sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True)))
    low, high = sorted(luminances)
    return (high + 0.05) / (low + 0.05)
