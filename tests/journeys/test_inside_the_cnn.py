"""Inside the CNN: a network that has learned, a real look inside, and what a person reads there."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import BrowserContext, Page, expect

from backend.accounts.models import User
from backend.archive.store import put_object
from backend.dicom.phantom import radiograph_file
from backend.inspection.models import Inspection
from backend.jobs.models import Job
from backend.jobs.services import claim_job, finish_job
from backend.learning.model_readings import store_model_readings
from backend.learning.vocabulary import vocabulary_of
from backend.projects.models import Case, Project
from backend.registry.models import ModelVersion
from tests.journeys.axe import violations
from tests.journeys.room import imported
from tests.rows import make_model
from workers.cnn.checkpoint import encode_weights
from workers.cnn.data import Samples, shrink_target
from workers.cnn.model import NetConfig
from workers.cnn.plan import Plan
from workers.cnn.train import Recipe, Training
from workers.datasets import case_found, case_images
from workers.inspecting import inspect_case
from workers.networks import load_version

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]

SIZE, STEPS = 64, 40
PICTURES = os.environ.get("OVERREAD_SCREENSHOTS", "")


@pytest.fixture
def chests(project: Project, lead: User, tmp_path: Path) -> list[tuple[Case, np.ndarray]]:
    """Six phantom radiographs with a lesion as cases that everybody reads assisted, and where their lesions are."""
    Project.objects.filter(pk=project.pk).update(modality="DX", blinded_share=0.0)
    project.refresh_from_db()
    masks: dict[str, np.ndarray] = {}
    for number in range(40):
        name, data, lesions = radiograph_file(number)
        if lesions and len(masks) < 6:
            (tmp_path / name).write_bytes(data)
            masks[name] = np.logical_or.reduce([mask for _, mask in lesions])
    return [(case, masks[Path(case.source_name).name]) for case in imported(project, tmp_path)]


@pytest.fixture
def version(project: Project, chests: list[tuple[Case, np.ndarray]]) -> ModelVersion:
    """A version that really learned from those six, and has read them."""
    torch.set_num_threads(1)
    vocabulary = vocabulary_of(project)
    loaded = [case_images(case, Plan.plain(SIZE)) for case, _ in chests]
    targets = np.stack([shrink_target(mask.astype(np.uint8), size=SIZE) for _, mask in chests])
    n = len(chests)
    training = Training(
        Samples(
            images=np.concatenate([one.images for one in loaded]),
            content=np.concatenate([one.content for one in loaded]),
            targets=targets,
            type_known=np.ones((n, len(vocabulary.types)), bool),
            findings=np.tile(np.array([1, 1, 0, 0], np.uint8), (n, 1)),
        ),
        net=NetConfig(n_types=len(vocabulary.types), n_findings=len(vocabulary.outputs), widths=(8, 16, 16, 32)),
        recipe=Recipe(steps=STEPS, seed=1),
    )
    for _ in training.run():
        pass
    made = make_model(project, display_threshold=0.05, number=3).model_version
    data, digest = encode_weights(training.weights(), config=training.network.config)
    put_object(key=f"models/test/{digest}", data=data)
    made.weights_key, made.weights_sha256 = f"models/test/{digest}", digest
    made.config = {"net": training.network.config.as_dict(), "image_size": SIZE}
    made.finding_type_ids = vocabulary.as_dict()
    made.save()
    reader = load_version(made)
    found = [
        case_found(images, predictions, lesions, vocabulary=vocabulary)
        for images, (predictions, lesions) in zip(loaded, reader.read(loaded), strict=True)
    ]
    store_model_readings(version=made, found=found)
    return made


def do_what_was_ordered() -> None:
    """The worker's part, here in the test's process."""
    job = Job.objects.filter(task="inspection.inspect_case", state="queued").latest("created_at")
    lease = claim_job(job.pk)
    assert lease is not None
    inspect_case(lease)
    finish_job(lease, lease.result)


def wait_for_order(page: Page, count: int) -> None:
    for _ in range(300):
        if Job.objects.filter(task="inspection.inspect_case").count() >= count:
            return
        page.wait_for_timeout(100)
    raise AssertionError("nothing was ordered")


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_a_lead_looks_inside_a_version_that_has_learned(
    chests: list[tuple[Case, np.ndarray]],
    version: ModelVersion,
    lead: User,
    live_server: Any,
    sign_in: Callable[..., BrowserContext],
    language: str,
) -> None:
    User.objects.filter(pk=lead.pk).update(language=language)
    case = chests[0][0]
    page = sign_in(lead).new_page()
    page.goto(f"{live_server.url}/p/breast/models/{version.number}/inside")
    expect(page.get_by_role("link", name=case.name)).to_be_visible()
    assert violations(page) == []
    page.get_by_role("link", name=case.name).click()
    wait_for_order(page, 1)
    do_what_was_ordered()
    value = page.get_by_test_id("value")
    expect(value).to_be_visible()
    expect(page.locator(".ins-level")).to_have_count(4)
    assert violations(page) == []
    walk_over_a_map(page)
    expect(page.get_by_test_id("sanity").or_(page.get_by_text(re.compile("map is empty|显著图为空")))).to_be_visible()
    expect(page.get_by_text(re.compile("Adebayo"))).to_be_visible()
    picture(page, f"inside-{language[:2]}-1440")
    page.set_viewport_size({"width": 1280, "height": 720})
    assert page.evaluate("document.querySelector('.page').scrollWidth <= document.querySelector('.page').clientWidth")
    picture(page, f"inside-{language[:2]}-1280")
    assert Inspection.objects.count() == 1


def walk_over_a_map(page: Page) -> None:
    """The arrow keys move over the values, and the square on the image moves by what a value is wide."""
    square = page.locator("[data-testid=image] rect").last
    large = page.locator(".ins-large")
    large.focus()
    page.keyboard.press("ArrowRight")
    before = float(square.get_attribute("x") or 0)
    page.keyboard.press("ArrowRight")
    expect(square).not_to_have_attribute("x", f"{before:g}")
    # The second level is at half the size: one value to the right sees two pixels further; five wide convolutions see 14.
    assert float(square.get_attribute("x") or 0) == before + 2
    assert square.get_attribute("width") == "14"


def picture(page: Page, name: str) -> None:
    if PICTURES:
        page.evaluate("for (const one of document.querySelectorAll('.page,.ins-side')) one.scrollTo(0, 0)")
        page.mouse.move(0, 0)
        page.wait_for_timeout(700)
        page.screenshot(path=Path(PICTURES) / f"{name}.png")


def test_a_reader_comes_from_the_reading_room_and_a_blinded_one_is_told_why_not(
    project: Project,
    chests: list[tuple[Case, np.ndarray]],
    version: ModelVersion,
    reader: User,
    live_server: Any,
    sign_in: Callable[..., BrowserContext],
) -> None:
    case = chests[0][0]
    context = sign_in(reader)
    page = context.new_page()
    page.goto(f"{live_server.url}/p/breast/read/{case.pk}")
    with context.expect_page() as opened:
        page.get_by_role("link", name="Inside the model for this image").click()
    inside = opened.value
    wait_for_order(inside, 1)
    do_what_was_ordered()
    expect(inside.get_by_test_id("value")).to_be_visible()
    Project.objects.filter(pk=project.pk).update(blinded_share=1.0)
    inside.goto(f"{live_server.url}/p/breast/models/{version.number}/inside/{chests[1][0].pk}")
    expect(inside.get_by_text("Not to be looked into")).to_be_visible()
    assert Job.objects.filter(task="inspection.inspect_case").count() == 1
    assert violations(inside) == []
