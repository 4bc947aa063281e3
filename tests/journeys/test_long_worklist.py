"""Ten thousand cases in the worklist: scrolled, narrowed, sorted, opened and come back to, never fetched as a whole."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils import timezone
from playwright.sync_api import BrowserContext, Locator, Page, expect

from backend.accounts.models import User
from backend.archive.models import Instance, Series, Study
from backend.projects.models import Assignment, Case, Project
from backend.readings.models import Lesion, Reading
from tests.journeys.axe import violations
from tests.journeys.room import Room
from tests.journeys.test_reading_room import ultrasounds  # noqa: F401
from tests.rows import make_model

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]

MANY = 10_000
REASONS = (("uncertain", "edge"), ("random", ""), ("likely", "mass"))


@pytest.fixture
def many_cases(ultrasounds: list[Case], project: Project, reader: User) -> list[Case]:
    """Ten thousand cases in the order of their numbers, a seventh read blinded; the reader has read three hundred.

    Three real images give them all their pictures: rows are what is tried here.
    """
    own = [Instance.objects.get(pk=case.instance_id) for case in ultrasounds]
    numbers = range(len(ultrasounds) + 1, MANY + 1)
    studies = Study.objects.bulk_create(
        [
            Study(archive=project.archive, study_instance_uid=f"1.2.3.{n}", patient_id=f"P{n}", study_date="20260101")
            for n in numbers
        ],
        batch_size=500,
    )
    series = Series.objects.bulk_create(
        [Series(study=study, series_instance_uid=f"{study.study_instance_uid}.1", modality="US") for study in studies],
        batch_size=500,
    )
    instances = []
    for n, one in zip(numbers, series, strict=True):
        like = own[n % len(own)]
        fields = {field.attname: getattr(like, field.attname) for field in Instance._meta.concrete_fields}
        uid = f"{one.series_instance_uid}.1"
        header = like.dicom_json.replace(like.sop_instance_uid, uid)
        own_fields = {"id": None, "series_id": one.pk, "sop_instance_uid": uid, "dicom_json": header}
        instances.append(Instance(**{**fields, **own_fields, "original_uid_digest": f"u{n}"}))
    instances = Instance.objects.bulk_create(instances, batch_size=300)
    now = timezone.now()
    cases = Case.objects.bulk_create(
        [
            Case(
                project=project, series=instance.series, instance=instance, number=n, name=f"US-{n:05}", group_key=f"g{n}",
                split="VALIDATION" if n % 7 == 0 else "POOL", source_name=f"ward-{n % 40}/scan-{n}.png",
                priority=-float(n), blind_priority=-float(n), priority_reason=REASONS[n % 3][0],
                priority_detail={"detail": REASONS[n % 3][1]}, is_open=n > 350,
            )
            for n, instance in zip(numbers, instances, strict=True)
        ],
        batch_size=500,
    )  # fmt: skip
    machine = make_model(project)
    readings = Reading.objects.bulk_create(
        [Reading(case=case, reader=machine, state="submitted", verdict="lesions") for case in cases], batch_size=500
    )
    finding_type = project.finding_types.filter(scope="lesion").first()
    Lesion.objects.bulk_create(
        [
            Lesion(
                id=uuid.uuid4(), reading=reading, finding_type=finding_type, kind="box", instance_id=case.instance_id,
                points=[[10, 10], [50, 60]], score=0.5 + (case.number * 37 % 50) / 100, origin="predicted",
            )
            for case, reading in zip(cases, readings, strict=True)
            for _ in range(1 + case.number % 2)
        ],
        batch_size=500,
    )  # fmt: skip
    states = [("submitted", cases[:300]), ("deferred", cases[400:440]), ("in_progress", cases[500:503])]
    Assignment.objects.bulk_create(
        [
            Assignment(
                case=case, user=reader, state=state, arm="blinded" if case.split == "VALIDATION" else "assisted",
                arm_probability=1.0, note="ask for the prior" if state == "deferred" else "", active_seconds=41.0,
                submitted_at=now - timedelta(hours=case.number) if state == "submitted" else None,
            )
            for state, chosen in states
            for case in chosen
        ]
    )  # fmt: skip
    return [*ultrasounds, *cases]


def _rows(page: Page) -> Locator:
    return page.locator("tbody tr.go")


def _pointed(page: Page) -> Locator:
    return page.locator("tbody tr[aria-current=true]")


def _names(page: Page) -> list[str]:
    return [name.strip() for name in _rows(page).locator("td:nth-child(2)").all_inner_texts()]


class Asked:
    """Every page of the list that the browser asks for, and the most rows that the document held at once."""

    def __init__(self, page: Page) -> None:
        self.page, self.most = page, 0
        self.pages: list[dict[str, str]] = []
        page.on("request", self._note)

    def _note(self, request: Any) -> None:
        parts = urlsplit(request.url)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        # Without an offset it is the strip above the list that asks what was sent back.
        if parts.path.endswith("/worklist/") and "offset" in asked:
            self.pages.append(asked)

    def count_rows(self) -> None:
        self.most = max(self.most, self.page.locator("tbody tr").count())


def test_ten_thousand_cases_are_scrolled_narrowed_sorted_and_come_back_to(
    many_cases: list[Case],
    reader: User,
    live_server: Any,
    sign_in: Callable[..., BrowserContext],
    enter: Callable[..., Room],
) -> None:
    page = sign_in(reader).new_page()
    asked = Asked(page)
    page.goto(f"{live_server.url}/p/breast/worklist")
    expect(_pointed(page)).to_contain_text("US-0001")
    expect(page.get_by_role("contentinfo").or_(page.locator("footer"))).to_contain_text("9,610 cases to read")
    expect(page.get_by_role("radio", name="Deferred")).to_contain_text("40")
    assert violations(page) == []

    # By key: one row, ten, and the whole way.
    page.keyboard.press("j")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("PageDown")
    expect(_pointed(page)).to_contain_text("US-00360")
    asked.count_rows()
    page.keyboard.press("End")
    expect(_pointed(page)).to_contain_text("US-10000")
    expect(_rows(page).last).to_contain_text("US-10000")
    asked.count_rows()
    page.keyboard.press("Home")
    expect(_pointed(page)).to_contain_text("US-0001")

    # By wheel, as fast as it turns: the list follows, and what comes into sight is fetched, not what was passed.
    box = page.locator(".wl-list").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 200, box["y"] + 200)
    before = len(asked.pages)
    for _ in range(60):
        page.mouse.wheel(0, 20_000)
        asked.count_rows()
    expect(page.get_by_text("US-10000", exact=True)).to_be_visible()
    assert len(asked.pages) - before <= 2 * 60
    assert 0 < asked.most < 60
    assert {int(one["limit"]) for one in asked.pages} == {100}

    # Another order begins at its first row, however far one had scrolled.
    page.keyboard.press("s")
    page.get_by_role("menuitem", name="Model score").click()
    expect(_rows(page).first).to_contain_text("0.99")
    expect(_pointed(page)).to_contain_text("0.99")
    page.keyboard.press("s")
    page.get_by_role("menuitem", name="Priority").click()
    expect(_pointed(page)).to_contain_text("US-0001")

    # Found by name, alone.
    page.keyboard.press("/")
    page.keyboard.type("US-0777")
    expect(_rows(page)).to_have_count(10)
    assert _names(page)[0] == "US-07770" and _names(page)[-1] == "US-07779"
    page.keyboard.press("Escape")
    expect(_pointed(page)).to_contain_text("US-0001")

    # Narrowed by score, then by state too; what is empty says so and offers the whole list.
    page.keyboard.press("g")
    page.get_by_label("Model score").select_option("0.9")
    expect(_rows(page).first).to_contain_text(re.compile(r"0\.9\d"))
    for score in _rows(page).locator("td:nth-child(5)").all_inner_texts():
        assert re.search(r"0\.9\d", score), score
    page.get_by_role("radio", name="In progress").click()
    expect(page.get_by_text("0.9")).not_to_have_count(0)
    page.get_by_label("Modality").select_option("MG")
    expect(page.get_by_text("No case matches these filters.")).to_be_visible()
    page.get_by_role("button", name="Show all cases").click()
    page.get_by_role("radio", name="To read").click()
    expect(_pointed(page)).to_contain_text("US-0001")


def _place_of(page: Page, name: str) -> float:
    box = _rows(page).filter(has_text=name).bounding_box()
    assert box is not None
    return box["y"]


def _deep(page: Page, cases: list[Case]) -> tuple[Case, Case]:
    """Turn the wheel half the way down; a case in sight there with one finding of the model, and the one below it."""
    page.locator(".wl-list").hover()
    page.mouse.wheel(0, 250_015)
    expect(_rows(page).nth(10)).to_contain_text(re.compile("US-05[34]"))
    named = {case.name: case for case in cases}
    shown = [named[name] for name in _names(page)]
    at = next(index for index in range(8, 12) if shown[index].split == "POOL" and shown[index].number % 2 == 0)
    return shown[at], shown[at + 1]


def test_who_opens_a_case_deep_in_a_list_comes_back_to_the_same_list_at_the_same_row(
    many_cases: list[Case], reader: User, live_server: Any, sign_in: Callable[..., BrowserContext]
) -> None:
    window = sign_in(reader)
    page = window.new_page()
    page.goto(f"{live_server.url}/p/breast/worklist")
    expect(_pointed(page)).to_be_visible()
    page.get_by_role("radio", name="All").click()
    expect(_pointed(page)).to_be_visible()
    case, following = _deep(page, many_cases)
    room = Room(page, case, 0, 0)
    stood = _place_of(page, case.name)

    # By the room's own way back, by the browser's, and after the page was loaded anew.
    for way_back in ("link", "history", "reload"):
        page.get_by_role("row").filter(has_text=case.name).click()
        room.wait_for_case(case)
        if way_back == "history":
            page.go_back()
        else:
            page.get_by_role("link", name="Worklist").click()
        if way_back == "reload":
            expect(_pointed(page)).to_contain_text(case.name)
            page.reload()
        expect(page).to_have_url(re.compile("state=all"))
        expect(_pointed(page)).to_contain_text(case.name)
        assert _place_of(page, case.name) == pytest.approx(stood, abs=1)

    # The keys go on from there.
    page.keyboard.press("j")
    expect(_pointed(page)).to_contain_text(following.name)

    # Handed in, it has left the list of what is to be read; the case that follows it stands in its place.
    page.get_by_role("radio", name="To read").click()
    expect(_pointed(page)).to_contain_text("US-0001")
    opened, following = _deep(page, many_cases)
    page.get_by_role("row").filter(has_text=opened.name).click()
    room.wait_for_case(opened)
    room.press("l", "n")
    expect(page.get_by_test_id("model").get_by_role("button", name="Accept")).to_be_visible()
    room.press("a", "n")
    expect(page.get_by_role("heading", name=opened.name)).to_have_count(0)
    page.get_by_role("link", name="Worklist").click()
    expect(_rows(page).filter(has_text=opened.name)).to_have_count(0)
    expect(_pointed(page)).to_contain_text(following.name)
    expect(page.locator("footer")).to_contain_text("9,609 cases to read")
