"""Readers of foreign files run in a child that is limited, alone, and no loss when it dies."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.dicom.refusal import Refused
from backend.exchange import reading_child
from backend.exchange.export_selection import ImageFrame
from backend.exchange.foreign import Code, ForeignLesion, ForeignReading, ImageReference, UnusableFile
from backend.exchange.format_registry import read_formats
from backend.exchange.formats.dicom_objects import KEPT_SUFFIXES
from backend.exchange.formats.family import Folder, KnownImages, ReadContext
from backend.exchange.reading_child import names_in_child, read_in_child
from backend.exchange.source_folder import SourceFolder
from backend.exchange.sources import Source

FRAMES = [ImageFrame(7, "1.2.3", 1, 0, 40, 50, (0.5, 0.5))]
KNOWN = KnownImages("CT-0001", FRAMES, np.eye(4), FRAMES[0], (1.5,))


def context(**options: str) -> ReadContext:
    return ReadContext(
        by_name=lambda name: KNOWN if name == "here.png" else None,
        by_uid=lambda uid: None,
        options=options,
        find=lambda reference: KNOWN if reference.sop_instance_uid == "1.2.3" else None,
    )


def children() -> set[str]:
    """The processes that this one has started and not buried."""
    return {pid for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()}


def run(read: Any, folder: Folder | None = None, **more: Any) -> list[ForeignReading | UnusableFile]:
    return list(read_in_child(read, "test format", folder or {}, context(), **more))


def test_a_reading_comes_back_as_it_was_read_with_its_masks():
    mask = np.zeros((40, 50), dtype=bool)
    mask[3:9, 4] = True
    lesion = ForeignLesion(
        "Mass", "mask", masks=[(ImageReference("1.2.3"), mask), (ImageReference("1.2.4"), np.zeros((2, 3), dtype=bool))],
        code=Code("SCT", "1", "Mass"), attributes={"Size": np.float64(1.5), "Margin": "sharp"}, score=0.25,
    )  # fmt: skip
    given = ForeignReading(
        "a.json", "Ann", [ImageReference(name="x")], [lesion], {"Dense": True}, complete=False, keep_options={"task": "7"}
    )

    def read(files: Folder, asked: ReadContext) -> Iterator[ForeignReading | UnusableFile]:
        yield given
        yield UnusableFile("b.json", "Damaged.")

    found, bad = run(read)
    assert isinstance(found, ForeignReading) and bad == UnusableFile("b.json", "Damaged.")
    ((first, pixels), (_, empty)) = found.lesions[0].masks
    assert first == ImageReference("1.2.3") and np.array_equal(pixels, mask) and empty.shape == (2, 3)
    assert found.lesions[0].attributes == {"Size": 1.5, "Margin": "sharp"}
    assert (found.reader, found.image_findings, found.complete, found.keep_options) == (
        "Ann", {"Dense": True}, False, {"task": "7"},
    )  # fmt: skip


def test_the_child_asks_for_images_and_says_which_files_it_opened(tmp_path):
    for name in ("one.csv", "two.csv"):
        (tmp_path / name).write_text(name)
    sources = [Source(name, tmp_path / name) for name in ("one.csv", "two.csv")]

    def read(files: Folder, asked: ReadContext) -> Iterator[ForeignReading]:
        known, found = asked.by_name("here.png"), asked.find(ImageReference("1.2.3"))
        assert asked.by_uid("1.9") is None and known is not None and found is not None
        assert np.array_equal(known.affine, np.eye(4)) and found.asked == FRAMES[0] and list(known.positions) == [1.5]
        yield ForeignReading(files["two.csv"].read_text(), known.case_name, [])

    with SourceFolder(sources) as folder:
        (reading,) = run(read, folder)
        assert folder.opened == {"two.csv"}
    assert (reading.source, reading.reader) == ("two.csv", "CT-0001")


def read_forever(files: Folder, asked: ReadContext) -> Iterator[ForeignReading]:
    while True:
        time.sleep(0.05)
    yield


def read_without_end(files: Folder, asked: ReadContext) -> Iterator[ForeignReading]:
    yield ForeignReading("first", "Ann", [])
    np.ones(reading_child.MEMORY_BYTES // 4)


def read_into_a_crash(files: Folder, asked: ReadContext) -> Iterator[ForeignReading]:
    os.kill(os.getpid(), signal.SIGSEGV)
    yield


def read_too_deep(files: Folder, asked: ReadContext) -> Iterator[ForeignReading]:
    def deeper(level: int) -> int:
        return deeper(level + 1) + 1

    yield ForeignReading(str(deeper(0)), "Ann", [])


def read_wrongly(files: Folder, asked: ReadContext) -> Iterator[ForeignReading]:
    yield ForeignReading(str({}["secret of /tmp"]), "Ann", [])


@pytest.mark.parametrize(
    ("read", "reason"),
    [
        (read_forever, "It takes too long to read."),
        (read_without_end, "It needs more memory to read than one file may take."),
        (read_into_a_crash, "Damaged: reading it crashes."),
        (read_too_deep, "Damaged: it is nested too deeply."),
        (read_wrongly, "Damaged, or no test format that can be read (KeyError)."),
    ],
)
def test_what_goes_wrong_is_told_in_a_line_and_leaves_no_child(read, reason):
    before = children()
    with pytest.raises(Refused) as refusal:
        run(read, wall_seconds=1 if read is read_forever else 60)
    assert str(refusal.value) == reason
    assert children() == before


def test_what_was_read_before_is_not_lost():
    found = read_in_child(read_without_end, "test format", {}, context())
    assert next(found).source == "first"
    with pytest.raises(Refused, match="memory"):
        next(found)


def test_a_child_that_spins_is_ended_by_its_own_clock(monkeypatch):
    monkeypatch.setattr(reading_child, "CPU_SECONDS", 0)

    def read(files: Folder, asked: ReadContext) -> Iterator[ForeignReading]:
        while True:
            sum(range(10_000))
        yield

    with pytest.raises(Refused, match="too long"):
        run(read)


@pytest.mark.django_db
def test_the_child_has_no_file_of_the_parent_open(tmp_path):
    from backend.projects.models import Project

    assert not Project.objects.exists()  # the parent is connected

    def ask(files: Folder) -> list[str]:
        links = [entry.readlink() for entry in Path("/proc/self/fd").iterdir() if entry.exists()]
        return [str(link) for link in links if not str(link).startswith(("/dev/null", "/proc"))]

    with (tmp_path / "secret").open("w"):
        assert [name for name in names_in_child(ask, {}) if not name.startswith("socket:")] == []
        assert len(names_in_child(ask, {})) == 1


def test_a_reader_left_before_its_end_leaves_no_child():
    before = children()
    found = read_in_child(read_without_end, "test format", {}, context())
    next(found)
    assert len(children() - before) == 1
    found.close()
    assert children() == before


class Asked:
    """Stands where the decoding child is asked; remembers for which file."""

    def __init__(self) -> None:
        self.paths: list[Path] = []

    def read(self, path: Path, threshold: float) -> object:
        self.paths.append(path)
        raise Refused("The child was asked.")


def test_every_format_is_read_in_a_child_or_asks_the_decoding_child(tmp_path):
    asked = {}
    for one in read_formats().values():
        if one.in_child:
            continue
        files = {f"{one.name}{suffix}": tmp_path / f"{one.name}{suffix}" for suffix in KEPT_SUFFIXES.values()}
        for path in files.values():
            path.write_bytes(b"whatever")  # were it parsed here, that would be told
        objects = Asked()
        found = list(one.read(files, replace(context(), objects=objects)))
        assert [unusable.reason for unusable in found] == ["The child was asked."]
        asked[one.name] = [path.name for path in objects.paths]
    assert asked == {
        "dicom_rtstruct": ["dicom_rtstruct.rtstruct.kept"],
        "dicom_seg": ["dicom_seg.seg.kept"],
        "dicom_sr": ["dicom_sr.sr.kept"],
    }
