"""What the client does when the network or the server is not well, against a real socket that answers as told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from backend.client.errors import OverreadError, Unreachable
from backend.client.transport import Transport


class Answers:
    """A server that gives these (status, headers) in turn, then 200; `asked` is what came."""

    def __init__(self, *answers: tuple[int, dict[str, str]]) -> None:
        self.left = list(answers)
        self.asked: list[tuple[str, str, str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                outer.asked.append((self.command, self.path, self.headers.get("Authorization", "")))
                status, headers = outer.left.pop(0) if outer.left else (200, {})
                body = b'{"detail": "Told so."}' if status >= 300 else b'{"username": "lena"}'
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PUT = answer

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def answering() -> Iterator[Callable[..., tuple[Answers, Transport, list[float]]]]:
    started: list[Answers] = []

    def make(*answers: tuple[int, dict[str, str]]) -> tuple[Answers, Transport, list[float]]:
        started.append(Answers(*answers))
        pauses: list[float] = []
        return started[-1], Transport(started[-1].url, "ovr_t", retries=3, pause=pauses.append), pauses

    yield make
    for one in started:
        one.server.shutdown()
        one.server.server_close()


def test_errors_that_pass_are_waited_out_as_the_server_asks(answering):
    server, transport, pauses = answering((503, {}), (429, {"Retry-After": "7"}))
    assert transport.call("me_read") == {"username": "lena"}
    assert len(server.asked) == 3 and pauses[1] == 7.0 and 0 < pauses[0] < 1
    assert {asked[2] for asked in server.asked} == {"Bearer ovr_t"}


def test_what_does_not_pass_is_raised_at_once(answering):
    server, transport, pauses = answering((500, {}))
    with pytest.raises(OverreadError, match=r"Told so\.") as raised:
        transport.call("me_read")
    assert raised.value.status == 500 and not pauses and len(server.asked) == 1


def test_a_post_is_sent_again_only_where_it_was_not_taken(answering):
    server, transport, _ = answering((503, {}))
    transport.call("round_start", json={}, slug="breast")
    assert len(server.asked) == 2
    server, transport, _ = answering((502, {}))
    with pytest.raises(OverreadError):
        transport.call("round_start", json={}, slug="breast")
    assert len(server.asked) == 1


def test_the_retries_end(answering):
    server, transport, pauses = answering(*[(503, {})] * 9)
    with pytest.raises(OverreadError):
        transport.call("me_read")
    assert len(server.asked) == 4 and len(pauses) == 3


def test_nobody_there_is_said_so():
    transport = Transport("http://127.0.0.1:9", "t", retries=1, pause=lambda _: None)
    with pytest.raises(Unreachable, match="does not answer"):
        transport.call("round_start", json={}, slug="breast")


def test_a_redirect_takes_the_token_nowhere(answering):
    other, _, _ = answering()
    _, transport, _ = answering((302, {"Location": other.url}))
    with pytest.raises(OverreadError, match="sends elsewhere"):
        transport.call("me_read")
    assert other.asked == []


def test_a_token_is_not_sent_unencrypted_to_another_machine():
    with pytest.raises(ValueError, match="unencrypted"):
        Transport("http://overread.example.org", "t")
    Transport("http://overread.example.org", "t", allow_http=True)
    with pytest.raises(ValueError, match="no address"):
        Transport("overread.example.org", "t")


def test_what_fills_an_address_cannot_leave_it(answering):
    server, transport, _ = answering()
    transport.call("project_read", slug="../../me")
    assert server.asked[0][1] == "/api/v1/projects/..%2F..%2Fme/"
