"""Planes across the slices of a real CT: where they are clicked is where the patient is, and the greys are the voxels'."""

from __future__ import annotations

import base64
import io
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, expect

from backend.accounts.models import User
from backend.projects.models import Case, Project
from tests.journeys.room import Room, imported

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]

SLICES = 12


@pytest.fixture
def volume(real_data: Path, tmp_path: Path, project: Project, lead: User) -> tuple[Case, list[pydicom.Dataset]]:
    """Neighbouring slices of a chest CT as one case, and their files from the feet to the head."""
    Project.objects.filter(pk=project.pk).update(unit="series", modality="CT")
    project.refresh_from_db()
    paths = sorted((real_data / "ct_nlst_101287" / "ct").iterdir(), key=_height)[40 : 40 + SLICES]
    for path in paths:
        shutil.copy(path, tmp_path)
    return imported(project, tmp_path)[0], [pydicom.dcmread(path) for path in paths]


def _height(path: Path) -> float:
    return float(pydicom.dcmread(path, stop_before_pixels=True).ImagePositionPatient[2])


def test_a_click_in_a_plane_is_the_patients_place_to_a_tenth_of_a_millimetre(
    volume: tuple[Case, list[pydicom.Dataset]],
    reader: User,
    sign_in: Callable[..., BrowserContext],
    enter: Callable[..., Room],
) -> None:
    case, files = volume
    room = enter(sign_in(reader), case)
    expect(room.page.locator(".sbar .loaded")).to_have_count(1)
    room.press("Shift+6", "Shift+G")
    window = files[0]
    center, width = (float(np.atleast_1d(window[name].value)[0]) for name in ("WindowCenter", "WindowWidth"))
    origin = np.array(files[0].ImagePositionPatient, dtype=float)
    spacing = float(files[0].PixelSpacing[0])
    rise = float(files[-1].ImagePositionPatient[2] - files[0].ImagePositionPatient[2]) / (SLICES - 1)
    hounsfield = np.stack([file.pixel_array * float(file.RescaleSlope) + float(file.RescaleIntercept) for file in files])
    for plane, axis in (("coronal", 0), ("sagittal", 1)):
        pane = room.page.get_by_test_id(f"mpr-{plane}")
        for along, frame in ((200, 9), (300, 2), (256, 5)):
            box = pane.bounding_box()
            assert box is not None
            scale = min(int(box["width"]) / (512 * spacing), int(box["height"]) / (SLICES * rise))
            x = int(box["width"]) / 2 + (along - 255.5) * spacing * scale
            y = int(box["height"]) / 2 - (frame - (SLICES - 1) / 2) * rise * scale
            pane.click(position={"x": x, "y": y})
            held = [float(one) for one in (pane.get_attribute("data-patient") or "").split()]
            due = origin[axis] + along * spacing, origin[2] + frame * rise
            # A click comes in whole pixels of the screen, of which one is less than half a millimetre wide here.
            assert abs(held[axis] - due[0]) <= 0.1 + 0.5 / scale and abs(held[2] - due[1]) <= 0.1
            expect(room.page.get_by_text(f"{frame + 1} / {SLICES}")).to_be_visible()
    # The planes lie where the cross is: their greys are those of the voxels there.
    for plane, axis in (("coronal", 0), ("sagittal", 1)):
        pane = room.page.get_by_test_id(f"mpr-{plane}")
        held = [float(one) for one in (pane.get_attribute("data-patient") or "").split()]
        picture = _picture(room, plane)
        scale = min(picture.shape[1] / (512 * spacing), picture.shape[0] / (SLICES * rise))
        other = (held[1 - axis] - origin[1 - axis]) / spacing
        for along, frame in ((120, 3), (200, 6), (256, 5), (350, 8)):
            x = picture.shape[1] / 2 + (along - 255.5) * spacing * scale
            y = picture.shape[0] / 2 - (frame - (SLICES - 1) / 2) * rise * scale
            around = [
                _voxel(hounsfield, axis, along + dx / (spacing * scale), other, frame)
                for dx in (int(x) + 0.5 - x, int(x) + 0.5 - x)
            ]
            due = np.clip((around[0] - (center - 0.5)) / (width - 1) + 0.5, 0, 1) * 255
            y_off = abs(int(y) + 0.5 - y) / (rise * scale)
            told = float(picture[int(y), int(x)])
            slack = 3 + 255 / width * y_off * np.ptp(
                [_voxel(hounsfield, axis, along, other, k) for k in (frame - 1, frame, frame + 1)]
            )
            assert abs(told - due) <= slack, (plane, along, frame, told, due)


def _voxel(hounsfield: np.ndarray, axis: int, along: float, other: float, frame: int) -> float:
    """Linear between the four voxels around a place of a slice; `axis` 0: along is the column, 1: the row."""
    column, row = (along, other) if axis == 0 else (other, along)
    j, i = int(np.floor(row)), int(np.floor(column))
    v, u = row - j, column - i
    part = hounsfield[frame, j : j + 2, i : i + 2]
    return float(((1 - v) * part[0] + v * part[1]) @ [1 - u, u])


def _picture(room: Room, plane: str) -> np.ndarray:
    url = room.page.get_by_test_id(f"mpr-{plane}").locator("canvas").evaluate("(canvas) => canvas.toDataURL('image/png')")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).convert("L"))


def test_the_magnifier_follows_the_pointer_and_the_cine_plays_and_stops(
    volume: tuple[Case, list[pydicom.Dataset]],
    reader: User,
    sign_in: Callable[..., BrowserContext],
    enter: Callable[..., Room],
) -> None:
    room = enter(sign_in(reader), volume[0])
    page = room.page
    page.mouse.move(*room.client(256, 256))
    room.press("Shift+E")
    lens = page.get_by_test_id("lens")
    expect(lens).to_be_visible()
    drawn = lens.evaluate("(canvas) => new Set(canvas.getContext('2d').getImageData(0, 0, 220, 220).data).size")
    assert drawn > 20
    room.press("Shift+E")
    expect(lens).to_have_count(0)
    thumb = page.get_by_role("slider", name="Slices")
    before = thumb.get_attribute("aria-valuenow")
    room.press("Shift+C")
    expect(thumb).not_to_have_attribute("aria-valuenow", before or "")
    room.press("Shift+C")
    expect(page.locator(".rr-cine")).to_have_count(0)
