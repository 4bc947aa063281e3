"""Names of received files, which may be patients': shown to those who may learn identities, pseudonyms to all others."""

from __future__ import annotations

import io
import json
import re
import zipfile
from datetime import timedelta

import pytest
from django.utils import timezone

from backend.archive.models import QuarantinedFile
from backend.audit.models import Event
from backend.dicom.refusal import Refused
from backend.exchange.models import ImportItem, ImportRun, PendingReading, WatchedFile, WatchedSource
from backend.exchange.services import run_import
from backend.jobs.models import Job
from backend.jobs.services import claim_job
from backend.projects.models import Case, Membership
from backend.projects.shown_names import ShownNames, names_in_records
from tests.archive.conftest import picture  # noqa: F401

ROOT = "/api/v1/projects/breast/"
NAME = "Quisenberry"
pytestmark = pytest.mark.django_db


@pytest.fixture
def basic(project):
    project.archive.deid_profile, project.archive.deid_options = "basic", ["modified_dates"]
    project.archive.save()
    return project


@pytest.fixture
def hidden(basic) -> ShownNames:
    return names_in_records(basic.archive)


@pytest.fixture
def api(lead, as_person):
    return as_person(lead)


@pytest.fixture
def send(api):
    """Uploads files as a browser does, which finds by their names what to send, and runs the import."""

    def whole(files: dict[str, bytes], **options: object) -> dict:
        offered = [{"name": name, "size": len(data)} for name, data in files.items()]
        run = api.post(f"{ROOT}imports/", {"files": offered, "options": options}, format="json").json()
        for item in api.get(f"{ROOT}imports/{run['id']}/items/?state=uploading").json()["results"]:
            url = f"{ROOT}imports/{run['id']}/files/{item['id']}/?offset=0"
            assert api.put(url, files[item["name"]], content_type="application/octet-stream").status_code == 200
        api.post(f"{ROOT}imports/{run['id']}/start/", {}, format="json")
        lease = claim_job(Job.objects.order_by("-created_at")[0].pk)
        assert lease is not None
        run_import(lease)
        return run

    return whole


def may_look_up(project, lead) -> None:
    Membership.objects.filter(project=project, user=lead).update(may_reidentify=True)


def shown(api, run: dict, source: WatchedSource | None = None) -> dict[str, str]:
    """Everything that tells of received files, by its address."""
    items = f"imports/{run['id']}/items/"
    addresses = ["imports/", f"imports/{run['id']}/", items, f"{items}?format=csv", "quarantine/", "waiting-readings/",
                 "worklist/?state=all", "worklist/pace/", "splits/", "watched-sources/"]  # fmt: skip
    if source is not None:
        addresses.append(f"watched-sources/{source.pk}/files/")
    found = {address: api.get(f"{ROOT}{address}") for address in addresses}
    assert {answer.status_code for answer in found.values()} == {200}, {a: r.status_code for a, r in found.items()}
    return {address: answer.content.decode() for address, answer in found.items()}


@pytest.fixture
def full(basic, lead, send, picture):
    """An import, a watched folder and a waiting reading in which the patient's name stands wherever a name can."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(f"{NAME}/Thaddeus {NAME}.txt", b"words")
    run = send(
        {
            f"{NAME} T/{NAME}_1.png": picture(1).read_bytes(),
            f"{NAME} T/{NAME}.xml": b'<?xml version="1.0"?><LidcReadMessage xmlns="http://www.nih.gov"><readingSession>',
            f"{NAME}.zip": out.getvalue(),
            f"{NAME}.csv": f"file,indication\n{NAME}_7.png,cough\n".encode(),
        },
        context_file=f"{NAME}.csv",
        context_is_clean=True,
    )
    source = WatchedSource.objects.create(project=basic, kind="folder", location="/scans", created_by=lead)
    WatchedSource.objects.filter(pk=source.pk).update(error=f"/scans/{NAME} T: Permission denied.")
    WatchedFile.objects.create(
        source=source, name=f"{NAME}/a.zip", size=1, stamp="1", state="refused", seen_at=timezone.now(),
        reason=f"1 of 2 files in it were refused; first {NAME}/a.zip/Mrs {NAME}.txt: Not a DICOM, PNG or JPEG file.",
    )  # fmt: skip
    PendingReading.objects.create(
        project=basic, format="coco", source=f"{NAME}/labels.json", reader="x", digest="1",
        content={"images": [{"name": f"{NAME}_2.png", "sop_instance_uid": "", "frame": 1}]},
        reason=f"{NAME}/labels.json: A region lies where no picture of its frame of reference does.",
    )  # fmt: skip
    return run, source


def test_no_list_report_or_table_shows_a_name_to_who_may_not_learn_identities(full, api):
    for address, text in shown(api, *full).items():
        assert NAME.casefold() not in text.casefold(), address
    assert "file-" in shown(api, *full)["quarantine/"] and "cough" not in shown(api, *full)["imports/"]


def test_who_may_learn_identities_sees_the_names(full, basic, lead, api):
    may_look_up(basic, lead)
    told = shown(api, *full)
    unnamed = {"worklist/pace/", "splits/"}
    assert {address for address, text in told.items() if NAME not in text} <= unnamed
    assert f"{NAME} T/{NAME}_1.png" in told[f"imports/{full[0]['id']}/items/"]


def test_where_nothing_is_cleaned_names_are_shown(project, api, send):
    run = send({"Quisenberry/notes.txt": b"words"})
    assert "Quisenberry/notes.txt" in api.get(f"{ROOT}imports/{run['id']}/items/").content.decode()


def test_a_file_has_the_same_pseudonym_in_its_import_in_quarantine_and_in_the_worklist(full, basic, api):
    run, _ = full
    items = api.get(f"{ROOT}imports/{run['id']}/items/").json()["results"]
    kept = {row["name"] for row in api.get(f"{ROOT}quarantine/").json()["results"]}
    refused = {item["name"] for item in items if item["state"] == "refused"}
    assert kept == refused and all(re.search(r"file-[0-9a-f]{10}\.(xml|txt|csv)$", name) for name in kept)
    (image,) = [item for item in items if item["case"]]
    (row,) = api.get(f"{ROOT}worklist/?state=all").json()["results"]
    assert row["source_name"] == image["name"] and image["name"].startswith("folder-")


def test_the_list_of_cases_is_not_searched_by_names_that_are_hidden(full, basic, lead, api):
    assert api.get(f"{ROOT}worklist/?state=all&search={NAME}").json()["total"] == 0
    may_look_up(basic, lead)
    assert api.get(f"{ROOT}worklist/?state=all&search={NAME}").json()["total"] == 1


def test_readings_still_find_images_by_the_names_of_their_files(basic, api, send, picture):
    table = f"image,x,y,w,h,finding\n{NAME}_1.png,2,3,10,8,mass\n".encode()
    send({f"{NAME}_1.png": picture(1).read_bytes(), "boxes.csv": table}, boxes_file="boxes.csv")
    assert Case.objects.get().readings.count() == 1


def test_neither_errors_of_jobs_nor_the_audit_trail_hold_a_name(basic, api, send, caplog):
    with pytest.raises(Refused) as refused:
        send({f"{NAME}.csv": b"a,b\n1,2\n", "notes.txt": b"x"}, labels_file=f"{NAME} 2.csv")
    assert NAME not in str(refused.value) and "file-" in str(refused.value)
    assert ImportRun.objects.get().message == f"There is no file {NAME} 2.csv among those uploaded."
    told = json.dumps([event.detail for event in Event.objects.all()]) + caplog.text
    assert NAME not in told and Event.objects.filter(verb="import.created").exists()


def test_names_of_what_another_system_sent_were_made_here_and_are_shown(basic, api, lead):
    run = ImportRun.objects.create(project=basic, received_at=timezone.now(), state="done")
    ImportItem.objects.create(run=run, name="2.25.77.dcm", size=1, state="refused", reason="Not a DICOM file.")
    assert api.get(f"{ROOT}imports/{run.pk}/items/").json()["results"][0]["name"] == "2.25.77.dcm"


def test_another_lead_sees_no_names_of_an_upload_under_way(basic, lead, outsider, api, as_person):
    Membership.objects.create(project=basic, user=outsider, role="lead")
    body = {"files": [{"name": f"{NAME}.png", "size": 5}], "options": {}}
    run = api.post(f"{ROOT}imports/", body, format="json").json()
    url = f"{ROOT}imports/{run['id']}/items/"
    assert api.get(url).json()["results"][0]["name"] == f"{NAME}.png"
    assert NAME not in as_person(outsider).get(url).content.decode()


@pytest.mark.parametrize(
    "text",
    [
        "There is no file Anna Quisenberry.csv among those uploaded.",
        "There is no file Anna Quisenberry.",
        "Anna Quisenberry is too big for a table.",
        "Anna Quisenberry.csv is no UTF-8 text.",
        "Clinical texts of 1 cases stored, 0 already there. 2 rows not used: Row 2: no case here comes from a file "
        "Dr. Anna Quisenberry. Row 4: 2 cases come from files named Anna Quisenberry.png. and 3 more.",
        "The tables name two values of patient for Anna Quisenberry.",
        "The value of Anna Quisenberry is 'Quisenberry', neither present nor absent.",
        "A box of Anna Quisenberry is not four numbers.",
        "The table has no column with file names; it has Anna Quisenberry, 1957-04-24.",
        "scans/Anna Quisenberry.xml is no XML document: no element found: line 1, column 81.",
        "Quisenberry.dcm: Its grid is not that of its images.",
        "The voxels of Quisenberry Anna/scan.mhd.",
        "1 of 2 files in it were refused; first Anna Q/a.raw: The voxels of Dr. Quisenberry Anna/a scan.mhd.",
    ],
)
def test_sentences_that_quote_a_name_keep_their_words_and_lose_the_name(hidden, text):
    told = hidden.text(text, ["scans/Anna Quisenberry.xml"])
    assert "Quisenberry" not in told and "Anna" not in told and "1957" not in told
    assert re.search(r"(file|folder)-[0-9a-f]{10}", told)
    assert hidden.text(told) == told  # nothing is renamed twice


def test_a_reason_in_quarantine_hides_every_name_under_which_its_file_came(basic, api, send):
    def reason(name: str) -> str:
        # What each attempt says of these bytes quotes the name under which it got them.
        send({name: b"words"})
        row = QuarantinedFile.objects.get()
        QuarantinedFile.objects.update(reason=f"The words of {name.removesuffix('.txt')} are no image")
        told = api.get(f"{ROOT}quarantine/").json()
        assert [one["id"] for one in told["results"]] == [str(row.pk)]
        return told["results"][0]["reason"] + told["groups"][0]["reason"]

    assert "Notes" not in reason("Notes.txt")
    assert NAME not in reason(f"{NAME}.txt")


def test_a_reason_hides_the_name_of_an_upload_of_bytes_that_another_system_had_sent_before(basic, api, send):
    send({f"{NAME}.txt": b"words"})
    row = QuarantinedFile.objects.get()
    run = ImportRun.objects.create(project=basic, received_at=timezone.now(), state="done")
    ImportRun.objects.filter(pk=run.pk).update(created_at=timezone.now() - timedelta(days=1))
    ImportItem.objects.create(run=run, name="2.25.77.dcm", size=5, state="refused", quarantined=row)
    QuarantinedFile.objects.update(reason=f"{NAME}.txt: no image.")
    (told,) = api.get(f"{ROOT}quarantine/").json()["results"]
    assert told["name"] == "2.25.77.dcm" and NAME not in told["reason"]


def test_sentences_without_a_name_stay_as_they_are(hidden):
    told = "The mask has 4×4 pixels, its image 40×48. Row 2: its text names the patient's id."
    assert hidden.text(told, ["1.png", "a/2.dcm"]) == told


def test_a_pseudonym_keeps_folders_apart_and_only_usual_extensions(hidden, project):
    one, two, other = (hidden.name(name) for name in ("A/1.nii.gz", "A/2.MEIER", "B/1.nii.gz"))
    assert one.split("/")[0] == two.split("/")[0] != other.split("/")[0]
    assert one.endswith(".nii.gz") and one.split("/")[1] == other.split("/")[1] and "MEIER" not in two.upper()
    project.archive.key = "00" * 32
    assert ShownNames(project.archive, clear=False).name("A/1.nii.gz") != one
