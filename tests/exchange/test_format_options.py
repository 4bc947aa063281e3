"""Options of reading and of writing a format: declared once, and checked, told, shown and used as declared."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from backend.dicom.refusal import Refused
from backend.exchange.format_registry import all_formats, check_read_options, read_formats, write_costs, written_formats
from backend.exchange.formats.options import APART, THRESHOLD, FormatOption
from backend.exchange.models import ExportRun, ImportRun

ROOT = "/api/v1/projects/breast/imports/"
EXPORTS = "/api/v1/projects/breast/exports/"
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
    for option in _every_option():
        assert not option.default or option.check(option.default) is None


def _every_option() -> list[FormatOption]:
    return [option for one in all_formats().values() for option in (*one.read_options, *one.write_options)]


def test_what_a_choice_costs_is_told_and_what_the_format_has_not_is_refused() -> None:
    assert write_costs("dicom_seg", {"segmentation_type": "binary"}) == write_costs("dicom_seg", {}) == []
    (told,) = write_costs("dicom_seg", {"segmentation_type": "labelmap"})
    assert "stay BINARY" in told
    for option in _every_option():
        assert set(option.costs) <= set(option.choices)
    with pytest.raises(Refused, match="COCO has no option 'empty'; there are segmentation"):
        write_costs("coco", {"empty": "unread"})
    with pytest.raises(Refused, match="Pascal VOC has no options; 'origin' is none"):
        write_costs("voc", {"origin": "0"})


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_option_has_its_words_on_the_pages(language: str) -> None:
    words = json.loads((LOCALES / language / "formats.json").read_text())["option"]
    for option in _every_option():
        known = words[option.words]
        assert known["label"] and known["help"]
        assert set(option.choices) <= set(known.get("choice", {})), option.name


def test_what_a_choice_costs_is_told_in_the_language_of_the_page() -> None:
    sentences = (LOCALES.parent / "lib" / "object-refusals.ts").read_text().replace("\\\\", "")
    for option in _every_option():
        assert all(f'"{told}"' in sentences for told in option.costs.values()), option.costs


@pytest.mark.django_db
def test_the_pages_are_told_each_format_and_its_options(as_person, lead, reader, project) -> None:
    found = {one["name"]: one for one in as_person(lead).get(f"{ROOT}formats/").json()}
    assert set(found) == set(read_formats())
    assert [option["name"] for option in found["nifti"]["options"]] == ["labels", "apart", "case"]
    assert found["voc"]["options"][0] | {"help": ""} == {
        "name": "origin", "kind": "choice", "choices": ["1", "0"], "default": "1", "words": "origin", "help": "",
    }  # fmt: skip
    assert found["yolo"]["options"] == []
    written = {one["name"]: one for one in as_person(lead).get(f"{EXPORTS}formats/").json()}
    assert set(written) == set(written_formats())
    assert [one["choices"] for one in written["dicom_seg"]["options"]] == [["binary", "labelmap"]]
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
@pytest.mark.parametrize(
    ("order", "field", "told"),
    [
        ({"format": "word"}, "format", "There is no format 'word'"),
        ({"format": "yolo", "options": {"segmentation": "rle"}}, "options", "YOLO segmentation has no options"),
        ({"format": "coco", "options": {"segmentation": "mesh"}}, "options", "rle or polygon, not 'mesh'"),
    ],
)
def test_an_export_with_options_that_mean_nothing_is_refused_before_it_starts(
    as_person, lead, project, order, field, told
) -> None:
    for address in (EXPORTS, f"{EXPORTS}preview/"):
        answer = as_person(lead).post(address, order, format="json")
        assert answer.status_code == 400 and told in answer.json()[field][0], answer.content
    assert not ExportRun.objects.exists()


@pytest.mark.django_db
def test_an_import_keeps_the_options_that_it_was_given(as_person, lead, project) -> None:
    chosen = {"readings_format": "nifti", "readings_options": {"apart": "no", "labels": "1:Nodule"}}
    asked = {"files": [{"name": "a.nii.gz", "size": 10}], "options": chosen}
    answer = as_person(lead).post(ROOT, asked, format="json")
    assert answer.status_code == 201 and answer.json()["options"] == chosen
