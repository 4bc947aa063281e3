"""Every page outside the reading room: no barrier for anybody (WCAG 2.2 AA), and nothing lost on a narrow window."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, expect

from backend.accounts.models import User
from backend.projects.models import Case
from tests.journeys.axe import violations
from tests.journeys.test_reading_room import plant_model, ultrasounds  # noqa: F401

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]

PAGES = [
    "/",
    "/new",
    "/tokens",
    "/no-such-page",
    "/p/breast/worklist",
    "/p/breast/cases",
    "/p/breast/learning",
    "/p/breast/models",
    "/p/breast/models/1",
    "/p/breast/second-look",
    "/p/breast/review",
    "/p/breast/review?state=reviewed",
    "/p/breast/models/7",
    "/p/breast/models/7/card",
    "/p/breast/models/7/compare",
    "/p/breast/models/7/inside",
    "/p/breast/import",
    "/p/breast/pacs",
    "/p/breast/settings",
    "/p/breast/settings?section=types",
    "/p/breast/settings?section=members",
    "/p/breast/settings?section=splits",
    "/p/breast/export",
]
TABLET = {"width": 1024, "height": 768}
WIDER_THAN_THE_WINDOW = """
Math.max(...[document.documentElement, ...document.querySelectorAll(".page")].map(
  (one) => one.scrollWidth - one.clientWidth,
))
"""


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_no_page_has_a_barrier_or_runs_out_of_a_tablet(
    language: str,
    ultrasounds: list[Case],
    lead: User,
    live_server: Any,
    sign_in: Callable[..., BrowserContext],
) -> None:
    plant_model(ultrasounds[0])
    User.objects.filter(pk=lead.pk).update(language=language)
    page = sign_in(lead).new_page()
    page.set_viewport_size(TABLET)
    wrong: dict[str, Any] = {}
    for path in PAGES:
        page.goto(f"{live_server.url}{path}")
        expect(page.locator("h1").first).to_be_visible()
        page.wait_for_load_state("networkidle")
        found = violations(page)
        if found or page.evaluate(WIDER_THAN_THE_WINDOW) > 0:
            wrong[path] = found or "wider than the window"
    assert wrong == {}
