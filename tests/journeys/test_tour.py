"""The tour of docs/tour.md, walked on the demonstration as a newcomer; with OVERREAD_SCREENSHOTS it takes the pictures."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from backend.dicom.phantom import radiograph
from tests.journeys.conftest import Product, start_product, stop_product
from tests.journeys.test_loop import api, drag, sign_in_the_first_time

pytestmark = [pytest.mark.journey, pytest.mark.timeout(3000)]

CHEST = "/projects/phantom-chest"
PICTURES = os.environ.get("OVERREAD_SCREENSHOTS", "")
# A radiograph's grain does not compress: so few greys, and every colour of its own, keep a picture below 250 kB.
GREYS, COLOURS = 40, 96


@pytest.fixture
def demonstration() -> Iterator[Product]:
    """Overread as `make demo` starts it, on an empty data folder."""
    data_dir = Path(tempfile.mkdtemp(prefix="ovr-demo-"))
    started = start_product(data_dir, "--demo")
    yield started
    stop_product(started)
    shutil.rmtree(data_dir, ignore_errors=True)


def picture(page: Page, name: str) -> None:
    """Keep what the page shows as docs/images/<name>.png, if pictures are wanted."""
    if not PICTURES:
        return
    page.mouse.move(0, 0)
    page.wait_for_timeout(1500)
    Path(PICTURES).mkdir(parents=True, exist_ok=True)
    packed(Image.open(BytesIO(page.screenshot())).convert("RGB")).save(Path(PICTURES) / f"{name}.png", optimize=True)


def packed(shown: Image.Image) -> Image.Image:
    """The picture in a palette in which its many greys do not crowd out its few colours."""
    pixels = np.asarray(shown)
    is_grey = np.ptp(pixels, axis=2) < 12
    indices = np.zeros(is_grey.shape, dtype=np.uint8)
    palette: list[int] = []
    for part, shades in ((is_grey, GREYS), (~is_grey, COLOURS)):
        reduced = Image.fromarray(pixels[part][None]).quantize(shades, dither=Image.Dither.NONE)
        indices[part] = np.asarray(reduced)[0] + len(palette) // 3
        palette += (reduced.getpalette() or [])[: 3 * shades]
    picture = Image.fromarray(indices, mode="P")
    picture.putpalette(palette)
    return picture


def rows_to_read(page: Page) -> list[dict[str, Any]]:
    """The open cases that are read with the model, in the order of the worklist."""
    rows = api(page, "GET", f"{CHEST}/worklist/?state=to_read&limit=100")["results"]
    return [row for row in rows if not row["blinded"]]


def lesions_of(row: dict[str, Any]) -> list[tuple[str, np.ndarray]]:
    """What the phantom's author knows of a case."""
    number = re.search(r"phantom-(\d+)", row["source_name"])
    assert number is not None
    return radiograph(int(number.group(1))).lesions


def open_case(page: Page, product: Product, row: dict[str, Any]) -> None:
    page.goto(f"{product.url}/p/phantom-chest/read/{row['id']}")
    expect(page.get_by_test_id("window")).to_be_visible()
    page.get_by_test_id("viewport").focus()


def mark_lesion(page: Page, kind: str, mask: np.ndarray) -> None:
    """Draw a box around a lesion whose mask is known; the image fills the viewport's shorter side, about its middle."""
    pane = page.get_by_test_id("viewport")
    box = pane.bounding_box()
    assert box is not None
    scale = min(box["width"], box["height"]) / max(mask.shape)
    across, down = scale / box["width"], scale / box["height"]
    rows, columns = np.nonzero(mask)
    middle = np.array(mask.shape) / 2
    top, bottom = (np.array([rows.min() - 3, rows.max() + 4]) - middle[0]) * down + 0.5
    left, right = (np.array([columns.min() - 3, columns.max() + 4]) - middle[1]) * across + 0.5
    page.keyboard.press("b")
    page.keyboard.press("1" if kind == "Nodule" else "2")
    drag(page, pane, (float(left), float(top)), (float(right), float(bottom)))
    expect(page.get_by_test_id("marks")).to_contain_text(kind)


def submit(page: Page, verdict: str) -> None:
    name = page.locator("main.vp").get_attribute("aria-label")
    page.keyboard.press(verdict)
    expect(page.get_by_role("button", name=re.compile("Submit and next"))).to_be_enabled()
    page.keyboard.press("n")
    expect(page.locator("main.vp")).not_to_have_attribute("aria-label", str(name))


def start_round(page: Page, product: Product) -> None:
    page.goto(f"{product.url}/p/phantom-chest/learning")
    page.get_by_role("button", name=re.compile("Start a round")).click()
    expect(page.get_by_role("button", name="Cancel round")).to_be_visible()


def wait_for_version(page: Page, product: Product, number: int) -> None:
    page.goto(f"{product.url}/p/phantom-chest/learning")
    expect(page.get_by_role("link", name=f"v{number}", exact=True)).to_be_visible(timeout=900_000)
    expect(page.get_by_text("done", exact=True).first).to_be_visible(timeout=200_000)


def read_by_hand(page: Page, product: Product) -> None:
    """Mark and submit a case with a lesion, before any model has read it."""
    row, lesions = next((row, found) for row in rows_to_read(page) if (found := lesions_of(row)))
    open_case(page, product, row)
    for kind, mask in lesions:
        mark_lesion(page, kind, mask)
    picture(page, "reading")
    submit(page, "l")


def read_with_the_model(page: Page, product: Product) -> int:
    """Accept what the model found in one case and submit; how many findings."""
    row = next(row for row in rows_to_read(page) if row["n_findings"])
    open_case(page, product, row)
    findings = page.get_by_test_id("model")
    expect(findings).to_contain_text(re.compile(r"0 of \d+ decided"))
    picture(page, "assisted")
    count = int(re.search(r"0 of (\d+) decided", findings.inner_text()).group(1))  # type: ignore[union-attr]
    for number in range(1, count + 1):
        if not page.get_by_role("button", name=re.compile("^Accept")).is_visible():
            page.keyboard.press("Tab")
        page.keyboard.press("a")
        expect(findings).to_contain_text(f"{number} of {count} decided")
    submit(page, "l")
    return count


def test_a_newcomer_walks_the_tour_on_the_demonstration(demonstration: Product, page: Page) -> None:
    sign_in_the_first_time(page, demonstration)
    page.goto(f"{demonstration.url}/p/phantom-chest/worklist")
    expect(page.get_by_text("DX-", exact=False).first).to_be_visible()
    picture(page, "worklist")
    labels = api(page, "GET", f"{CHEST}/learning/")["labels"]
    assert labels["training"] >= 20, "the first round has enough to start with"
    if not PICTURES:
        changes = {"image_size": 64, "steps_scratch": 160, "steps_warm": 20}
        api(page, "PATCH", f"{CHEST}/policy/", changes)
        api(page, "PATCH", f"{CHEST}/", {"display_threshold": 0.1})

    start_round(page, demonstration)
    if PICTURES:
        expect(page.get_by_text(re.compile(r"^step [2-9]\d\d of"))).to_be_visible(timeout=600_000)
        picture(page, "training")
    read_by_hand(page, demonstration)
    wait_for_version(page, demonstration, 1)
    assert read_with_the_model(page, demonstration) >= 1
    start_round(page, demonstration)
    wait_for_version(page, demonstration, 2)
    expect(page.locator("[data-point]")).to_have_count(2)
    picture(page, "learning")

    overview = api(page, "GET", f"{CHEST}/learning/")
    assert [row["state"] for row in overview["rounds"]] == ["done", "done"]
    dice = [point for point in overview["curve"] if point["metric"] == "dice"]
    assert [point["version"] for point in dice] == [1, 2], "VALIDATION holds enough lesions for a number"
