"""Requests that attack DICOMweb, over a socket to the web process: each is answered soon, in words, and it lives on."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings

from backend.archive.models import Instance
from tests.dicom.conftest import as_file, make_dicom  # noqa: F401
from tests.soak.door import Door, listeners
from tests.soak.limits import MOST_MEMORY, SEED, is_clear
from tests.soak.mutants import dicom_originals
from tests.soak.request_mutants import Request, get_requests, stow_request, stow_requests

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.timeout(7200)]

IN_THE_SUITE, IN_ALL = {"stow": 130, "get": 250}, {"stow": 4_000, "get": 6_000}


@pytest.fixture
def counts(long_run: bool) -> dict[str, int]:
    return IN_ALL if long_run else IN_THE_SUITE


@pytest.fixture
def token(lead: Any) -> str:
    from backend.accounts.services import create_token

    return create_token(user=lead, name="attacker", scopes=["dicomweb"])[1]


@pytest.fixture
def good(make_dicom: Any, as_file: Any) -> list[bytes]:
    """Small files that are taken."""
    files = []
    for number in range(1, 6):
        dataset = make_dicom(
            np.random.default_rng(number).integers(0, 4000, (16, 20), dtype=np.uint16), SOPInstanceUID=f"1.2.3.4.1.{number}"
        )
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        files.append(as_file(dataset))
    return files


def wrong_with(request: Request, status: int, headers: dict[str, str], body: bytes) -> str:
    """What is wrong with an answer; empty where it says what it should."""
    if status >= 500 or status < 200:
        return f"status {status} {body[:300]!r}"
    kind = headers.get("content-type", "")
    if "problem+json" in kind:
        detail = json.loads(body)["detail"]
        # What a resource can be had as is a long list, of this program's own words.
        return "" if status == 406 or is_clear(f"{str(detail).rstrip('.')}.") else f"{status}: {detail!r}"
    if request.data.startswith(b"POST") and "dicom+json" in kind:
        items = [*_items(body, "00081198"), *_items(body, "0008119A")]
        comments = [item["00000902"]["Value"][0] for item in items]
        return next((f"comment {one!r}" for one in comments if "\n" in one or not 8 < len(one) <= 64), "")
    return ""


def _items(body: bytes, tag: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(body).get(tag, {}).get("Value", [])
    return found


def test_damaged_bodies_are_answered_in_words(
    real_data: Path, project: Any, door: Door, token: str, good: list[bytes], counts: dict[str, int]
) -> None:
    originals = dicom_originals(real_data / "dicom_corpus")
    path, statuses, wrong = f"/dicom-web/{project.slug}/studies", [], []
    for request in stow_requests(path, token, good, originals, random.Random(SEED), counts["stow"]):
        answer = door.ask(request)
        statuses.append(answer[0])
        if told := wrong_with(request, *answer):
            wrong.append((request.name, told))
    print({one: statuses.count(one) for one in sorted(set(statuses))}, round(door.longest, 2), door.most_memory >> 20)
    assert not wrong, "\n".join(map(str, wrong[:20]))
    assert door.most_memory < MOST_MEMORY and door.pids == listeners(door.address[1])
    assert Instance.objects.exists() and {400, 409} <= set(statuses) and statuses.count(400) < 0.8 * len(statuses)
    assert not [one for one in (settings.UPLOAD_DIR / "scratch").iterdir() if one.name.startswith("stow-")]


def test_odd_searches_and_addresses_are_answered_in_words(
    project: Any, door: Door, token: str, good: list[bytes], counts: dict[str, int]
) -> None:
    path = f"/dicom-web/{project.slug}"
    assert door.ask(stow_request(f"{path}/studies", token, *good))[0] == 200
    instance, wrong, statuses = "studies/1.2.3.4/series/1.2.3.4.1/instances/1.2.3.4.1.1", [], []
    started = time.monotonic()
    for request in get_requests(path, token, instance, random.Random(SEED), counts["get"]):
        answer = door.ask(request)
        statuses.append(answer[0])
        if told := wrong_with(request, *answer):
            wrong.append((request.name, told))
    print({one: statuses.count(one) for one in sorted(set(statuses))}, round(time.monotonic() - started))
    assert not wrong, "\n".join(map(str, wrong[:20]))
    assert door.most_memory < MOST_MEMORY and {200, 400, 404} <= set(statuses)
