"""S in a real browser: a click and a box on real ultrasounds come back as outlines of a network that was really trained."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, expect

from backend.accounts.models import User
from backend.jobs import questions
from backend.learning.vocabulary import vocabulary_of
from backend.projects.models import Case, Project
from backend.registry.models import ModelVersion
from tests.bench.bench_prompts import busi_lesions
from tests.cnn.tiny_sam import export_tiny_sam
from tests.journeys.room import Room, imported
from tests.journeys.stored_marks import body, own
from workers.cnn.prompt_training import PromptTraining, cut_lesion, gathered
from workers.cnn.train import Recipe
from workers.pointing import store_prompts
from workers.prompting import answer_generic_prompts, answer_prompts

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]

LEARNED = 40
PICTURES = os.environ.get("OVERREAD_SCREENSHOTS", "")


@pytest.fixture
def pointing(
    real_data: Path, tmp_path: Path, project: Project, reader: User
) -> Iterator[tuple[list[Case], list[np.ndarray]]]:
    """Three ultrasounds with one lesion each, a version that has learned from others, and a worker that listens."""
    lesions = busi_lesions(real_data, 0)
    seen = {group for group, _, _ in lesions[:LEARNED]}
    large = [one for one in lesions if one[0] not in seen and 0.02 < one[2].mean() < 0.2]
    unseen = list({group: (image, mask) for group, image, mask in large}.values())[:3]
    for at, (image, _) in enumerate(unseen):
        Image.fromarray(image).save(tmp_path / f"{at}.png")
    cases = imported(project, tmp_path)
    masks = [unseen[int(Path(case.source_name).stem)][1] for case in cases]
    training = PromptTraining(
        gathered([one for _, image, mask in lesions[:LEARNED] if (one := cut_lesion(image, mask)) is not None]),
        recipe=Recipe(steps=120, seed=0),
    )
    for _ in training.run():
        pass
    ModelVersion.objects.create(
        project=project, number=3, state="serves", weights_key="x", weights_sha256="x",
        config=store_prompts(training, "models/test"), finding_type_ids=vocabulary_of(project).as_dict(), snapshot_hash="x",
        n_labels=LEARNED, seed=0, code_version="x", steps=1, core_seconds=1.0,
    )  # fmt: skip
    questions._server().flushdb()
    stop = threading.Event()
    worker = threading.Thread(target=answer_prompts, args=[stop])
    worker.start()
    yield cases, masks
    stop.set()
    worker.join()
    questions._server().flushdb()


def test_a_click_and_a_box_are_outlined_corrected_undone_kept_and_told_by_the_version_that_made_them(
    pointing: tuple[list[Case], list[np.ndarray]],
    reader: User,
    sign_in: Callable[..., BrowserContext],
    enter: Callable[..., Room],
    settings: object,
) -> None:
    settings.PROMPT_SECONDS = 60.0  # type: ignore[attr-defined]
    (first, second, third), masks = pointing
    context = sign_in(reader)
    context.add_init_script("AbortSignal.timeout = () => new AbortController().signal")  # The machine may be busy.
    room = enter(context, first)
    page = room.page
    row, column = (axis.mean() for axis in np.nonzero(masks[0]))
    room.press("s")
    expect(page.get_by_text("click on it, or drag a box around it")).to_be_visible()
    room.click(column + 0.5, row + 0.5)
    expect(page.get_by_text("Outlined by model v3")).to_be_visible()
    expect(page.locator("g.pt.on")).to_have_count(1)
    assert not own(reader), "a draft is no mark yet"
    if PICTURES:
        page.screenshot(path=f"{PICTURES}/pointing-click.png")
    page.keyboard.down("Shift")
    top = np.nonzero(masks[0].any(axis=1))[0][0]
    room.click(column + 0.5, max(2.5, top - 12))
    page.keyboard.up("Shift")
    expect(page.locator("g.pt.off")).to_have_count(1)
    room.press("Control+z")
    expect(page.locator("g.pt")).to_have_count(1)
    room.press("n")
    expect(page.get_by_text("First keep (↵) or drop (Esc) the outline")).to_be_visible()
    expect(page.get_by_text("Outlined by model v3")).to_be_visible()
    room.press("Enter")
    expect(room.marks).to_have_count(1)
    room.wait_until_saved()
    [lesion] = own(reader)
    assert dice(body(lesion, 1, *masks[0].shape)[0], masks[0]) > 0.5
    assert lesion.prompted["version"] == 3 and lesion.prompted["negative"] == []
    assert lesion.prompted["positive"] == [pytest.approx([column + 0.5, row + 0.5], abs=2)]
    page.close()

    room = enter(context, second)
    page = room.page
    rows, columns = np.nonzero(masks[1])
    room.press("s")
    room.drag((columns.min(), rows.min()), (columns.max() + 1, rows.max() + 1))
    expect(page.get_by_text("Outlined by model v3")).to_be_visible()
    if PICTURES:
        page.screenshot(path=f"{PICTURES}/pointing-box.png")
    room.press("Escape")
    expect(page.locator(".pt-box")).to_have_count(0)
    room.press("Alt+s")
    expect(page.get_by_text("drag a stroke over it, or click on it")).to_be_visible()
    middle, across = (rows.min() + rows.max()) / 2, columns.max() - columns.min()
    left, right = columns.min() + across / 4, columns.max() - across / 4
    room.drag((left, middle), ((left + right) / 2, middle + 4), (right, middle))
    expect(page.get_by_text("Outlined by model v3")).to_be_visible()
    page.keyboard.down("Shift")
    room.drag((columns.min() - 20, rows.min() - 8), (columns.max(), rows.min() - 8))
    page.keyboard.up("Shift")
    expect(page.locator("g.off[data-act=stroke]")).to_have_count(1)
    expect(page.get_by_text("Outlined by model v3")).to_be_visible()
    if PICTURES:
        page.screenshot(path=f"{PICTURES}/pointing-stroke.png")
    room.press("Enter")
    room.wait_until_saved()
    stroked = own(reader)[-1]
    assert dice(body(stroked, 1, *masks[1].shape)[0], masks[1]) > 0.5 and stroked.prompted["version"] == 3
    over, beside = stroked.prompted["strokes"]
    assert over["positive"] and not beside["positive"] and len(over["points"]) <= 20
    assert over["points"][0] == pytest.approx([left, middle], abs=2)
    assert over["points"][-1] == pytest.approx([right, middle], abs=2)
    room.press("Backspace", "s")
    expect(room.marks).to_have_count(0)
    room.drag((columns.min(), rows.min()), (columns.max() + 1, rows.max() + 1))
    expect(page.get_by_text("Outlined by model v3")).to_be_visible()
    room.press("Enter")
    room.wait_until_saved()
    boxed = own(reader)[-1]
    assert dice(body(boxed, 1, *masks[1].shape)[0], masks[1]) > 0.65 and boxed.prompted["box"] is not None
    page.close()

    Project.objects.update(blinded_share=1.0)
    room = enter(context, third)
    page = room.page
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/segment/" in request.url else None)
    row, column = (axis.mean() for axis in np.nonzero(masks[2]))
    room.press("s")
    room.click(column + 0.5, row + 0.5)
    expect(page.get_by_text("Without the model: this case is read alone")).to_be_visible()
    if PICTURES:
        page.set_viewport_size({"width": 1280, "height": 720})
        page.screenshot(path=f"{PICTURES}/pointing-blinded.png")
    assert asked == []


def dice(one: np.ndarray, other: np.ndarray) -> float:
    return float(2 * (one & other).sum() / (one.sum() + other.sum()))


@pytest.fixture
def general_purpose(tmp_path: Path, project: Project, settings: Any) -> Iterator[Case]:
    """One image with a bright disc, and a worker that listens with a network which the operator brought."""
    settings.SAM_ENCODER, settings.SAM_DECODER = map(str, export_tiny_sam(tmp_path))
    settings.PROMPT_SECONDS = 60.0
    rows, columns = np.ogrid[:240, :320]
    bright = np.where((rows - 120) ** 2 + (columns - 200) ** 2 <= 50**2, 220, 40).astype(np.uint8)
    (tmp_path / "images").mkdir()
    Image.fromarray(bright).save(tmp_path / "images" / "disc.png")
    [case] = imported(project, tmp_path / "images")
    questions._server().flushdb()
    stop = threading.Event()
    worker = threading.Thread(target=answer_generic_prompts, args=[stop])
    worker.start()
    yield case
    stop.set()
    worker.join()
    questions._server().flushdb()


def test_the_lead_lets_a_general_purpose_network_outline_and_the_room_says_that_it_was_not_the_projects(
    general_purpose: Case,
    lead: User,
    reader: User,
    sign_in: Callable[..., BrowserContext],
    enter: Callable[..., Room],
    live_server: Any,
) -> None:
    page = sign_in(lead).new_page()
    page.goto(f"{live_server.url}/p/{general_purpose.project.slug}/learning")
    page.get_by_role("button", name="Policy", exact=True).click()
    field = page.get_by_role("combobox", name="General-purpose network (SAM) for clicks")
    field.click()
    page.get_by_role("option", name="Until a version of this project answers clicks").click()
    if PICTURES:
        page.screenshot(path=f"{PICTURES}/pointing-policy.png")
    page.get_by_role("button", name="Save").click()
    expect(field).to_have_count(0)
    context = sign_in(reader)
    context.add_init_script("AbortSignal.timeout = () => new AbortController().signal")  # The machine may be busy.
    room = enter(context, general_purpose)
    room.press("s")
    room.click(200.5, 120.5)
    expect(room.page.get_by_text("Outlined by a general-purpose network")).to_be_visible()
    if PICTURES:
        room.page.screenshot(path=f"{PICTURES}/pointing-generic.png")
    room.press("Enter")
    room.wait_until_saved()
    [lesion] = own(reader)
    assert set(lesion.prompted["generic"]) == {"encoder", "decoder"} and lesion.prompted["version"] is None
