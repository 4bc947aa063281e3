"""Grey and colour in a real browser: the picture is the server's, and the number under the pointer is pydicom's."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from playwright.sync_api import BrowserContext, Page, expect
from pydicom.data import get_testdata_file
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from backend.accounts.models import User
from backend.exchange.models import ImportItem
from backend.projects.models import Case, Project
from tests.journeys.room import Room, imported
from tests.journeys.shown_image import Grey, compared, modality_values_of, places, tallness, values_under_pointer

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]

LEAST_SIMILARITY = 0.99


def _ct() -> Dataset:
    return pydicom.dcmread(get_testdata_file("CT_small.dcm", download=False))


def _mr() -> Dataset:
    return pydicom.dcmread(get_testdata_file("MR_small.dcm", download=False))


def _without_window(dataset: Dataset) -> Dataset:
    for keyword in ("WindowCenter", "WindowWidth"):
        if keyword in dataset:
            delattr(dataset, keyword)
    return dataset


def _table(first: int, bits: int, values: np.ndarray) -> Dataset:
    item = Dataset()
    item["LUTDescriptor"] = DataElement("LUTDescriptor", "SS", [values.size, first, bits])
    item["LUTData"] = DataElement("LUTData", "US", values.astype(int).tolist())
    return item


def _sigmoid() -> Dataset:
    dataset = _ct()
    dataset.WindowCenter, dataset.WindowWidth, dataset.VOILUTFunction = 40, 300, "SIGMOID"
    return dataset


def _linear_exact() -> Dataset:
    dataset = _ct()
    dataset.WindowCenter, dataset.WindowWidth, dataset.VOILUTFunction = 40, 9, "LINEAR_EXACT"
    return dataset


def _voi_table() -> Dataset:
    dataset = _without_window(_ct())
    steps = np.linspace(0, 1, 2200)
    dataset.VOILUTSequence = [_table(-1100, 12, np.rint(steps**0.4 * 4095))]
    return dataset


def _modality_table() -> Dataset:
    dataset = _without_window(_mr())
    dataset.ModalityLUTSequence = [_table(0, 16, np.rint(np.sqrt(np.arange(5000)) * 100))]
    dataset.ModalityLUTSequence[0].ModalityLUTType = "US"
    dataset.WindowCenter, dataset.WindowWidth = 3000, 5000
    return dataset


def _film_with_padding() -> Dataset:
    dataset = _without_window(_mr())
    pixels = np.pad(dataset.pixel_array, ((0, 0), (0, 40)), constant_values=0)
    dataset.PixelData, dataset.Columns = pixels.astype("<i2").tobytes(), pixels.shape[1]
    dataset["PixelPaddingValue"] = DataElement("PixelPaddingValue", "SS", 0)
    dataset.PhotometricInterpretation = "MONOCHROME1"
    return dataset


def _flat_pixels() -> Dataset:
    dataset = _mr()
    dataset.PixelSpacing = [1.5, 0.5]
    return dataset


def _fractions() -> Dataset:
    """Values as of a diffusion map: a slope of thousandths, a window narrower than one."""
    dataset = _mr()
    dataset.RescaleSlope, dataset.RescaleIntercept = "0.001", "-0.25"
    dataset.WindowCenter, dataset.WindowWidth = "0.6", "0.9"
    dataset.VOILUTFunction = "LINEAR_EXACT"
    return dataset


def _enhanced() -> Dataset:
    """Two frames that differ in rescale and window, both in their functional groups only."""
    dataset = _without_window(_mr())
    dataset.PixelData = dataset.PixelData * 2
    dataset.NumberOfFrames = 2
    groups = []
    for slope, intercept, center in ((1, 0, 900), (3, -1000, 2000)):
        rescale, voi, group = Dataset(), Dataset(), Dataset()
        rescale.RescaleSlope, rescale.RescaleIntercept, rescale.RescaleType = slope, intercept, "US"
        voi.WindowCenter, voi.WindowWidth = center, 2500
        group.PixelValueTransformationSequence, group.FrameVOILUTSequence = [rescale], [voi]
        groups.append(group)
    dataset.PerFrameFunctionalGroupsSequence = groups
    return dataset


MADE = {
    "sigmoid": _sigmoid,
    "linear-exact": _linear_exact,
    "voi-table": _voi_table,
    "modality-table": _modality_table,
    "film-with-padding": _film_with_padding,
    "flat-pixels": _flat_pixels,
    "fractions": _fractions,
    "enhanced": _enhanced,
}
BUNDLED = (
    "CT_small.dcm",
    "MR_small.dcm",
    "SC_rgb_small_odd.dcm",
    "SC_rgb_jpeg_dcmtk.dcm",
    "SC_ybr_full_422_uncompressed.dcm",
    "SC_rgb_rle_16bit_2frame.dcm",
    "examples_palette.dcm",
    "JPEG2000.dcm",
)
LOSSY = ("SC_rgb_jpeg_dcmtk.dcm",)


def prepared(folder: Path) -> None:
    """Files of every kind of grey and colour, each a patient and a study of its own."""
    for name in BUNDLED:
        path = get_testdata_file(name, download=False)
        assert path is not None
        shutil.copy(path, folder / name)
    for name, make in MADE.items():
        dataset = make()
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
        dataset.StudyInstanceUID = dataset.SeriesInstanceUID = pydicom.uid.generate_uid()
        dataset.save_as(folder / f"{name}.dcm")


@pytest.fixture
def images(tmp_path: Path, project: Project, lead: User) -> dict[str, Case]:
    """The case of each file by the file's name."""
    prepared(tmp_path)
    imported(project, tmp_path)
    items = ImportItem.objects.filter(case__isnull=False).select_related("case__project", "instance")
    found = {item.name: item.case for item in items}
    assert set(found) == {*BUNDLED, *(f"{name}.dcm" for name in MADE)}
    return found


def test_the_browser_shows_what_the_server_renders_and_tells_the_values_that_pydicom_reads(
    images: dict[str, Case],
    tmp_path: Path,
    reader: User,
    sign_in: Callable[..., BrowserContext],
    enter: Callable[..., Room],
) -> None:
    page = sign_in(reader).new_page()
    problems = []
    for name, case in images.items():
        room = enter(page, case)
        for frame in (1, 2) if name == "enhanced.dcm" else (1,):
            room.press("Home" if frame == 1 else "End")
            problems += [f"{name} frame {frame}: {problem}" for problem in _differences(page, case, tmp_path / name, frame)]
    assert not problems, "\n".join(problems)


def _differences(page: Page, case: Case, path: Path, frame: int) -> list[str]:
    instance = case.instance
    assert instance is not None
    result = compared(page, instance, frame)
    problems = []
    if result.similarity < LEAST_SIMILARITY:
        problems.append(f"similarity {result.similarity:.4f}")
    tall = tallness(instance)
    if path.name not in LOSSY and tall == 1:
        worst = np.abs(result.shown.astype(int) - result.rendered).max()
        if worst > 3:
            problems.append(f"a pixel is off by {worst} of 255")
    values = modality_values_of(path, frame)
    box = page.get_by_test_id("viewport").bounding_box()
    assert box is not None
    rows, columns = values.shape[:2]
    left, top = (box["width"] - columns) // 2, (box["height"] - round(rows * tall)) // 2
    inside = [
        (column, row, box["x"] + left + column + 0.5, box["y"] + top + (row + 0.5) * tall)
        for column, row in places(rows, columns, 20)
    ]
    # Some may lie outside of a window that is smaller than the image.
    inside = [
        place for place in inside if 0 < place[2] - box["x"] < box["width"] and 0 < place[3] - box["y"] < box["height"]
    ]
    for (column, row, *_), told in zip(inside, values_under_pointer(page, [place[2:] for place in inside]), strict=True):
        due = np.atleast_1d(values[row, column]).astype(float)
        if len(told) != due.size or np.any(np.abs(np.array(told) - due) > _allowed(due, path.name)):
            problems.append(f"at {column}, {row} it says {told}, not {due.tolist()}")
    return problems


def _allowed(due: Grey, name: str) -> Grey:
    """Fractions are told to three figures, and two decoders of a lossy JPEG may differ by a little."""
    return np.full(due.shape, 2.0) if name in LOSSY else np.where(due == np.rint(due), 0, 0.005 * np.abs(due))


def test_presets_change_the_window_and_the_headers_own_comes_back(
    images: dict[str, Case], reader: User, sign_in: Callable[..., BrowserContext], enter: Callable[..., Room]
) -> None:
    room = enter(sign_in(reader), images["sigmoid.dcm"])
    window = room.page.get_by_test_id("window")
    expect(window).to_contain_text("W 300")
    room.press("Shift+1")
    expect(window).to_contain_text("Lung")
    room.press("Shift+6")
    expect(window).to_contain_text("W 300")
    room.press("Shift+7")
    expect(window).to_contain_text("Automatic")
