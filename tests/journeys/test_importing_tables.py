"""A lead says on the import page which column of a table means what, and reads what became of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from backend.accounts.models import User
from backend.exchange.models import ImportRun
from backend.exchange.services import run_import
from backend.jobs.services import claim_job
from backend.projects.models import Case, Project
from tests.archive.conftest import picture  # noqa: F401
from tests.journeys.axe import violations

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


def choose_column(page: Page, meaning: str, column: str) -> None:
    """Say that a column of the table means this, by keys alone."""
    page.get_by_role("combobox", name=meaning, exact=True).fill(column)
    page.get_by_role("option", name=column, exact=True).click()


def test_age_and_view_of_pictures_come_from_the_columns_that_the_lead_names(
    project: Project,
    lead: User,
    picture: Callable[[int], Path],
    live_server: Any,
    sign_in: Callable[..., BrowserContext],
) -> None:
    table = 'file,Alter,"Projektion, Lage",Haus\na.png,58,PA,North\nb.png,412,lateral,North\n'
    page = sign_in(lead).new_page()
    page.goto(f"{live_server.url}/p/breast/import")
    page.get_by_test_id("files").set_input_files(
        [
            {"name": "a.png", "mimeType": "image/png", "buffer": picture(1).read_bytes()},
            {"name": "b.png", "mimeType": "image/png", "buffer": picture(2).read_bytes()},
            {"name": "labels.csv", "mimeType": "text/csv", "buffer": table.encode()},
        ]
    )
    page.get_by_text("Columns of the table").click()
    for meaning, column in {"Age": "Alter", "View position": "Projektion, Lage", "Site": "Haus"}.items():
        choose_column(page, meaning, column)
    assert violations(page) == []
    page.get_by_label("Imported reader").fill("Table")
    page.get_by_role("button", name="Import 3 files").click()
    expect(page.get_by_text("waits for its turn")).to_be_visible()
    run = ImportRun.objects.get()
    assert run.options["columns"] == 'age=Alter,"view=Projektion, Lage",site=Haus'
    lease = claim_job(str(run.job_id))
    assert lease is not None
    run_import(lease)
    expect(page.get_by_text("Traits of 2 cases stored, 0 already there.", exact=False)).to_be_visible()
    expect(page.get_by_text("The table’s age was not used:", exact=False)).to_be_visible()
    expect(page.get_by_text("The table’s view was not used:", exact=False)).to_be_visible()
    assert {case.source_name: case.traits for case in Case.objects.all()} == {
        "a.png": {"age": "058Y", "view": "PA", "site": "North"},
        "b.png": {"site": "North"},
    }
