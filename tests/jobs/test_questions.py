"""Questions that a request asks a warm worker: answered in time, or not at all and at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from backend.jobs import questions
from backend.jobs.questions import answer, ask, next_question


@pytest.fixture(autouse=True)
def empty() -> Iterator[None]:
    server = questions._server()
    server.flushdb()
    yield
    server.flushdb()


@contextmanager
def listener(reply: Any, *, busy: float = 0.0) -> Iterator[list[Any]]:
    """Somebody who answers each question after a while."""
    heard: list[Any] = []
    stop = threading.Event()

    def listen() -> None:
        while not stop.is_set():
            asked = next_question("sums")
            if asked is not None:
                heard.append(asked[1])
                time.sleep(busy)
                answer(asked[0], reply(asked[1]))

    thread = threading.Thread(target=listen)
    thread.start()
    while not questions._server().exists("overread:listens:sums"):
        time.sleep(0.01)
    yield heard
    stop.set()
    thread.join()


def test_each_asker_gets_the_answer_to_the_own_question() -> None:
    with listener(lambda question: {"double": 2 * question["n"]}):
        told: dict[int, Any] = {}
        askers = [threading.Thread(target=lambda n=n: told.update({n: ask("sums", {"n": n}, seconds=10)})) for n in range(8)]
        for asker in askers:
            asker.start()
        for asker in askers:
            asker.join()
    assert told == {n: {"double": 2 * n} for n in range(8)}


def test_where_nobody_listens_nobody_waits() -> None:
    began = time.monotonic()
    assert ask("sums", {"n": 1}, seconds=30) is None
    assert time.monotonic() - began < 5


def test_an_answer_that_comes_late_is_none_and_is_given_to_nobody_else() -> None:
    with listener(lambda question: {"n": question["n"]}, busy=0.6) as heard:
        assert ask("sums", {"n": 1}, seconds=0.2) is None
        assert ask("sums", {"n": 2}, seconds=10) == {"n": 2}
    assert [one["n"] for one in heard] == [1, 2]


def test_a_question_that_is_no_longer_waited_for_is_not_worked_on() -> None:
    server = questions._server()
    server.set("overread:listens:sums", 1, ex=5)
    assert ask("sums", {"n": 1}, seconds=0.1) is None
    assert server.llen("overread:questions:sums") == 1
    assert next_question("sums") is None
    assert next_question("sums") is None, "silence"
    assert 0 < server.ttl("overread:listens:sums") <= questions.LISTENING_SECONDS


def test_without_redis_there_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    import redis

    monkeypatch.setattr(questions, "_server", lambda: redis.Redis(host="127.0.0.1", port=1, socket_connect_timeout=1))
    assert ask("sums", {"n": 1}, seconds=1) is None
