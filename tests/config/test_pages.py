"""Health, metrics, the single page, and what an unknown address gets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from backend.config.health import leave_sign_of_life
from backend.jobs.models import Job

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_worker_has_been_seen() -> None:
    cache.clear()


@pytest.fixture
def built(settings: Any, tmp_path: Path) -> Path:
    """A built front end."""
    (tmp_path / "index.html").write_text(
        '<!doctype html><link rel="stylesheet" crossorigin href="/static/assets/index-abc.css"><div id="root"></div>'
    )
    settings.FRONTEND_DIST = tmp_path
    return tmp_path


def test_alive_needs_nothing() -> None:
    assert Client().get("/healthz").json() == {"status": "ok"}


def test_ready_needs_database_broker_and_each_promised_worker(settings: Any) -> None:
    settings.REQUIRED_WORKERS = ["default", "train"]
    leave_sign_of_life("default")
    answer = Client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {
        "status": "not ready", "database": "ok", "broker": "ok", "worker-default": "ok", "worker-train": "missing",
    }  # fmt: skip
    leave_sign_of_life("train")
    assert Client().get("/readyz").status_code == 200


def test_not_ready_without_the_broker(settings: Any) -> None:
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": "unix:///nowhere/valkey.sock"}}
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()["broker"]) == (503, "missing")


def test_metrics_tell_jobs_by_state_and_queue_lengths() -> None:
    Job.objects.create(task="t", queue="train", state="failed")
    Job.objects.create(task="t", queue="train")
    text = Client().get("/metrics").content.decode()
    assert 'overread_jobs{queue="train",state="failed"} 1.0' in text
    assert 'overread_queue_messages{queue="train"} 0.0' in text
    assert "overread_oldest_waiting_job_seconds" in text and "django_http_requests" in text


def test_metrics_are_for_this_machine_or_the_tokens_bearer(settings: Any) -> None:
    assert Client(REMOTE_ADDR="10.0.0.9").get("/metrics").status_code == 403
    assert Client(headers={"x-forwarded-for": "10.0.0.9"}).get("/metrics").status_code == 403
    settings.METRICS_TOKEN = "scrape-me"
    bearer = Client(REMOTE_ADDR="10.0.0.9", headers={"authorization": "Bearer scrape-me"})
    assert bearer.get("/metrics").status_code == 200
    assert Client(REMOTE_ADDR="10.0.0.9", headers={"authorization": "Bearer x"}).get("/metrics").status_code == 403


def test_every_page_address_gets_the_single_page_fresh_and_with_a_csrf_cookie(reader: Any, built: Path) -> None:
    client = Client()
    client.force_login(reader)
    for path in ("/", "/new", "/p/breast/worklist", "/p/breast/read/1"):
        answer = client.get(path)
        assert b'<div id="root">' in answer.content
        assert "no-cache" in answer.headers["Cache-Control"]
        assert "script-src 'self' 'wasm-unsafe-eval'" in answer.headers["Content-Security-Policy"]
    assert client.cookies["csrftoken"].value
    assert client.post("/").status_code == 405


def test_sign_in_page_borrows_the_front_ends_stylesheet(built: Path) -> None:
    assert 'href="/static/assets/index-abc.css"' in Client().get("/accounts/login/").content.decode()


def test_without_a_built_front_end_the_page_says_what_to_do(reader: Any, settings: Any, tmp_path: Path) -> None:
    settings.FRONTEND_DIST = tmp_path / "missing"
    client = Client()
    client.force_login(reader)
    answer = client.get("/")
    assert answer.status_code == 503 and b"make setup" in answer.content


def test_an_unknown_address_of_the_api_is_told_in_json(reader: Any) -> None:
    for path in ("/api/v1/nothing/", "/dicom-web/nothing"):
        client = Client()
        client.force_login(reader)
        answer = client.get(path)
        assert answer.status_code == 404 and "detail" in answer.json()


def test_every_answer_carries_the_hardening_headers() -> None:
    answer = Client().get("/accounts/login/")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Referrer-Policy"] == "same-origin"


def test_a_request_is_logged_with_an_id_and_without_its_query(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    Client().get("/accounts/login/", {"next": "/p/secret"})
    lines = [record.msg for record in caplog.records if isinstance(record.msg, dict) and record.msg.get("request_id")]
    assert lines and all("secret" not in str(line) for line in lines)
