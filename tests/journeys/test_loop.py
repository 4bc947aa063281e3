"""The product's main job, walked from an empty folder: mark, train, read with the model, train again.

Real Chromium, real workers, the real broker, real breast ultrasounds. Nothing is planted in the database.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.journeys.conftest import Product

pytestmark = [pytest.mark.journey, pytest.mark.timeout(1500)]

IMAGES = 60
TRUTH = 40
BY_HAND = 6
PASSWORD = "a-long-word-of-her-own"


def api(page: Page, method: str, path: str, body: Any = None) -> Any:
    """Call the API in the name of the person who is signed in on the page."""
    token = next(cookie["value"] for cookie in page.context.cookies() if cookie["name"] == "csrftoken")
    base = re.match(r"https?://[^/]+", page.url)
    assert base is not None
    answer = page.request.fetch(
        f"{base.group(0)}/api/v1{path}", method=method, data=body, headers={"X-CSRFToken": token, "Referer": base.group(0)}
    )
    assert answer.ok, f"{method} {path}: {answer.status} {answer.text()[:500]}"
    return answer.json() if answer.text() else None


def sign_in_the_first_time(page: Page, product: Product) -> None:
    page.goto(product.url)
    page.locator("input[name=login]").fill("admin")
    page.locator("input[name=password]").fill(product.admin_password)
    page.locator("button[type=submit]").click()
    page.locator("input[name=oldpassword]").fill(product.admin_password)
    page.locator("input[name=password1]").fill(PASSWORD)
    page.locator("input[name=password2]").fill(PASSWORD)
    page.locator("main button[type=submit], form button[type=submit]").first.click()
    expect(page.locator("input[name=password1]")).to_have_count(0)


def make_project(page: Page, product: Product) -> None:
    page.goto(f"{product.url}/new")
    page.get_by_label(re.compile("^Name")).fill("Breast ultrasound")
    page.get_by_label("Question to the reader").fill("Is there a mass, and is it malignant?")
    page.get_by_role("button", name=re.compile("Next: Images")).click()
    page.get_by_text("None: already clean").click()
    page.get_by_role("button", name=re.compile("Next: Finding types")).click()
    for name in ("Benign", "Malignant"):
        page.get_by_role("button", name="Add type").click()
        page.get_by_label("Name", exact=True).last.fill(name)
    for step in ("Members", "Splits"):
        page.get_by_role("button", name=re.compile(f"Next: {step}")).click()
    # Sixty images are few: a version is measured on 20 lesion-bearing patients at least, so half of them measure.
    page.get_by_role("slider", name="VALIDATION").focus()
    for _ in range(40):
        page.keyboard.press("ArrowRight")
    page.get_by_role("slider", name="HOLDOUT").focus()
    page.keyboard.press("Home")
    for step in ("Reading", "Check"):
        page.get_by_role("button", name=re.compile(f"Next: {step}")).click()
    page.get_by_role("button", name=re.compile("Create project")).click()
    page.wait_for_url(re.compile(r"/p/breast-ultrasound/import"))


def upload(page: Page, folder: Path) -> None:
    page.locator("input[type=file]").first.set_input_files(sorted(folder.iterdir()))
    page.get_by_role("button", name=re.compile(rf"Import {IMAGES} files")).click()
    expect(page.get_by_text(re.compile(rf"^{IMAGES}\s*imported|imported\s*{IMAGES}")).first).to_be_visible(timeout=180_000)


def mark_by_mouse(page: Page) -> None:
    """Draw a box with the mouse in the middle of the image, give the verdict, submit."""
    name = page.locator("main.vp").get_attribute("aria-label")
    # A mark can be drawn once the image is there.
    expect(page.get_by_test_id("window").first).to_be_visible()
    page.keyboard.press("b")
    page.keyboard.press("1")
    drag(page, page.get_by_test_id("viewport"), (0.40, 0.35), (0.60, 0.55))
    expect(page.get_by_test_id("marks")).to_contain_text("Benign")
    page.keyboard.press("l")
    submit = page.get_by_role("button", name=re.compile("Submit and next"))
    expect(submit).to_be_enabled()
    submit.click()
    expect(page.locator("main.vp")).not_to_have_attribute("aria-label", str(name))


def drag(page: Page, pane: Locator, start: tuple[float, float], end: tuple[float, float]) -> None:
    box = pane.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * start[0], box["y"] + box["height"] * start[1])
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * (start[0] + end[0]) / 2, box["y"] + box["height"] * (start[1] + end[1]) / 2)
    page.mouse.move(box["x"] + box["width"] * end[0], box["y"] + box["height"] * end[1])
    page.mouse.up()


def train(page: Page, product: Product, number: int) -> None:
    """Press the lead's button and wait until the round has ranked what to read next."""
    page.goto(f"{product.url}/p/breast-ultrasound/learning")
    page.get_by_role("button", name=re.compile("Start a round")).click()
    expect(page.get_by_role("link", name=f"v{number}", exact=True)).to_be_visible(timeout=400_000)
    expect(page.get_by_text("done", exact=True).first).to_be_visible(timeout=200_000)


def let_serve(page: Page, number: int) -> None:
    """If the gate holds the version back, as it may after so few steps, the lead lets it serve and says why."""
    if api(page, "GET", "/projects/breast-ultrasound/learning/")["serving"] == number:
        return
    api(page, "POST", f"/projects/breast-ultrasound/models/{number}/promote/", {"reason": "To read with it and see."})
    for _ in range(240):
        rows = api(page, "GET", "/projects/breast-ultrasound/worklist/?state=to_read&limit=100")["results"]
        if any(row["n_findings"] for row in rows):
            return
        page.wait_for_timeout(1000)
    raise AssertionError("a promoted version read nothing")


def decide(page: Page, product: Product) -> dict[str, int]:
    """Read unread cases until one finding was accepted, one edited and one rejected, and all of it submitted."""
    wanted = ["a", "e", "x"]
    decided = {"accepted": 0, "edited": 0, "rejected": 0}
    rows = api(page, "GET", "/projects/breast-ultrasound/worklist/?state=to_read&limit=100")["results"]
    for row in [row for row in rows if not row["blinded"] and row["n_findings"]]:
        if not wanted:
            break
        page.goto(f"{product.url}/p/breast-ultrasound/read/{row['id']}")
        findings = page.get_by_test_id("model")
        expect(findings).to_contain_text(re.compile(r"0 of \d+ decided"))
        count = int(re.search(r"0 of (\d+) decided", findings.inner_text()).group(1))  # type: ignore[union-attr]
        expect(page.get_by_test_id("window")).to_be_visible()
        page.get_by_test_id("viewport").focus()
        for number in range(1, count + 1):
            key = wanted.pop(0) if wanted else "x"
            # After a decision the next undecided finding is in focus by itself; otherwise Tab goes there.
            if not page.get_by_role("button", name=re.compile("^Accept")).is_visible():
                page.keyboard.press("Tab")
                expect(page.get_by_role("button", name=re.compile("^Accept"))).to_be_visible()
            page.keyboard.press(key)
            if key == "x":
                page.keyboard.press("1")
                decided["rejected"] += 1
            elif key == "a":
                decided["accepted"] += 1
            else:
                page.keyboard.press("q")
                drag(page, page.get_by_test_id("viewport"), (0.45, 0.45), (0.50, 0.50))
                page.keyboard.press("Escape")
                page.keyboard.press("Escape")
                decided["edited"] += 1
            expect(findings).to_contain_text(f"{number} of {count} decided")
        marks = page.get_by_role("button", name=re.compile("Delete mark")).count()
        page.keyboard.press("l" if marks else "k")
        submit = page.get_by_role("button", name=re.compile("Submit and next"))
        expect(submit).to_be_enabled()
        submit.click()
        expect(page.locator("main.vp")).not_to_have_attribute("aria-label", row["name"])
    assert not wanted, f"the model found too little to decide on: {decided}"
    return decided


def choose_truth(page: Page) -> list[str]:
    """The files whose truth the lead brings: unread ones, VALIDATION first, so that a version can be measured."""
    rows = api(page, "GET", "/projects/breast-ultrasound/worklist/?state=to_read&limit=200")["results"]
    return [row["source_name"] for row in sorted(rows, key=lambda row: row["split"] != "VALIDATION")][:TRUTH]


def test_a_person_marks_the_model_learns_and_its_findings_come_back(
    real_data: Path, product: Product, page: Page, tmp_path: Path
) -> None:
    busi = real_data / "busi"
    names = sorted(path.name for path in (busi / "images").iterdir() if not path.name.startswith("normal"))
    images, truth = tmp_path / "images", tmp_path / "truth"
    images.mkdir()
    truth.mkdir()
    for name in names[:: len(names) // IMAGES][:IMAGES]:
        shutil.copy(busi / "images" / name, images / name)

    sign_in_the_first_time(page, product)
    make_project(page, product)
    upload(page, images)
    api(
        page,
        "PATCH",
        "/projects/breast-ultrasound/policy/",
        {"enabled": False, "image_size": 64, "steps_scratch": 160, "steps_warm": 40},
    )
    api(page, "PATCH", "/projects/breast-ultrasound/", {"display_threshold": 0.2, "blinded_share": 0.0})

    page.goto(f"{product.url}/p/breast-ultrasound/worklist")
    page.get_by_role("button", name=re.compile("Open the next case|Continue")).click()
    page.wait_for_url(re.compile("/read/"))
    for _ in range(BY_HAND):
        mark_by_mouse(page)

    for name in choose_truth(page):
        shutil.copy(busi / "images" / name, truth / name)
    product.manage(
        *("import_images", str(truth), "--project", "breast-ultrasound", "--reader", "BUSI"),
        *("--masks", str(busi / "masks"), "--labels", str(busi / "index.csv")),
    )
    labels = api(page, "GET", "/projects/breast-ultrasound/learning/")["labels"]
    assert labels["training"] + labels["validation"] == TRUTH + BY_HAND

    train(page, product, 1)
    let_serve(page, 1)
    assert min(decide(page, product).values()) >= 1
    train(page, product, 2)

    overview = api(page, "GET", "/projects/breast-ultrasound/learning/")
    assert [row["state"] for row in overview["rounds"]] == ["done", "done"]
    dice = {point["version"]: point for point in overview["curve"] if point["metric"] == "dice"}
    assert sorted(dice) == [1, 2]
    assert all(0 <= point["low"] <= point["value"] <= point["high"] <= 1 for point in dice.values())
    expect(page.locator("[data-point]")).to_have_count(2)
