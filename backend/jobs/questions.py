"""Questions that a request asks a warm worker and waits for: nothing durable, an answer in time or none.

A job is for what must be done whatever happens; a question is for what is worthless a moment later (click → mask). The
asker lays the question under its number with the time that it will wait, and rings; a worker takes them in turn,
and a question that nobody waits for any longer has vanished by then. No clocks are compared. A worker that listens says so,
so that an asker does not wait where nobody would answer.
"""

from __future__ import annotations

import json
import uuid
from functools import cache
from typing import Any, Final, cast

import redis
from django.conf import settings

LISTENING_SECONDS: Final = 5
"""How long a worker's word that it listens holds; it gives it anew with every question and every second of silence."""
UNREAD_SECONDS: Final = 10
PATIENCE_SECONDS: Final = 1.0

Question = dict[str, Any]


def ask(topic: str, question: Question, *, seconds: float) -> Question | None:
    """The answer of a worker that listens to `topic`; None where none listens, or none answered within `seconds`."""
    number = uuid.uuid4().hex
    try:
        server = _server()
        if not server.exists(_listens(topic)):
            return None
        with server.pipeline() as pipe:
            pipe.set(_asked(number), json.dumps(question), px=round(seconds * 1000))
            pipe.rpush(_waiting(topic), number)
            pipe.expire(_waiting(topic), UNREAD_SECONDS)
            pipe.execute()
        told = cast("tuple[bytes, bytes] | None", server.blpop([_answered(number)], timeout=seconds))
        if told is None:
            server.delete(_asked(number))
            return None
    except redis.RedisError:
        return None
    return cast(Question, json.loads(told[1]))


def next_question(topic: str) -> tuple[str, Question] | None:
    """Number and content of a question that is still waited for; None when none came for a second."""
    server = _server()
    server.set(_listens(topic), 1, ex=LISTENING_SECONDS)
    rung = cast("tuple[bytes, bytes] | None", server.blpop([_waiting(topic)], timeout=PATIENCE_SECONDS))
    if rung is None:
        return None
    number = rung[1].decode()
    asked = cast("bytes | None", server.getdel(_asked(number)))
    return None if asked is None else (number, json.loads(asked))


def answer(number: str, reply: Question) -> None:
    """Send the answer; where nobody waits any more it vanishes."""
    with _server().pipeline() as pipe:
        pipe.rpush(_answered(number), json.dumps(reply))
        pipe.expire(_answered(number), UNREAD_SECONDS)
        pipe.execute()


@cache
def _server() -> redis.Redis:
    """The Redis of the cache; its connections are pooled and safe between threads."""
    return redis.Redis.from_url(settings.CACHES["default"]["LOCATION"], socket_timeout=10, socket_connect_timeout=1)


def _listens(topic: str) -> str:
    return f"overread:listens:{topic}"


def _waiting(topic: str) -> str:
    return f"overread:questions:{topic}"


def _asked(number: str) -> str:
    return f"overread:question:{number}"


def _answered(number: str) -> str:
    return f"overread:answer:{number}"
