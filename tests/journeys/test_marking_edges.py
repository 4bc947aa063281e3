"""What goes wrong elsewhere: places off the image, outlines that cross themselves, huge images, two hundred lesions."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, expect
from pydicom.data import get_testdata_file

from backend.accounts.models import User
from backend.geometry.rasterise import rasterise_mark
from backend.projects.models import Case, Project
from backend.projects.selectors import case_instances
from backend.readings.models import Lesion, Reading
from tests.journeys.room import Room, imported
from tests.journeys.shown_image import compared
from tests.journeys.stored_marks import body, mask_of, own, same_after_reload
from tests.journeys.test_reading_room import ultrasounds  # noqa: F401

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]

MANY = 200


def test_nothing_is_marked_off_the_image_and_what_reaches_over_its_border_ends_there(
    ultrasounds: list[Case], reader: User, sign_in: Callable[..., BrowserContext], enter: Callable[..., Room]
) -> None:
    room = enter(sign_in(reader), ultrasounds[0])
    said, columns, rows = room.page.get_by_role("status"), room.columns, room.rows
    far = 14
    room.press("Shift+P")
    room.click(columns / 2, -far)
    expect(said.filter(has_text="This place is outside the image")).to_be_visible()
    room.press("q")
    room.drag((columns / 2, -far), (columns / 2 + 20, -far))
    expect(said.filter(has_text="This place is outside the image")).to_be_visible()
    room.press("b")
    room.drag((100, -far), (160, -6))
    expect(said.filter(has_text="Too small")).to_be_visible()
    expect(room.marks).to_have_count(0)

    room.drag((200, rows - 40), (260, rows + far))
    room.press("Escape", "Shift+O")
    room.drag((100, 40), (20, -far))
    room.press("Escape", "Shift+0")
    room.drag((160, 12), (160, -far))
    room.press("Escape", "d")
    room.drag((200, 20), (240, -far), (280, 20), (240, 60))
    room.press("Escape", "q", "]", "]")
    room.drag((60, -10), (60, 3))
    expect(room.marks).to_have_count(5)
    room.press("v")
    room.drag((230, rows - 20), (230, rows + far))
    room.wait_until_saved()
    box, ellipse, circle, line, brushed = own(reader)
    assert [one.kind for one in (box, ellipse, circle, line, brushed)] == ["box", "ellipse", "ellipse", "freehand", "mask"]
    assert box.points == [pytest.approx([200, rows - 40], abs=0.5), pytest.approx([260, rows], abs=0.5)]
    assert np.ptp(np.array(circle.points), axis=0) == pytest.approx([24, 24], abs=1.5)
    for one in (box, ellipse, circle, line):
        low, high = np.min(one.points, axis=0), np.max(one.points, axis=0)
        assert (low >= 0).all() and (high <= [columns, rows]).all(), one.kind
    assert min(row for _, row in line.points) == 0 and min(row for _, row in ellipse.points) == 0
    assert brushed.mask_origin[1] == 0
    same_after_reload(room, reader, 5)


def test_an_outline_that_crosses_itself_is_told_kept_and_counted_by_one_rule_everywhere(
    ultrasounds: list[Case], reader: User, sign_in: Callable[..., BrowserContext], enter: Callable[..., Room]
) -> None:
    room = enter(sign_in(reader), ultrasounds[0])
    told = room.page.get_by_role("status").filter(has_text="The outline crosses itself")
    room.press("y")
    # A star of five: its middle is enclosed twice.
    for turn in (0, 2, 4, 1, 3):
        angle = turn * 2 * np.pi / 5
        room.click(120 + 60 * np.sin(angle), 110 - 60 * np.cos(angle))
    room.press("Enter")
    expect(told).to_be_visible()
    room.press("Escape", "d")
    room.drag((210, 80), (290, 140), (290, 80), (210, 140), (210, 90))
    expect(told).to_be_visible()
    room.wait_until_saved()
    star, eight = own(reader)
    assert (star.kind, len(star.points), eight.kind) == ("polygon", 5, "freehand")
    due = [rasterise_mark(kind=one.kind, points=one.points, rows=room.rows, columns=room.columns) for one in (star, eight)]
    assert not due[0][110, 120] and due[0][75, 120]
    room.press("=", ",", "=")
    expect(room.page.locator("[data-testid=marks]").get_by_text("mask")).to_have_count(2)
    room.wait_until_saved()
    for lesion, expected in zip(own(reader), due, strict=True):
        assert (body(lesion, 1, room.rows, room.columns)[0] == expected).all()
    same_after_reload(room, reader, 2)


def _radiograph(picture: Path, folder: Path) -> None:
    """A real chest film enlarged to 3000 × 3000, 12 bits, MONOCHROME1, as a digital radiograph's file."""
    with Image.open(picture) as opened:
        grey = np.asarray(opened.convert("L").resize((3000, 3000), Image.Resampling.BICUBIC), dtype=np.uint16)
    dataset = pydicom.dcmread(get_testdata_file("CT_small.dcm", download=False))
    for keyword in (
        "RescaleSlope",
        "RescaleIntercept",
        "PixelPaddingValue",
        "ImagePositionPatient",
        "ImageOrientationPatient",
    ):
        delattr(dataset, keyword)
    uid = pydicom.uid.generate_uid()
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = uid
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.1.1"
    dataset.Modality, dataset.PhotometricInterpretation = "DX", "MONOCHROME1"
    dataset.Rows = dataset.Columns = 3000
    dataset.PixelSpacing = [0.139, 0.139]
    dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 12, 11, 0
    dataset.WindowCenter, dataset.WindowWidth = 2048, 4096
    dataset.PixelData = (4095 - grey * 16).astype("<u2").tobytes()
    dataset.save_as(folder / "film.dcm")


def test_a_radiograph_of_nine_megapixels_is_shown_right_and_marked_like_any_other(
    real_data: Path,
    tmp_path: Path,
    project: Project,
    lead: User,
    reader: User,
    sign_in: Callable[..., BrowserContext],
    enter: Callable[..., Room],
) -> None:
    _radiograph(real_data / "nih_cxr" / "originals1024" / "00000150_002.png", tmp_path)
    [case] = imported(project, tmp_path)
    room = enter(sign_in(reader), case)
    scale = 3000 / 1024
    left, top, width, height = (scale * one for one in (601.4, 596.0, 215.6, 181.0))
    room.press("b")
    room.drag((left, top), (left + width, top + height))
    room.press("Escape", "q", *["]"] * 24)
    room.drag((900, 900), (1000, 950), (900, 1000))
    room.press("Escape", "Shift+W")
    for place in ((1900, 800), (2100, 800), (2000, 1000)):
        room.click(*place)
    room.press("Enter")
    expect(room.marks).to_have_count(3)
    room.wait_until_saved()
    box, brushed, wire = own(reader)
    # One pixel of the screen is more than three of the image.
    pixel = 3000 / min(room.viewport.bounding_box()["width"], room.viewport.bounding_box()["height"])  # type: ignore[index]
    assert box.points == [
        pytest.approx([left, top], abs=0.6 * pixel),
        pytest.approx([left + width, top + height], abs=0.6 * pixel),
    ]
    assert mask_of(brushed).sum() > 5000 and wire.kind == "freehand"
    same_after_reload(room, reader, 3)
    room.press("t")
    instance = case_instances(case).get()
    assert compared(room.page, instance, 1).similarity >= 0.99


def test_two_hundred_lesions_are_shown_and_one_of_them_is_moved_alone(
    real_data: Path,
    tmp_path: Path,
    project: Project,
    lead: User,
    reader: User,
    sign_in: Callable[..., BrowserContext],
    enter: Callable[..., Room],
) -> None:
    (tmp_path / "film.png").symlink_to(real_data / "nih_cxr" / "originals1024" / "00000150_002.png")
    [case] = imported(project, tmp_path)
    room = enter(sign_in(reader), case)
    room.press("b")
    room.drag((500, 20), (520, 30))
    room.wait_until_saved()
    reading = Reading.objects.get(reader__user=reader)
    kind = project.finding_types.filter(scope="lesion").first()
    instance = case_instances(case).get()
    Lesion.objects.bulk_create(
        Lesion(
            id=uuid.uuid4(),
            **{"reading": reading, "finding_type": kind, "instance": instance, "kind": "ellipse"},
            points=_ellipse(60 + 60 * (number % 15), 90 + 60 * (number // 15)),
        )
        for number in range(MANY - 1)
    )
    room.page.reload()
    expect(room.page.get_by_test_id("window")).to_be_visible(timeout=180_000)
    expect(room.marks).to_have_count(MANY)
    before = {one.pk: one.points for one in own(reader)}
    room.press("v")
    room.drag((60 + 60 * 7, 90 + 60 * 6), (60 + 60 * 7 + 15, 90 + 60 * 6 - 10))
    room.press(".", "Delete")
    expect(room.marks).to_have_count(MANY - 1)
    room.press("Control+z")
    expect(room.marks).to_have_count(MANY)
    room.wait_until_saved()
    after = {one.pk: one.points for one in own(reader)}
    assert before.keys() == after.keys()
    [moved] = [pk for pk in before if before[pk] != after[pk]]
    assert np.array(after[moved]) - np.array(before[moved]) == pytest.approx(np.array([[15, -10]] * 4), abs=1)
    same_after_reload(room, reader, MANY)


def _ellipse(column: float, row: float) -> list[list[float]]:
    """Ends of the long and the short axis."""
    return [[column - 20, row], [column + 20, row], [column, row - 14], [column, row + 14]]
