"""Two hundred damaged files through the real import: no crash, no hang, one clear line each."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from backend.exchange.models import ImportItem
from backend.projects.models import Case

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
COUNT = 200


def damaged(data: bytes, rng: random.Random) -> bytes:
    """The file cut somewhere, with a few bits flipped, or both; half of the flips hit the header."""
    changed = bytearray(data)
    how = rng.choice(("cut", "flip", "flip", "both"))
    if how in ("flip", "both"):
        reach = min(2000, len(changed)) if rng.random() < 0.5 else len(changed)
        for _ in range(rng.randint(1, 12)):
            changed[rng.randrange(reach)] ^= 1 << rng.randrange(8)
    if how in ("cut", "both"):
        del changed[rng.randrange(len(changed)) :]
    return bytes(changed)


def test_two_hundred_damaged_files_are_told_one_by_one(project, real_data: Path, import_folder, tmp_path):
    rng = random.Random(20)
    originals = sorted(path for path in (real_data / "dicom_corpus").rglob("*") if path.is_file() and path.suffix != ".csv")
    base = tmp_path / "damaged"
    base.mkdir()
    for number in range(COUNT):
        (base / f"{number:03d}.dcm").write_bytes(damaged(rng.choice(originals).read_bytes(), rng))
    started = time.monotonic()
    printed = import_folder(base)
    assert time.monotonic() - started < 120
    items = ImportItem.objects.all()
    assert items.count() == COUNT
    assert set(items.values_list("state", flat=True)) <= {"imported", "duplicate", "embargoed", "refused"}
    refused = dict(items.filter(state="refused").values_list("name", "reason"))
    assert len(refused) > 60
    lines = [line for line in printed.splitlines() if line.partition(": ")[0] in refused]
    assert sorted(lines) == sorted(f"{name}: {reason}" for name, reason in refused.items())
    for reason in refused.values():
        assert reason.endswith(".") and 10 < len(reason) < 200
        assert "Error" not in reason and "Traceback" not in reason and "\n" not in reason
    # A damaged report or segmentation may still say something: it is imported, and no case.
    usable = items.filter(state__in=("imported", "embargoed"), instance__isnull=False)
    assert usable.count() == Case.objects.count() > 20


def test_the_corpus_imports_as_its_index_says(project, real_data: Path, import_folder):
    """One CT comes in fifteen encodings under one SOP Instance UID: the first is kept, the others are conflicts."""
    import csv

    from tests.dicom.test_frames import ALSO_DECODED, NO_IMAGES

    printed = import_folder(real_data / "dicom_corpus")
    states = dict(ImportItem.objects.values_list("name", "state"))
    images = set(ImportItem.objects.filter(instance__isnull=False).values_list("name", flat=True))
    reasons = dict(ImportItem.objects.values_list("name", "reason"))
    for row in csv.DictReader((real_data / "dicom_corpus/index.csv").open()):
        name = row["file"]
        due = (row["decode"] == "ok" and name not in NO_IMAGES) or name in ALSO_DECODED
        conflict = "same SOP Instance UID" in reasons[name] or "under another patient" in reasons[name]
        assert (name in images or conflict) == due, (name, reasons[name])
    assert states["index.csv"] == "refused"
    assert "refused" in printed.splitlines()[-1]
