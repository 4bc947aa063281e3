"""Zip archives that attack are refused file by file, or whole."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import pytest

from backend.dicom.refusal import Refused
from backend.exchange import zips
from backend.exchange.source_folder import SourceFolder
from backend.exchange.sources import Source
from backend.exchange.zips import extract_entry, is_zip, zip_entries


@pytest.fixture
def make_zip(tmp_path: Path):
    def make(**entries: bytes) -> Path:
        path = tmp_path / "a.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in entries.items():
                archive.writestr(name, data)
        return path

    return make


def entry_named(name: str, data: bytes = b"x", **attributes: object) -> tuple[zipfile.ZipInfo, bytes]:
    info = zipfile.ZipInfo("placeholder")
    info.filename = info.orig_filename = name
    for attribute, value in attributes.items():
        setattr(info, attribute, value)
    return info, data


def test_a_plain_archive_gives_its_files(make_zip, tmp_path):
    path = make_zip(**{"folder/a.png": b"abc", "__MACOSX/._a.png": b"junk", "b.png": b"de"})
    assert is_zip(path)
    assert [(entry.name, entry.size, entry.refusal) for entry in zip_entries(path)] == [
        ("folder/a.png", 3, ""),
        ("b.png", 2, ""),
    ]
    extract_entry(path, "folder/a.png", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == b"abc"


@pytest.mark.parametrize("name", ["../evil.png", "a/../../evil.png", "/etc/evil", "C:\\evil", "..\\evil"])
def test_a_name_that_leaves_the_archive_is_refused(tmp_path, name):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(*entry_named(name))
    (entry,) = zip_entries(path)
    assert "outside" in entry.refusal


def test_a_nul_in_a_name_is_refused(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("good_png", b"x")
    path.write_bytes(path.read_bytes().replace(b"good_png", b"goo\0_png"))
    (entry,) = zip_entries(path)
    assert "NUL" in entry.refusal


def test_links_nested_archives_and_encryption_are_refused(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(*entry_named("link", b"/etc/passwd", external_attr=0o120777 << 16))
        archive.writestr("inner.zip", b"PK")
        archive.writestr("secret", b"x")
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\x01\x02")
    data[at + 8] |= 1
    path.write_bytes(bytes(data))
    assert [entry.refusal.split(":")[0] for entry in zip_entries(path)] == [
        "A link, not a file.",
        "A zip archive inside another one",
        "Encrypted",
    ]


def test_a_bomb_is_seen_in_the_directory(make_zip):
    path = make_zip(bomb=b"\0" * (32 * 1024**2))
    assert "bomb" in zip_entries(path)[0].refusal


def test_a_size_that_lies_is_caught_by_counting(make_zip, tmp_path):
    path = make_zip(liar=b"\0" * 1_000_000)
    data = bytearray(path.read_bytes())
    for signature, field in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        at = data.index(signature) + field
        data[at : at + 4] = struct.pack("<I", 10)
    path.write_bytes(bytes(data))
    assert zip_entries(path)[0].size == 10
    with pytest.raises(Refused):
        extract_entry(path, "liar", tmp_path / "out")
    assert not (tmp_path / "out").exists() or (tmp_path / "out").stat().st_size <= 10


def test_a_size_that_boasts_is_caught(make_zip, tmp_path):
    path = make_zip(liar=b"abc")
    data = bytearray(path.read_bytes())
    for signature, field in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        at = data.index(signature) + field
        data[at : at + 4] = struct.pack("<I", 3_000)
    path.write_bytes(bytes(data))
    with pytest.raises(Refused):
        extract_entry(path, "liar", tmp_path / "out")


def test_too_many_files_are_too_many(make_zip, monkeypatch):
    monkeypatch.setattr(zips, "MAX_ENTRIES", 3)
    with pytest.raises(Refused, match="holds 4 files; the limit is 3"):
        zip_entries(make_zip(a=b"", b=b"", c=b"", d=b""))


def test_a_directory_without_end_is_not_read(make_zip, monkeypatch):
    monkeypatch.setattr(zips, "MAX_DIRECTORY_BYTES", 200)
    path = make_zip(**{f"name-{number:040}": b"" for number in range(4)})
    with pytest.raises(Refused, match="directory"):
        zip_entries(path)
    with pytest.raises(Refused, match="directory"):
        extract_entry(path, f"name-{0:040}", path.with_name("out"))


def test_an_archive_is_opened_once_for_all_its_files(make_zip, monkeypatch, tmp_path):
    opened = []

    class Counted(zipfile.ZipFile):
        def __init__(self, file) -> None:
            opened.append(file)
            super().__init__(file)

    path = make_zip(**{f"{number}": b"x" * number for number in range(50)})
    monkeypatch.setattr(zips.zipfile, "ZipFile", Counted)
    with zips.held_archives():
        for number in range(50):
            extract_entry(path, f"{number}", tmp_path / "out")
            assert (tmp_path / "out").stat().st_size == number
    assert len(opened) == 1
    with SourceFolder([Source(f"{number}", path, f"{number}") for number in range(50)]) as folder:
        assert all(folder[f"{number}"].stat().st_size == number for number in range(50))
    assert len(opened) == 2
    extract_entry(path, "3", tmp_path / "out")
    assert len(opened) == 3 and all(file.closed for file in opened)


def test_two_files_of_one_name_are_one_too_many(tmp_path):
    path = tmp_path / "a.zip"
    with pytest.warns(UserWarning), zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", b"1")
        archive.writestr("a", b"2")
    assert [bool(entry.refusal) for entry in zip_entries(path)] == [False, True]


@pytest.mark.parametrize("cut", [10, 60, 100])
def test_a_cut_archive_is_refused(make_zip, cut):
    path = make_zip(a=b"abc" * 100, b=b"de")
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(Refused, match="cannot be read"):
        zip_entries(path)
