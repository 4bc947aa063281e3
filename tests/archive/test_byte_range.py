"""Range headers as RFC 9110 reads them."""

from __future__ import annotations

import pytest

from backend.archive.byte_range import asked_range


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=5-", (5, 10)),
        (" bytes=5-99 ", (5, 10)),
        ("bytes=-3", (7, 10)),
        ("bytes=-99", (0, 10)),
    ],
)
def test_a_range_is_what_is_there_of_it(header, expected):
    assert asked_range(header, 10) == expected


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=99-100", "bytes=-0"])
def test_what_lies_behind_the_end_cannot_be_satisfied(header):
    begin, end = asked_range(header, 10)
    assert begin >= end


@pytest.mark.parametrize("header", ["", "bytes=-", "bytes=6-5", "bytes=0-1,3-4", "lines=0-1", "bytes=a-b", "bytes=0x0-1"])
def test_what_is_no_range_asks_for_all(header):
    assert asked_range(header, 10) is None
