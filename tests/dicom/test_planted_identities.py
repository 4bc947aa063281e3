"""A person planted everywhere in a file is nowhere in what is stored, whatever the archive's options."""

from __future__ import annotations

import itertools
import json

import pytest

from backend.dicom.deid_options import OPTION_NAMES, deid_options
from backend.dicom.prepare import PreparationSettings
from tests.dicom.conftest import KEY, prepare_bytes
from tests.dicom.planted import PEOPLE, as_file_again, planted_file


def pairwise() -> list[list[str]]:
    """Option lists in which every pair of switches takes every pair of positions; the two ways with dates are one switch."""
    switches = [name for name in OPTION_NAMES if not name.endswith("_dates")]
    dates = ([], ["modified_dates"], ["full_dates"])
    wanted = {
        (pair, positions)
        for pair in itertools.combinations(range(len(switches) + 1), 2)
        for positions in itertools.product(range(3) if pair[0] == 0 else (0, 1), (0, 1))
    }
    rows = []
    candidates = [(d, *on) for d in range(3) for on in itertools.product((0, 1), repeat=len(switches))]
    while wanted:
        best = max(candidates, key=lambda row: sum((pair, (row[pair[0]], row[pair[1]])) in wanted for pair, _ in wanted))
        wanted -= {((a, b), (best[a], best[b])) for a, b in itertools.combinations(range(len(best)), 2)}
        rows.append([*dates[best[0]], *(name for name, on in zip(switches, best[1:], strict=True) if on)])
    return rows


ROWS = pairwise()


def leaks(person, *stored: bytes) -> list[bytes]:
    return sorted({trace for trace in person.traces() for held in stored if len(trace) > 2 and trace in held})


@pytest.mark.parametrize(("number", "options"), list(enumerate(ROWS)), ids=lambda given: str(given))
def test_no_identity_is_left(number: int, options: list[str]):
    for seed in (number, number + len(PEOPLE) // 2):
        person, data = planted_file(seed)
        assert len(leaks(person, data)) >= 4, "the generator has planted nothing"
        settings = PreparationSettings(key=KEY, deid_profile="basic", deid_options=options, rectangles=[])
        prepared, blob = prepare_bytes(data, settings)
        kept = json.dumps([prepared.patient_key, prepared.study, prepared.series, prepared.instance], ensure_ascii=False)
        hidden = as_file_again(json.loads(prepared.instance["dicom_json"]))
        # full dates are kept on purpose; the birth date never is
        found = leaks(person, kept.encode("utf-8", "surrogatepass"), hidden, blob)
        if "full_dates" in options:
            found = [trace for trace in found if trace != person.born.encode()]
        assert found == [], f"seed {seed}"


def test_a_file_says_what_was_done_to_it():
    _, data = planted_file(0)
    names = ["full_dates", "clean_descriptors", "patient_characteristics", "device_identity", "safe_private"]
    settings = PreparationSettings(key=KEY, deid_profile="basic", deid_options=names)
    header = json.loads(prepare_bytes(data, settings)[0].instance["dicom_json"])
    codes = [item["00080100"]["Value"][0] for item in header["00120064"]["Value"]]
    assert codes == ["113100", "113106", "113105", "113108", "113109", "113111"]
    assert header["00280303"]["Value"] == ["UNMODIFIED"]
    assert all(len(value) <= 64 for value in header["00120063"]["Value"])
    assert deid_options(names).names == ["full_dates", *names[1:]]
