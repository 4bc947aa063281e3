"""Indications and reports that come with images: found by file, study or patient, never guessed, never without consent."""

from __future__ import annotations

import numpy as np
import pytest
from django.core.management import CommandError

from backend.audit.models import Event
from backend.dicom.refusal import Refused
from backend.exchange.context_table import read_contexts
from backend.exchange.models import ImportItem, ImportRun
from backend.projects.models import Case, ClinicalContext
from tests.exchange.test_import_api import ROOT, send, work

pytestmark = pytest.mark.django_db


@pytest.fixture
def table(tmp_path):
    """Writes a table of clinical texts and gives its path."""

    def make(text: str):
        path = tmp_path / "context.csv"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return make


def stored() -> dict[str, tuple[str, str]]:
    rows = ClinicalContext.objects.order_by("case__number")
    return {row.case.source_name: (row.indication, row.report) for row in rows}


def test_texts_are_stored_beside_the_cases_of_their_files(project, folder, import_folder, table):
    base = folder(a_png=None, sub__b_png=None, c_png=None)
    given = table('file,indication,report\na.png,Palpable lump,"Line one.\nLine two."\nb,,随访，未见异常\nnone.png,x,y\n')
    printed = import_folder(base, "--context", given)
    assert stored() == {"a.png": ("Palpable lump", "Line one.\nLine two."), "sub/b.png": ("", "随访，未见异常")}
    assert "Clinical texts of 2 cases stored, 0 already there. 1 rows not used: Row 3: no case here comes from" in printed
    event = Event.objects.get(verb="context.imported")
    assert (event.detail["cases"], event.detail["changed"], event.detail["confirmed_clean"]) == (2, 2, False)
    assert "Palpable" not in str(event.detail)


def test_importing_a_table_again_changes_only_what_it_says_anew(project, folder, import_folder, table):
    base = folder(a_png=None, b_png=None)
    import_folder(base, "--context", table("file,indication,report\na.png,Lump,First report\nb.png,Pain,\n"))
    before = ClinicalContext.objects.get(case__source_name="b.png").changed_at
    again = import_folder(base, "--context", table("file,indication,report\na.png,,Second report\nb.png,Pain,\n"))
    assert "Clinical texts of 1 cases stored, 1 already there." in again
    assert stored() == {"a.png": ("Lump", "Second report"), "b.png": ("Pain", "")}
    assert ClinicalContext.objects.get(case__source_name="b.png").changed_at == before


def test_under_basic_texts_need_the_word_of_whoever_imports(project, folder, import_folder, table):
    project.archive.deid_profile = "basic"
    project.archive.save()
    base, given = folder(a_png=None), table("file,indication\na.png,Lump\n")
    with pytest.raises(CommandError, match="free text, which profile basic does not clean"):
        import_folder(base, "--context", given)
    assert not ImportRun.objects.exists() and not ClinicalContext.objects.exists()
    import_folder(base, "--context", given, "--context-is-clean")
    assert stored() == {"a.png": ("Lump", "")}
    assert Event.objects.get(verb="context.imported").detail["confirmed_clean"] is True


def test_under_basic_a_study_or_patient_is_found_by_its_original_id(
    project, make_dicom, as_file, import_folder, tmp_path, table
):
    project.archive.deid_profile = "basic"
    project.archive.save()
    base = tmp_path / "given"
    base.mkdir()
    for number, patient in ((1, "KH-100"), (2, "KH-100"), (3, "KH-200")):
        noise = np.random.default_rng(number).integers(0, 256, (6, 6), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
        uids = {"StudyInstanceUID": f"1.2.3.{number}", "SeriesInstanceUID": f"1.2.3.{number}.1"}
        dataset = make_dicom(noise, PatientID=patient, SOPInstanceUID=f"1.2.3.{number}.1.1", **uids)
        (base / f"{number}.dcm").write_bytes(as_file(dataset))
    rows = [
        "study,patient,indication,report",
        "1.2.3.1,KH-100,Follow-up,No change",
        ",KH-100,Which of the two,",
        ",KH-200,Cough,",
        "1.2.3.2,KH-200,Wrong patient,",
        "1.2.3.2,KH-100,Seen before as kh-100 elsewhere,",
    ]
    printed = import_folder(base, "--context", table("\n".join(rows) + "\n"), "--context-is-clean")
    assert stored() == {"1.dcm": ("Follow-up", "No change"), "3.dcm": ("Cough", "")}
    assert "Row 2: its patient has 2 studies here; name the study or the file." in printed
    assert "Row 4: its images belong to another patient than the row says." in printed
    assert "Row 5: its text names the patient's id." in printed
    assert "1.2.3" not in printed and "KH-100" not in ImportItem.objects.values_list("reason", flat=True)


def test_two_rows_of_one_case_add_up_unless_they_differ(project, folder, import_folder, table):
    given = table("file,indication,report\na.png,Lump,\na.png,,Cyst\na.png,Pain,\n" + f"b.png,{'x' * 2001},\n")
    printed = import_folder(folder(a_png=None, b_png=None), "--context", given)
    assert stored() == {"a.png": ("Lump", "Cyst")}
    assert "Row 3: it tells another indication than row 1 of the same case." in printed
    assert "Row 4: its indication has 2,001 characters, at most 2,000 are stored." in printed


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("name,indication\na,b\n", "no column with file or study or patient"),
        ("file,finding\na,b\n", "neither a column indication nor a column report"),
        (f"file,report\na,{'x' * 200_000}\n", "cannot be read"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_with_the_reason(text, reason):
    with pytest.raises(Refused, match=reason):
        read_contexts(text, {})


def test_a_table_of_texts_alone_finds_the_cases_of_earlier_imports(as_person, lead, picture):
    api = as_person(lead)
    run = send(api, {"scans/1.png": picture(1).read_bytes(), "scans/2.png": picture(2).read_bytes()})
    api.post(f"{ROOT}{run['id']}/start/", {}, format="json")
    work()
    run = send(
        api, {"t.csv": b"datei,text\nscans/2.png,Lump\n"}, context_file="t.csv", context_columns="file=datei,indication=text"
    )
    api.post(f"{ROOT}{run['id']}/start/", {}, format="json")
    work()
    assert stored() == {"scans/2.png": ("Lump", "")}
    [item] = api.get(f"{ROOT}{run['id']}/items/").json()["results"]
    assert (item["state"], item["reason"]) == ("imported", "Clinical texts of 1 cases stored, 0 already there.")
    assert Event.objects.get(verb="context.imported").actor == lead.username
    assert Case.objects.count() == 2


def test_the_api_refuses_texts_under_basic_until_they_are_confirmed(as_person, lead, project):
    project.archive.deid_profile = "basic"
    project.archive.save()
    api = as_person(lead)
    body = {"files": [{"name": "t.csv", "size": 3}], "options": {"context_file": "t.csv"}}
    refused = api.post(ROOT, body, format="json")
    assert refused.status_code == 400 and "context_is_clean" in refused.content.decode()
    body["options"]["context_is_clean"] = True
    made = api.post(ROOT, body, format="json")
    assert made.status_code == 201 and made.json()["options"]["context_is_clean"] is True
