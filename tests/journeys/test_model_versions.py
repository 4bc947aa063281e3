"""Two versions of a model: why one passed, case by case against the other, its card, and back to the older one."""

from __future__ import annotations

import csv
import io
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command
from playwright.sync_api import BrowserContext, Locator, Page, expect

from backend.accounts.models import User
from backend.audit.models import Event
from backend.learning.gate import gate_decision
from backend.learning.models import Round
from backend.learning.vocabulary import vocabulary_of
from backend.metrics.chance import CELLS, FULL
from backend.metrics.intervals import Estimate
from backend.projects.models import Assignment, Case, Project
from backend.registry.models import ModelVersion
from backend.registry.services import promote_version, record_evaluation
from tests.journeys.axe import violations
from tests.measured import measured_cases
from tests.rows import make_model
from workers.evaluating import evaluation_of

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]

IMAGES = 24


@pytest.fixture
def validation(real_data: Path, tmp_path: Path, project: Project, lead: User) -> list[Case]:
    """Real ultrasounds in VALIDATION, all read by the lead."""
    names = sorted(path.name for path in (real_data / "busi" / "images").iterdir())
    for name in names[:: len(names) // IMAGES][:IMAGES]:
        shutil.copy(real_data / "busi" / "images" / name, tmp_path)
    Project.objects.filter(pk=project.pk).update(validation_share=1.0, holdout_share=0.0)
    project.refresh_from_db()
    call_command("import_images", str(tmp_path), project=project.slug, modality=project.modality, stdout=io.StringIO())
    cases = list(project.cases.filter(split="VALIDATION").order_by("number"))
    for case in cases:
        Assignment.objects.create(case=case, user=lead, arm="blinded", arm_probability=1, state="submitted")
    return cases


def measured(cases: list[Case], project: Project, *, seed: int) -> list[dict[str, Any]]:
    """Cases as a version measures them, 72 of them: those that the page may show bear real names and images."""
    types = vocabulary_of(project)
    told = measured_cases(72, types=types.types, findings=types.findings, seed=7)
    generator = np.random.default_rng(seed)
    for row, case in enumerate(told):
        if row < len(cases):
            case |= {"case": str(cases[row].pk), "name": cases[row].name}
        own = [row * 3 % (CELLS * CELLS), FULL]
        case["places"] = {"true": own if case["hits"] else [], "shown": own if case["dice"] else []}
        if case["dice"]:
            case["dice"] = float(np.clip(case["dice"] + generator.normal(0.02 * seed, 0.08), 0.05, 1))
        case["scores"]["any"] = float(np.clip(case["scores"]["any"] + generator.normal(0, 0.05), 0.001, 0.999))
    return told


def pointed_at() -> dict[str, Any]:
    """What a version's `config` says of the network that answers its clicks."""
    values = {"click_dice_1": 0.769, "click_dice_3": 0.857, "box_dice": 0.875, "box_gain": 0.023}
    measured = [
        Estimate(name, None, value, value - 0.015, value + 0.014, n_patients=48, n_positive=60).as_dict()
        for name, value in values.items()
    ]
    return {"lesions": 118, "core_seconds": 61.0, "measured": measured}


@pytest.fixture
def versions(validation: list[Case], project: Project, lead: User) -> tuple[ModelVersion, ModelVersion]:
    """Version 1 was promoted by the lead, version 2 by the gate."""
    words, per_case, made = vocabulary_of(project), [], []
    for number in (1, 2):
        version = make_model(project, state="candidate", number=number).model_version
        ModelVersion.objects.filter(pk=version.pk).update(
            finding_type_ids=words.as_dict(), n_labels=80 * number, snapshot_hash=f"{number}f" * 32,
            parent=made[0] if made else None, config={"prompts": pointed_at()} if made else {},
        )  # fmt: skip
        version.refresh_from_db()
        per_case.append(measured(validation, project, seed=number))
        record_evaluation(version=version, split="VALIDATION", **evaluation_of(per_case[-1], words, 0.5, 0))
        made.append(version)
    promote_version(version=made[0], by=lead, reason="The first one; checked on twenty cases by hand.")
    promote_version(version=made[1], by=None, gate=gate_decision(per_case[1], per_case[0], against=1))
    return made[0], made[1]


@pytest.fixture
def trained(versions: tuple[ModelVersion, ModelVersion], project: Project) -> Round:
    """The round that made version 2: two trainings of 24 steps, the second from unread images, too."""
    return Round.objects.create(
        project=project, number=1, state="done", base_version=versions[0], model_version=versions[1],
        settings={"track": "slow", "start": "scratch", "steps": 48, "unread": 12, "second_from": 24},
        history=[[step, round(1.2 / ((step - 1) % 24 + 1) + step % 3 / 50, 4)] for step in range(1, 49)],
    )  # fmt: skip


def downloaded(page: Page, card: str, kind: str) -> str:
    """The text of a card's file."""
    return saved(page, page.locator("section").filter(has=page.get_by_role("heading", name=card, exact=True)), kind)


def saved(page: Page, own: Locator, kind: str) -> str:
    """The text of a file of a part of the page."""
    with page.expect_download() as download:
        own.get_by_role("button", name=kind, exact=True).click()
    return Path(download.value.path()).read_text(encoding="utf-8-sig")


def table_of(text: str) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    return list(csv.DictReader(io.StringIO(text)))


def test_a_point_and_a_row_lead_to_their_cases_and_the_charts_leave_as_files_with_the_numbers_shown(
    versions: tuple[ModelVersion, ModelVersion],
    lead: User,
    live_server: Any,
    sign_in: Callable[..., BrowserContext],
) -> None:
    page = sign_in(lead).new_page()
    page.goto(f"{live_server.url}/p/breast/models/2")
    cases = page.locator("section").filter(has=page.get_by_role("heading", name="Cases behind it", exact=True))
    expect(cases.get_by_text("All measured cases, most missed first.", exact=False)).to_be_visible()
    point = page.get_by_role("button", name=re.compile(r"\] at 1$"))
    shown = str(point.get_attribute("aria-label"))
    point.click()
    expect(point).to_have_attribute("aria-pressed", "true")
    expect(cases.get_by_text("Errors at 1 false positives per image", exact=False)).to_be_visible()
    expect(cases.get_by_role("link").first).to_have_attribute("href", re.compile("/p/breast/read/"))

    value, low, high = re.findall(r"\d\.\d+", shown)
    told = next(
        row for row in table_of(downloaded(page, "FROC", "CSV")) if row["false_positives_per_image"] == "1" and row["low"]
    )
    assert [f"{float(told[name]):.2f}" for name in ("sensitivity", "low", "high")] == [value, low, high]
    assert shown in downloaded(page, "FROC", "SVG")

    page.get_by_label("Metric").select_option("HD95, mm")
    women = page.get_by_role("button", name=re.compile("^Sex: female: "))
    shown = str(women.get_attribute("aria-label")).removeprefix("Sex: female: ").removeprefix("▲ ")
    women.click()
    expect(cases.get_by_text("Sex: female")).to_be_visible()
    told = next(
        row
        for row in table_of(downloaded(page, "By subgroup", "CSV"))
        if (row["group"], row["metric"]) == ("female", "hd95_mm")
    )
    assert shown == f"{float(told['value']):.1f} [{float(told['low']):.1f}, {float(told['high']):.1f}]"
    assert int(told["n_patients"]) >= 10
    assert shown in downloaded(page, "By subgroup", "SVG")

    line = page.get_by_text(re.compile(r"^[+−]0\.\d{3} \[")).first.inner_text()
    told = table_of(downloaded(page, "Gate", "CSV"))[0]
    assert told["metric"] == "dice" and told["against"] == "1"
    numbers = [float(one.replace("−", "-")) for one in re.findall(r"[+−]\d\.\d+", line)]
    assert numbers == [round(float(told[name]), 3) for name in ("difference", "low", "high")]
    assert "v2 − v1, paired by patient" in downloaded(page, "Gate", "SVG")


def test_the_loss_of_a_round_leaves_as_files_with_the_curve_shown_both_trainings_told_apart(
    trained: Round,
    lead: User,
    live_server: Any,
    sign_in: Callable[..., BrowserContext],
) -> None:
    page = sign_in(lead).new_page()
    page.goto(f"{live_server.url}/p/breast/learning")
    chart = page.get_by_role("img", name="Loss over training steps")
    expect(chart).to_be_visible()
    own = page.locator("section").filter(has=chart)
    with page.expect_download() as download:
        own.get_by_role("button", name="CSV", exact=True).click()
    assert download.value.suggested_filename == "breast-loss-round-1.csv"
    rows = table_of(Path(download.value.path()).read_text(encoding="utf-8-sig"))
    assert [[int(row["step"]), float(row["loss"])] for row in rows] == trained.history
    assert [row["training"] for row in rows] == ["1"] * 24 + ["2"] * 24
    window = [loss for step, loss in trained.history if step > 24]
    ends = (float(rows[0]["running_mean"]), float(rows[-1]["running_mean"]))
    assert ends == pytest.approx((sum(loss for _, loss in trained.history[:2]) / 2, sum(window[-2:]) / 2))
    shown = re.search(r"training (0\.\d+)", str(chart.text_content()))
    assert shown is not None and shown[1] == f"{ends[1]:.2f}"
    drawn = saved(page, own, "SVG")
    assert "from here 12 unread images, too" in drawn and f"training {ends[1]:.2f}" in drawn


def test_a_lead_compares_two_versions_reads_the_card_and_rolls_back_with_a_reason(
    versions: tuple[ModelVersion, ModelVersion],
    lead: User,
    live_server: Any,
    sign_in: Callable[..., BrowserContext],
) -> None:
    page = sign_in(lead).new_page()
    page.goto(f"{live_server.url}/p/breast/models/2")
    expect(page.get_by_text("Better than chance on 48 VALIDATION patients.")).to_be_visible()
    expect(page.get_by_text("Calibration slope")).to_be_visible()
    expect(page.get_by_text(re.compile("by chance up to 0\\.\\d+"))).to_be_visible()

    clicks = page.get_by_role("row").filter(has_text="Dice, one click")
    expect(clicks).to_contain_text("0.769 [0.754, 0.783]")
    expect(page.get_by_text("learned from 118 outlined lesions")).to_be_visible()

    page.get_by_role("link", name="Compare").click()
    expect(page.get_by_role("combobox", name="Compare with")).to_have_value("v1 · kept")
    rows = page.locator("table").nth(1).locator("tbody tr")
    expect(rows).to_have_count(IMAGES)
    first, second = rows.nth(0), rows.nth(1)
    changes = [abs(float(row.locator("td").nth(1).inner_text().replace("−", "-"))) for row in (first, second)]
    assert changes[0] >= changes[1] > 0
    assert "/p/breast/read/" in str(first.get_by_role("link").get_attribute("href"))
    page.get_by_role("radio", name="False positives").click()
    page.wait_for_url(re.compile("by=false_positives"))
    assert violations(page) == []

    page.get_by_role("link", name="Card").click()
    expect(page.get_by_text("Nobody has written what it is intended for.")).to_be_visible()
    page.get_by_role("button", name="Edit purpose").click()
    page.get_by_label("Intended use").fill("Second reader of breast ultrasound.")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Second reader of breast ultrasound.")).to_be_visible()
    expect(page.get_by_text("Nobody has written what it is intended for.")).to_have_count(0)
    with page.expect_download() as download:
        page.get_by_role("button", name="Markdown").click()
    text = Path(download.value.path()).read_text()
    assert "| Box, gain over its ellipse | 0.023 [0.008, 0.037] |" in text
    assert text.startswith("# Model card: Breast ultrasound, v2") and "Second reader of breast ultrasound." in text
    assert violations(page) == []

    page.goto(f"{live_server.url}/p/breast/models/1")
    expect(page.get_by_text("This version answers no clicks.")).to_be_visible()
    page.get_by_role("button", name="Roll back to v1").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Roll back to v1")).to_be_disabled()
    dialog.get_by_label("Reason").fill("Version 2 misses small masses.")
    dialog.get_by_role("button", name="Roll back to v1").click()
    expect(page.get_by_text("Readers see the findings of this version.")).to_be_visible()
    expect(page.get_by_text("lena: Version 2 misses small masses.")).to_be_visible()
    assert dict(ModelVersion.objects.values_list("number", "state")) == {1: "serves", 2: "kept"}
    assert Event.objects.filter(verb="model.promoted").latest("pk").detail["reason"] == "Version 2 misses small masses."
