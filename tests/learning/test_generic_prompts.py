"""A general-purpose network that the operator brought: who is answered by it, when, and what a lesion keeps of it."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.geometry.rle import decode_mask
from backend.jobs import questions
from backend.learning.prompts import GENERIC_TOPIC
from tests.cnn.tiny_sam import export_tiny_sam
from tests.learning.test_prompts import assisted, click, no_questions, promptable, saved_mask, url
from tests.rows import make_case
from workers import prompting

__all__ = ["assisted", "no_questions"]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return export_tiny_sam(tmp_path_factory.mktemp("sam"))


@pytest.fixture
def installed(files: tuple[Path, Path], settings: Any) -> None:
    """An installation with such a network, whose answers may take long on a busy machine."""
    settings.SAM_ENCODER, settings.SAM_DECODER = map(str, files)
    settings.PROMPT_SECONDS = 60.0


@pytest.fixture
def listening(installed: None) -> Iterator[None]:
    """The thread of a worker of the queue `infer`; an emptied database numbers its images anew, as no installation does."""
    prompting._picture.cache_clear()
    stop = threading.Event()
    thread = threading.Thread(target=prompting.answer_generic_prompts, args=[stop])
    thread.start()
    while not questions._server().exists(f"overread:listens:{GENERIC_TOPIC}"):
        pass
    yield
    stop.set()
    thread.join()


def allow(client: Any, when: str) -> Any:
    return client.patch("/api/v1/projects/breast/policy/", {"generic_outlines": when}, format="json")


def test_where_the_lead_allows_it_a_click_is_answered_and_the_answer_names_the_files(
    assisted: Any, draw_case: Any, reader: Any, lead: Any, as_person: Any, listening: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[Any] = []
    embed = prompting.Sam.embed
    monkeypatch.setattr(prompting.Sam, "embed", lambda sam, image: looked.append(image.shape) or embed(sam, image))
    bright = np.full((1, 96, 128), 40, np.uint8)
    bright[0, 20:60, 30:80] = 220
    case, client = draw_case(pixels=bright), as_person(reader)
    given = click(case, positive=[[55.5, 40.5]])
    assert client.post(url(case), given, format="json").json()["code"] == "no_prompts", "off until the lead says so"
    told = allow(as_person(lead), "until_own")
    assert told.status_code == 200 and told.json()["generic_available"] is True
    first, second = (client.post(url(case), given, format="json") for _ in range(2))
    assert first.status_code == 200, first.content
    said = first.json()
    assert first.content == second.content and looked == [(96, 128)], "the embedding of an image is computed once"
    found = np.zeros((96, 128), bool)
    (_, top, left), (_, rows, columns) = said["mask"]["origin"], said["mask"]["shape"]
    found[top : top + rows, left : left + columns] = decode_mask(base64.b64decode(said["mask"]["runs"]), (1, rows, columns))[
        0
    ]
    assert 2 * (found & (bright[0] > 100)).sum() / (found.sum() + 40 * 50) > 0.9
    assert said["version"] is None and set(said["generic"]) == {"encoder", "decoder"}

    kept = {"version": None, "positive": [[3.5, 4.5]], "negative": [], "box": None, "generic": said["generic"]}
    answer, _ = saved_mask(client, make_case(assisted), assisted, kept)
    assert answer.status_code == 200 and answer.json()["lesions"][0]["prompted"] == kept


def test_the_projects_own_network_is_asked_as_soon_as_there_is_one_unless_the_lead_prefers_the_other(
    assisted: Any, reader: Any, lead: Any, as_person: Any, installed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, Any]] = []

    def answered(topic: str, question: dict[str, Any], *, seconds: float) -> dict[str, Any]:
        asked.append((topic, question["version"]))
        return {"mask": None, "generic": {"encoder": "0" * 64, "decoder": "1" * 64}}

    monkeypatch.setattr("backend.learning.prompts.ask", answered)
    case, client = make_case(assisted), as_person(reader)
    allow(as_person(lead), "until_own")
    client.post(url(case), click(case), format="json")
    version = promptable(assisted, number=4)
    own = client.post(url(case), click(case), format="json").json()
    allow(as_person(lead), "always")
    other = client.post(url(case), click(case), format="json").json()
    assert asked == [(GENERIC_TOPIC, None), ("prompts", version.pk), (GENERIC_TOPIC, None)]
    assert (own["version"], own["generic"], other["version"]) == (4, None, None)


def test_a_blinded_reader_is_refused_with_the_same_bytes_and_can_claim_no_such_network(
    project: Any, reader: Any, lead: Any, as_person: Any, listening: None
) -> None:
    project.blinded_share = 1.0
    project.save()
    case, client = make_case(project), as_person(reader)
    before = client.post(url(case), click(case), format="json")
    assert allow(as_person(lead), "always").status_code == 200
    after = client.post(url(case), click(case), format="json")
    assert before.json()["code"] == "classical_only" and before.content == after.content
    claimed = {
        "version": None,
        "positive": [],
        "negative": [],
        "box": None,
        "generic": {"encoder": "0" * 64, "decoder": "0" * 64},
    }
    answer, _ = saved_mask(client, case, project, claimed)
    assert answer.status_code == 400 and b"read without the model" in answer.content


def test_without_the_files_the_lead_cannot_allow_it_and_with_wrong_ones_nobody_answers(
    assisted: Any, reader: Any, lead: Any, as_person: Any, settings: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    refused = allow(as_person(lead), "always")
    assert refused.status_code == 400 and b"no general-purpose network" in refused.content
    settings.SAM_ENCODER, settings.SAM_DECODER = str(tmp_path / "encoder.onnx"), str(tmp_path / "decoder.onnx")
    assert allow(as_person(lead), "always").status_code == 200
    prompting.answer_generic_prompts()
    assert "encoder.onnx: cannot be read" in caplog.text
    case = make_case(assisted)
    late = as_person(reader).post(url(case), click(case), format="json")
    assert (late.status_code, late.json()["code"]) == (503, "prompt_late")
