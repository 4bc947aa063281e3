"""Marks on real images of every kind: where a report or an expert put the lesion, the mouse puts it, and there it stays."""

from __future__ import annotations

import csv
import math
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, expect
from scipy import ndimage

from backend.accounts.models import User
from backend.exchange.models import ImportItem
from backend.geometry.contour import mask_outlines
from backend.geometry.rasterise import rasterise_mark
from backend.projects.models import Project
from backend.projects.selectors import case_instances
from backend.readings.models import Lesion, Reading
from tests.journeys.room import Room, imported
from tests.journeys.stored_marks import body, mask_of, own, same_after_reload

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]

Box = tuple[float, float, float, float]


def report_boxes(path: Path) -> dict[str, Box]:
    """SOP Instance UID → left, top, right, bottom of the rectangles in a structured report."""

    def regions(items: pydicom.Sequence) -> Iterator[tuple[str, Box]]:
        for item in items:
            if item.get("ValueType") == "SCOORD":
                corners = np.array(item.GraphicData, dtype=float).reshape(-1, 2)
                image = item.ContentSequence[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID
                yield str(image), (*corners.min(axis=0), *corners.max(axis=0))  # type: ignore[misc]
            yield from regions(item.get("ContentSequence") or [])

    return dict(regions(pydicom.dcmread(path).ContentSequence))


def dice(one: np.ndarray, other: np.ndarray) -> float:
    return float(2 * (one & other).sum() / (one.sum() + other.sum()))


def test_the_tumour_of_a_chest_ct_is_boxed_on_each_slice_as_its_report_says_and_grown_as_one_body(
    real_data: Path,
    tmp_path: Path,
    project: Project,
    lead: User,
    reader: User,
    sign_in: Callable[..., BrowserContext],
    enter: Callable[..., Room],
) -> None:
    Project.objects.filter(pk=project.pk).update(unit="series", modality="CT")
    project.refresh_from_db()
    for number in range(91, 100):
        shutil.copy(real_data / "ct_nlst_101287" / "ct" / f"{number:03d}.dcm", tmp_path)
    boxes = report_boxes(real_data / "ct_nlst_101287" / "sr_lesion_boxes.dcm")
    [case] = imported(project, tmp_path)
    order = list(case_instances(case).values_list("sop_instance_uid", flat=True))
    assert len(boxes) == 8 and len(set(boxes) & set(order)) == 8
    room = enter(sign_in(reader), case)
    room.press("Home", "b")
    for number, uid in enumerate(order):
        expect(room.page.get_by_text(f"Slice {number + 1} /")).to_be_visible()
        if uid in boxes:
            left, top, right, bottom = boxes[uid]
            room.drag((left, top), (right, bottom))
            expect(room.marks).to_have_count(1)
        room.press("Escape", "b", "ArrowDown")
    room.wait_until_saved()
    drawn = own(reader)
    assert [one.instance.sop_instance_uid for one in drawn] == [uid for uid in order if uid in boxes]
    box = room.viewport.bounding_box()
    assert box is not None
    # The mouse reports whole pixels of the screen.
    slip = 0.6 * 512 / min(box["width"], box["height"])
    for one in drawn:
        assert np.ravel(one.points) == pytest.approx(boxes[one.instance.sop_instance_uid], abs=slip)

    middle = order.index(drawn[4].instance.sop_instance_uid)
    room.press("Home", *["ArrowDown"] * middle, "Shift+J", "[", "[", "[")
    expect(room.page.get_by_text("reach 10 mm")).to_be_visible()
    left, top, right, bottom = boxes[order[middle]]
    centre = (left + right) / 2, (top + bottom) / 2
    # To the right while pressed: a wider range.
    room.drag(centre, (centre[0] + 35, centre[1]))
    expect(room.marks).to_have_count(2, timeout=120_000)
    room.wait_until_saved()
    grown = body(own(reader)[-1], len(order))
    enclosed = np.zeros_like(grown)
    for uid, (left, top, right, bottom) in boxes.items():
        enclosed[order.index(uid), int(top) : math.ceil(bottom), int(left) : math.ceil(right)] = True
    # Half of what the boxes enclose is denser than -300 HU; the reach takes the ends off.
    assert (grown & enclosed).sum() >= 0.25 * enclosed.sum()
    assert (grown & ndimage.binary_dilation(enclosed, iterations=2)).sum() >= 0.97 * grown.sum()
    same_after_reload(room, reader, 2, middle + 1)


def test_a_pneumonia_on_a_chest_x_ray_is_marked_where_the_radiologists_box_is(
    real_data: Path,
    tmp_path: Path,
    project: Project,
    lead: User,
    reader: User,
    sign_in: Callable[..., BrowserContext],
    enter: Callable[..., Room],
) -> None:
    name = "00008727_009.png"
    shutil.copy(real_data / "nih_cxr" / "originals1024" / name, tmp_path)
    with (real_data / "nih_cxr" / "boxes_1024.csv").open() as table:
        [row] = [row for row in csv.DictReader(table) if row["file"] == name]
    left, top, width, height = (float(row[key]) for key in "xywh")
    Project.objects.filter(pk=project.pk).update(modality="DX")
    project.refresh_from_db()
    [case] = imported(project, tmp_path)
    room = enter(sign_in(reader), case)
    room.press("b")
    room.drag((left, top), (left + width, top + height))
    room.press("Escape", "y")
    corners = [(left, top + 40), (left + width - 30, top), (left + width, top + height - 20), (left + 30, top + height)]
    for corner in corners:
        room.click(*corner)
    room.press("Enter", "Escape", "Shift+I")
    room.drag((left + width / 2, top + height / 2), (left + width + 120, top - 120))
    room.page.get_by_label("Words at the arrow").fill("pneumonia")
    room.press("Escape", "Shift+D")
    room.drag((left, top - 60), (left + width, top - 60))
    room.press("Escape", "q", *["]"] * 8)
    room.drag((left + 60, top + 60), (left + 120, top + 60))
    room.press("Shift+Q")
    room.drag((left + 90, top + 30), (left + 90, top + 90))
    expect(room.marks).to_have_count(3)
    room.wait_until_saved()
    box, polygon, mask = own(reader)
    frame = room.viewport.bounding_box()
    assert frame is not None
    slip = 0.6 * 1024 / min(frame["width"], frame["height"])
    assert np.ravel(box.points) == pytest.approx([left, top, left + width, top + height], abs=slip)
    assert np.array(polygon.points) == pytest.approx(np.array(corners), abs=slip)
    _, pieces = ndimage.label(mask_of(mask)[0])
    assert pieces == 2, "the eraser parted the stroke"
    arrow, length = Reading.objects.get(reader__user=reader).measurements
    assert (arrow["kind"], arrow["text"], length["kind"]) == ("arrow", "pneumonia", "length")
    assert math.dist(*length["points"]) == pytest.approx(width, abs=2 * slip)
    same_after_reload(room, reader, 3)


def test_a_breast_mass_is_outlined_as_the_expert_did_and_an_ellipse_in_its_box_comes_close(
    real_data: Path,
    tmp_path: Path,
    project: Project,
    lead: User,
    reader: User,
    sign_in: Callable[..., BrowserContext],
    enter: Callable[..., Room],
) -> None:
    shutil.copy(real_data / "busi" / "images" / "malignant_010.png", tmp_path)
    with Image.open(real_data / "busi" / "masks" / "malignant_010.png") as opened:
        labels, _ = ndimage.label(np.asarray(opened.convert("1")))
    expert = labels == np.argmax(np.bincount(labels.ravel())[1:]) + 1
    outline = max(mask_outlines(ndimage.binary_fill_holes(expert)), key=len)
    rows, columns = (np.flatnonzero(expert.any(axis=axis)) for axis in (1, 0))
    [case] = imported(project, tmp_path)
    room = enter(sign_in(reader), case)
    room.press("y")
    for at in np.linspace(0, len(outline), 16, endpoint=False).astype(int):
        room.click(*outline[at])
    room.press("Enter", "Escape", "b")
    room.page.keyboard.down("Alt")
    room.drag((columns[0], rows[0]), (columns[-1] + 1, rows[-1] + 1))
    room.page.keyboard.up("Alt")
    expect(room.marks).to_have_count(2)
    room.wait_until_saved()
    polygon, ellipse = own(reader)
    assert (polygon.kind, ellipse.kind, ellipse.drawn_as["kind"]) == ("polygon", "ellipse", "box")
    height, width = expert.shape
    scores = [
        dice(expert, rasterise_mark(kind=one.kind, points=one.points, rows=height, columns=width))
        for one in (polygon, ellipse)
    ]
    assert scores[0] > 0.9 and scores[1] > 0.75, scores
    same_after_reload(room, reader, 2)


def test_marks_on_frames_of_a_multi_frame_file_and_on_colour_stay_on_their_frame(
    real_data: Path,
    tmp_path: Path,
    project: Project,
    lead: User,
    reader: User,
    sign_in: Callable[..., BrowserContext],
    enter: Callable[..., Room],
) -> None:
    multi, colour = "pydicom_data/emri_small_jpeg_2k_lossless.dcm", "wg04/VL1_RLE.dcm"
    for name in (multi, colour):
        shutil.copy(real_data / "dicom_corpus" / name, tmp_path)
    imported(project, tmp_path)
    cases = {item.name: item.case for item in ImportItem.objects.select_related("case__project").filter(case__isnull=False)}
    page = sign_in(reader).new_page()

    room = enter(page, cases[Path(multi).name])
    assert (room.columns, room.rows) == (64, 64)
    room.press("Home", "ArrowDown", "ArrowDown", "b")
    expect(page.get_by_text("Slice 3 /")).to_be_visible()
    room.drag((20, 20), (40, 30))
    room.press("Escape", "ArrowDown", "q")
    expect(page.get_by_text("Slice 4 /")).to_be_visible()
    expect(room.marks).to_have_count(0)
    room.drag((30, 40), (36, 40))
    room.press("Control+ArrowDown")
    expect(page.get_by_text("Slice 5 /")).to_be_visible()
    room.press("Escape", "End", "d")
    expect(page.get_by_text("Slice 10 /")).to_be_visible()
    room.drag((20, 20), (44, 20), (44, 44), (20, 44))
    room.wait_until_saved()
    box, mask, line = own(reader)
    assert [(one.kind, one.frame) for one in (box, mask, line)] == [("box", 3), ("mask", 4), ("freehand", 10)]
    assert (mask.mask_origin[0], mask.mask_shape[0]) == (3, 2)
    same_after_reload(room, reader, 1, 3, 5, 10)
    Lesion.objects.filter(reading__reader__user=reader).delete()

    room = enter(page, cases[Path(colour).name])
    assert (room.columns, room.rows) == (756, 486)
    room.press("Shift+O")
    room.drag((100, 100), (220, 180))
    room.press("Escape", "Shift+W")
    for place in ((400, 150), (520, 160), (470, 260)):
        room.click(*place)
    room.press("Enter", "Escape", "Shift+M", *["]"] * 6)
    room.click(300, 350)
    room.press("Escape", "Shift+U")
    room.drag((560, 300), (620, 360))
    expect(room.marks).to_have_count(3)
    room.wait_until_saved()
    assert [one.kind for one in own(reader)] == ["ellipse", "freehand", "mask"]
    same_after_reload(room, reader, 3)
