"""A lead sends a volume and its mask through the import page, and a reader sees the volume in the room with its planes."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nrrd
import numpy as np
import pytest
from playwright.sync_api import BrowserContext, expect

from backend.accounts.models import User
from backend.exchange.services import run_import
from backend.jobs.models import Job
from backend.jobs.services import claim_job
from backend.projects.models import Case, Project
from backend.readings.models import Lesion
from tests.dicom.volume_files import nifti
from tests.journeys.axe import violations
from tests.journeys.room import Room

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


def test_a_volume_is_sent_by_the_page_and_shown_in_the_room(
    project: Project,
    lead: User,
    reader: User,
    real_data: Path,
    live_server: Any,
    sign_in: Callable[..., BrowserContext],
    enter: Callable[..., Room],
) -> None:
    Project.objects.filter(pk=project.pk).update(modality="CT", unit="series")
    sent = []
    for part in ("image", "label"):
        voxels, header = nrrd.read(str(real_data / f"volumes_pyradiomics/lung2_{part}.nrrd"), index_order="F")
        affine = np.eye(4)
        affine[:3, :3], affine[:3, 3] = np.array(header["space directions"]).T, header["space origin"]
        name = "lung2.nii.gz" if part == "image" else "lung2_seg.nii.gz"
        sent.append({"name": name, "mimeType": "application/gzip", "buffer": nifti(voxels.astype(np.int16), affine)})
    page = sign_in(lead).new_page()
    page.goto(f"{live_server.url}/p/breast/import")
    page.get_by_test_id("files").set_input_files(sent)
    volumes = page.get_by_role("combobox", name="Volumes (NIfTI, NRRD, MetaImage) are")
    expect(volumes).to_have_value("as their names say")
    assert violations(page) == []
    _picture(page, "import-staged")
    page.get_by_role("button", name="Import 2 files").click()
    expect(page.get_by_text("waits for its turn")).to_be_visible()
    lease = claim_job(Job.objects.get().pk)
    assert lease is not None
    run_import(lease)
    expect(page.get_by_text("lung2.nii.gz", exact=True)).to_be_visible()
    expect(page.get_by_text("Case CT-0001")).to_be_visible()
    _picture(page, "import-done")
    case = Case.objects.get()
    assert case.instance is None and Lesion.objects.filter(reading__case=case).count() == 1
    room = enter(sign_in(reader), case)
    expect(room.page.locator(".sbar .loaded")).to_have_count(1)
    _picture(room.page, "room")
    # Planes are cut only through a regular grid that knows where it lies.
    room.press("Shift+G")
    for plane in ("coronal", "sagittal"):
        expect(room.page.get_by_test_id(f"mpr-{plane}")).to_be_visible()
    _picture(room.page, "planes")


def _picture(page: Any, name: str) -> None:
    if folder := os.environ.get("PICTURES"):
        for width, height in ((1440, 900), (1280, 720)):
            page.set_viewport_size({"width": width, "height": height})
            page.wait_for_timeout(1500)
            page.screenshot(path=f"{folder}/{name}-{width}.png")
