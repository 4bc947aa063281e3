"""STOW-RS: every instance is answered for, what is stored becomes cases, and nothing hostile gets far."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote, urlsplit

import numpy as np
import pydicom
import pytest
from django.conf import settings

from backend.archive.models import Instance
from backend.archive.quarantine import original_of
from backend.audit.models import Event
from backend.dicomweb.multipart_reader import MalformedBody
from backend.dicomweb.store_views import body_of
from backend.exchange.models import ImportItem, ImportRun
from backend.projects.models import Case
from tests.dicom.conftest import as_file, make_dicom  # noqa: F401
from tests.dicomweb.stow import CONTENT_TYPE, body, settle

pytestmark = pytest.mark.django_db
STUDIES = "/dicom-web/breast/studies"


@pytest.fixture
def dicom(make_dicom, as_file):
    """A file of noise; the same number makes the same bytes, `attributes` overwrite."""

    def make(number: int = 1, **attributes: object) -> bytes:
        pixels = np.random.default_rng(number).integers(0, 4000, (32, 40), dtype=np.uint16)
        named = {"SOPInstanceUID": f"1.2.3.4.1.{number}", "InstanceNumber": number} | attributes
        dataset = make_dicom(pixels, **named)
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
        return as_file(dataset)

    return make


@pytest.fixture
def store(lead, as_person):
    """The lead's STOW-RS request."""

    def send(*files: bytes, url: str = STUDIES, data: bytes | None = None, **headers: str):
        sent = {"content_type": CONTENT_TYPE} | headers
        return as_person(lead).generic("POST", url, body(*files) if data is None else data, **sent)

    return send


def reasons(answer) -> list[int]:
    failed = answer.json().get("00081198", {}).get("Value", []) + answer.json().get("0008119A", {}).get("Value", [])
    return [item["00081197"]["Value"][0] for item in failed]


def test_instances_are_stored_and_each_is_answered_for(project, store, dicom, lead, as_person):
    answer = store(dicom(1), dicom(2))
    assert answer.status_code == 200 and answer["Content-Type"] == "application/dicom+json"
    module = answer.json()
    assert list(module) == ["00081190", "00081199"]
    assert module["00081190"]["Value"] == [f"http://testserver{STUDIES}/1.2.3.4"]
    items = module["00081199"]["Value"]
    assert [item["00081155"]["Value"] for item in items] == [["1.2.3.4.1.1"], ["1.2.3.4.1.2"]]
    assert all(item["00081150"]["Value"] == [pydicom.uid.CTImageStorage] for item in items)
    # Whoever stored can retrieve at once, by the address that he was given.
    url = items[0]["00081190"]["Value"][0].removeprefix("http://testserver")
    assert as_person(lead).get(f"{url}/metadata").json()[0]["00080018"]["Value"] == ["1.2.3.4.1.1"]
    assert as_person(lead).get(f"{url}/frames/1").status_code == 200


def test_of_what_one_request_brings_each_is_judged_by_what_came_before_it(project, store, dicom):
    sent = [dicom(number) for number in range(1, 23)]  # more than are stored at once
    conflict, stranger = dicom(30, SOPInstanceUID="1.2.3.4.1.22"), dicom(31, PatientID="P2")
    answer = store(*sent, sent[21], conflict, stranger, b"no DICOM", dicom(32))
    assert answer.status_code == 202 and reasons(answer) == [0x0111, 0x0110, 0xC000]
    stored = [item["00081155"]["Value"][0] for item in answer.json()["00081199"]["Value"]]
    assert stored == [f"1.2.3.4.1.{number}" for number in (*range(1, 23), 22, 32)]
    assert sorted(Instance.objects.values_list("sop_instance_uid", flat=True)) == sorted(set(stored))
    assert list(ImportItem.objects.filter(instance=None).values_list("state", flat=True)) == ["refused"] * 3
    assert {instance.frames_key for instance in Instance.objects.all()} == _objects_of(project)


def _objects_of(project) -> set[str]:
    folder = Path(unquote(urlsplit(settings.OBJECT_STORE_URL).path)) / "frames" / str(project.archive.pk)
    return {f"frames/{project.archive.pk}/{path.name}" for path in folder.iterdir()}


def test_what_is_sent_becomes_cases_when_it_is_quiet(project, store, dicom, lead, reader, as_person):
    project.unit = "series"
    project.save()
    assert store(dicom(1)).status_code == store(dicom(2)).status_code == 200
    (run,) = ImportRun.objects.all()  # what comes one after the other is one import
    assert (run.state, run.options, run.created_by) == ("receiving", {"origin": "STOW-RS"}, lead)
    assert not Case.objects.exists()
    seen, unseen = (as_person(person).get("/dicom-web/breast/series") for person in (lead, reader))
    assert seen.json()[0]["00201209"]["Value"] == [2] and unseen.status_code == 204
    assert settle() == [run.pk]
    run.refresh_from_db()
    assert run.state == "done"
    (case,) = Case.objects.all()
    assert {item.case_id for item in run.items.all()} == {case.pk} and {item.state for item in run.items.all()} == {
        "imported"
    }
    assert len(as_person(reader).get("/dicom-web/breast/instances").json()) == 2
    verbs = list(Event.objects.filter(object_id=str(run.pk)).order_by("pk").values_list("verb", "actor_id"))
    assert verbs == [("import.created", lead.pk), ("import.started", lead.pk), ("import.finished", None)]
    listed = as_person(lead).get("/api/v1/projects/breast/imports/").json()
    assert [one["counts"]["imported"] for one in listed] == [2]


def test_a_run_waits_while_instances_come(project, store, dicom):
    from backend.exchange.receiving import settle_received

    store(dicom(1))
    assert settle_received() == []
    assert ImportRun.objects.get().state == "receiving"


def test_the_same_again_changes_nothing_and_other_bytes_are_a_conflict(project, store, dicom):
    store(dicom(1), dicom(1))
    assert sorted(ImportItem.objects.values_list("state", flat=True)) == ["duplicate", "imported"]
    ImportItem.objects.filter(state="duplicate").delete()
    settle()
    again = store(dicom(1))
    assert again.status_code == 200 and len(again.json()["00081199"]["Value"]) == 1
    other = store(dicom(2, SOPInstanceUID="1.2.3.4.1.1"))
    assert other.status_code == 409 and reasons(other) == [0x0111]
    assert other.json()["00081198"]["Value"][0]["00081155"]["Value"] == ["1.2.3.4.1.1"]
    assert Instance.objects.count() == 1
    assert list(ImportItem.objects.order_by("run__created_at", "state").values_list("state", flat=True)) == [
        "imported",
        "duplicate",
        "refused",
    ]


def test_good_ones_are_stored_beside_bad_ones(project, store, dicom, example):
    plan = dicom(3, Modality="RTPLAN", SOPClassUID="1.2.840.10008.5.1.4.1.1.481.5")
    answer = store(dicom(1), b"no DICOM", dicom(2)[:-700], plan)
    assert answer.status_code == 202
    assert len(answer.json()["00081199"]["Value"]) == 1
    (nameless,) = answer.json()["0008119A"]["Value"]
    assert nameless["00081197"]["Value"] == [0xC000] and nameless["00000902"]["Value"] == ["Not a DICOM file."]
    assert [item["00081197"]["Value"][0] for item in answer.json()["00081198"]["Value"]] == [0xC000, 0x0122]
    assert sorted(ImportItem.objects.values_list("state", flat=True)) == ["imported", "refused", "refused", "refused"]


def test_marks_of_other_programs_wait_for_the_import_to_read_them(project, store, real_data):
    segmentation = (real_data / "dicom_objects" / "highdicom" / "seg_image_ct_binary.dcm").read_bytes()
    answer = store(segmentation)
    assert answer.status_code == 200
    (item,) = answer.json()["00081199"]["Value"]
    assert item["00081150"]["Value"] == ["1.2.840.10008.5.1.4.1.1.66.4"] and "00081190" not in item
    kept = ImportItem.objects.get()
    path = settings.UPLOAD_DIR / str(kept.run_id) / str(kept.pk)
    assert kept.state == "waiting" and path.read_bytes() == segmentation
    settle()
    kept.refresh_from_db()
    assert kept.state != "waiting" and not path.exists()


def test_marks_lie_on_the_disk_before_their_row_and_the_answer_say_so(project, store, real_data, monkeypatch):
    segmentation = (real_data / "dicom_objects" / "highdicom" / "seg_image_ct_binary.dcm").read_bytes()
    synced: list[tuple[int, int, bool]] = []
    fsync = os.fsync

    def noted(handle: int) -> None:
        fsync(handle)
        found = os.fstat(handle)
        synced.append((found.st_ino, found.st_size, ImportItem.objects.exists()))

    monkeypatch.setattr(os, "fsync", noted)
    assert store(segmentation).status_code == 200
    kept = ImportItem.objects.get()
    file = settings.UPLOAD_DIR / str(kept.run_id) / str(kept.pk)
    assert (file.stat().st_ino, len(segmentation), False) in synced
    assert {(path.stat().st_ino, False) for path in (file.parent, settings.UPLOAD_DIR)} <= {
        (node, has_row) for node, _, has_row in synced
    }


def test_marks_that_no_import_can_use_are_kept_for_they_were_acknowledged(project, store, real_data):
    segmentation = (real_data / "dicom_objects" / "highdicom" / "seg_image_sm_dots.dcm").read_bytes()
    assert store(segmentation).status_code == 200
    settle()
    item = ImportItem.objects.get()
    assert item.state == "refused" and "microscopy" in item.reason
    assert item.quarantined.reason == item.reason
    with original_of(item.quarantined) as path:
        assert path.read_bytes() == segmentation


def test_pictures_are_no_dicom(project, store, picture_bytes):
    answer = store(picture_bytes)
    assert answer.status_code == 409 and not Instance.objects.exists()


@pytest.fixture
def picture_bytes() -> bytes:
    import io

    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(np.zeros((30, 30), np.uint8)).save(out, "PNG")
    return out.getvalue()


def test_only_instances_of_the_study_in_the_address_are_taken(project, store, dicom):
    answer = store(dicom(1), dicom(2, StudyInstanceUID="1.2.9"), url=f"{STUDIES}/1.2.3.4")
    assert answer.status_code == 202 and reasons(answer) == [0xA900]
    assert Instance.objects.count() == 1


def test_a_deidentified_archive_says_which_uids_it_has_given(project, store, dicom, lead, as_person):
    project.archive.deid_profile = "basic"
    project.archive.save()
    answer = store(dicom(1))
    assert answer.status_code == 202
    (item,) = answer.json()["00081199"]["Value"]
    assert item["00081196"]["Value"] == [0xB000]
    given = item["00081155"]["Value"][0]
    (was,) = item["04000561"]["Value"][0]["04000550"]["Value"]
    assert was["00080018"]["Value"] == ["1.2.3.4.1.1"] and was["0020000D"]["Value"] == ["1.2.3.4"]
    assert given != "1.2.3.4.1.1" and given in item["00081190"]["Value"][0]
    # Nothing of the import page tells the UID that was removed.
    assert list(ImportItem.objects.values_list("name", flat=True)) == [f"{given}.dcm"]
    refused = store(dicom(2, SOPInstanceUID="1.2.3.4.1.1"))
    assert reasons(refused) == [0x0111] and "1.2.3.4" not in ImportItem.objects.get(state="refused").name


def test_the_answer_is_had_as_xml(project, store, dicom):
    answer = store(dicom(1), HTTP_ACCEPT="application/dicom+xml")
    assert answer["Content-Type"] == "application/dicom+xml"
    assert b'keyword="ReferencedSOPSequence"' in answer.content and b"1.2.3.4.1.1" in answer.content
    assert store(dicom(2), HTTP_ACCEPT="text/html").status_code == 406


def test_one_instance_may_come_bare(project, store, dicom):
    assert store(data=dicom(1), content_type="application/dicom").status_code == 200
    assert Instance.objects.count() == 1


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 415),
        ('multipart/related; type="application/dicom+json"; boundary=BOUNDARY', 415),
        ("multipart/form-data; boundary=BOUNDARY", 415),
        ('multipart/related; type="application/dicom"', 400),
        ('multipart/related; type="application/dicom"; boundary=OTHER', 400),
        ("", 415),
    ],
)
def test_other_bodies_are_refused(project, store, dicom, content_type, status):
    answer = store(dicom(1), content_type=content_type)
    assert answer.status_code == status and answer.json()["detail"] and answer.json()["status"] == status
    assert not Instance.objects.exists()


def test_packed_cut_empty_and_huge_bodies_are_refused(project, store, dicom, settings):
    assert store(dicom(1), HTTP_CONTENT_ENCODING="gzip").status_code == 415
    assert store(data=b"--BOUNDARY--").status_code == 400
    cut = store(data=body(dicom(1), dicom(2))[:-60])
    assert cut.status_code == 400 and "1 instances before it were stored" in cut.json()["detail"]
    settings.STOW_MAX_INSTANCE_BYTES = 1000
    assert store(dicom(3)).status_code == 413
    assert store(data=dicom(3), content_type="application/dicom").status_code == 413
    settings.STOW_MAX_BYTES = 1000
    assert store(dicom(3)).status_code == 413
    assert Instance.objects.count() == 1


def test_a_part_of_another_type_is_refused_alone(project, store, dicom):
    mixed = body(dicom(1))[: -len(b"--BOUNDARY--\r\n")] + body(b"{}", part_type="application/json")
    answer = store(data=mixed)
    assert answer.status_code == 202 and reasons(answer) == [0xC000]


def test_the_reason_of_an_outcome_is_one_line_whatever_a_header_says(project, store, dicom):
    answer = store(data=body(dicom(1), part_type="application/dicom\n text"))
    (item,) = answer.json()["0008119A"]["Value"]
    assert "\n" not in item["00000902"]["Value"][0] and reasons(answer) == [0xC000]


def test_nothing_received_stays_on_the_disk(project, store, dicom):
    store(dicom(1), b"no DICOM")
    assert [path for path in (settings.UPLOAD_DIR / "scratch").iterdir() if path.name.startswith("stow-")] == []


@pytest.mark.parametrize(("scopes", "status"), [(["dicomweb"], 200), (["dicomweb.store"], 200), (["dicomweb.search"], 403)])
def test_a_token_stores_within_its_scope(project, lead, dicom, client, scopes, status):
    from backend.accounts.services import create_token

    _, secret = create_token(user=lead, name="pacs", scopes=scopes)
    headers = {"HTTP_AUTHORIZATION": f"Bearer {secret}"}
    assert client.generic("POST", STUDIES, body(dicom(1)), content_type=CONTENT_TYPE, **headers).status_code == status


def test_readers_may_not_store(project, reader, reviewer, as_person, dicom):
    for person in (reader, reviewer):
        assert as_person(person).generic("POST", STUDIES, body(dicom(1)), content_type=CONTENT_TYPE).status_code == 403


@pytest.mark.parametrize("step", ["write", "synchronise", "publish"])
def test_a_full_disk_is_told_and_nothing_is_half_stored(project, store, dicom, monkeypatch, step):
    from backend.archive.store import ObjectGroup, StoreFull

    def full(*_arguments: object, **_named: object) -> None:
        raise StoreFull(28, "There is no room left to store anything")

    monkeypatch.setattr(ObjectGroup, step, full)
    answer = store(dicom(1))
    assert answer.status_code == 409 and reasons(answer) == [0xA700]
    assert not Instance.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_eight_clients_store_at_once(project, lead, dicom, as_person):
    from django.db import connection

    project.unit = "series"
    project.save()
    files = [dicom(number, SeriesInstanceUID=f"1.2.3.4.{number % 3}") for number in range(1, 25)]
    ready = threading.Barrier(8)

    def send(part: list[bytes]) -> int:
        try:
            ready.wait(20)
            client = as_person(lead)
            answers = [client.generic("POST", STUDIES, body(one), content_type=CONTENT_TYPE) for one in part]
            return sum(answer.status_code == 200 for answer in answers)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as clients:
        assert sum(clients.map(send, [files[start::8] for start in range(8)])) == 24
    assert Instance.objects.count() == 24 and ImportRun.objects.count() == 1
    settle()
    assert Case.objects.count() == 3


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ConnectionResetError(104, "Connection reset by peer"), MalformedBody),
        (TimeoutError(110, "Connection timed out"), MalformedBody),
        (ValueError("a chunk that lies"), MalformedBody),
        (OSError(5, "Input/output error"), OSError),
        (MemoryError(), MemoryError),
    ],
)
def test_a_sender_who_is_gone_sent_a_broken_body_and_an_error_of_the_server_stays_one(rf, error, told):
    def read(count: int) -> bytes:
        raise error

    request = rf.post("/", b"x", content_type="application/dicom")
    request._stream = SimpleNamespace(read=read)
    with pytest.raises(told) as raised:
        body_of(request)(1)
    assert told is not OSError or raised.value.errno == 5
