"""Options of reading a format: declared once, and checked, told, shown and used as declared."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from backend.dicom.refusal import Refused
from backend.exchange.format_registry import check_read_options, read_formats
from backend.exchange.formats.options import APART, THRESHOLD
from backend.exchange.models import ImportRun

ROOT = "/api/v1/projects/breast/imports/"
LOCALES = Path(__file__).parents[2] / "frontend" / "src" / "locales"


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("", {}),
        ("", {"apart": "no", "threshold": "0.3"}),
        ("none", {}),
        ("nifti", {"apart": "no", "labels": "1:Nodule, 2:Mass", "case": "CT-0001"}),
        ("lidc_pylidc", {"outline": "included", "series": "1.2.3"}),
        ("voc", {"origin": "0"}),
    ],
)
def test_what_a_format_has_is_taken(name: str, options: dict[str, str]) -> None:
    check_read_options(name, options)


@pytest.mark.parametrize(
    ("name", "options", "told"),
    [
        ("dicom", {}, "There is no format 'dicom'"),
        ("", {"aparts": "no"}, "No format has an option 'aparts'; there are apart, candidates"),
        ("coco", {"apart": "no"}, "COCO has no option 'apart'; there are empty."),
        ("yolo", {"apart": "no"}, "YOLO segmentation has no options; 'apart' is none."),
        ("none", {"apart": "no"}, "not looked for"),
        ("nifti", {"apart": "maybe"}, "The option apart is yes or no, not 'maybe'."),
        ("nifti", {"labels": "Nodule"}, "Labels are given as 1:Nodule,2:Mass; not 'Nodule'."),
        ("nifti", {"case": " "}, "The option case is a text"),
        ("dicom_seg", {"threshold": "1.5"}, "not above 0 and up to 1"),
        ("dicom_seg", {"threshold": "nan"}, "not above 0 and up to 1"),
        ("dicom_seg", {"threshold": "half"}, "is no number"),
    ],
)
def test_what_no_format_has_is_refused_with_what_there_is(name: str, options: dict[str, str], told: str) -> None:
    with pytest.raises(Refused, match=r".") as refusal:
        check_read_options(name, options)
    assert told in str(refusal.value)


def test_a_reader_uses_the_default_that_is_told() -> None:
    assert APART.of({}) == "yes" and APART.of({"apart": "no"}) == "no"
    assert float(THRESHOLD.of({})) == 0.5
    for one in read_formats().values():
        for option in one.options:
            assert not option.default or option.check(option.default) is None


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_option_has_its_words_on_the_import_page(language: str) -> None:
    words = json.loads((LOCALES / language / "imports.json").read_text())["readings"]["option"]
    for one in read_formats().values():
        for option in one.options:
            known = words[option.words]
            assert known["label"] and known["help"]
            assert set(option.choices) <= set(known.get("choice", {})), option.name


@pytest.mark.django_db
def test_the_import_page_is_told_each_format_and_its_options(as_person, lead, reader, project) -> None:
    found = {one["name"]: one for one in as_person(lead).get(f"{ROOT}formats/").json()}
    assert set(found) == set(read_formats())
    assert [option["name"] for option in found["nifti"]["options"]] == ["labels", "apart", "case"]
    assert found["voc"]["options"][0] | {"help": ""} == {
        "name": "origin", "kind": "choice", "choices": ["1", "0"], "default": "1", "words": "origin", "help": "",
    }  # fmt: skip
    assert found["yolo"]["options"] == []
    assert as_person(reader).get(f"{ROOT}formats/").status_code == 403


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"readings_format": "nifti", "readings_options": {"empty": "no_lesion"}}, "NIfTI masks has no option 'empty'"),
        ({"readings_options": {"apart": "perhaps"}}, "yes or no"),
        ({"readings_format": "word"}, "There is no format 'word'"),
    ],
)
def test_an_import_with_options_that_mean_nothing_is_refused_before_a_byte_is_sent(
    as_person, lead, project, options, told
) -> None:
    asked = {"files": [{"name": "a.nii.gz", "size": 10}], "options": options}
    answer = as_person(lead).post(ROOT, asked, format="json")
    assert answer.status_code == 400 and told in answer.content.decode()
    assert not ImportRun.objects.exists()


@pytest.mark.django_db
def test_an_import_keeps_the_options_that_it_was_given(as_person, lead, project) -> None:
    chosen = {"readings_format": "nifti", "readings_options": {"apart": "no", "labels": "1:Nodule"}}
    asked = {"files": [{"name": "a.nii.gz", "size": 10}], "options": chosen}
    answer = as_person(lead).post(ROOT, asked, format="json")
    assert answer.status_code == 201 and answer.json()["options"] == chosen
