"""The open reading room as a test handles it, and how images become its cases."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from pathlib import Path

from django.core.management import call_command
from django.db.models import F
from playwright.sync_api import Locator, Page, expect

from backend.accounts.models import User
from backend.projects.models import Case, Project
from backend.readings.models import Lesion

SAVED = re.compile(r"\d\d:\d\d:\d\d")


@dataclass
class Room:
    """The open reading room, with the way from image coordinates (SCOORD) to the mouse and back."""

    page: Page
    case: Case
    columns: int
    rows: int

    @property
    def viewport(self) -> Locator:
        return self.page.get_by_test_id("viewport")

    @property
    def marks(self) -> Locator:
        return self.page.locator("g[data-mark][data-origin=person]")

    def client(self, column: float, row: float) -> tuple[float, float]:
        """Where a place of the fitted image lies on the page."""
        box = self.viewport.bounding_box()
        assert box is not None
        scale = min(box["width"] / self.columns, box["height"] / self.rows)
        left = box["x"] + (box["width"] - scale * self.columns) / 2
        top = box["y"] + (box["height"] - scale * self.rows) / 2
        return left + scale * column, top + scale * row

    def drag(self, *places: tuple[float, float]) -> None:
        """Press at the first place, move over the others, release at the last."""
        mouse = self.page.mouse
        mouse.move(*self.client(*places[0]))
        mouse.down()
        for place in places[1:]:
            mouse.move(*self.client(*place), steps=3)
        mouse.up()

    def click(self, column: float, row: float) -> None:
        self.page.mouse.click(*self.client(column, row))

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def wait_until_saved(self) -> None:
        expect(self.page.locator(".rr-save")).to_have_text(SAVED, timeout=90_000)

    def drawn(self) -> list[str]:
        """The lines on the screen, as the page draws them."""
        return [mark.locator("path.mk:not(.h)").get_attribute("d") or "" for mark in self.marks.all()]

    def wait_for_case(self, case: Case) -> None:
        """The next case is there, with its image."""
        expect(self.page.get_by_role("heading", name=case.name)).to_be_visible(timeout=180_000)
        expect(self.page.get_by_test_id("window").first).to_be_visible(timeout=180_000)

    def stored(self, user: User) -> dict[str, Lesion]:
        found = Lesion.objects.filter(reading__case=self.case, reading__reader__user=user).select_related("instance")
        return {lesion.kind: lesion for lesion in found}


def imported(project: Project, folder: Path) -> list[Case]:
    """Import a folder; all cases in the pool and none blinded, so that the test knows what it will see."""
    Project.objects.filter(pk=project.pk).update(validation_share=0.0, holdout_share=0.0, blinded_share=0.0)
    call_command("import_images", str(folder), project=project.slug, modality=project.modality, stdout=io.StringIO())
    # The order of new cases is random; the journey wants to know which one comes next.
    Case.objects.filter(project=project).update(priority=-F("number"))
    return list(Case.objects.filter(project=project).select_related("project").order_by("number"))
