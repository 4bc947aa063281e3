"""A lead asks which labels to look at again, a model is trained for the answer, and the list leads into the room."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, expect

from backend.accounts.models import User
from backend.learning.models import Inquiry, Round
from backend.projects.models import Case, Project
from backend.readings.models import Lesion, Reading
from tests.journeys.axe import violations
from tests.learning.conftest import disc_project, draw_case, quiet_machine, read_truth  # noqa: F401
from workers.inquiring import answer_inquiry
from workers.running import running

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def doubtful(disc_project: Project, draw_case: Callable[..., Case], read_truth: Callable[..., Reading]) -> Reading:
    """A label that lost its lesion, and a near-duplicate of its image that has one."""
    Project.objects.filter(pk=disc_project.pk).update(blinded_share=0)
    Round.objects.create(project=disc_project, number=1, state="done", settings={"track": "slow", "start": "scratch"})
    disc_project.training_policy.steps_scratch = 60
    disc_project.training_policy.save()
    wrong = Reading.objects.filter(case__split="POOL", verdict="lesions").order_by("case__number")[0]
    read_truth(draw_case(1, group=wrong.case.group_key))
    Lesion.objects.filter(reading=wrong).delete()
    Reading.objects.filter(pk=wrong.pk).update(verdict="no_lesion")
    Case.objects.filter(readings__isnull=False).update(is_open=False)
    return wrong


def test_a_lead_has_the_labels_judged_and_opens_a_doubted_one(
    doubtful: Reading, lead: User, live_server: Any, sign_in: Callable[..., BrowserContext]
) -> None:
    page = sign_in(lead).new_page()
    page.goto(f"{live_server.url}/p/breast/learning")
    card = page.get_by_role("heading", name="Labels to look at again").locator("xpath=ancestor::section")
    expect(card).to_contain_text("2 trainings of 60 steps")
    card.get_by_role("button", name="Search").click()
    expect(card).to_contain_text("Waits for the training worker.")
    with running(str(Inquiry.objects.get().job_id)) as lease:
        assert lease is not None
        answer_inquiry(lease)
    expect(card).to_contain_text("25 labels of 24 patients were judged.")
    card.get_by_role("link", name="Look at them").click()
    tile = page.get_by_role("link", name=re.compile(f"{doubtful.case.name}.*by truth")).first
    expect(tile).to_contain_text(re.compile("The model sees .+ where nothing is marked"))
    pairs = page.get_by_role("heading", name="Near-duplicates read differently").locator("xpath=ancestor::section")
    expect(pairs).to_contain_text("no lesion")
    assert violations(page) == []
    tile.click()
    expect(page.locator("main.vp")).to_have_attribute("aria-label", doubtful.case.name)
