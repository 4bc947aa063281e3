"""Files that attack, through every door: no crash, no hang, no memory without end, and one clear line each."""

from __future__ import annotations

import random
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from backend.archive.decode_child import DecodeChild
from backend.dicom.found import FindingSettings
from backend.dicom.prepare import PreparationSettings
from backend.dicom.refusal import Refused
from backend.exchange import reading_import
from backend.exchange.reading_import import ReadingOptions, import_foreign_readings
from backend.exchange.sources import Source, sources_in
from backend.exchange.zips import extract_entry, zip_entries
from tests.rows import make_case
from tests.soak.limits import LONGEST_CPU_S, MOST_MEMORY, SEED, cpu_seconds, grows_less_than, is_clear, peak_memory
from tests.soak.mutants import (
    Mutant,
    dicom_mutants,
    dicom_originals,
    picture_mutants,
    reading_mutants,
    reading_originals,
    volume_mutants,
    zip_mutants,
)

pytestmark = [pytest.mark.django_db, pytest.mark.slow, pytest.mark.timeout(14400)]

IN_THE_SUITE = {"dicom": 600, "objects": 100, "pictures": 100, "volumes": 100, "zips": 100, "readings": 100}
IN_ALL = {"dicom": 11_000, "objects": 2_000, "pictures": 2_000, "volumes": 2_000, "zips": 2_000, "readings": 6_000}


class Stopwatch:
    """CPU seconds and memory of this process and of those that it started and saw end."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._before = self._used()

    def lap(self, name: str) -> None:
        now = self._used()
        self.longest = max(self.longest, now - self._before)
        assert now - self._before < LONGEST_CPU_S, (name, now - self._before)
        self._before = now

    @staticmethod
    def _used() -> float:
        own, others = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime


def as_image(child: DecodeChild, path: Path) -> None:
    """What the import of an image asks."""
    child.prepare(path, PreparationSettings(key="5a" * 32, modality="CT"))


def as_object(child: DecodeChild, path: Path) -> None:
    """What the import of a SEG, SR or RTSTRUCT asks."""
    child.find_marks(path, FindingSettings("5a" * 32, "none", 0.5))


def through_the_decoding_child(
    mutants: Any, folder: Path, ask: Callable[[DecodeChild, Path], None] = as_image
) -> dict[str, int]:
    """Feed files to the decoding child; how many were taken and refused, and how often the child died of one."""
    counts = {"taken": 0, "refused": 0, "died": 0}
    path = folder / "file"
    with DecodeChild() as child:
        pid, used = 0, 0.0
        for mutant in mutants:
            path.write_bytes(mutant.data)
            try:
                ask(child, path)
                counts["taken"] += 1
            except Refused as refusal:
                assert is_clear(str(refusal)), (mutant.name, str(refusal))
                counts["refused"] += 1
            process = child._process
            if process is None or process.poll() is not None:
                counts["died"] += 1
                continue
            if process.pid != pid:
                pid, used = process.pid, 0.0
                continue
            now = cpu_seconds(pid)
            assert now - used < LONGEST_CPU_S, (mutant.name, now - used)
            used = now
            assert peak_memory(pid) < MOST_MEMORY, (mutant.name, peak_memory(pid))
    return counts


@pytest.fixture
def counts(long_run: bool) -> dict[str, int]:
    return IN_ALL if long_run else IN_THE_SUITE


def test_damaged_dicom_is_taken_or_refused_in_words(real_data: Path, tmp_path: Path, counts: dict[str, int]) -> None:
    originals = dicom_originals(real_data / "dicom_corpus")
    found = through_the_decoding_child(dicom_mutants(originals, random.Random(SEED), counts["dicom"]), tmp_path)
    print(found)
    assert found["refused"] > 0.2 * counts["dicom"] and found["taken"] > 0.1 * counts["dicom"]
    assert found["died"] <= counts["dicom"] // 100


def test_damaged_objects_are_taken_or_refused_in_words(real_data: Path, tmp_path: Path, counts: dict[str, int]) -> None:
    originals = dicom_originals(real_data / "dicom_objects", modalities=("SEG", "SR", "RTSTRUCT"))
    found = through_the_decoding_child(
        dicom_mutants(originals, random.Random(SEED), counts["objects"]), tmp_path, ask=as_object
    )
    print(found)
    assert found["refused"] > 0.2 * counts["objects"] and found["taken"] > 0.02 * counts["objects"]
    assert found["died"] <= max(counts["objects"] // 100, 1)


def test_damaged_pictures_are_taken_or_refused_in_words(tmp_path: Path, counts: dict[str, int]) -> None:
    found = through_the_decoding_child(picture_mutants(random.Random(SEED), counts["pictures"]), tmp_path)
    print(found)
    assert found["refused"] > 0.3 * counts["pictures"] and found["died"] == 0


def test_damaged_volumes_are_taken_or_refused_in_words(tmp_path: Path, counts: dict[str, int]) -> None:
    found = through_the_decoding_child(volume_mutants(random.Random(SEED), counts["volumes"]), tmp_path)
    print(found)
    assert found["refused"] > 0.3 * counts["volumes"] and found["taken"] > 0.1 * counts["volumes"] and found["died"] == 0


def test_damaged_archives_give_what_they_hold_or_words(tmp_path: Path, counts: dict[str, int]) -> None:
    watch, outside = Stopwatch(), set(tmp_path.parent.iterdir())
    path, target = tmp_path / "file.zip", tmp_path / "out"
    for mutant in zip_mutants(random.Random(SEED), counts["zips"]):
        path.write_bytes(mutant.data)
        try:
            entries = zip_entries(path)
        except Refused as refusal:
            assert is_clear(str(refusal)), (mutant.name, str(refusal))
            continue
        for entry in entries:
            if entry.refusal:
                assert is_clear(entry.refusal), (mutant.name, entry.refusal)
                continue
            assert ".." not in entry.name and not entry.name.startswith("/")
            try:
                extract_entry(path, entry.name, target)
            except Refused as refusal:
                assert is_clear(str(refusal)), (mutant.name, str(refusal))
        watch.lap(mutant.name)
    assert set(tmp_path.parent.iterdir()) == outside


def test_damaged_readings_are_used_or_refused_in_words(project: Any, tmp_path: Path, counts: dict[str, int]) -> None:
    """Each file, with the whole ones of its dataset, through the import of readings; what waits or is made is used,
    anything else is told by its name."""
    case = make_case(project, rows=80, columns=100, source_name="image.png")
    originals = reading_originals("image.png", case.instance.sop_instance_uid)
    watch, used = Stopwatch(), 0
    silent, unclear = [], []
    with grows_less_than(MOST_MEMORY):
        for mutant in reading_mutants(originals, random.Random(SEED), counts["readings"]):
            outcome = through_the_readings_door(project, mutant, tmp_path)
            watch.lap(mutant.name)
            unclear += [
                (mutant.name, source, reason)
                for source, reason in outcome.refused
                if not source.startswith((mutant.name, *mutant.beside)) or not is_clear(reason)
            ]
            used += bool(outcome.made + outcome.known + outcome.waiting)
            if outcome.formats and not (outcome.made + outcome.known + outcome.waiting + len(outcome.refused)):
                silent.append(mutant.name)
    print("used", used, "silent", len(silent), "longest", round(watch.longest, 2))
    assert not unclear, unclear[:20]
    assert used > 0.1 * counts["readings"]
    assert len(silent) <= 0.1 * counts["readings"], silent  # a table cut behind its first row, an image without marks


def through_the_readings_door(project: Any, mutant: Mutant, folder: Path) -> reading_import.ReadingOutcome:
    sources = []
    for number, (name, data) in enumerate({mutant.name: mutant.data, **mutant.beside}.items()):
        path = folder / f"file{number}"
        path.write_bytes(data)
        sources.append(Source(name, path, size=len(data)))
    return import_foreign_readings(project=project, sources=sources, chosen=ReadingOptions(), by=None)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("voc.xml", b"<xmin>1", b"<xmin>3NaN"),
        ("coco.json", b'"width": 100', b'"width": ' + b"9" * 400),
        ("coco.json", b"7970]", b"7]"),
    ],
)
def test_a_number_that_nothing_can_hold_is_told_in_one_line(
    project: Any, tmp_path: Path, name: str, old: bytes, new: bytes
) -> None:
    make_case(project, rows=80, columns=100, source_name="image.png")
    original = reading_originals("image.png", "1.2.3")[name]
    assert old in original
    outcome = through_the_readings_door(project, Mutant(name, original.replace(old, new)), tmp_path)
    assert [is_clear(reason) for _, reason in outcome.refused] == [True], outcome.refused


def test_a_refused_file_of_an_archive_is_named_with_its_reason(tmp_path: Path) -> None:
    (mutant,) = zip_mutants(random.Random(1), 1)
    (tmp_path / "a.zip").write_bytes(mutant.data)
    sources = sources_in(tmp_path / "a.zip")
    assert {source.name: bool(source.refusal) for source in sources}["link"]
