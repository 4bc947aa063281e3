"""What the reading room tells of the patient: header, indication, report and earlier readings, and to whom it does not."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from django.core.management import call_command
from playwright.sync_api import BrowserContext, Page, expect
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from backend.accounts.models import User
from backend.projects.models import Assignment, Case, Project
from backend.readings.models import Reading
from tests.journeys.axe import violations
from tests.journeys.room import Room, imported
from tests.journeys.test_reading_room import plant_model

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]

INDICATION = "Cough for six weeks, smoker.\nNodule known?"
REPORT = "\n".join([
    "Solid nodule of 9 mm in the right upper lobe.",
    *(f"Line {number} of what the clinic wrote." for number in range(2, 12)),
    "Follow-up in three months advised.",
])  # fmt: skip
BEFORE = "Seen in 2019: nothing sharp."


@pytest.fixture
def follow_up(real_data: Path, tmp_path: Path, project: Project, lead: User) -> tuple[Case, Case]:
    """Two chest CT studies of one patient, imported with what the clinic wrote of the newer: the newer and the older."""
    Project.objects.filter(pk=project.pk).update(unit="series", modality="CT", question="Is there a nodule?")
    project.refresh_from_db()
    images = tmp_path / "images"
    images.mkdir()
    study, series, frame_of_reference = generate_uid(), generate_uid(), generate_uid()
    for number, path in enumerate(sorted((real_data / "ct_nlst_101287" / "ct").iterdir())[60:63]):
        dataset = pydicom.dcmread(path)
        dataset.PatientID, dataset.PatientAge, dataset.PatientSex = "ANNA", "067Y", "F"
        dataset.ProtocolName, dataset.StudyDate = "Thorax low dose", "20200501"
        dataset.save_as(images / f"now-{number}.dcm")
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID = study, series, generate_uid()
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.FrameOfReferenceUID, dataset.StudyDate, dataset.PatientAge = frame_of_reference, "20190312", "066Y"
        # Not the same pixels, or the two would be one image twice.
        dataset.PixelData = np.roll(dataset.pixel_array, 24, axis=1).tobytes()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.save_as(images / f"before-{number}.dcm")
    newer, older = sorted(imported(project, images), key=lambda case: case.series.study.study_date, reverse=True)
    table = tmp_path / "context.csv"
    table.write_text(f'study,indication,report\n{newer.series.study.study_instance_uid},"{INDICATION}","{REPORT}"\n')
    call_command("import_images", str(images), project=project.slug, context=str(table), stdout=io.StringIO())
    return newer, older


def _read_before(page: Page, older: Case, enter: Callable[..., Room]) -> None:
    """The reader hands in what he finds in the older study, with a word of his own."""
    room = enter(page, older)
    room.press("b")
    room.drag((200, 200), (240, 230))
    room.press("c")
    page.keyboard.type(BEFORE)
    room.press("Escape", "n")
    page.wait_for_url(lambda address: str(older.pk) not in address)
    assert Reading.objects.get(case=older).state == "submitted"


def test_the_panel_tells_the_header_the_clinics_words_and_what_was_read_before(
    follow_up: tuple[Case, Case], reader: User, sign_in: Callable[..., BrowserContext], enter: Callable[..., Room]
) -> None:
    newer, older = follow_up
    page = sign_in(reader).new_page()
    _read_before(page, older, enter)
    room = enter(page, newer)
    context = page.get_by_test_id("context")
    for told in ("Is there a nodule?", "67 y, female", "CHEST", "Thorax low dose", "TOSHIBA"):
        expect(context).to_contain_text(told)
    # As it was written, line by line.
    expect(context.get_by_text("Cough for six weeks")).to_have_text(INDICATION, use_inner_text=True)
    report = page.get_by_test_id("report")
    expect(report).to_contain_text("Solid nodule of 9 mm in the right upper lobe.")
    # Long words are folded, so that what is below stays in reach; the key shows all of them.
    end = "element => element.scrollHeight - element.clientHeight"
    assert report.evaluate(end) > 0
    fold = context.get_by_role("button", name="Report")
    room.press("Alt+c")
    expect(fold).to_have_attribute("aria-expanded", "true")
    assert report.evaluate(end) == 0
    fold.click()
    expect(fold).to_have_attribute("aria-expanded", "false")
    assert report.evaluate(end) > 0
    before = page.get_by_test_id("prior-readings")
    for told in ("2019-03-12", "you", "1 × Benign mass", BEFORE):
        expect(before).to_contain_text(told)
    assert violations(page) == []
    before.get_by_role("link", name="2019-03-12").click()
    room.wait_for_case(older)
    # The older study has no words of the clinic, and nothing is earlier than it.
    expect(context).to_contain_text("66 y, female")
    expect(page.get_by_test_id("report")).to_have_count(0)
    expect(page.get_by_test_id("prior-readings")).to_have_count(0)
    expect(context).not_to_contain_text("Indication")


def _heard(page: Page) -> list[str]:
    """All that the server answers to this page, images apart."""
    received: list[str] = []

    def keep(answer: Any) -> None:
        if "/api/" in answer.url and answer.ok and "json" in answer.headers.get("content-type", ""):
            received.append(answer.text())

    page.on("response", keep)
    return received


def _expect_only_the_indication(page: Page) -> None:
    expect(page.get_by_test_id("context")).to_contain_text("Cough for six weeks")
    expect(page.get_by_test_id("context")).to_contain_text("67 y, female")
    # The images of the earlier study may be looked at; what was said of them may not.
    expect(page.locator(".rr-priors")).to_contain_text("2019-03-12")
    page.wait_for_load_state("networkidle")
    expect(page.get_by_test_id("report")).to_have_count(0)
    expect(page.get_by_test_id("prior-readings")).to_have_count(0)


def test_a_blinded_reader_is_told_the_indication_but_neither_the_report_nor_what_was_read_before(
    follow_up: tuple[Case, Case], reader: User, sign_in: Callable[..., BrowserContext], enter: Callable[..., Room]
) -> None:
    newer, older = follow_up
    window = sign_in(reader)
    Project.objects.filter(pk=newer.project_id).update(blinded_share=1.0)
    first = window.new_page()
    _read_before(first, older, enter)
    first.close()
    page = window.new_page()
    received = _heard(page)
    room = enter(page, newer)
    assert Assignment.objects.get(case=newer, user=reader).arm == "blinded"
    _expect_only_the_indication(page)
    room.press("Alt+c")
    expect(page.get_by_test_id("report")).to_have_count(0)
    heard = "".join(received)
    assert "Cough for six weeks" in heard
    for kept_back in ("Solid nodule of 9 mm", BEFORE):
        assert kept_back not in heard


def test_before_the_reveal_of_a_first_look_neither_report_nor_earlier_readings_are_told_and_both_are_after_it(
    follow_up: tuple[Case, Case], reader: User, sign_in: Callable[..., BrowserContext], enter: Callable[..., Room]
) -> None:
    newer, older = follow_up
    window = sign_in(reader)
    first = window.new_page()
    _read_before(first, older, enter)
    first.close()
    plant_model(newer)
    Project.objects.filter(pk=newer.project_id).update(first_look=True)
    page = window.new_page()
    received = _heard(page)
    room = enter(page, newer)
    expect(page.get_by_test_id("first-look")).to_be_visible()
    _expect_only_the_indication(page)
    heard = "".join(received)
    assert "Cough for six weeks" in heard
    for kept_back in ("Solid nodule of 9 mm", BEFORE):
        assert kept_back not in heard
    room.press("k", "r")
    expect(page.get_by_test_id("report")).to_contain_text("Solid nodule of 9 mm")
    expect(page.get_by_test_id("prior-readings")).to_contain_text(BEFORE)
