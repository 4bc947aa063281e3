"""What a finding says of itself: a choice, a scale and a number, by mouse and by digits; and what holds for the image."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from backend.accounts.models import User
from backend.projects.models import Case, FindingType, Project
from backend.readings.models import Lesion, Reading
from tests.journeys.axe import violations
from tests.journeys.room import Room
from tests.journeys.test_reading_room import ultrasounds  # noqa: F401

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]

SCALE = "Assessment (BI-RADS-like)"


@pytest.fixture
def described(project: Project) -> FindingType:
    """Benign masses have a margin, a required assessment on the ready-made scale, and a depth in millimetres."""
    found = FindingType.objects.get(project=project, name="Benign mass")
    steps = ["0 more images needed", "1 nothing seen", "2 harmless", "3 very likely harmless", "4A slight suspicion"]
    steps += ["4B clear suspicion", "4C strong suspicion", "5 cancer almost certain", "6 cancer proven"]
    found.attributes = [
        {"name": "Margin", "values": ["sharp", "blurred"]},
        {"name": SCALE, "values": steps, "required": True},
        {"name": "Depth", "values": [], "number": {"unit": "mm", "least": 0, "most": 60}},
    ]
    found.save()
    return found


@pytest.fixture
def image_types(project: Project) -> list[FindingType]:
    """What is said of the whole image: normal tissue, as ever, and two more."""
    normal = FindingType.objects.get(project=project, scope="image")
    more = [("Acoustic shadow", "6", 1), ("Probe artefact", "7", 2)]
    return [normal] + [
        FindingType.objects.create(project=project, scope="image", name=name, key=key, position=position)
        for name, key, position in more
    ]


@pytest.fixture
def room(
    ultrasounds: list[Case],
    reader: User,
    sign_in: Callable[..., BrowserContext],
    enter: Callable[..., Room],
) -> Room:
    """The reader's room on the first case; asked for after what its vocabulary is to hold."""
    return enter(sign_in(reader), ultrasounds[0])


@pytest.fixture
def marked(described: FindingType, room: Room) -> Room:
    """The same with a box drawn: its type has attributes."""
    room.press("b")
    room.drag((100, 60), (160, 110))
    return room


def _said(reader: User) -> list[dict[str, str]]:
    lesions = Lesion.objects.filter(reading__reader__user=reader).order_by("created_at")
    return list(lesions.values_list("attributes", flat=True))


def _panel(page: Page) -> Locator:
    return page.get_by_test_id("attributes")


def test_a_lead_gives_a_type_a_choice_a_ready_made_scale_and_a_number(
    ultrasounds: list[Case],
    lead: User,
    live_server: Any,
    sign_in: Callable[..., BrowserContext],
) -> None:
    page = sign_in(lead).new_page()
    page.goto(f"{live_server.url}/p/breast/settings?section=types")
    page.get_by_role("textbox", name="Name").first.click()
    page.get_by_role("button", name="Add attribute").click()
    page.get_by_label("Certainty").fill("Margin")
    page.get_by_label("Values, separated by commas").fill("sharp, blurred")
    page.get_by_role("button", name="Add ready-made scale").click()
    page.get_by_role("menuitem", name=re.compile("BI-RADS-like")).click()
    page.get_by_role("checkbox", name="required").nth(1).check()
    page.get_by_role("button", name="Add attribute").click()
    page.get_by_label("Certainty").nth(2).fill("Depth")
    page.get_by_role("radiogroup", name="Kind of Depth").get_by_role("radio", name="Number").click()
    most = page.get_by_label("Most")
    most.fill("0")
    expect(page.get_by_text("is not below its most")).to_be_visible()
    most.fill("60")
    assert violations(page) == []
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("is not below its most")).to_have_count(0)
    # While it saves it cannot be pressed, either.
    expect(page.get_by_role("button", name="Save")).to_be_disabled()
    expect(page.get_by_role("button", name="Save")).not_to_have_attribute("aria-busy", "true")
    margin, scale, depth = FindingType.objects.get(name="Benign mass").attributes
    assert (margin["name"], margin["values"], margin["required"]) == ("Margin", ["sharp", "blurred"], False)
    assert (scale["name"], scale["values"][4], scale["required"]) == (SCALE, "4A slight suspicion", True)
    assert (depth["values"], depth["number"]) == ([], {"unit": "mm", "least": 0, "most": 60})


def test_a_choice_a_scale_and_a_number_are_said_by_mouse_and_are_there_after_a_reload(marked: Room, reader: User) -> None:
    room, page, panel = marked, marked.page, _panel(marked.page)
    panel.get_by_role("radio", name="blurred").click()
    panel.get_by_role("combobox", name=SCALE).select_option("4A slight suspicion")
    depth = panel.get_by_role("textbox", name="Depth")
    depth.click()
    page.keyboard.type("75")
    expect(panel.get_by_role("alert")).to_have_text("A number from 0 to 60")
    assert violations(page) == []
    depth.fill("17,5")
    expect(panel.get_by_role("alert")).to_have_count(0)
    room.wait_until_saved()
    said = {"Margin": "blurred", SCALE: "4A slight suspicion", "Depth": "17.5"}
    assert _said(reader) == [said]
    page.reload()
    expect(page.get_by_test_id("window")).to_be_visible()
    room.press("v")
    room.click(100, 85)
    expect(panel.get_by_role("radio", name="blurred")).to_have_attribute("aria-checked", "true")
    expect(panel.get_by_role("combobox", name=SCALE)).to_have_value("4A slight suspicion")
    expect(panel.get_by_role("textbox", name="Depth")).to_have_value("17.5")
    # One step of undo takes back one thing that was said.
    depth.fill("")
    room.wait_until_saved()
    assert _said(reader) == [{"Margin": "blurred", SCALE: "4A slight suspicion"}]
    page.keyboard.press("Escape")
    room.press("Control+z")
    expect(panel.get_by_role("textbox", name="Depth")).to_have_value("17.5")
    assert _said_soon(room, reader) == [said]


def _said_soon(room: Room, reader: User) -> list[dict[str, str]]:
    room.wait_until_saved()
    return _said(reader)


def test_digits_say_one_attribute_after_the_other_and_a_required_one_is_asked_for_before_submitting(
    marked: Room, ultrasounds: list[Case], reader: User
) -> None:
    room, page, panel = marked, marked.page, _panel(marked.page)
    room.drag((200, 150), (240, 190))
    hint = page.get_by_role("status").filter(has_text=f"{SCALE} is not said yet")
    room.press("n")
    expect(hint).to_contain_text("Benign mass 1:")
    # The room goes to the mark that lacks it; a category's key is its number, or the letter that tells it apart.
    expect(panel.get_by_role("group", name=SCALE)).to_be_visible()
    expect(panel).to_contain_text("Benign mass 1")
    assert violations(page) == []
    room.press("a")
    expect(panel.get_by_role("textbox", name="Depth")).to_be_focused()
    page.keyboard.type("12.5")
    room.press("Enter")
    expect(panel.get_by_role("textbox", name="Depth")).not_to_be_focused()
    room.press("n")
    expect(hint).to_contain_text("Benign mass 2:")
    assert Reading.objects.get(case=ultrasounds[0]).state == "draft"
    room.press("5", "Escape", ":")
    expect(panel.get_by_role("group", name="Margin")).to_be_visible()
    room.press("1")
    room.wait_until_saved()
    said = [{SCALE: "4A slight suspicion", "Depth": "12.5"}, {SCALE: "5 cancer almost certain", "Margin": "sharp"}]
    assert _said(reader) == said
    page.reload()
    expect(page.get_by_test_id("window")).to_be_visible()
    expect(room.marks).to_have_count(2)
    room.press(".")
    expect(panel.get_by_role("combobox", name=SCALE)).to_have_value("4A slight suspicion")
    expect(panel.get_by_role("textbox", name="Depth")).to_have_value("12.5")
    room.press(".")
    expect(panel.get_by_role("combobox", name=SCALE)).to_have_value("5 cancer almost certain")
    expect(panel.get_by_role("radio", name="sharp")).to_have_attribute("aria-checked", "true")
    room.press("n")
    room.wait_for_case(ultrasounds[1])
    assert Reading.objects.get(case=ultrasounds[0]).state == "submitted"
    assert _said(reader) == said


def test_findings_of_the_whole_image_verdict_and_comment_are_one_key_each_and_there_after_a_reload(
    image_types: list[FindingType], room: Room, ultrasounds: list[Case], reader: User
) -> None:
    (normal, shadow, probe), page = image_types, room.page
    findings = page.get_by_test_id("image-findings")

    def expect_pressed(**states: bool) -> None:
        for name, on in states.items():
            button = findings.get_by_role("button", name=name.replace("_", " "))
            expect(button).to_have_attribute("aria-pressed", str(on).lower())

    room.press("5", "6", "7", "5")
    expect_pressed(Normal_tissue=False, Acoustic_shadow=True, Probe_artefact=True)
    findings.get_by_role("button", name="Probe artefact").click()
    room.press("c")
    page.keyboard.type("Shadow behind the rib, 5 6 7 are letters here")
    room.press("Escape", "k")
    room.wait_until_saved()
    page.reload()
    expect(page.get_by_test_id("window")).to_be_visible()
    expect_pressed(Normal_tissue=False, Acoustic_shadow=True, Probe_artefact=False)
    comment = page.get_by_role("textbox", name="Comment")
    expect(comment).to_have_value("Shadow behind the rib, 5 6 7 are letters here")
    expect(page.get_by_role("radio", name="No lesion")).to_have_attribute("aria-checked", "true")
    room.press("n")
    room.wait_for_case(ultrasounds[1])
    stored = Reading.objects.get(case=ultrasounds[0], reader__user=reader)
    assert (stored.state, stored.verdict) == ("submitted", "no_lesion")
    # Whoever hands in has looked at all of them: what was not said to be there is absent.
    assert stored.image_findings == {str(normal.pk): "absent", str(shadow.pk): "present", str(probe.pk): "absent"}
    room.press("p")
    room.wait_for_case(ultrasounds[0])
    expect(page.get_by_text("You submitted this reading")).to_be_visible()
    expect_pressed(Normal_tissue=False, Acoustic_shadow=True, Probe_artefact=False)
    expect(comment).to_have_value("Shadow behind the rib, 5 6 7 are letters here")
