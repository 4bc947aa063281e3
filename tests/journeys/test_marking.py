"""Every tool of the reading room by mouse on real images: what it marks is what is stored, also after a reload."""

# The fixtures of the reading room's journeys are used here too.

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from playwright.sync_api import BrowserContext, expect
from scipy import ndimage

from backend.accounts.models import User
from backend.projects.models import Case, Project
from backend.projects.selectors import case_instances
from backend.readings.models import Reading
from tests.journeys.room import Room, imported
from tests.journeys.stored_marks import body, mask_of, own, same_after_reload
from tests.journeys.test_reading_room import ultrasounds  # noqa: F401

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]

# The lung tumour of NLST 101287 that its structured report encloses: column, row on the slice in the middle.
TUMOUR = (287.5, 303.5)
SPACING = 0.54


@pytest.fixture
def tumour(real_data: Path, tmp_path: Path, project: Project, lead: User) -> Case:
    """Nine slices of a real chest CT through a tumour of 2 cm."""
    Project.objects.filter(pk=project.pk).update(unit="series", modality="CT")
    project.refresh_from_db()
    for number in range(91, 100):
        shutil.copy(real_data / "ct_nlst_101287" / "ct" / f"{number:03d}.dcm", tmp_path)
    return imported(project, tmp_path)[0]


def hounsfield(case: Case, folder: Path) -> np.ndarray:
    """The series in reading order, as pydicom decodes it."""
    found = {}
    for path in folder.glob("*.dcm"):
        dataset = pydicom.dcmread(path)
        slope, intercept = float(dataset.get("RescaleSlope", 1)), float(dataset.get("RescaleIntercept", 0))
        found[str(dataset.SOPInstanceUID)] = dataset.pixel_array * slope + intercept
    return np.stack([found[uid] for uid in case_instances(case).values_list("sop_instance_uid", flat=True)])


def test_a_lesion_runs_through_slices_copied_interpolated_and_undone(
    tumour: Case, reader: User, sign_in: Callable[..., BrowserContext], enter: Callable[..., Room]
) -> None:
    room = enter(sign_in(reader), tumour)
    page = room.page
    room.press("q", "]", "]")
    room.click(*TUMOUR)
    room.press("Control+ArrowDown")
    expect(page.get_by_text("Slice 6 / 9")).to_be_visible()
    expect(room.marks).to_have_count(1)
    room.press("ArrowDown", "ArrowDown")
    expect(page.get_by_text("Slice 8 / 9")).to_be_visible()
    room.click(TUMOUR[0] + 6, TUMOUR[1])
    room.wait_until_saved()
    [lesion] = own(reader)
    frames = body(lesion, 9)
    assert np.flatnonzero(frames.any(axis=(1, 2))).tolist() == [4, 5, 7]
    assert (frames[4] == frames[5]).all()

    room.press("/")
    room.wait_until_saved()
    [lesion] = own(reader)
    between = body(lesion, 9)
    assert np.flatnonzero(between.any(axis=(1, 2))).tolist() == [4, 5, 6, 7]
    assert (between[[4, 5, 7]] == frames[[4, 5, 7]]).all()
    middle = ndimage.center_of_mass(between[6])
    assert middle == pytest.approx((TUMOUR[1] - 0.5, TUMOUR[0] + 2.5), abs=1)
    room.press("Control+z")
    room.wait_until_saved()
    assert (body(own(reader)[0], 9) == frames).all()
    room.press("Control+Shift+Z")
    room.wait_until_saved()
    same_after_reload(room, reader, 1)


def test_a_region_grows_through_the_slices_to_what_the_same_rule_gives_in_numpy(
    tumour: Case,
    reader: User,
    sign_in: Callable[..., BrowserContext],
    enter: Callable[..., Room],
    tmp_path: Path,
) -> None:
    room = enter(sign_in(reader), tumour)
    room.press("Shift+J", "[", "[", "[")
    expect(room.page.get_by_text("reach 10 mm")).to_be_visible()
    room.click(*TUMOUR)
    expect(room.marks).to_have_count(1, timeout=120_000)
    room.wait_until_saved()
    [lesion] = own(reader)
    grown = body(lesion, 9)

    values = hounsfield(tumour, tmp_path)
    row, column = int(TUMOUR[1]), int(TUMOUR[0])
    z, y, x = np.indices(values.shape)
    near = (z == 4) & (np.hypot(y - row, x - column) <= 2)
    mean, spread = values[near].mean(), 3 * values[near].std()
    ball = ((z - 4) * 2.0) ** 2 + ((y - row) * SPACING) ** 2 + ((x - column) * SPACING) ** 2 <= 10**2
    labels, _ = ndimage.label(ball & (np.abs(values - mean) <= spread))
    expected = labels == labels[4, row, column]
    expected = np.stack([ndimage.binary_fill_holes(one) for one in expected])
    assert expected.sum() > 1000
    # The spacing in the header has more digits than the constant here.
    assert (grown ^ expected).sum() <= 0.01 * expected.sum()
    volume = room.page.get_by_test_id("extent").inner_text()
    assert volume.endswith("cm³")
    assert float(volume.split()[0]) == pytest.approx(grown.sum() * SPACING**2 * 2 / 1000, abs=0.02)
    same_after_reload(room, reader, 1)


def test_brushes_of_a_range_and_a_ball_take_what_they_say(
    tumour: Case,
    reader: User,
    sign_in: Callable[..., BrowserContext],
    enter: Callable[..., Room],
    tmp_path: Path,
) -> None:
    room = enter(sign_in(reader), tumour)
    values = hounsfield(tumour, tmp_path)
    room.press("Shift+T", "]", "]", "]", "]", "]")
    room.page.get_by_label("Least value").fill("-100")
    room.page.get_by_label("Greatest value").fill("200")
    room.page.keyboard.press("Escape")
    room.click(*TUMOUR)
    room.press("Escape", "Shift+M")
    room.click(TUMOUR[0] + 60, TUMOUR[1])
    room.press("Escape", "Shift+Z")
    room.click(150, 250)
    expect(room.marks).to_have_count(3)
    room.wait_until_saved()
    ranged, dynamic, ball = (body(lesion, 9) for lesion in own(reader))
    assert ranged.any(axis=(1, 2)).tolist() == [False] * 4 + [True] + [False] * 4
    assert values[ranged].min() >= -100 and values[ranged].max() <= 200
    y, x = np.indices((512, 512))
    disc = np.hypot(y + 0.5 - TUMOUR[1], x + 0.5 - TUMOUR[0]) <= 17
    taken = disc & (values[4] >= -100) & (values[4] <= 200)
    assert (ranged[4] ^ taken).sum() <= 0.08 * taken.sum()
    assert values[dynamic].std() < values[4][ndimage.binary_dilation(dynamic[4], iterations=4)].std()
    counts = ball.sum(axis=(1, 2))
    assert counts[4] == counts.max() and counts[4] > counts[3] > counts[2] > 0 and counts[3] == counts[5]
    same_after_reload(room, reader, 3)


def test_circle_spline_live_wire_and_point_are_stored_where_they_were_drawn(
    ultrasounds: list[Case], reader: User, sign_in: Callable[..., BrowserContext], enter: Callable[..., Room]
) -> None:
    room = enter(sign_in(reader), ultrasounds[0])
    room.press("Shift+0")
    room.drag((60, 60), (80, 60))
    room.press("Escape", "Shift+S")
    for place in ((150, 40), (190, 60), (170, 90), (140, 80)):
        room.click(*place)
    room.press("Enter", "Escape", "Shift+W")
    for place in ((110, 150), (190, 150), (150, 190)):
        room.click(*place)
    room.press("Enter", "Escape", "Shift+P")
    room.click(260, 200)
    expect(room.marks).to_have_count(3)
    expect(room.page.locator("g[data-mark]")).to_have_count(4)
    room.wait_until_saved()
    circle, spline, wire, point = own(reader)
    assert [one.kind for one in (circle, spline, wire, point)] == ["ellipse", "freehand", "freehand", "point"]
    ends = np.array(circle.points)
    assert ends.mean(axis=0) == pytest.approx([60, 60], abs=0.5)
    assert [np.hypot(*(ends[1] - ends[0])), np.hypot(*(ends[3] - ends[2]))] == pytest.approx([40, 40], abs=1)
    for place in ((150, 40), (190, 60), (170, 90), (140, 80)):
        assert min(math.dist(place, vertex) for vertex in spline.points) < 1.5
    for place in ((110, 150), (190, 150), (150, 190)):
        assert min(math.dist(place, vertex) for vertex in wire.points) < 1
    assert len(wire.points) > 6
    assert point.points[0] == pytest.approx([260, 200], abs=0.5)
    same_after_reload(room, reader, 3)


def test_measurements_say_millimetres_are_kept_and_are_no_lesions(
    tumour: Case,
    reader: User,
    sign_in: Callable[..., BrowserContext],
    enter: Callable[..., Room],
    tmp_path: Path,
) -> None:
    room = enter(sign_in(reader), tumour)
    page = room.page
    room.press("Shift+D")
    room.drag((267, 303), (307, 303))
    room.press("Escape", "Shift+K")
    room.drag((100, 250), (140, 250))
    room.press("Escape", "Shift+N")
    for place in ((350, 350), (300, 350), (300, 400)):
        room.click(*place)
    room.press("Escape", "Shift+U")
    room.drag((230, 320), (260, 350))
    room.press("Escape", "Shift+I")
    room.drag((290, 300), (330, 260))
    page.get_by_label("Words at the arrow").fill("tumour")
    room.wait_until_saved()
    reading = Reading.objects.get(reader__user=reader)
    assert [one["kind"] for one in reading.measurements] == ["length", "bidirectional", "angle", "roi", "arrow"]
    assert reading.measurements[4]["text"] == "tumour"
    assert (reading.lesions.count(), reading.verdict) == (0, "")
    rows = page.get_by_test_id("measurements")
    expect(rows).to_contain_text("90.0°")
    length = math.dist(*reading.measurements[0]["points"]) * SPACING
    assert length == pytest.approx(40 * SPACING, abs=0.5)
    expect(rows).to_contain_text(f"{length:.1f}\u00a0mm")

    # The region's numbers are those of the pixels that lie in the ellipse that was stored.
    ends = np.array(reading.measurements[3]["points"])
    centre, (a, b) = ends.mean(axis=0), (np.hypot(*(ends[1] - ends[0])) / 2, np.hypot(*(ends[3] - ends[2])) / 2)
    across = abs(ends[1] - ends[0])[0] > abs(ends[1] - ends[0])[1]
    rx, ry = (a, b) if across else (b, a)
    y, x = np.indices((512, 512)) + 0.5
    inside = ((x - centre[0]) / rx) ** 2 + ((y - centre[1]) / ry) ** 2 <= 1
    values = hounsfield(tumour, tmp_path)[4][inside]
    text = page.locator(f"[data-value='{reading.measurements[3]['id']}']").inner_text()
    assert f"{math.pi * a * b * SPACING**2:.1f}"[:-1] in text
    mean = float(text.split("mean ")[1].split(" ")[0].replace("\u2212", "-"))
    assert mean == pytest.approx(values.mean(), abs=1.5)
    same_after_reload(room, reader, 0)
    room.press("Shift+D")
    room.drag((100, 100), (140, 100))
    room.press("Control+z")
    expect(page.locator("g[data-measurement]")).to_have_count(5)


def test_a_box_becomes_its_ellipse_in_one_gesture_snaps_turns_into_a_mask_and_back(
    ultrasounds: list[Case], reader: User, sign_in: Callable[..., BrowserContext], enter: Callable[..., Room]
) -> None:
    room = enter(sign_in(reader), ultrasounds[0])
    room.press("b")
    room.page.keyboard.down("Alt")
    room.drag((100, 60), (160, 110))
    room.page.keyboard.up("Alt")
    room.wait_until_saved()
    [lesion] = own(reader)
    assert (lesion.kind, lesion.drawn_as["kind"]) == ("ellipse", "box")
    box = lesion.drawn_as["points"]
    assert box == [pytest.approx([100, 60], abs=0.4), pytest.approx([160, 110], abs=0.4)]
    room.press("Control+Enter")
    expect(room.page.get_by_test_id("marks")).to_contain_text("freehand")
    room.press("=")
    expect(room.page.get_by_test_id("marks")).to_contain_text("mask")
    room.wait_until_saved()
    [lesion] = own(reader)
    assert (lesion.kind, lesion.drawn_as["points"]) == ("mask", box)
    room.press("Control+Backspace")
    expect(room.page.get_by_test_id("marks")).to_contain_text("box")
    room.wait_until_saved()
    [lesion] = own(reader)
    assert (lesion.kind, lesion.points, lesion.drawn_as) == ("box", box, None)
    room.press("Control+z")
    expect(room.page.get_by_test_id("marks")).to_contain_text("mask")
    room.wait_until_saved()
    same_after_reload(room, reader, 1)


def test_masks_are_lassoed_cut_filled_split_and_merged(
    ultrasounds: list[Case], reader: User, sign_in: Callable[..., BrowserContext], enter: Callable[..., Room]
) -> None:
    room = enter(sign_in(reader), ultrasounds[0])

    def size() -> int:
        return sum(int(mask_of(one).sum()) for one in own(reader))

    room.press("Shift+A")
    room.drag((60, 60), (140, 60), (140, 120), (60, 120))
    expect(room.marks).to_have_count(1)
    room.wait_until_saved()
    whole = size()
    assert whole == pytest.approx(80 * 60, rel=0.05)
    room.press("Shift+X")
    room.drag((80, 80), (100, 80), (100, 100), (80, 100))
    room.wait_until_saved()
    assert whole - size() == pytest.approx(20 * 20, rel=0.2)
    room.press("Shift+F")
    room.click(90, 90)
    room.wait_until_saved()
    assert size() == whole
    room.press("Shift+X")
    room.drag((110, 50), (120, 50), (120, 130), (110, 130))
    room.press("Control+Shift+M")
    expect(room.marks).to_have_count(2)
    room.press("v")
    room.click(70, 100)
    room.page.keyboard.down("Shift")
    room.click(130, 100)
    room.page.keyboard.up("Shift")
    room.press("Control+m")
    expect(room.marks).to_have_count(1)
    room.press("Control+d", "Control+h")
    expect(room.marks).to_have_count(1)
    room.wait_until_saved()
    assert len(own(reader)) == 2
    room.press("Control+z", "Control+z")
    expect(room.marks).to_have_count(2)
    room.wait_until_saved()
    assert len(own(reader)) == 2 and whole - size() == pytest.approx(10 * 60, rel=0.25)


def test_two_marks_at_one_place_are_reached_one_after_the_other_and_a_locked_one_stays(
    ultrasounds: list[Case], reader: User, sign_in: Callable[..., BrowserContext], enter: Callable[..., Room]
) -> None:
    room = enter(sign_in(reader), ultrasounds[0])
    room.press("b")
    room.drag((100, 60), (200, 160))
    room.press("Escape")
    room.drag((110, 70), (190, 150))
    room.press("v", "Escape")
    room.page.mouse.move(*room.client(150, 110))
    chosen = room.page.locator("[data-testid=marks] .le.on .ix")
    room.press("`")
    expect(chosen).to_have_text("2")
    room.press("`")
    expect(chosen).to_have_text("1")
    room.press("\\")
    room.drag((150, 110), (170, 130))
    room.wait_until_saved()
    outer = own(reader)[0]
    assert outer.points == [pytest.approx([100, 60], abs=0.4), pytest.approx([200, 160], abs=0.4)]
