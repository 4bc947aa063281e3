"""Tests of the pictures kept in memory: drawn once, bounded in bytes, the ones not used for longest go first."""

from __future__ import annotations

from backend.dicomweb.kept_pictures import KeptPictures


def drawing(drawn: list[str], name: str, size: int = 20):
    def draw() -> bytes:
        drawn.append(name)
        return name.encode() * size

    return draw


def test_a_picture_is_drawn_once_and_each_etag_has_its_own():
    pictures, drawn = KeptPictures(1000), []
    assert pictures.picture('"a"', drawing(drawn, "a")) == pictures.picture('"a"', drawing(drawn, "a")) == b"a" * 20
    assert pictures.picture('"b"', drawing(drawn, "b")) == b"b" * 20
    assert drawn == ["a", "b"]


def test_the_picture_not_used_for_longest_goes_first():
    pictures, drawn = KeptPictures(100), []
    for name in "abcde":
        pictures.picture(name, drawing(drawn, name))
    pictures.picture("a", drawing(drawn, "a"))
    pictures.picture("f", drawing(drawn, "f"))
    drawn.clear()
    for name in "acdef":
        pictures.picture(name, drawing(drawn, name))
    assert drawn == []
    pictures.picture("b", drawing(drawn, "b"))
    assert drawn == ["b"]


def test_a_picture_too_large_to_be_kept_is_sent_all_the_same():
    pictures, drawn = KeptPictures(100), []
    for _ in range(2):
        assert len(pictures.picture("a", drawing(drawn, "a", 26))) == 26
    assert drawn == ["a", "a"]
