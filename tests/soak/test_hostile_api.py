"""JSON that attacks the API, over a socket to the web process: each request is answered soon, in words, and it lives on."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from tests.rows import make_case, make_model
from tests.soak.api_mutants import Schema, api_requests
from tests.soak.door import Door, listeners
from tests.soak.limits import MOST_MEMORY, SEED
from tests.soak.request_mutants import Request

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.timeout(7200)]

IN_THE_SUITE, IN_ALL = 400, 8_000
_FAILED_ELSEWHERE = (502, 503)
"""A remote node that is not there; a model that nobody runs."""


@pytest.fixture
def token(lead: Any) -> str:
    from backend.accounts.services import create_token

    lead.is_superuser = lead.may_create_projects = True
    lead.save()
    return create_token(user=lead, name="attacker", scopes=["*"])[1]


@pytest.fixture
def known(project: Any, lead: Any, reader: Any) -> dict[str, Any]:
    """Something of each kind that requests speak of, by the name that a path or a field has for it."""
    from backend.dimse.models import RemoteNode
    from backend.exchange.import_options import ImportOptions
    from backend.exchange.models import WatchedSource
    from backend.exchange.services import OfferedFile, create_import_run
    from backend.readings.foreign_model_services import register_foreign_model
    from backend.readings.selectors import reading_etag
    from backend.readings.services import open_case
    from backend.webhooks.models import Webhook

    case = make_case(project)
    _, reading = open_case(project=project, case=case, user=lead, role="lead")
    run = create_import_run(project=project, by=lead, files=[OfferedFile("a.dcm", 9)], options=ImportOptions())
    model, _ = register_foreign_model(
        project=project, by=lead, name="Other", version="1", description="", display_threshold=0.5
    )
    make_model(project)
    node = RemoteNode.objects.create(project=project, name="CT", kind="dimse", host="127.0.0.1", port=1, ae_title="CT")
    source = WatchedSource.objects.create(project=project, kind="folder", location="/nowhere")
    webhook = Webhook.objects.create(project=project, url="https://example.org/", events=[], sealed_secret="x")
    finding_type = project.finding_types.get(position=1)
    return {
        "slug": project.slug, "case_id": str(case.pk), "reading_id": str(reading.pk), "run_id": str(run.pk), "number": "1",
        "model_id": str(model.pk), "finding_type_id": str(project.finding_types.first().pk), "node_id": str(node.pk),
        "source_id": str(source.pk), "webhook_id": str(webhook.pk),
        # and fields of bodies
        "node": str(node.pk), "readings": [str(reading.pk)], "case": str(case.pk), "username": "rita", "kind": "box",
        "sop_instance_uid": case.instance.sop_instance_uid, "finding_type": finding_type.pk,
        "points": [[1, 2], [9, 8]], "events": ["round.finished"], "url": "https://192.0.2.1/", "host": "127.0.0.1",
        "etag": reading_etag(reading),
    }  # fmt: skip


def wrong_with(request: Request, status: int, headers: dict[str, str], body: bytes) -> str:
    """What is wrong with an answer; empty where it says what it should."""
    if not 200 <= status < 500 and status not in _FAILED_ELSEWHERE:
        return f"status {status} {body[:300]!r}"
    if status >= 400 and (b"Traceback" in body or b"/site-packages" in body or b"Errno" in body):
        return f"{status}: {body[:300]!r}"
    if status >= 400 and headers.get("content-type", "").startswith("application/json") and not json.loads(body):
        return f"{status} without a word"
    return ""


def test_damaged_json_is_answered_in_words(
    project: Any, door: Door, token: str, known: dict[str, Any], long_run: bool
) -> None:
    count = IN_ALL if long_run else IN_THE_SUITE
    statuses, wrong = [], []
    places = {name: str(value) for name, value in known.items()}
    for request in api_requests(Schema(), token, places, known, random.Random(SEED), count):
        answer = door.ask(request)
        statuses.append(answer[0])
        if "-reading_save-" in request.name and answer[0] == 200:
            known["etag"] = answer[1]["etag"]
        if told := wrong_with(request, *answer):
            wrong.append((request.name, told))
    print({one: statuses.count(one) for one in sorted(set(statuses))}, round(door.longest, 2), door.most_memory >> 20)
    assert not wrong, "\n".join(map(str, wrong[:20]))
    assert door.most_memory < MOST_MEMORY and door.pids == listeners(door.address[1])
    assert {200, 201, 400} <= set(statuses) and statuses.count(400) < 0.8 * count
