"""Who has what: a lead frees and hands over cases that readers hold; a blinded reader's list tells nothing of the model."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from backend.accounts.models import User
from backend.projects.models import Assignment, Case, Project
from tests.journeys.axe import violations
from tests.journeys.room import Room
from tests.journeys.test_reading_room import PLANTED_SCORE, plant_model, ultrasounds  # noqa: F401

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


def _row(page: Page, case: Case) -> Any:
    return page.locator("tbody tr.go").filter(has_text=case.name)


def _choose(page: Page, case: Case) -> Any:
    _row(page, case).get_by_role("checkbox").check()
    return page.get_by_role("toolbar", name="Chosen cases")


def test_a_lead_sees_who_holds_a_case_frees_it_and_hands_it_to_another(
    ultrasounds: list[Case],
    lead: User,
    reader: User,
    second_reader: User,
    live_server: Any,
    sign_in: Callable[..., BrowserContext],
    enter: Callable[..., Room],
) -> None:
    case = ultrasounds[0]
    desk = enter(sign_in(reader), case)
    desk.press("b")
    desk.drag((100, 60), (160, 110))
    desk.wait_until_saved()

    others = sign_in(second_reader).new_page()
    others.goto(f"{live_server.url}/p/breast/worklist")
    expect(_row(others, case)).to_contain_text("rita is reading it")

    page = sign_in(lead).new_page()
    page.goto(f"{live_server.url}/p/breast/cases")
    aside = page.get_by_role("complementary")
    expect(_row(page, case)).to_contain_text(re.compile(r"rita\s*reading"))
    expect(aside).to_contain_text("1 in progress")
    expect(aside.get_by_role("link", name=case.name)).to_be_visible()
    expect(aside).to_contain_text("until")
    assert violations(page) == []

    # Freed: nobody holds it, what was marked stays, and the reader may go on.
    bar = _choose(page, case)
    bar.get_by_role("button", name="Release").click()
    expect(bar).to_have_count(0)
    expect(aside.get_by_role("link", name=case.name)).to_have_count(0)
    assert Assignment.objects.get(case=case, user=reader).lease_expires_at is None
    assert set(desk.stored(reader)) == {"box"}
    others.reload()
    expect(_row(others, case)).not_to_contain_text("rita")

    # Handed over: it says so in the list of who got it, and is what he opens next.
    last = ultrasounds[2]
    bar = _choose(page, last)
    bar.get_by_label("Give to").select_option("sam")
    bar.get_by_role("button", name="Give", exact=True).click()
    expect(bar).to_have_count(0)
    expect(_row(page, last)).to_contain_text("sam")
    others.reload()
    expect(_row(others, last)).to_contain_text("given to you")
    others.keyboard.press("c")
    Room(others, last, 0, 0).wait_for_case(last)

    # And given to somebody else while it is open: the one who holds it now is the other.
    page.reload()
    bar = _choose(page, last)
    bar.get_by_label("Give to").select_option("rita")
    bar.get_by_role("button", name="Give", exact=True).click()
    expect(bar).to_have_count(0)
    expect(aside.locator(".wl-reader").filter(has_text="rita")).to_contain_text(last.name)
    expect(aside.locator(".wl-reader").filter(has_text="sam")).not_to_contain_text(last.name)

    # A reader's name narrows the list to what is his.
    aside.get_by_role("link", name="sam").click()
    expect(page.locator("tbody tr.go")).to_have_count(1)
    expect(_row(page, last)).to_be_visible()


def test_a_blinded_readers_list_tells_neither_score_nor_reason_nor_the_models_order(
    ultrasounds: list[Case], reader: User, live_server: Any, sign_in: Callable[..., BrowserContext]
) -> None:
    lesions = [lesion for case in ultrasounds for lesion in plant_model(case)]
    Case.objects.update(priority_reason="uncertain", priority_detail={"detail": "planted edge"})
    Project.objects.filter(pk=ultrasounds[0].project_id).update(blinded_share=1.0)
    window = sign_in(reader)
    page = window.new_page()
    received: list[str] = []

    def keep(answer: Any) -> None:
        if "/api/" in answer.url and answer.ok and "json" in answer.headers.get("content-type", ""):
            received.append(answer.text())

    page.on("response", keep)
    page.goto(f"{live_server.url}/p/breast/worklist")
    rows = page.locator("tbody tr.go")
    expect(rows).to_have_count(3)
    for row in rows.all():
        expect(row.get_by_text("Blinded")).to_be_visible()
        expect(row).not_to_contain_text("uncertain")
    # Neither an order by score nor a filter by what the model found says anything of them.
    page.keyboard.press("s")
    page.get_by_role("menuitem", name="Model score").click()
    expect(rows).to_have_count(3)
    page.keyboard.press("g")
    page.get_by_label("Model score").select_option("0.1")
    expect(page.get_by_text("No case matches these filters.")).to_be_visible()
    page.get_by_label("Model score").select_option("")
    page.get_by_label("Finding").select_option("Benign mass")
    expect(page.get_by_text("No case matches these filters.")).to_be_visible()
    assert violations(page) == []
    heard = page.locator("body").inner_text() + "".join(received)
    assert ultrasounds[0].name in heard
    for trace in (str(PLANTED_SCORE), "0.81", "planted", "uncertain", *(str(lesion.pk) for lesion in lesions)):
        assert trace not in heard
