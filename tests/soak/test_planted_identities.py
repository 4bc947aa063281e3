"""Many planted files through every combination of options: one leak names the seed that makes it again."""

from __future__ import annotations

import json

import pytest

from backend.dicom.prepare import PreparationSettings
from tests.dicom.conftest import KEY, prepare_bytes
from tests.dicom.planted import as_file_again, planted_file
from tests.dicom.test_planted_identities import ROWS, leaks

pytestmark = [pytest.mark.slow, pytest.mark.timeout(7200)]


def test_no_seed_leaks(long_run: bool) -> None:
    for seed in range(100, 100 + (400 if long_run else 4)):
        person, data = planted_file(seed)
        options = ROWS[seed % len(ROWS)]
        settings = PreparationSettings(key=KEY, deid_profile="basic", deid_options=options, rectangles=[])
        prepared, blob = prepare_bytes(data, settings)
        stored = json.dumps([prepared.study, prepared.series, prepared.instance], ensure_ascii=False)
        again = as_file_again(json.loads(prepared.instance["dicom_json"]))
        found = leaks(person, stored.encode("utf-8", "surrogatepass"), again, blob)
        assert [trace for trace in found if "full_dates" not in options or trace != person.born.encode()] == [], seed
