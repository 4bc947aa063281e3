"""The object store in a folder."""

import os
import uuid
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from django.conf import settings

from backend.archive.store import ObjectGroup, delete_object, get_object, get_range, has_object, put_object


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


def test_a_range_beyond_the_end_is_an_error_and_never_a_part():
    put_object(key="blobs/ab/short", data=b"0123456789")
    with pytest.raises(OSError):
        get_range("blobs/ab/short", 8, 4)
    with pytest.raises(FileNotFoundError):
        get_range("blobs/ab/none", 0, 4)


def test_a_key_that_the_folder_writes_differently_is_read_too():
    put_object(key="blobs/a b/ü%20", data=b"0123456789")
    assert get_object("blobs/a b/ü%20") == b"0123456789"
    assert get_range("blobs/a b/ü%20", 3, 4) == b"3456"


@pytest.mark.parametrize("key", ["../evil", "a/../../evil", "/etc/passwd"])
def test_nothing_outside_the_store_can_be_read(key: str):
    with pytest.raises(ValueError):
        get_object(key)
    with pytest.raises(ValueError):
        get_range(key, 0, 1)


def test_an_object_and_the_folders_that_name_it_lie_on_the_disk_when_it_is_written(monkeypatch: pytest.MonkeyPatch):
    synced: list[tuple[int, int]] = []
    fsync = os.fsync

    def noted(handle: int) -> None:
        fsync(handle)
        found = os.fstat(handle)
        synced.append((found.st_dev, found.st_ino))

    monkeypatch.setattr(os, "fsync", noted)
    name = uuid.uuid4().hex
    store = Path(unquote(urlsplit(settings.OBJECT_STORE_URL).path))
    put_object(key="blobs/here", data=b"0")
    synced.clear()
    put_object(key=f"blobs/{name}/ab/object", data=b"0123456789")
    paths = [f"blobs/{name}/ab/object", f"blobs/{name}/ab", f"blobs/{name}", "blobs"]
    assert synced == [((found := (store / path).stat()).st_dev, found.st_ino) for path in paths]
    synced.clear()
    put_object(key=f"blobs/{name}/ab/object", data=b"9876543210")
    assert len(synced) == 2 and get_object(f"blobs/{name}/ab/object") == b"9876543210"


def test_objects_of_a_group_are_seen_when_they_are_published_and_the_rest_leaves_nothing():
    folder = Path(unquote(urlsplit(settings.OBJECT_STORE_URL).path)) / "blobs" / uuid.uuid4().hex
    prefix = f"blobs/{folder.name}"
    with ObjectGroup() as group:
        for name in ("wanted", "unwanted"):
            group.write_new(key=f"{prefix}/{name}", data=name.encode())
        group.synchronise()
        assert not has_object(f"{prefix}/wanted")
        group.publish([f"{prefix}/wanted"])
        assert get_object(f"{prefix}/wanted") == b"wanted"
    assert [path.name for path in folder.iterdir()] == ["wanted"]


def test_an_object_that_a_loss_of_power_left_empty_is_written_again():
    key = f"blobs/{uuid.uuid4().hex}"
    put_object(key=key, data=b"")
    with ObjectGroup() as group:
        group.write_new(key=key, data=b"0123456789")
        group.synchronise()
        group.publish([key])
    assert get_object(key) == b"0123456789"
