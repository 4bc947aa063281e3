"""A second person decides on submitted readings in a real browser; the reader meets what was said."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Page, expect

from backend.accounts.models import User
from backend.geometry.contour import mask_outlines
from backend.projects.models import Assignment, Case, Project
from backend.projects.selectors import case_instances
from backend.readings.models import Reading
from backend.review.models import Review
from tests.journeys.axe import violations
from tests.journeys.room import Room, imported
from tests.readings.conftest import Reading as Way

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]

NAMES = ("benign_001.png", "benign_178.png", "malignant_010.png", "benign_024.png")
SAID = "The outline does not fit. Follow the posterior edge."


@pytest.fixture
def handed_in(
    real_data: Path, tmp_path: Path, project: Project, lead: User, reader: User, as_person: Callable[..., Any]
) -> list[Reading]:
    """Four real ultrasounds as Rita read them, oldest first: their lesions in the outlines that radiologists drew."""
    User.objects.filter(pk=reader.pk).update(first_name="Rita", last_name="Okafor")
    for name in NAMES:
        shutil.copy(real_data / "busi" / "images" / name, tmp_path)
    client = as_person(reader)
    return [read(client, case, real_data) for case in imported(project, tmp_path)]


def read(client: Any, case: Case, real_data: Path) -> Reading:
    """The reader marks the lesion by freehand, says it is benign, comments and submits."""
    way = Way(client, case)
    mask = np.asarray(Image.open(real_data / "busi" / "masks" / source_of(case)).convert("L")) > 127
    outline = max(mask_outlines(mask), key=len)
    lesion = way.box(*outline[:: max(1, len(outline) // 60)], kind="freehand")
    assert way.mark(lesion, verdict="lesions", comment="Posterior edge hard to see.").status_code == 200
    assert way.submit().status_code == 200
    return Reading.objects.select_related("case__project").get(pk=way.room["reading"]["id"])


def source_of(case: Case) -> str:
    """The name of the file that the case was imported from."""
    return Path(case.source_name).name


def under_review(page: Page, reading: Reading) -> Room:
    """The room, once it shows this reading to be reviewed."""
    expect(page.get_by_role("heading", name=reading.case.name)).to_be_visible(timeout=180_000)
    expect(page.get_by_test_id("window").first).to_be_visible(timeout=180_000)
    expect(page.get_by_test_id("review-foot")).to_be_visible()
    expect(page).to_have_url(re.compile(f"review={reading.pk}"))
    instance = case_instances(reading.case).first()
    assert instance is not None
    return Room(page, reading.case, instance.columns, instance.rows)


def test_a_reviewer_agrees_sends_back_and_edits_and_the_reader_meets_what_was_said(
    handed_in: list[Reading],
    reviewer: User,
    reader: User,
    live_server: Any,
    sign_in: Callable[..., BrowserContext],
) -> None:
    first, second, third, fourth = handed_in
    page = sign_in(reviewer).new_page()
    page.goto(f"{live_server.url}/p/breast/worklist")
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Review").click()
    rows = page.locator(".rv-list tbody tr")
    expect(rows).to_have_count(4)
    expect(rows.first).to_contain_text(first.case.name)
    expect(rows.first).to_contain_text("Rita Okafor")
    expect(rows.first).to_contain_text("1 mark")
    expect(page.get_by_role("radio", name=re.compile("Waiting"))).to_contain_text("4")
    assert violations(page) == []

    # The oldest opens by its key, with what its reader marked on the image; nothing of it can be changed.
    page.keyboard.press("c")
    room = under_review(page, first)
    expect(room.marks).to_have_count(1)
    panel = page.locator("aside.right")
    expect(panel).to_contain_text("of Rita Okafor's reading, revision 2")
    expect(panel.get_by_test_id("marks")).to_contain_text("Benign mass")
    expect(panel).to_contain_text("Posterior edge hard to see.")
    assert violations(page) == []
    room.press("b")
    expect(page.get_by_role("status").filter(has_text="To change marks, edit the reading")).to_be_visible()
    assert not Reading.objects.filter(reader__user=reviewer).exists(), "looking begins no reading"

    room.press("Escape", "a")
    under_review(page, second)
    assert Review.objects.get(reading=first).decision == "agreed"

    # P goes back to it, to decide otherwise; what was decided is told there.
    room.press("p")
    under_review(page, first)
    expect(page.get_by_role("status").filter(has_text="You agreed")).to_be_visible()
    expect(page.get_by_role("button", name="Agree")).to_be_disabled()
    room.press("n")
    under_review(page, second)

    # N goes on without a decision; the keys 1 to 5 say what is said often, the rest is typed.
    room.press("n")
    room = under_review(page, third)
    room.press("x")
    field = page.get_by_label("What should Rita Okafor change?")
    # Letters that are keys of the room decide nothing here: they are what is said.
    page.keyboard.type("A new edge")
    expect(field).to_have_value("A new edge")
    page.keyboard.press("Escape")
    assert not Review.objects.filter(reading=third).exists()
    room.press("x", "3")
    expect(field).to_be_focused()
    expect(field).to_have_value("The outline does not fit.")
    page.keyboard.type(" Follow the posterior edge.")
    assert violations(page) == []
    room.press("Enter")
    under_review(page, fourth)
    third.refresh_from_db()
    assert (third.state, third.sent_back_comment) == ("draft", SAID)

    # An edit is an ordinary room that begins with the reader's marks; submitted, it takes their place.
    room.press("e")
    expect(page.get_by_text("Your edit of Rita Okafor's reading.")).to_be_visible(timeout=180_000)
    expect(page.get_by_test_id("window").first).to_be_visible(timeout=180_000)
    room = Room(page, fourth.case, room.columns, room.rows)
    expect(room.marks).to_have_count(1)
    page.get_by_role("button", name="Show Rita Okafor's marks").click()
    expect(room.marks).to_have_count(2)
    assert violations(page) == []
    room.press("Escape", ".", "2")
    expect(page.get_by_test_id("marks")).to_contain_text("Malignant mass")
    room.wait_until_saved()
    room.press("n")

    # It was the last one: back to the queue, where what was skipped still waits.
    page.wait_for_url("**/p/breast/review")
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text(second.case.name)
    edit = Reading.objects.get(case=fourth.case, reader__user=reviewer)
    assert (edit.state, edit.revises_id, edit.lesions.get().finding_type.name) == ("submitted", fourth.pk, "Malignant mass")
    page.get_by_role("radio", name=re.compile("Reviewed")).click()
    expect(rows).to_have_count(2)
    expect(page.locator(".rv-list")).to_contain_text("Agreed with edits")
    page.get_by_role("radio", name=re.compile("Sent back")).click()
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text(SAID)

    # The reader finds the case among the first, with what was said, and hands it in again.
    theirs = sign_in(reader).new_page()
    theirs.goto(f"{live_server.url}/p/breast/worklist")
    told = theirs.get_by_role("status").filter(has_text=f"{third.case.name} was sent back to you")
    expect(told).to_contain_text(f"vera: {SAID}")
    assert violations(theirs) == []
    theirs.get_by_role("radio", name=re.compile("In progress")).click()
    row = theirs.locator("tbody tr", has_text=third.case.name)
    expect(row).to_contain_text("Sent back")
    expect(row).to_contain_text(SAID)
    assert violations(theirs) == []
    row.click()
    expect(theirs.get_by_role("status").filter(has_text=SAID)).to_contain_text("Sent back by vera")
    expect(theirs.get_by_test_id("window").first).to_be_visible(timeout=180_000)
    assert violations(theirs) == []
    theirs.keyboard.press("n")
    theirs.wait_for_url("**/worklist")
    third.refresh_from_db()
    assert (third.state, third.sent_back_comment) == ("submitted", "")

    # What was edited cannot be reopened by its reader.
    theirs.goto(f"{live_server.url}/p/breast/read/{fourth.case_id}")
    theirs.get_by_role("button", name="Reopen").click()
    expect(theirs.get_by_text("A reviewer's edit has taken the place of this reading")).to_be_visible()

    # And the reviewer meets the reading that was changed.
    page.get_by_role("radio", name=re.compile("Waiting")).click()
    page.reload()
    expect(rows).to_have_count(2)


def test_what_changed_meanwhile_is_shown_before_it_is_decided_on_and_what_was_read_blinded_is_not_sent_back(
    handed_in: list[Reading],
    reviewer: User,
    reader: User,
    as_person: Callable[..., Any],
    live_server: Any,
    sign_in: Callable[..., BrowserContext],
) -> None:
    first, second, third, _ = handed_in
    Assignment.objects.filter(case=second.case, user=reader).update(arm="blinded")
    window = sign_in(reviewer)
    page = window.new_page()
    page.goto(f"{live_server.url}/p/breast/review")
    page.locator(".rv-list tbody tr").first.click()
    under_review(page, first)
    way = Way(as_person(reader), first.case)
    assert way.reopen().status_code == 200
    assert way.mark(way.box([20, 20], [60, 50])).status_code == 200
    assert way.submit().status_code == 200
    page.keyboard.press("a")
    told = page.get_by_role("status").filter(has_text="Rita Okafor has changed this reading")
    expect(told).to_be_visible()
    expect(page.locator("aside.right")).to_contain_text("revision 5")
    expect(page.locator("g[data-mark][data-origin=person]")).to_have_count(2)
    assert not Review.objects.filter(reading=first).exists()
    page.keyboard.press("a")

    # The reader would learn from what is said what the arm keeps from him.
    under_review(page, second)
    expect(page.get_by_test_id("review-foot")).to_contain_text("Read blinded")
    expect(page.get_by_role("button", name="Send back")).to_be_disabled()
    page.keyboard.press("x")
    expect(page.get_by_label("What should Rita Okafor change?")).to_have_count(0)

    # Without a network nothing is decided, and the image stays.
    window.set_offline(True)
    expect(page.get_by_role("status").filter(has_text="Offline")).to_be_visible()
    expect(page.get_by_role("button", name="Agree")).to_be_disabled()
    window.set_offline(False)
    expect(page.get_by_role("button", name="Agree")).to_be_enabled()
    page.keyboard.press("a")
    under_review(page, third)

    # Reopened by its reader, it is no longer there to be reviewed.
    way = Way(as_person(reader), third.case)
    assert way.reopen().status_code == 200
    page.keyboard.press("a")
    expect(page.get_by_role("heading", name="This reading is not to be reviewed now")).to_be_visible()
    assert violations(page) == []
    page.get_by_role("link", name="Back to the queue").click()
    expect(page.locator(".rv-list tbody tr")).to_have_count(1)
