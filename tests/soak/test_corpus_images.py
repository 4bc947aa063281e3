"""Every file of the corpus that the server takes is shown as the server renders it, or the room says why not."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pydicom
import pytest
from playwright.sync_api import BrowserContext, Page
from playwright.sync_api import Error as BrowserError
from pydicom.errors import InvalidDicomError

from backend.accounts.models import User
from backend.exchange.models import ImportItem
from backend.projects.models import Case, Project
from tests.journeys.conftest import _built_front_end, sign_in  # noqa: F401
from tests.journeys.room import imported
from tests.journeys.shown_image import compared

pytestmark = [pytest.mark.journey, pytest.mark.slow, pytest.mark.django_db(transaction=True), pytest.mark.timeout(7200)]

LEAST_SIMILARITY = 0.99
SAMPLE = 6
FIRST_IMAGE_S = 120


def test_every_image_of_the_corpus_is_shown_right_or_refused_in_words(
    real_data: Path,
    tmp_path: Path,
    project: Project,
    lead: User,
    reader: User,
    live_server: object,
    sign_in: Callable[..., BrowserContext],
    long_run: bool,
) -> None:
    _lay_out(real_data / "dicom_corpus", tmp_path)
    imported(project, tmp_path)
    taken = ImportItem.objects.filter(case__isnull=False).select_related("case__project", "instance").order_by("name")
    items = list(taken)
    assert len(items) > 100
    if not long_run:
        items = random.Random(20261122).sample(items, SAMPLE)
    page = sign_in(reader).new_page()
    url = str(live_server.url)  # type: ignore[attr-defined]
    problems = [f"{item.name}: {problem}" for item in items if (problem := _problem(page, url, item))]
    assert not problems, f"{len(problems)} of {len(items)}:\n" + "\n".join(problems)


def _lay_out(corpus: Path, folder: Path) -> None:
    """The corpus by number; one image in many compressions has one UID there, and is one of its own in each here."""
    seen: set[str] = set()
    for number, path in enumerate(sorted(path for path in corpus.rglob("*") if path.is_file())):
        place = folder / f"{number:03}-{path.name}"
        try:
            dataset = pydicom.dcmread(path)
            uid = str(dataset.get("SOPInstanceUID", ""))
            if uid in seen and "PixelData" in dataset:
                dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
                dataset.save_as(place)
                continue
            seen.add(uid)
        except (InvalidDicomError, AttributeError, ValueError, OSError, NotImplementedError):
            pass  # Broken on purpose: it goes in as it is.
        place.symlink_to(path)


def _problem(page: Page, url: str, item: ImportItem) -> str:
    """What is wrong with the picture of an imported file; empty if nothing is, or if the room says that it cannot."""
    case: Case | None = item.case
    instance = item.instance
    assert case is not None and instance is not None
    page.goto(f"{url}/p/{case.project.slug}/read/{case.pk}")
    window, refusal = page.get_by_test_id("window"), page.get_by_role("alert")
    try:
        window.or_(refusal).first.wait_for(timeout=FIRST_IMAGE_S * 1000)
        if refusal.count():
            return "" if (refusal.text_content() or "").strip() else "an empty message"
        result = compared(page, instance, (instance.number_of_frames - 1) // 2 + 1)
    except (BrowserError, AssertionError) as error:
        return " ".join(str(error).split())[:200]
    return "" if result.similarity >= LEAST_SIMILARITY else f"similarity {result.similarity:.4f}"
