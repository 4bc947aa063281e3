"""A lead with the right has the table of identities kept, and looks up a pseudonym that nobody knows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command
from playwright.sync_api import BrowserContext, expect

from backend.accounts.models import User
from backend.audit.models import Event
from backend.projects.models import Project
from tests.journeys.axe import violations
from tests.journeys.test_quarantine import photograph

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


def test_the_table_is_switched_on_with_a_reason_and_a_look_into_it_is_kept(
    project: Project, lead: User, live_server: Any, sign_in: Callable[..., BrowserContext], settings: Any
) -> None:
    settings.REIDENTIFICATION_KEY = "a key of this server"
    project.archive.deid_profile = "basic"
    project.archive.save()
    page = sign_in(lead).new_page()
    page.goto(f"{live_server.url}/p/breast/settings?section=identities")
    expect(page.get_by_text("You do not have the right to look pseudonyms up.")).to_be_visible()
    call_command("grant_reidentification", lead.get_username(), "--project", "breast")
    page.reload()
    page.get_by_role("button", name="Keep the table").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Keep the table")).to_be_disabled()
    dialog.get_by_role("textbox", name="Reason").fill("follow-up of incidental findings")
    dialog.get_by_role("button", name="Keep the table").click()
    expect(dialog).to_have_count(0)
    page.get_by_role("textbox", name="Pseudonym or UID").fill("P0123456789ABCDE")
    page.get_by_role("textbox", name="Reason").fill("an incidental finding has to be told")
    page.get_by_role("button", name="Look up").click()
    expect(page.get_by_text("Nothing is known under P0123456789ABCDE.")).to_be_visible()
    assert Event.objects.filter(verb__in=["identity.table_switched", "identity.looked_up"]).count() == 2
    photograph(page, "reidentification")
    assert violations(page) == []
