"""Pieces of uploads that attack, over a socket to the web process: what arrives is what was sent, or words."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from backend.exchange.import_options import ImportOptions
from backend.exchange.models import ImportItem
from backend.exchange.services import OfferedFile, create_import_run
from backend.exchange.sources import upload_folder
from tests.soak.door import Door, listeners
from tests.soak.limits import MOST_MEMORY, SEED
from tests.soak.request_mutants import Request
from tests.soak.upload_mutants import NAMES, piece_request

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.timeout(7200)]

IN_THE_SUITE, IN_ALL = 300, 10_000
SIZE = 5_000


@pytest.fixture
def token(lead: Any) -> str:
    from backend.accounts.services import create_token

    return create_token(user=lead, name="attacker", scopes=["import"])[1]


def opened(project: Any, lead: Any, rng: random.Random) -> Iterator[tuple[ImportItem, bytes]]:
    """Files of an import that is open, one after the other, and what each has to become."""
    while True:
        files = [OfferedFile(name, SIZE) for name in NAMES]
        run = create_import_run(project=project, by=lead, files=files, options=ImportOptions())
        for item in run.items.all():
            yield item, rng.randbytes(SIZE)


def wrong_with(request: Request, status: int, body: bytes) -> str:
    """What is wrong with an answer; empty where it says what it should."""
    if not 200 <= status < 500:
        return f"status {status} {body[:300]!r}"
    if status >= 400 and (b"Traceback" in body or b"/tmp" in body or b"Errno" in body):
        return f"{status}: {body[:300]!r}"
    return ""


def test_no_piece_damages_a_file(project: Any, lead: Any, door: Door, token: str, long_run: bool) -> None:
    rng, statuses, wrong = random.Random(SEED), [], []
    files = opened(project, lead, random.Random(SEED))
    item, content = next(files)
    held, whole = 0, []
    before = {path for path in Path(settings.DATA_DIR).rglob("*") if path.is_file()}
    for number in range(IN_ALL if long_run else IN_THE_SUITE):
        path = f"/api/v1/projects/{project.slug}/imports/{item.run_id}/files/{item.pk}/"
        request = piece_request(number, path, token, content, held, rng)
        status, _, body = door.ask(request)
        statuses.append(status)
        if told := wrong_with(request, status, body):
            wrong.append((request.name, told))
        if status == 200:
            received = json.loads(body)["received"]
            assert held <= received <= SIZE, (request.name, held, received)
            held = received
        if held == SIZE:
            whole.append((item, content))
            item, content = next(files)
            held = 0
    print({one: statuses.count(one) for one in sorted(set(statuses))}, len(whole), door.longest, door.most_memory >> 20)
    assert not wrong, "\n".join(map(str, wrong[:20]))
    assert {200, 400, 409, 415} <= set(statuses) and len(whole) > 3
    for item, content in whole:
        item.refresh_from_db()
        assert item.state == "waiting" and (upload_folder(item.run_id) / str(item.pk)).read_bytes() == content
    for name in ImportItem.objects.values_list("name", flat=True):
        assert not name.startswith("/") and ".." not in name.split("/") and "\0" not in name and len(name) <= 480
    after = {path for path in Path(settings.DATA_DIR).rglob("*") if path.is_file()}
    assert all(settings.UPLOAD_DIR in path.parents or "run" in path.parts for path in after - before), after - before
    assert door.most_memory < MOST_MEMORY and door.pids == listeners(door.address[1])
