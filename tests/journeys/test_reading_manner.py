"""The manner of reading: the first look, signing in again, own keys, the tour, the lead's list; all of it accessible."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import BrowserContext, expect

from backend.accounts.models import User
from backend.projects.models import Assignment, Case, Project
from backend.readings.models import Decision, Lesion, Reading
from backend.registry.models import Evaluation, ModelVersion
from tests.journeys.axe import violations
from tests.journeys.room import Room
from tests.journeys.test_reading_room import plant_model, ultrasounds  # noqa: F401

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


def test_the_model_is_revealed_after_the_first_look_and_both_looks_stay_apart(
    ultrasounds: list[Case],
    reader: User,
    sign_in: Callable[..., BrowserContext],
    enter: Callable[..., Room],
) -> None:
    case = ultrasounds[0]
    mask, box, ellipse = plant_model(case)
    Project.objects.filter(pk=case.project_id).update(first_look=True, accept_all=True)
    Evaluation.objects.create(
        model_version=ModelVersion.objects.get(),
        split="VALIDATION",
        metrics=[],
        curves={"froc": [[0.25, 0.6, 0.9], [1.5, 0.8, 0.3]]},
        n_cases=48,
        n_patients=40,
    )
    window = sign_in(reader)
    received: list[str] = []
    window.on("response", lambda answer: received.append(answer.text() if "/api/" in answer.url and answer.ok else ""))
    room = enter(window, case)
    page = room.page
    expect(page.get_by_test_id("first-look")).to_be_visible()
    assert violations(page) == []
    room.press("r")
    expect(page.get_by_role("status").filter(has_text="choose a verdict")).to_be_visible()
    room.press("b")
    room.drag((200, 150), (240, 190))
    room.wait_until_saved()
    room.press("n")
    expect(page.get_by_role("status").filter(has_text="Reveal the model first")).to_be_visible()
    for predicted in (mask, box, ellipse):
        assert str(predicted.pk) not in "".join(received), "nothing of the model arrives before the reveal"
    room.press("r")
    expect(page.locator("g[data-mark][data-origin=model]")).to_have_count(3)
    expect(page.get_by_test_id("first-look")).to_have_count(0)
    expect(page.get_by_test_id("expected")).to_contain_text("1.50 false positives per image")
    assert violations(page) == []
    room.press("l", "Tab", "x", "2", "Alt+a")
    expect(page.get_by_test_id("model")).to_contain_text("3 of 3 decided")
    room.press("Control+z")
    expect(page.get_by_test_id("model")).to_contain_text("1 of 3 decided")
    room.press("Alt+a", "n")
    room.wait_for_case(ultrasounds[1])
    reading = Reading.objects.get(case=case, reader__user=reader)
    assert reading.state == "submitted" and reading.revealed_at is not None
    looks = sorted(Lesion.objects.filter(reading=reading).values_list("look", "origin"))
    assert looks == [("first", "drawn"), ("second", "accepted"), ("second", "accepted")]
    decided = Decision.objects.filter(reading=reading)
    assert {decision.kind for decision in decided} == {"accepted", "rejected"}
    assert all(decision.threshold == 0.3 and decision.at_seconds is not None for decision in decided)


def test_an_expired_session_is_renewed_in_place_and_what_was_kept_is_sent(
    ultrasounds: list[Case],
    reader: User,
    sign_in: Callable[..., BrowserContext],
    enter: Callable[..., Room],
) -> None:
    room = enter(sign_in(reader), ultrasounds[0])
    page = room.page
    Session.objects.all().delete()
    room.press("b")
    room.drag((100, 60), (160, 110))
    strip = page.get_by_role("alert").filter(has_text="You were signed out")
    expect(strip).to_be_visible()
    assert violations(page) == []
    strip.get_by_label("Password of rita").fill("not the word")
    page.keyboard.press("Enter")
    expect(strip).to_contain_text("password")
    strip.get_by_label("Password of rita").fill("rita-secret-word")
    page.keyboard.press("Enter")
    expect(strip).to_have_count(0)
    room.wait_until_saved()
    assert set(room.stored(reader)) == {"box"}
    expect(room.marks).to_have_count(1)


def test_a_reader_chooses_his_own_keys_and_puts_the_tour_away_for_ever(
    ultrasounds: list[Case],
    reader: User,
    sign_in: Callable[..., BrowserContext],
    enter: Callable[..., Room],
) -> None:
    window = sign_in(reader)
    room = enter(window, ultrasounds[0])
    page = room.page
    tour = page.get_by_test_id("tour")
    tour.get_by_role("button", name="Next").click()
    expect(tour).to_contain_text("draws a box")
    tour.get_by_role("button", name="Never show again").click()
    expect(tour).to_have_count(0)
    room.press("?")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Change keys").click()
    change = dialog.get_by_role("button", name=re.compile("Change the key of Box$"))
    change.click()
    page.keyboard.press("a")
    expect(dialog).to_contain_text("A belongs to “accept”")
    page.keyboard.press("1")
    expect(dialog).to_contain_text("1 belongs to a finding type")
    page.keyboard.press("x")
    page.keyboard.press("Alt+b")
    expect(change).to_contain_text("own")
    assert violations(page) == []
    dialog.get_by_role("button", name="Done").click()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)  # Keys belong to a dialog until it has faded away.
    room.press("v", "b")
    room.drag((100, 60), (160, 110))
    expect(room.marks).to_have_count(0)
    room.press("Alt+b")
    room.drag((100, 60), (160, 110))
    expect(room.marks).to_have_count(1)
    reader.refresh_from_db()
    assert reader.key_bindings == {"box": "Alt+B"} and reader.tour_seen
    again = enter(window, ultrasounds[1])
    expect(again.page.get_by_test_id("tour")).to_have_count(0)
    again.press("Alt+b")
    again.drag((100, 60), (160, 110))
    expect(again.marks).to_have_count(1)


def test_a_lead_narrows_the_list_and_gives_cases_to_a_reader(
    ultrasounds: list[Case],
    lead: User,
    reader: User,
    live_server: Any,
    sign_in: Callable[..., BrowserContext],
) -> None:
    plant_model(ultrasounds[0])
    page = sign_in(lead).new_page()
    page.goto(f"{live_server.url}/p/breast/cases")
    rows = page.locator("tbody tr.go")
    expect(rows).to_have_count(3)
    page.keyboard.press("g")
    page.get_by_label("Model score").select_option("0.8")
    expect(rows).to_have_count(1)
    assert violations(page) == []
    page.get_by_role("button", name="Clear").click()
    expect(rows).to_have_count(3)
    page.locator("h1").click()
    page.keyboard.press("j")
    page.keyboard.press("x")
    bar = page.get_by_role("toolbar", name="Chosen cases")
    bar.get_by_label("Give to").select_option("rita")
    assert violations(page) == []
    bar.get_by_role("button", name="Give", exact=True).click()
    expect(bar).to_have_count(0)
    expect(rows.nth(1)).to_contain_text("rita")
    expect(page.get_by_role("complementary")).to_contain_text("given")
    given = Assignment.objects.get(user=reader)
    assert (given.case, given.given_by) == (ultrasounds[1], lead)


def test_the_pages_ask_nobody_but_their_own_server_and_keep_to_their_policy(
    ultrasounds: list[Case],
    lead: User,
    live_server: Any,
    sign_in: Callable[..., BrowserContext],
    enter: Callable[..., Room],
) -> None:
    plant_model(ultrasounds[0])
    window = sign_in(lead)
    asked: set[str] = set()
    refused: list[str] = []
    window.on("request", lambda request: asked.add(request.url))
    window.on("console", lambda message: refused.append(message.text) if "Content Security Policy" in message.text else None)
    room = enter(window, ultrasounds[0])
    policy = room.page.request.get(live_server.url).headers["content-security-policy"]
    scripts = next(part for part in policy.split(";") if part.strip().startswith("script-src"))
    assert scripts.split() == ["script-src", "'self'", "'wasm-unsafe-eval'"]
    for place in ("worklist", "cases", "models", "learning", "settings", "import"):
        room.page.goto(f"{live_server.url}/p/breast/{place}")
        expect(room.page.locator("h1").first).to_be_visible()
    own = urlsplit(live_server.url).netloc
    strangers = {url for url in asked if urlsplit(url).scheme not in ("data", "blob") and urlsplit(url).netloc != own}
    assert strangers == set() and refused == []
    assert len(asked) > 20
