"""Images of one patient side by side: older studies that follow, mammograms in their places, and no marks on them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect
from pydicom.uid import DigitalMammographyXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid

from backend.accounts.models import User
from backend.projects.models import Case, Project
from tests.journeys.room import Room, imported

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


def _height(path: Path) -> float:
    return float(pydicom.dcmread(path, stop_before_pixels=True).ImagePositionPatient[2])


@pytest.fixture
def two_examinations(real_data: Path, tmp_path: Path, project: Project, lead: User) -> tuple[Case, Case]:
    """A chest CT and an older one of the same patient with fewer, thicker slices: the newer and the older case."""
    Project.objects.filter(pk=project.pk).update(unit="series", modality="CT")
    project.refresh_from_db()
    paths = sorted((real_data / "ct_nlst_101287" / "ct").iterdir(), key=_height)[60:72]
    study, series, frame_of_reference = generate_uid(), generate_uid(), generate_uid()
    for number, path in enumerate(paths):
        dataset = pydicom.dcmread(path)
        dataset.PatientID, dataset.StudyDate = "ANNA", "20200501"
        dataset.save_as(tmp_path / f"now-{number}.dcm")
        if number % 2 == 0:
            continue
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID = study, series, generate_uid()
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.FrameOfReferenceUID, dataset.StudyDate = frame_of_reference, "20190312"
        # Not the same pixels, or the two would be one image twice.
        dataset.PixelData = np.roll(dataset.pixel_array, 24, axis=1).tobytes()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.save_as(tmp_path / f"before-{number}.dcm")
    cases = imported(project, tmp_path)
    assert len(cases) == 2
    newer, older = sorted(cases, key=lambda case: case.series.study.study_date, reverse=True)
    return newer, older


def _beside(page: Page) -> Locator:
    return page.get_by_test_id("pane").first


def test_a_prior_hangs_beside_the_case_follows_it_and_takes_no_marks(
    two_examinations: tuple[Case, Case], reader: User, sign_in: Callable[..., BrowserContext], enter: Callable[..., Room]
) -> None:
    case, prior = two_examinations
    window = sign_in(reader)
    room = enter(window, case)
    page, beside = room.page, _beside(room.page)
    expect(page.get_by_text("2019-03-12")).to_be_visible()
    room.press("g")
    expect(beside).to_have_attribute("data-case", str(prior.pk))
    expect(beside.get_by_text("PRIOR")).to_be_visible()
    expect(beside.get_by_text(re.compile(r"z -?\d+\.\d mm"))).to_be_visible(timeout=180_000)
    # Every second slice was made in the older study: the same place, to half its distance.
    for key in ("End", "ArrowUp", "ArrowUp", "Home"):
        room.press(key)
        _until(lambda: abs(_z(page.get_by_test_id("pane-case")) - _z(beside)) <= 2.01)
    # Right after a key both may still be where they were, which is near each other, too.
    expect(page.get_by_test_id("pane-case")).to_contain_text("Slice 1 /")
    _until(lambda: abs(_z(page.get_by_test_id("pane-case")) - _z(beside)) <= 2.01)
    # The window that is dragged here is that there: both are Hounsfield units.
    room.press("Shift+1")
    own = page.get_by_test_id("pane-case").get_by_test_id("window")
    _until(lambda: own.inner_text().split()[:4] == beside.get_by_test_id("window").inner_text().split()[:4])
    # Not linked, each stays where it is.
    room.press("Shift+L")
    before = _z(beside)
    room.press("End")
    _until(lambda: abs(_z(page.get_by_test_id("pane-case")) - before) > 10)
    assert _z(beside) == before
    # The right arrow gives the keys to the prior; a mark is drawn on the case alone.
    room.press("ArrowRight")
    expect(beside).to_have_class(re.compile("active"))
    room.press("Home", "ArrowDown")
    _until(lambda: _z(beside) != before)
    box = beside.get_by_test_id("viewport-beside").bounding_box()
    assert box is not None
    room.press("b")
    page.mouse.move(box["x"] + 80, box["y"] + 120)
    page.mouse.down()
    page.mouse.move(box["x"] + 160, box["y"] + 200, steps=3)
    page.mouse.up()
    expect(page.get_by_text("This viewport only shows.")).to_be_visible()
    assert room.marks.count() == 0
    room.drag((200, 200), (260, 250))
    expect(room.marks).to_have_count(1)
    room.wait_until_saved()
    assert page.get_by_test_id("pane").locator("g[data-mark]").count() == 0
    # The layout of this person for this modality.
    page.reload()
    expect(_beside(page).get_by_text("PRIOR")).to_be_visible(timeout=180_000)
    reader.refresh_from_db()
    assert reader.room["layouts"] == {"CT": "1x2"} and reader.room["linked"] is False


def _z(pane: Locator) -> float:
    found = re.search(r"z (-?[\d,]+\.\d) mm", pane.inner_text().replace("\u2212", "-"))
    assert found, pane.inner_text()
    return float(found.group(1).replace(",", ""))


def _until(holds: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.1)


BREASTS = (("R", "CC"), ("L", "CC"), ("R", "MLO"), ("L", "MLO"))


def _breast(side: str, view: str, study: str, date: str, seed: int) -> pydicom.Dataset:
    """A half disc of tissue with texture on black, its wall at the side of the screen's middle; synthetic."""
    rows, columns = 640, 512
    y, x = np.mgrid[0:rows, 0:columns]
    depth = np.hypot((columns - x) / 380, (y - rows / 2) / (300 if view == "CC" else 260))
    rng = np.random.default_rng(seed)
    waves = 500 * np.cos(y / 31 + seed) * np.sin(x / 23) + rng.normal(0, 60, depth.shape)
    tissue = np.clip(1.05 - depth, 0, 1) ** 0.4 * (2300 + waves)
    pixels = np.where(depth < 1.05, np.clip(tissue, 0, 4095), 0).astype(np.uint16)
    dataset = pydicom.Dataset()
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = DigitalMammographyXRayImageStorageForPresentation
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study, generate_uid()
    dataset.PatientID, dataset.StudyDate, dataset.Modality = "BERTA", date, "MG"
    dataset.BodyPartExamined, dataset.ImageLaterality, dataset.ViewPosition = "BREAST", side, view
    dataset.StudyDescription, dataset.SeriesDescription = "SYNTHETIC mammogram", f"{side} {view} (SYNTHETIC)"
    dataset.ImagerPixelSpacing = [0.3, 0.3]
    dataset.PatientOrientation = ["P", "L"] if side == "R" else ["A", "R"]
    dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = rows, columns, 1
    dataset.PhotometricInterpretation, dataset.PixelRepresentation = "MONOCHROME2", 0
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    dataset.WindowCenter, dataset.WindowWidth = "1600", "3200"
    dataset.PixelData = (pixels if side == "R" else pixels[:, ::-1]).tobytes()
    return dataset


@pytest.fixture
def mammograms(tmp_path: Path, project: Project, lead: User) -> dict[str, Case]:
    """Four views of two years, by year, side and view; the newest left oblique view is the one that is read."""
    Project.objects.filter(pk=project.pk).update(modality="MG")
    project.refresh_from_db()
    names = {}
    for year, study in (("2020", generate_uid()), ("2018", generate_uid())):
        for seed, (side, view) in enumerate(BREASTS, start=int(year)):
            dataset = _breast(side, view, study, f"{year}0401", seed)
            names[str(dataset.SOPInstanceUID)] = f"{year} {side} {view}"
            dataset.save_as(tmp_path / f"{year}-{side}-{view}.dcm", enforce_file_format=True)
    found = {names[case.instance.sop_instance_uid]: case for case in imported(project, tmp_path) if case.instance}
    assert len(found) == 8
    return found


def test_mammograms_hang_with_the_right_breast_on_the_left_and_are_dragged_where_one_wants_them(
    mammograms: dict[str, Case], reader: User, sign_in: Callable[..., BrowserContext], enter: Callable[..., Room]
) -> None:
    room = enter(sign_in(reader), mammograms["2020 L MLO"])
    page = room.page
    expect(page.get_by_test_id("pane")).to_have_count(3)
    _until(lambda: _hung(page) == [str(mammograms[f"2020 {side} {view}"].pk) for side, view in BREASTS])
    for name in ("R CC", "L CC", "R MLO"):
        expect(page.get_by_test_id("pane").get_by_text(f"{name} · BREAST", exact=True)).to_be_visible(timeout=180_000)
    expect(page.get_by_test_id("pane").get_by_text("SAME STUDY")).to_have_count(3)
    # A prior is dragged into the first place: the right CC of two years ago instead of this year's.
    prior = page.get_by_role("button", name=re.compile(f"R CC, {mammograms['2018 R CC'].name}"))
    prior.drag_to(page.locator(f"[data-case='{mammograms['2020 R CC'].pk}']"))
    expect(page.get_by_test_id("pane").get_by_text("2018-04-01")).to_be_visible()
    _until(lambda: _hung(page)[0] == str(mammograms["2018 R CC"].pk))
    # Dropped on the case that is read, another image takes its place, and the case the other's: it is never lost.
    page.get_by_role("button", name=re.compile(f"R MLO, {mammograms['2020 R MLO'].name}")).drag_to(
        page.get_by_test_id("pane-case")
    )
    _until(lambda: _hung(page)[2:] == [str(mammograms["2020 L MLO"].pk), str(mammograms["2020 R MLO"].pk)])
    # Its marks move with it.
    room.drag((100, 250), (180, 330))
    expect(page.get_by_test_id("pane-case").locator("g[data-mark]")).to_have_count(1)
    room.wait_until_saved()


def _hung(page: Page) -> list[str]:
    """The cases in the panes, as they lie on the screen: row by row."""
    panes = [(pane.bounding_box() or {}, pane.get_attribute("data-case") or "") for pane in page.locator(".rr-cell").all()]
    return [case for _, case in sorted(panes, key=lambda one: (round(one[0]["y"]), one[0]["x"]))]
