"""Every state of the reading room on phantom images, in both languages and sizes; with OVERREAD_SCREENSHOTS its pictures.

Nothing here is a patient's: the pictures may be shown to anyone.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import BrowserContext, Page, expect

from backend.accounts.models import User
from backend.archive.store import put_object
from backend.dicom.phantom import ct_series, file_bytes, radiograph
from backend.geometry.rle import blob_key, encode_mask, mask_digest
from backend.projects.models import Case, ClinicalContext, FindingType, Project
from backend.projects.selectors import case_instances
from backend.readings.models import Lesion, Reader, Reading
from backend.registry.models import Evaluation, ModelVersion
from tests.journeys.axe import violations
from tests.journeys.room import Room, imported
from tests.journeys.test_tour import packed
from tests.readings.conftest import Reading as Way

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]

PICTURES = os.environ.get("OVERREAD_SCREENSHOTS", "")
LARGE, LAPTOP = (1440, 900), (1280, 720)
# Each language in one size; pictures are taken of all four.
LOOKS = [("en", LARGE), ("zh-hans", LAPTOP)] + ([("en", LAPTOP), ("zh-hans", LARGE)] if PICTURES else [])
KEPT_IN_DOCS = {("en", LARGE), ("zh-hans", LAPTOP)}
PERSON = 6
PLACE_OF_TYPES = ("Nodule", "Mass")


def _predicted(case: Case, found: list[tuple[FindingType, float, NDArray[np.bool_]]]) -> None:
    """A serving model's reading with these masks (slices, rows, columns) over the whole case."""
    version, _ = ModelVersion.objects.get_or_create(
        project=case.project, number=4,
        defaults={
            "state": "serves", "weights_key": "none", "weights_sha256": "0" * 64, "config": {}, "finding_type_ids": [],
            "snapshot_hash": "0" * 64, "n_labels": 180, "seed": 0, "code_version": "test", "steps": 1, "core_seconds": 1.0,
            "display_threshold": 0.3,
        },
    )  # fmt: skip
    Evaluation.objects.get_or_create(
        model_version=version,
        split="VALIDATION",
        defaults={"metrics": [], "curves": {"froc": [[0.25, 0.6, 0.9], [0.8, 0.8, 0.3]]}, "n_cases": 48, "n_patients": 40},
    )
    reader, _ = Reader.objects.get_or_create(
        project=case.project, kind="model", model_version=version, defaults={"name": "U-Net v4"}
    )
    reading = Reading.objects.create(case=case, reader=reader, state="submitted", verdict="lesions")
    instances = list(case_instances(case))
    for kind, score, mask in found:
        slices, rows, columns = (np.flatnonzero(mask.any(axis=others)) for others in ((1, 2), (0, 2), (0, 1)))
        cut = mask[slices[0] : slices[-1] + 1, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        blob = encode_mask(cut)
        put_object(key=blob_key(mask_digest(blob)), data=blob)
        Lesion.objects.create(
            id=uuid.uuid4(), reading=reading, finding_type=kind, instance=instances[int(slices[0])], origin="predicted",
            kind="mask", score=score, mask_origin=[int(slices[0]), int(rows[0]), int(columns[0])],
            mask_shape=list(cut.shape), mask_digest=mask_digest(blob),
        )  # fmt: skip


def _types(project: Project) -> list[FindingType]:
    """The project's two lesion types by the phantom's names."""
    types = list(project.finding_types.filter(scope="lesion").order_by("pk")[: len(PLACE_OF_TYPES)])
    for kind, name in zip(types, PLACE_OF_TYPES, strict=False):
        FindingType.objects.filter(pk=kind.pk).update(name=name)
    return types


@pytest.fixture
def radiographs(tmp_path: Path, project: Project, lead: User) -> dict[str, Case]:
    """A chest radiograph with lesions that a model has read, the same person's of a year before, and one more to read."""
    Project.objects.filter(pk=project.pk).update(modality="DX")
    project.refresh_from_db()
    now, before, next_one = radiograph(PERSON), radiograph(PERSON + 20), radiograph(PERSON + 1)
    before.dataset.PatientID, before.dataset.StudyDate = now.dataset.PatientID, "20250109"
    before.dataset.PatientAge, before.dataset.PatientSex = now.dataset.PatientAge, now.dataset.PatientSex
    for name, made in (("1", now), ("2", before), ("3", next_one)):
        (tmp_path / f"radiograph-{name}.dcm").write_bytes(file_bytes(made.dataset))
    cases = imported(project, tmp_path)
    by_uid = {case_instances(case)[0].sop_instance_uid: case for case in cases}
    found = dict(zip(("now", "before", "next"), sorted(by_uid.values(), key=lambda case: case.name), strict=True))
    types = _types(project)
    kinds = dict(zip(PLACE_OF_TYPES, types, strict=True))
    truth = [(kinds[name], 0.91 - 0.13 * row, mask[None]) for row, (name, mask) in enumerate(now.lesions)]
    elsewhere = np.roll(now.lesions[0][1], (-60, 150), axis=(0, 1))[None]
    _predicted(found["now"], [*truth, (types[-1], 0.34, elsewhere)])
    ClinicalContext.objects.update_or_create(
        case=found["now"], defaults={"indication": "Cough for six weeks, weight loss. Former smoker."}
    )
    return found


@pytest.fixture
def thorax(tmp_path: Path, project: Project, lead: User) -> Case:
    """A CT-like series whose nodules a model has found."""
    Project.objects.filter(pk=project.pk).update(unit="series", modality="CT")
    project.refresh_from_db()
    made = ct_series()
    for name, dataset in zip(made.names, made.datasets, strict=True):
        (tmp_path / name).write_bytes(file_bytes(dataset))
    case = imported(project, tmp_path)[0]
    kind = _types(project)[0]
    _predicted(case, [(kind, 0.88 - 0.2 * row, mask) for row, (_, mask) in enumerate(made.lesions[:3])])
    return case


def looked_at(page: Page, state: str, language: str, size: tuple[int, int]) -> None:
    """No barrier and nothing cut off; its picture, if pictures are wanted."""
    assert violations(page) == []
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
    beyond = "nodes => nodes.filter(node => node.getBoundingClientRect().right > innerWidth).map(node => node.textContent)"
    assert page.locator(".lx .row > *").evaluate_all(beyond) == []
    if not PICTURES:
        return
    page.wait_for_timeout(1200)
    shown = packed(Image.open(BytesIO(page.screenshot())).convert("RGB"))
    folder = Path(PICTURES) if (language, size) in KEPT_IN_DOCS else Path(settings.BASE_DIR) / "test-results"
    folder.mkdir(parents=True, exist_ok=True)
    shown.save(folder / f"room-{state}-{language[:2]}-{size[0]}.png", optimize=True)


@pytest.fixture(params=LOOKS, ids=lambda look: f"{look[0]}-{look[1][0]}")
def opened(
    request: pytest.FixtureRequest, reader: User, sign_in: Callable[..., BrowserContext], enter: Callable[..., Room]
) -> Callable[[Case], tuple[Room, Callable[[str], None], BrowserContext]]:
    """Opens a case in a language and a size: the room, what looks at a state of it, and the window."""
    language, (width, height) = request.param
    User.objects.filter(pk=reader.pk).update(language=language, tour_seen=True)

    def open_case(case: Case) -> tuple[Room, Callable[[str], None], BrowserContext]:
        window = sign_in(reader)
        page = window.new_page()
        page.set_viewport_size({"width": width, "height": height})
        room = enter(page, case)
        return room, lambda state: looked_at(page, state, language, (width, height)), window

    return open_case


def test_a_radiograph_with_the_model_is_compared_read_offline_and_settled(
    radiographs: dict[str, Case], opened: Callable[..., Any]
) -> None:
    room, look, window = opened(radiographs["now"])
    page = room.page
    # The last radiograph of the same look hangs beside it by itself.
    expect(page.get_by_test_id("viewport-beside")).to_be_visible()
    expect(page.locator("g[data-mark][data-origin=model]").first).to_be_visible()
    look("prior")
    # Two panes, four, one.
    room.press("g", "g")
    expect(page.get_by_test_id("viewport-beside")).to_have_count(0)
    page.keyboard.press("Tab")
    page.keyboard.press("a")
    expect(page.locator("[data-decision=accepted]")).to_have_count(1)
    page.keyboard.press("Tab")
    look("assisted")
    room.wait_until_saved()
    window.set_offline(True)
    page.keyboard.press("a")
    expect(page.locator(".rr-strip, [role=status]").first).to_be_visible()
    look("offline")
    window.set_offline(False)
    room.wait_until_saved()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    look("keys")


def test_a_series_is_gone_through_and_cut_in_three_planes(thorax: Case, opened: Callable[..., Any]) -> None:
    room, look, _ = opened(thorax)
    page = room.page
    page.keyboard.press("Tab")
    expect(page.locator("g[data-mark][data-origin=model]").first).to_be_visible()
    look("series")
    page.keyboard.press("Shift+G")
    for plane in ("coronal", "sagittal"):
        expect(page.get_by_test_id(f"mpr-{plane}").locator("canvas").first).to_be_visible()
    look("planes")
    # In a narrow pane what the tool will do is told in as many lines as it takes.
    room.press("s")
    bar = page.locator(".rr-editbar")
    expect(bar).to_be_visible()
    own, pane = bar.bounding_box(), bar.locator("..").bounding_box()
    assert own is not None and pane is not None
    assert pane["x"] <= own["x"] and own["x"] + own["width"] <= pane["x"] + pane["width"]
    assert bar.evaluate("bar => bar.scrollWidth <= bar.clientWidth && bar.scrollHeight <= bar.clientHeight")
    assert violations(page) == []


def test_a_blinded_reader_sees_the_image_alone(radiographs: dict[str, Case], opened: Callable[..., Any]) -> None:
    Project.objects.update(blinded_share=1.0)
    _, look, _ = opened(radiographs["now"])
    look("blinded")


def test_two_tabs_an_image_that_does_not_come_and_a_reading_that_is_handed_in(
    radiographs: dict[str, Case], opened: Callable[..., Any], enter: Callable[..., Room]
) -> None:
    case = radiographs["next"]
    room, look, window = opened(case)
    page = room.page
    other = enter(window, case)
    other.press("b")
    other.drag((120, 160), (180, 210))
    other.wait_until_saved()
    other.page.close()
    room.press("b")
    room.drag((300, 260), (350, 300))
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    look("conflict")
    dialog.get_by_role("button").last.click()
    expect(dialog).to_have_count(0)
    room.wait_until_saved()
    page.route("**/frames/*", lambda route: route.abort())
    page.reload()
    expect(page.get_by_role("alert").first).to_be_visible()
    look("failed")
    page.unroute("**/frames/*")
    page.locator(".rr-failed button").click()
    expect(page.get_by_test_id("window").first).to_be_visible()
    room.press("l", "n")
    # The next case hangs beside its last one: two views, two windows.
    expect(page.get_by_role("heading", name=case.name)).to_have_count(0)
    expect(page.get_by_test_id("window")).to_have_count(2)
    room.press("p")
    expect(page.get_by_role("heading", name=case.name)).to_be_visible()
    expect(page.locator(".rr-strip").first).to_be_visible()
    look("submitted")


@pytest.mark.parametrize("shown", LOOKS, ids=lambda look: f"{look[0]}-{look[1][0]}")
def test_what_another_has_settled_with_the_model_is_reviewed(
    shown: tuple[str, tuple[int, int]],
    radiographs: dict[str, Case],
    reader: User,
    reviewer: User,
    as_person: Callable[..., Any],
    sign_in: Callable[..., BrowserContext],
    live_server: Any,
) -> None:
    language, (width, height) = shown
    Project.objects.update(blinded_share=0.0)
    User.objects.filter(pk=reader.pk).update(first_name="Rita", last_name="Okafor")
    User.objects.filter(pk=reviewer.pk).update(language=language, tour_seen=True)
    case = Case.objects.select_related("project").get(pk=radiographs["now"].pk)
    way = Way(as_person(reader), case)
    (first, *others) = way.room["model"]["findings"]
    taken = {name: first[name] for name in ("finding_type", "kind", "sop_instance_uid", "frame", "points", "mask")}
    taken |= {"id": str(uuid.uuid4()), "origin": "accepted", "origin_lesion": first["id"]}
    decided = [{"predicted": first["id"], "kind": "accepted", "lesion": taken["id"], "threshold": 0.3}]
    decided += [{"predicted": one["id"], "kind": "rejected", "reason": "no lesion", "threshold": 0.3} for one in others]
    answer = way.mark(taken, verdict="lesions", comment="The second one is a rib.", decisions={"upsert": decided})
    assert answer.status_code == 200, answer.json()
    assert way.submit().status_code == 200
    page = sign_in(reviewer).new_page()
    page.set_viewport_size({"width": width, "height": height})
    page.goto(f"{live_server.url}/p/breast/read/{case.pk}?review={way.room['reading']['id']}")
    expect(page.get_by_test_id("review-foot")).to_be_visible(timeout=180_000)
    expect(page.get_by_test_id("window").first).to_be_visible(timeout=180_000)
    expect(page.locator("g[data-mark]").first).to_be_visible()
    looked_at(page, "review", language, (width, height))
