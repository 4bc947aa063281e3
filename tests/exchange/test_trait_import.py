"""Sex, age, view, site and scanner of images whose headers say nothing come from a table, never against a header."""

from __future__ import annotations

import csv
import shutil

import numpy as np
import pytest
from django.core.management import CommandError

from backend.audit.models import Event
from backend.exchange.models import ImportItem
from backend.projects.models import Case
from tests.exchange.test_import_api import ROOT, send, work

pytestmark = pytest.mark.django_db


@pytest.fixture
def table(tmp_path):
    """Writes a labels table and gives its path."""

    def make(text: str):
        path = tmp_path / "labels.csv"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return make


@pytest.fixture
def dicom_folder(make_dicom, as_file, tmp_path):
    """A folder of DICOM images by name, each with these attributes."""

    def make(**files: dict[str, object]):
        base = tmp_path / "dicom"
        base.mkdir()
        for number, (name, attributes) in enumerate(files.items(), start=1):
            noise = np.random.default_rng(number).integers(0, 256, (6, 6), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
            uids = {"StudyInstanceUID": f"1.2.3.{number}", "SeriesInstanceUID": f"1.2.3.{number}.1"}
            dataset = make_dicom(noise, SOPInstanceUID=f"1.2.3.{number}.1.1", **uids, **attributes)
            (base / f"{name}.dcm").write_bytes(as_file(dataset))
        return base

    return make


def stored() -> dict[str, dict[str, str]]:
    return {case.source_name: case.traits for case in Case.objects.all()}


def basic(project, *options: str) -> None:
    project.archive.deid_profile, project.archive.deid_options = "basic", list(options)
    project.archive.save()


def test_a_table_of_usual_names_tells_the_traits_of_pictures_without_labels(project, folder, import_folder, table):
    base = folder(a_png=None, b_png=None, c_png=None)
    rows = "Image Index,Patient ID,Patient Age,Patient Gender,View Position\na.png,7,058Y,M,PA\nb.png,8,3,F,AP\n"
    printed = import_folder(base, "--labels", table(rows))
    assert stored() == {
        "a.png": {"age": "058Y", "sex": "M", "view": "PA"},
        "b.png": {"age": "003Y", "sex": "F", "view": "AP"},
        "c.png": {},
    }
    assert "Traits of 2 cases stored, 0 already there." in printed and "0 readings made" in printed
    event = Event.objects.get(verb="traits.imported")
    assert event.detail["traits"] == ["age", "sex", "view"] and event.detail["changed"] == 2
    assert "058Y" not in str(event.detail)
    assert "Traits of 0 cases stored, 2 already there." in import_folder(base, "--labels", table(rows))


def test_columns_are_mapped_and_words_without_a_term_are_told_and_not_stored(project, folder, import_folder, table):
    base = folder(a_png=None, b_png=None)
    rows = 'file,years,"how, taken",hospital\na.png,412,PA,North\nb.png,58,lateral,  \n'
    mapping = 'age=years,"view=how, taken",site=hospital'
    printed = import_folder(base, "--labels", table(rows), "--columns", mapping)
    assert stored() == {"a.png": {"view": "PA", "site": "North"}, "b.png": {"age": "058Y"}}
    assert "a.png: The table's age was not used: it is no whole number of years" in printed
    assert "b.png: The table's view was not used: it is no view position of DICOM" in printed
    assert "Of 2 files the table's traits were not all used, or contradict" in printed


def test_the_header_stays_where_the_table_contradicts_it_and_is_completed_where_it_is_silent(
    project, dicom_folder, import_folder, table
):
    base = dicom_folder(
        a={"PatientID": "A", "PatientSex": "F", "PatientAge": "018M", "ViewPosition": "PA"},
        b={"PatientID": "B", "Manufacturer": "Alpha", "ManufacturerModelName": "One"},
    )
    rows = "file,sex,age,view,scanner\na.dcm,M,1,PA,Beta\nb.dcm,F,58,AP,alpha one\n"
    printed = import_folder(base, "--labels", table(rows))
    assert stored()["a.dcm"] == {"scanner": "Beta"}
    assert stored()["b.dcm"] == {"sex": "F", "age": "058Y", "view": "AP"}
    assert printed.count("The header's") == 1
    assert "a.dcm: The header's sex stays: F; the table says M." in printed


def test_a_later_table_takes_the_place_of_an_earlier_one_and_what_that_said_is_told(project, folder, import_folder, table):
    base = folder(a_png=None)
    import_folder(base, "--labels", table("file,age,sex\na.png,58,M\n"))
    printed = import_folder(base, "--labels", table("file,age\na.png,59\n"))
    assert stored() == {"a.png": {"age": "059Y", "sex": "M"}}
    assert "a.png: The table's age 059Y takes the place of an earlier table's: 058Y." in printed


def test_rows_that_name_two_ages_of_one_image_give_none(project, folder, import_folder, table):
    printed = import_folder(folder(a_png=None), "--labels", table("file,age,sex\na.png,58,M\na.png,59,M\n"))
    assert stored() == {"a.png": {"sex": "M"}}
    assert "a.png: The table's age was not used: its rows name two." in printed


def test_a_column_of_many_sites_is_refused_before_anything_is_imported(project, folder, import_folder, table):
    rows = "file,hospital\n" + "".join(f"{number}.png,Site {number}\n" for number in range(101))
    with pytest.raises(CommandError, match="The site column has 101 different values; is it the right column"):
        import_folder(folder(a_png=None), "--labels", table(rows), "--columns", "site=hospital")
    assert not Case.objects.exists()


def test_under_basic_a_table_brings_no_more_than_a_header_might(project, folder, import_folder, table):
    basic(project, "modified_dates")
    rows = "file,patient,age,sex,view,hospital,scanner\na.png,KH-4711,58,M,PA,North,Alpha One\n"
    printed = import_folder(folder(a_png=None), "--labels", table(rows), "--columns", "site=hospital")
    assert stored() == {"a.png": {"view": "PA", "scanner": "Alpha One"}}
    assert "Age and sex are not taken from tables here" in printed and "Sites are not taken from tables here" in printed


def test_under_basic_with_its_options_ages_above_89_are_told_as_90_and_words_that_may_name_somebody_go(
    project, folder, import_folder, table
):
    basic(project, "patient_characteristics", "institution_identity")
    rows = (
        "file,patient,age,sex,hospital,scanner\na.png,KH-4711,94,M,North of KH-4711,Alpha of 2019-03-04\n"
        "b.png,KH-4712,89,F,North,Alpha\n"
    )
    printed = import_folder(folder(a_png=None, b_png=None), "--labels", table(rows), "--columns", "site=hospital")
    assert stored()["a.png"] == {"age": "090Y", "sex": "M"}
    assert stored()["b.png"] == {"age": "089Y", "sex": "F", "site": "North", "scanner": "Alpha"}
    assert "a.png: The table's site was not used: it may name somebody." in printed
    assert "a.png: The table's scanner was not used: it may name somebody." in printed and "4711" not in printed


def test_an_import_by_the_page_tells_them_beside_the_files(project, lead, as_person, picture):
    api = as_person(lead)
    files = {
        "a.png": picture(1).read_bytes(),
        "b.png": picture(2).read_bytes(),
        "table.csv": b"file,Alter,Seite\na.png,58,PA\nb.png,x,PA\n",
    }
    run = send(api, files, labels_file="table.csv", columns="age=Alter,view=Seite", imported_reader="Table")
    api.post(f"{ROOT}{run['id']}/start/", {}, format="json")
    work()
    told = {item["name"]: item for item in api.get(f"{ROOT}{run['id']}/items/").json()["results"]}
    assert told["table.csv"]["reason"] == (
        "Labels. Traits of 2 cases stored, 0 already there. "
        "Of 1 files the table's traits were not all used, or contradict: it is told beside each."
    )
    assert told["b.png"]["state"] == "imported" and "The table's age was not used" in told["b.png"]["reason"]
    assert told["a.png"]["reason"] == ""
    assert ImportItem.objects.get(name="a.png").case.traits == {"age": "058Y", "view": "PA"}


def test_the_nih_table_tells_age_sex_and_view_of_real_chest_radiographs(db, real_data, import_folder, tmp_path):
    index = real_data / "nih_cxr" / "index.csv"
    rows = [row for row in csv.DictReader(index.open()) if (real_data / "nih_cxr/images256" / row["file"]).exists()][::10]
    (tmp_path / "images").mkdir()
    for row in rows:
        shutil.copy(real_data / "nih_cxr/images256" / row["file"], tmp_path / "images")
    # As the NIH publish it: their own column names, ages as DICOM writes them in the first edition.
    original = tmp_path / "Data_Entry_2017.csv"
    with original.open("w", newline="") as file:
        writer = csv.writer(file)
        head = "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position"
        writer.writerow([*head.split(","), "OriginalImage[Width", "Height]"])
        for row in rows:
            age = f"{int(row['age']):03d}Y"
            writer.writerow(
                [row["file"], row["nih_finding_labels"], 0, row["patient_id"], age, row["sex"], row["view"], 1, 1]
            )
    import_folder(tmp_path / "images", "--modality", "DX", "--labels", str(original), project="chest")
    told = {case.source_name: case.traits for case in Case.objects.all()}
    plausible = [row for row in rows if int(row["age"]) <= 120]
    assert len(plausible) > 60
    for row in plausible:
        assert told[row["file"]] == {"age": f"{int(row['age']):03d}Y", "sex": row["sex"], "view": row["view"]}
    again = import_folder(tmp_path / "images", "--labels", str(index), project="chest")
    assert f"Traits of 0 cases stored, {len(told)} already there." in again, "our own table of the same, ages as numbers"
