"""The object store in a folder."""

import pytest

from backend.archive.store import delete_object, get_object, get_range, has_object, put_object


def test_an_object_comes_back_whole_in_ranges_and_goes():
    put_object(key="blobs/ab/abc", data=b"0123456789")
    assert get_object("blobs/ab/abc") == b"0123456789"
    assert get_range("blobs/ab/abc", 3, 4) == b"3456"
    assert has_object("blobs/ab/abc")
    delete_object("blobs/ab/abc")
    delete_object("blobs/ab/abc")
    assert not has_object("blobs/ab/abc")
    with pytest.raises(FileNotFoundError):
        get_object("blobs/ab/abc")


@pytest.mark.parametrize("key", ["", "../evil", "a/../../evil", "/etc/passwd", "a//b", "a/./b", "a\\b", "a\0b"])
def test_a_key_cannot_leave_the_store(key: str):
    with pytest.raises(ValueError):
        put_object(key=key, data=b"x")
