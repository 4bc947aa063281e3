"""Images that may show a name wait for a lead's look; what he blanks never existed in what is stored and served."""

from __future__ import annotations

import csv
import json
from contextlib import contextmanager
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
from django.conf import settings
from django.utils import timezone
from PIL import Image

from backend.archive.decode_child import DecodeChild
from backend.archive.models import Archive, Instance, PixelRule, QuarantinedFile
from backend.archive.rendering import read_frame
from backend.audit.models import Event
from backend.dicom.header import frame_format
from backend.dicom.refusal import Refused
from backend.dicom.stored_frames import decoded_frame
from backend.exchange.import_options import ImportOptions
from backend.exchange.models import ImportItem
from backend.exchange.quarantine_services import expire_kept_aside, run_release
from backend.exchange.services import import_from_server
from backend.jobs.models import Job
from backend.jobs.services import JobCancelled, claim_job
from backend.projects.models import Case, Membership

ROOT = "/api/v1/projects/breast/quarantine/"
TEXT = [2, 1, 20, 4]
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def cleaning(project):
    archive = project.archive
    archive.deid_profile, archive.deid_options = "basic", ["modified_dates", "clean_pixels"]
    archive.save()


@pytest.fixture
def api(project, lead, as_person):
    """The API for a lead who may learn identities, and so sees the names of files."""
    Membership.objects.filter(project=project, user=lead).update(may_reidentify=True)
    return as_person(lead)


@pytest.fixture
def screen(make_dicom, as_file, tmp_path):
    """Brings an ultrasound image with a bright stripe where its name would stand through the import."""

    def bring(project, number=1, photometric="MONOCHROME2", **attributes):
        pixels = np.random.default_rng(number).integers(10, 200, (32, 40), dtype=np.uint8)
        pixels[1:5, 2:22] = 251
        uid = f"1.2.3.9.{number}"
        made = make_dicom(pixels, SOPInstanceUID=uid, SeriesInstanceUID=f"{uid}.1", StudyInstanceUID=f"{uid}.2")
        made.Modality, made.PhotometricInterpretation = "US", photometric
        made.Manufacturer, made.ManufacturerModelName = "ACME", "Sono 9"
        for keyword, value in attributes.items():
            setattr(made, keyword, value)
        folder = tmp_path / f"sent-{number}"
        folder.mkdir(exist_ok=True)
        (folder / "us.dcm").write_bytes(as_file(made))
        options = ImportOptions(source=str(folder))
        import_from_server(project=project, by=None, options=options, limit=None, on_item=lambda *_: None)
        return pixels

    return bring


def work(job_id: str) -> None:
    lease = claim_job(job_id)
    assert lease is not None
    run_release(lease)


def stored(instance: Instance) -> np.ndarray:
    return decoded_frame(read_frame(instance, 1), frame_format(json.loads(instance.dicom_json)))


def objects_of(project, name: str) -> list[Path]:
    folder = Path(settings.DATA_DIR) / "objects" / name / str(project.archive_id)
    return [path for path in folder.rglob("*") if path.is_file()]


def release(api, ids, rectangles=(), whole_device=False):
    body = {"files": ids, "rectangles": [list(one) for one in rectangles], "whole_device": whole_device}
    return api.post(f"{ROOT}release/", body, format="json")


def test_an_image_that_may_show_a_name_is_held_and_no_case(project, api, screen):
    screen(project)
    assert (Instance.objects.count(), Case.objects.count()) == (0, 0)
    item = ImportItem.objects.get()
    assert item.state == "held" and "Held until a lead has looked" in item.reason
    answer = api.get(ROOT).json()
    assert answer["counts"] == {"held": 1, "decided": 0, "refused": 0}
    (row,) = answer["results"]
    assert (row["why"], row["model"], row["rows"], row["columns"]) == ("ultrasound", "Sono 9", 32, 40)
    picture = api.get(f"{ROOT}{row['id']}/preview/")
    assert picture["Cache-Control"] == "private, no-store"
    assert Image.open(BytesIO(picture.content)).size == (40, 32)
    assert Event.objects.filter(verb="quarantine.viewed").count() == 1


def test_what_lies_in_quarantine_is_encrypted(project, screen):
    screen(project)
    for path in objects_of(project, "quarantine"):
        data = path.read_bytes()
        assert b"Jane" not in data and b"DICM" not in data and b"PNG" not in data and b"modality" not in data


def test_blanked_pixels_never_existed_in_what_is_stored(project, lead, api, screen):
    pixels = screen(project)
    (row,) = api.get(ROOT).json()["results"]
    answer = release(api, [row["id"]], [TEXT])
    assert answer.status_code == 202
    work(answer.json()["job"])
    instance = Instance.objects.get()
    found = stored(instance)
    outside = np.ones(found.shape, dtype=bool)
    outside[1:5, 2:22] = False
    assert (found[~outside] == pixels[outside].min()).all()
    assert np.array_equal(found[5:], pixels[5:]) and np.array_equal(found[1:5, 22:], pixels[1:5, 22:])
    assert all(bytes([251] * 20) not in path.read_bytes() for path in objects_of(project, "frames"))
    header = json.loads(instance.dicom_json)
    assert header["00280301"]["Value"] == ["NO"]
    assert "113101" in [code["00080100"]["Value"][0] for code in header["00120064"]["Value"]]
    item = ImportItem.objects.get()
    assert (item.state, item.case) == ("imported", Case.objects.get())
    assert not objects_of(project, "quarantine")
    event = Event.objects.get(verb="quarantine.release")
    assert (event.actor, event.detail["rectangles"]) == (lead.get_username(), [TEXT])


def test_black_of_an_inverted_image_is_its_highest_value(project, api, screen):
    screen(project, photometric="MONOCHROME1")
    (row,) = api.get(ROOT).json()["results"]
    work(release(api, [row["id"]], [[0, 10, 5, 5]]).json()["job"])
    found = stored(Instance.objects.get())
    assert (found[10:15, :5] == 251).all()


def test_a_rule_of_a_device_cleans_what_waits_and_what_comes(project, api, screen):
    screen(project, 1)
    screen(project, 2)
    first = api.get(ROOT).json()["results"][0]
    answer = release(api, [first["id"]], [TEXT], whole_device=True).json()
    assert answer["files"] == 2
    work(answer["job"])
    screen(project, 3)
    assert Instance.objects.count() == 3
    assert all((stored(instance)[1:5, 2:22] != 251).all() for instance in Instance.objects.all())
    screen(project, 4, Manufacturer="Other")
    assert Instance.objects.count() == 3
    (rule,) = api.get("/api/v1/projects/breast/pixel-rules/").json()
    assert rule["rectangles"] == [TEXT]
    assert api.delete(f"/api/v1/projects/breast/pixel-rules/{rule['id']}/").status_code == 204
    assert not PixelRule.objects.exists()


def test_a_rule_needs_a_device_with_a_name_and_rectangles_inside_the_image(project, api, screen):
    screen(project, Manufacturer="", ManufacturerModelName="")
    (row,) = api.get(ROOT).json()["results"]
    assert release(api, [row["id"]], [TEXT], whole_device=True).status_code == 400
    assert release(api, [row["id"]], [[100, 100, 5, 5]]).status_code == 400
    assert QuarantinedFile.objects.get().state == "waiting"


def test_a_name_in_the_place_of_the_device_is_not_kept_in_the_clear(project, api, screen):
    screen(project, PatientName="Quisenberry^Thaddeus", Manufacturer="Quisenberry", ManufacturerModelName="Sono 9")
    assert "Quisenberry" not in str(QuarantinedFile.objects.values().get())
    assert api.get(ROOT).json()["results"][0]["manufacturer"] == ""


def test_a_release_that_is_cancelled_waits_again(project, lead, api, screen):
    screen(project)
    (row,) = api.get(ROOT).json()["results"]
    job = release(api, [row["id"]], [TEXT]).json()["job"]
    lease = claim_job(job)
    Job.objects.filter(pk=job).update(cancel_requested=True)
    with pytest.raises(JobCancelled):
        run_release(lease)
    assert QuarantinedFile.objects.get().state == "waiting"


@contextmanager
def slow(project, settings):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DecodeChild, "prepare", Mock(side_effect=Refused("It takes too long to decode.")))
        yield "takes too long"


@contextmanager
def without_identity_key(project, settings):
    Archive.objects.update(keeps_identities=True)
    former, settings.REIDENTIFICATION_KEY = settings.REIDENTIFICATION_KEY, ""
    yield "lacks the key"
    settings.REIDENTIFICATION_KEY = former
    Archive.objects.update(keeps_identities=False)


@contextmanager
def with_another_key(project, settings):
    former, settings.SECRET_KEY = settings.SECRET_KEY, "another one"
    yield "cannot be read"
    settings.SECRET_KEY = former


@contextmanager
def without_store(project, settings):
    folder = Path(settings.DATA_DIR) / "objects" / "quarantine"
    away = folder.rename(folder.with_name("not-mounted"))
    try:
        yield "cannot be read"
    finally:
        away.rename(folder)


@pytest.mark.parametrize("hindered", [slow, without_identity_key, with_another_key, without_store])
def test_an_image_that_cannot_be_let_in_is_kept_and_tells_why_and_may_be_let_in_later(
    project, api, screen, settings, hindered
):
    screen(project)
    (row,) = api.get(ROOT).json()["results"]
    kept = objects_of(project, "quarantine")
    job = release(api, [row["id"]], [TEXT]).json()["job"]
    with hindered(project, settings) as why:
        work(job)
    assert not Instance.objects.exists() and objects_of(project, "quarantine") == kept
    found = api.get(ROOT).json()
    assert found["counts"] == {"held": 1, "decided": 0, "refused": 0} and ImportItem.objects.get().state == "held"
    (row,) = found["results"]
    assert why in row["reason"] and not row["why"], "the page tells the reason where there is no word for it"
    assert why in found["groups"][0]["reason"]
    assert api.get(f"{ROOT}{row['id']}/preview/").status_code == 200
    work(release(api, [row["id"]], [TEXT]).json()["job"])
    assert (stored(Instance.objects.get())[1:5, 2:22] != 251).all() and not objects_of(project, "quarantine")
    item = ImportItem.objects.get()
    assert (item.state, item.reason, item.case) == ("imported", "", Case.objects.get())


def test_what_expires_while_it_is_let_in_in_vain_does_not_wait_again(project, api, screen, monkeypatch):
    screen(project)
    (row,) = api.get(ROOT).json()["results"]
    job = release(api, [row["id"]]).json()["job"]

    def expired(*given, **more):
        QuarantinedFile.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        expire_kept_aside()
        raise Refused("It takes too long to decode.")

    monkeypatch.setattr(DecodeChild, "prepare", expired)
    work(job)
    assert (QuarantinedFile.objects.get().state, ImportItem.objects.get().state) == ("expired", "refused")


def test_the_same_file_again_waits_once(project, api, screen):
    screen(project)
    screen(project)
    assert QuarantinedFile.objects.count() == 1
    assert list(ImportItem.objects.values_list("state", flat=True)) == ["held", "held"]


def test_a_discarded_file_is_gone_and_may_come_again(project, api, screen):
    screen(project)
    (row,) = api.get(ROOT).json()["results"]
    assert api.post(f"{ROOT}discard/", {"files": [row["id"]]}, format="json").json() == {"files": 1}
    assert not objects_of(project, "quarantine")
    assert api.get(f"{ROOT}{row['id']}/preview/").status_code == 404
    screen(project)
    assert QuarantinedFile.objects.filter(state="waiting").count() == 1


def test_what_nobody_looks_at_expires(project, api, screen):
    screen(project)
    assert expire_kept_aside() == 0
    QuarantinedFile.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert expire_kept_aside() == 1
    assert ImportItem.objects.get().state == "refused"
    assert not objects_of(project, "quarantine")
    assert api.get(ROOT).json()["results"] == []


def test_a_damaged_file_is_kept_for_leads_and_never_given_out(project, api, make_dicom, as_file, tmp_path):
    data = as_file(make_dicom(np.zeros((64, 64), "u2")))
    (tmp_path / "cut").mkdir()
    (tmp_path / "cut" / "cut.dcm").write_bytes(data[:-3000])
    options = ImportOptions(source=str(tmp_path / "cut"))
    import_from_server(project=project, by=None, options=options, limit=None, on_item=lambda *_: None)
    assert ImportItem.objects.get().state == "refused"
    (row,) = api.get(ROOT).json()["results"]
    assert (row["kind"], row["name"]) == ("refused", "cut.dcm") and "too early" in row["reason"]
    assert api.get(f"{ROOT}{row['id']}/preview/").status_code == 404
    assert release(api, [row["id"]]).status_code == 400


def test_of_a_file_that_cannot_be_used_a_lead_sees_what_it_is_and_by_which_door_it_came(
    project, api, lead, make_dicom, as_file, tmp_path
):
    made = make_dicom(np.zeros((64, 48), "u2"))
    made.Modality = "CT"
    data = as_file(made)
    (tmp_path / "cut.dcm").write_bytes(data[:-3000])
    (tmp_path / "none.txt").write_text("no image")
    options = ImportOptions(source=str(tmp_path), origin="folder /scans")
    run, _ = import_from_server(project=project, by=lead, options=options, limit=None, on_item=lambda *_: None)
    told = {
        "format": "dicom", "modality": "CT", "sop_class": str(made.SOPClassUID.name), "rows": 64, "columns": 48,
        "sop_class_uid": made.SOPClassUID, "transfer_syntax": "Explicit VR Little Endian", "frames": 0,
        "transfer_syntax_uid": "1.2.840.10008.1.2.1",
    }  # fmt: skip
    (row,) = api.get(ROOT).json()["results"]
    assert row | told == row and row["size"] == len(data) - 3000 and row["created_at"]
    assert (row["origin"], row["sent_by"]) == ("folder /scans", lead.username)
    items = f"/api/v1/projects/breast/imports/{run.pk}/items/"
    cut, text = sorted(api.get(items).json()["results"], key=lambda item: item["name"])
    assert cut["facts"] == told and cut["modality"] == "CT" and text["facts"]["format"] == text["modality"] == ""
    table = {line["name"]: line for line in csv.DictReader(api.get(f"{items}?format=csv").content.decode().splitlines())}
    assert table["cut.dcm"] | {"rows": "64", "origin": "folder /scans", "sent_by": lead.username} == table["cut.dcm"]
    assert (
        table["cut.dcm"]["sop_class"] == told["sop_class"] and table["cut.dcm"]["came"] and table["none.txt"]["rows"] == ""
    )


def test_a_name_in_the_place_of_what_a_file_is_is_told_to_nobody(project, api, make_dicom, as_file, tmp_path):
    made = make_dicom(np.zeros((64, 48), "u2"))
    made.PatientID, made.Modality, made.SOPClassUID = "19570424", "QUISENBERRY", "1.3.6.1.4.1.99.19570424"
    (tmp_path / "cut.dcm").write_bytes(as_file(made)[:-3000])
    options = ImportOptions(source=str(tmp_path))
    import_from_server(project=project, by=None, options=options, limit=None, on_item=lambda *_: None)
    rows = str([*QuarantinedFile.objects.values(), *ImportItem.objects.values()])
    assert "QUISENBERRY" not in rows and "19570424" not in rows
    (row,) = api.get(ROOT).json()["results"]
    assert (row["modality"], row["sop_class_uid"], row["sop_class"], row["rows"]) == ("", "", "", 64)


def test_regions_of_an_ultrasound_image_are_all_that_stays(project, screen):
    from pydicom.dataset import Dataset
    from pydicom.sequence import Sequence

    region = Dataset()
    region.RegionLocationMinX0, region.RegionLocationMinY0 = 5, 8
    region.RegionLocationMaxX1, region.RegionLocationMaxY1 = 34, 30
    pixels = screen(project, SequenceOfUltrasoundRegions=Sequence([region]))
    found = stored(Instance.objects.get())
    inside = np.zeros((32, 40), dtype=bool)
    inside[8:31, 5:35] = True
    assert np.array_equal(found[inside], pixels[inside])
    assert len(np.unique(found[~inside])) == 1


def test_another_project_of_the_archive_sees_nothing_of_it(project, api, screen, lead, as_person):
    from backend.projects.models import Project

    other = Project.objects.create(slug="other", name="Other", archive=project.archive)
    Membership.objects.create(project=other, user=lead, role="lead")
    screen(project)
    assert api.get("/api/v1/projects/other/quarantine/").json()["results"] == []
    assert Job.objects.filter(task="exchange.run_release").count() == 0


@pytest.fixture
def refused(project):
    """Files that could not be used, for two reasons that differ in their numbers and one that differs in more."""

    def row(number: int, reason: str) -> QuarantinedFile:
        return QuarantinedFile.objects.create(
            archive=project.archive, project_id=project.pk, kind="refused", reason=reason, received_digest=f"{number:064}",
            size=number, expires_at=timezone.now() + timedelta(days=1),
        )  # fmt: skip

    ends = "The file ends too early: {} bytes of pixels are due, 12 are there."
    return [row(1, ends.format("8,192")), row(2, ends.format(100)), row(3, "Damaged: its pixels cannot be decoded.")]


def test_what_waits_is_grouped_by_reason_whatever_its_numbers(project, api, screen, refused):
    screen(project)
    found = api.get(ROOT).json()
    assert [(one["kind"], one["count"]) for one in found["groups"]] == [("refused", 2), ("held", 1), ("refused", 1)]
    assert found["total"] == 4 and found["groups"][1]["why"] == "ultrasound"
    for group in found["groups"]:
        page = api.get(f"{ROOT}?group={group['group']}").json()
        assert page["total"] == group["count"] and {one["group"] for one in page["results"]} == {group["group"]}
    assert api.get(f"{ROOT}?group=none").json()["results"] == []
    assert [one["kind"] for one in api.get(f"{ROOT}?kind=refused").json()["groups"]] == ["refused", "refused"]
    assert [one["size"] for one in api.get(f"{ROOT}?kind=refused&offset=1&limit=1").json()["results"]] == [2]
    assert api.get(f"{ROOT}?limit=all").status_code == 400


def test_many_are_let_in_or_discarded_with_a_reason_that_is_kept(project, api, screen, refused):
    for number in (1, 2, 3):
        screen(project, number)
    first, *others = [row["id"] for row in api.get(f"{ROOT}?kind=held").json()["results"]]
    why = "Screens of a console, no image of a patient."
    answer = api.post(f"{ROOT}discard/", {"files": [first, *(str(row.pk) for row in refused)], "reason": why}, format="json")
    assert answer.json() == {"files": 4}
    events = Event.objects.filter(verb="quarantine.discarded")
    assert events.count() == 4 and {event.detail["reason"] for event in events} == {why}
    assert ImportItem.objects.get(state="refused").reason == f"Discarded by a lead after a look: {why}"
    body = {"files": others, "rectangles": [TEXT], "reason": "the same console, its line of text blanked"}
    answer = api.post(f"{ROOT}release/", body, format="json").json()
    assert answer["files"] == 2
    assert Event.objects.get(verb="quarantine.release").detail["reason"].startswith("the same console")
    work(answer["job"])
    assert Case.objects.count() == 2 and api.get(ROOT).json()["total"] == 0
