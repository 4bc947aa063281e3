"""A lead brings the objects of an export into the archive from its page, sees what is shown of them, and withdraws them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.dicom.conftest import as_file, make_dicom  # noqa: F401
from tests.exchange import phantoms
from tests.exchange.published import export_objects
from tests.journeys.axe import violations
from tests.journeys.test_exporting import _shoot

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


def test_a_lead_publishes_an_export_and_withdraws_it(
    tmp_path: Path,
    make_dicom: Any,
    as_file: Any,
    make_person: Callable[..., Any],
    live_server: Any,
    sign_in: Callable[..., BrowserContext],
) -> None:
    from backend.exchange.models import ExportRun
    from backend.projects.models import Membership
    from backend.readings.models import Reading
    from workers.tasks import publish, withdraw

    project = phantoms.make_project(unit="series", deid="none", slug="breast")
    phantoms.write_images(tmp_path / "given", make_dicom, as_file, slices=phantoms.SLICES)
    phantoms.read_cases(project, phantoms.import_images(project, tmp_path / "given"))
    lead = make_person("lena")
    Membership.objects.create(project=project, user=lead, role="lead")
    export_objects(project, lead, "coco")
    run = export_objects(project, lead)

    def job() -> str:
        return str(ExportRun.objects.get(pk=run.pk).publication_job_id)

    page = sign_in(lead).new_page()
    page.goto(f"{live_server.url}/p/breast/export")
    # Only DICOM objects can stand in the archive.
    expect(page.get_by_role("button", name="Publish in the archive")).to_have_count(1)
    assert violations(page) == []
    _shoot(page, "publish-before")
    page.get_by_role("button", name="Publish in the archive").click()
    expect(page.get_by_text("who still reads a case blinded sees none of it")).to_be_visible()
    assert violations(page) == []
    _shoot(page, "publish-asked")
    page.get_by_role("dialog").get_by_role("button", name="Publish in the archive").click()
    expect(page.get_by_text("publishing, 0")).to_be_visible()
    _shoot(page, "publish-doing")
    publish(job())
    expect(page.get_by_text("in the archive", exact=True)).to_be_visible()
    expect(page.get_by_text("2 objects")).to_be_visible()
    assert violations(page) == []
    _shoot(page, "publish-done")
    Reading.objects.filter(reader__name="LIDC 1").update(revision=2)
    lead.language = "zh-hans"
    lead.save()
    page.reload()
    expect(page.get_by_text("其中 1 个已过时并隐藏")).to_be_visible()
    _shoot(page, "publish-outdated-zh")
    lead.language = "en"
    lead.save()
    page.reload()
    expect(page.get_by_text("1 of them is outdated and hidden")).to_be_visible()
    page.get_by_role("button", name="Withdraw").click()
    page.get_by_role("dialog").get_by_role("button", name="Withdraw").click()
    expect(page.get_by_text("withdrawing, 0")).to_be_visible()
    withdraw(job())
    expect(page.get_by_role("button", name="Publish in the archive")).to_be_visible()
    assert not run.derived_objects.exists()
