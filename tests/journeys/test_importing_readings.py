"""A lead tells on the import page in which format readings come and how they are read; another system sends meanwhile."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, expect

from backend.accounts.models import User
from backend.exchange.import_options import ImportOptions
from backend.exchange.models import ImportRun
from backend.exchange.receiving import Reception
from backend.exchange.services import import_from_server, run_import
from backend.jobs.models import Job
from backend.jobs.services import claim_job
from backend.projects.models import Project
from backend.readings.models import Reading
from tests.archive.conftest import picture  # noqa: F401
from tests.dicom.conftest import as_file, make_dicom  # noqa: F401
from tests.journeys.axe import violations

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


def test_the_format_and_its_options_are_chosen_and_used(
    project: Project,
    lead: User,
    picture: Callable[[int], Path],
    make_dicom: Any,
    as_file: Any,
    tmp_path: Path,
    live_server: Any,
    sign_in: Callable[..., BrowserContext],
) -> None:
    import_from_server(
        project=project, by=lead, options=ImportOptions(source=str(picture(1))), limit=None, on_item=lambda *_: None
    )
    image = {"id": 1, "width": 48, "height": 40, "file_name": picture(1).name}
    said = {"images": [image], "annotations": [], "categories": []}
    page = sign_in(lead).new_page()
    page.goto(f"{live_server.url}/p/breast/import")
    told = {"name": "said.json", "mimeType": "application/json", "buffer": json.dumps(said).encode()}
    page.get_by_test_id("files").set_input_files([told])
    page.get_by_role("combobox", name="Format").fill("DICOM SEG")
    page.get_by_role("option", name="DICOM SEG", exact=True).click()
    page.get_by_label("Threshold of fractional pixels").fill("1.5")
    expect(page.get_by_text("A number above 0 and up to 1.")).to_be_visible()
    expect(page.get_by_role("button", name="Import 1 file")).to_be_disabled()
    assert violations(page) == []
    page.get_by_role("combobox", name="Format").fill("COCO")
    page.get_by_role("option", name="COCO", exact=True).click()
    page.get_by_role("radio", name="says nothing").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="has no lesion")).to_be_checked()
    page.get_by_label("Imported reader").fill("Challenge")
    page.get_by_role("button", name="Import 1 file").click()
    expect(page.get_by_text(re.compile("waits for its turn"))).to_be_visible()
    run = ImportRun.objects.order_by("-created_at")[0]
    assert run.options["readings_format"] == "coco" and run.options["readings_options"] == {"empty": "no_lesion"}
    lease = claim_job(Job.objects.get(pk=run.job_id).pk)
    assert lease is not None
    run_import(lease)
    expect(page.get_by_text("1 reading from coco, 0 already here.")).to_be_visible()
    reading = Reading.objects.get(reader__name="Challenge")
    assert reading.verdict == "no_lesion"

    # What another system sends stands in the list, and is not put before what is looked at.
    (tmp_path / "sent.dcm").write_bytes(as_file(make_dicom(np.zeros((8, 8), "u1"))))
    with Reception(project=project, by=None, origin="C-STORE from CT1") as reception:
        reception.take(tmp_path / "sent.dcm", lambda _received: None)
    page.get_by_role("button", name="A newer import: arriving").click()
    expect(page.get_by_text("from CT1, by C-STORE")).to_be_visible()
    expect(page.get_by_text("1 file so far")).to_be_visible()
    expect(page.get_by_text("Becomes a case with the others.")).to_be_visible()
    assert violations(page) == []
