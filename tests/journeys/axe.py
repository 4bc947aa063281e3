"""Asks axe-core (WCAG 2.2 A and AA) what is wrong with a page."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

from tests.journeys.conftest import ROOT

SCRIPT = ROOT / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
RUN = """async (tags) => {
  const fading = document.getAnimations().filter((one) => one instanceof CSSTransition);
  await Promise.all(fading.map((one) => one.finished.catch(() => undefined)));
  const found = await axe.run({ exclude: [["canvas"]] }, { runOnly: tags, resultTypes: ["violations"] });
  return found.violations.map(({ id, help, nodes }) => [id, help, nodes.map(({ html }) => html.slice(0, 160))]);
}"""


def violations(page: Page) -> list[Any]:
    """Rule, what it asks, and the elements that break it; the picture itself is left out."""
    page.evaluate(SCRIPT.read_text())
    found: list[Any] = page.evaluate(RUN, TAGS)
    return found
