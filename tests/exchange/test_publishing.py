"""Readings as objects in the archive: published by a lead's act, shown to who may see the readings, withdrawn again."""

from __future__ import annotations

import shutil
from io import BytesIO

import numpy as np
import pydicom
import pytest

from tests.dicomweb.stow import CONTENT_TYPE, body, settle
from tests.exchange import phantoms
from tests.exchange.published import export_objects, publish
from tests.rows import make_model, make_reading

pytestmark = pytest.mark.django_db
ROOT, URL = "/dicom-web/phantom", "/api/v1/projects/phantom/exports/"


@pytest.fixture
def people(make_person):
    return {name: make_person(name) for name in ("lena", "rita", "rolf", "vera")}


@pytest.fixture
def read(tmp_path, make_dicom, as_file, people):
    """A series that Rita (a reader) has read and marked; Rolf reads it, too, Vera reviews, Lena leads."""
    from django.utils import timezone

    from backend.exchange.export_selection import case_frames
    from backend.projects.models import Assignment, Membership
    from backend.readings.models import Reader, Reading

    project = phantoms.make_project(unit="series", deid="basic")
    project.blinded_share = 1.0
    project.save()
    phantoms.write_images(tmp_path / "given", make_dicom, as_file, slices=3)
    (case,) = phantoms.import_images(project, tmp_path / "given")
    for name, role in (("lena", "lead"), ("rita", "reader"), ("rolf", "reader"), ("vera", "reviewer")):
        Membership.objects.create(project=project, user=people[name], role=role)
    rita = Reader.objects.create(project=project, kind="person", name="rita", user=people["rita"])
    reading = Reading.objects.create(
        case=case, reader=rita, state="submitted", verdict="lesions", revision=2, submitted_at=timezone.now()
    )
    mask = phantoms.stored_mask(np.ones((1, 5, 4), bool), [1, 3, 6])
    phantoms.add_lesion(reading, project.finding_types.first(), case_frames(case)[1], mask, {})
    Assignment.objects.create(case=case, user=people["rita"], arm="blinded", arm_probability=1.0, state="submitted")
    return project, reading


def shown(client) -> list[str]:
    """The modalities of the series that a search gives."""
    answer = client.get(f"{ROOT}/series")
    return sorted(row["00080060"]["Value"][0] for row in answer.json()) if answer.status_code == 200 else []


def everywhere(client, run) -> set[int]:
    """The answers of all that names the object: search, retrieval, metadata, frames."""
    instance = run.derived_objects.get().instance
    study = f"{ROOT}/studies/{instance.series.study.study_instance_uid}"
    series = f"{study}/series/{instance.series.series_instance_uid}"
    one = f"{series}/instances/{instance.sop_instance_uid}"
    found = {
        client.get(url).status_code for url in (one, f"{series}/metadata", f"{one}/frames/1", f"{one}/metadata", series)
    }
    searched = client.get(f"{ROOT}/instances?SOPInstanceUID={instance.sop_instance_uid}").status_code
    whole = client.get(f"{study}/metadata").content + b"".join(client.get(study).streaming_content)
    assert (searched == 200) == (instance.sop_instance_uid.encode() in whole)
    return found | {200 if searched == 200 else 404}


def test_a_published_reading_is_shown_to_who_may_see_the_reading(read, people, as_person, outsider):
    from backend.projects.models import Assignment

    project, reading = read
    run = publish(project, people["lena"])
    case = reading.case
    # The reader herself and the lead who could export it; not who reads the case, nor a reviewer who has not read it.
    for name, codes in (("rita", {200}), ("lena", {200}), ("rolf", {404}), ("vera", {404})):
        client = as_person(people[name])
        assert shown(client) == (["CT", "SEG"] if codes == {200} else ["CT"]), name
        assert everywhere(client, run) == codes, name
    assert as_person(outsider).get(f"{ROOT}/series").status_code == 404
    vera = Assignment.objects.create(case=case, user=people["vera"], arm="blinded", arm_probability=1.0, state="opened")
    assert shown(as_person(people["vera"])) == ["CT"]
    vera.state = "submitted"
    vera.save()
    assert shown(as_person(people["vera"])) == ["CT", "SEG"] and everywhere(as_person(people["vera"]), run) == {200}
    # A reader may reopen, so nothing after submitting either; a lead who reads the case blinded is a reader like any.
    Assignment.objects.create(case=case, user=people["rolf"], arm="blinded", arm_probability=1.0, state="submitted")
    assert shown(as_person(people["rolf"])) == ["CT"]
    own = Assignment.objects.create(case=case, user=people["lena"], arm="blinded", arm_probability=1.0, state="opened")
    assert shown(as_person(people["lena"])) == ["CT"] and everywhere(as_person(people["lena"]), run) == {404}
    own.delete()


def test_once_the_reading_is_another_its_object_is_shown_to_nobody(read, people, as_person):
    project, reading = read
    run = publish(project, people["lena"])
    lena = as_person(people["lena"])
    for change in ({"revision": 3}, {"state": "draft"}):
        before = {name: getattr(reading, name) for name in change}
        type(reading).objects.filter(pk=reading.pk).update(**change)
        for name in people:
            assert everywhere(as_person(people[name]), run) == {404}, (name, change)
        told = lena.get(f"{URL}{run.pk}/").json()["publication"]
        assert told["is_published"] and (told["objects"], told["current"]) == (1, 0)
        type(reading).objects.filter(pk=reading.pk).update(**before)
    assert shown(lena) == ["CT", "SEG"]


def test_only_what_the_lead_may_see_now_is_published_and_nothing_of_a_model(read, people):
    from backend.exchange.export_runs import ExportOrder, export_now
    from backend.exchange.export_selection import ExportFilter
    from backend.exchange.publishing import publish_export
    from backend.projects.models import Assignment

    project, reading = read
    make_reading(make_model(project), reading.case, scores=[0.9])
    case = reading.case
    mine = Assignment.objects.create(case=case, user=people["lena"], arm="blinded", arm_probability=1.0, state="submitted")
    run = export_now(project=project, by=people["lena"], order=ExportOrder("dicom_seg", ExportFilter(models=True)))
    assert run.counts["readings"] == 2
    mine.state = "opened"
    mine.save()
    assert publish_export(run=run) == {"published": 0, "hidden": 1, "models": 1, "changed": 0}
    mine.delete()
    type(reading).objects.filter(pk=reading.pk).update(revision=3)
    assert publish_export(run=run) == {"published": 0, "hidden": 0, "models": 1, "changed": 1}
    type(reading).objects.filter(pk=reading.pk).update(revision=2)
    assert publish_export(run=run) == {"published": 1, "hidden": 0, "models": 1, "changed": 0}
    assert [one.reading_id for one in run.derived_objects.all()] == [reading.pk]


def test_what_two_exports_publish_stays_until_both_are_withdrawn(
    read, people, as_person, django_capture_on_commit_callbacks
):
    from backend.archive.models import Instance, Series
    from backend.archive.store import has_object
    from backend.audit.models import Event
    from backend.dicom.refusal import Refused
    from backend.exchange.export_runs import delete_export
    from backend.exchange.publishing import publish_export, withdraw_export

    project, _ = read
    first, second = publish(project, people["lena"]), publish(project, people["lena"])
    assert publish_export(run=second)["published"] == 1 and second.derived_objects.count() == 1  # again: nothing more
    instance = first.derived_objects.get().instance
    assert instance == second.derived_objects.get().instance and has_object(instance.frames_key)
    with pytest.raises(Refused, match="withdraw them first"):
        delete_export(run=first, by=people["lena"])
    lena = as_person(people["lena"])
    assert withdraw_export(run=first) == 1 and shown(lena) == ["CT", "SEG"]
    delete_export(run=first, by=people["lena"])
    with django_capture_on_commit_callbacks(execute=True):
        assert withdraw_export(run=second) == 1 and shown(lena) == ["CT"]
    assert not has_object(instance.frames_key)
    assert not Instance.objects.filter(pk=instance.pk).exists() and not Series.objects.filter(modality="SEG").exists()
    assert {"export.published", "export.withdrawn"} <= set(Event.objects.values_list("verb", flat=True))


@pytest.mark.parametrize("door", ["stow", "upload"])
def test_our_own_object_that_comes_back_is_a_duplicate_and_no_reading(read, people, as_person, door, tmp_path):
    from backend.exchange.import_options import ImportOptions
    from backend.exchange.importing import is_unread
    from backend.exchange.models import ImportItem, ImportRun
    from backend.exchange.services import import_from_server
    from backend.projects.models import Case
    from backend.readings.models import Reading

    project, reading = read
    run = publish(project, people["lena"])
    instance, lena = run.derived_objects.get().instance, as_person(people["lena"])
    assert not is_unread(instance.series)  # no image gets into its series
    answer = lena.get(f"{ROOT}/instances?Modality=SEG").json()[0]["00081190"]["Value"][0]
    data = lena.get(answer.removeprefix("http://testserver"), HTTP_ACCEPT="application/dicom").getvalue()
    assert pydicom.dcmread(BytesIO(data)).SOPInstanceUID == instance.sop_instance_uid
    if door == "stow":
        stored = lena.post(f"{ROOT}/studies", body(data), content_type=CONTENT_TYPE)
        assert stored.status_code == 200, stored.content
        settle()
    else:
        shutil.rmtree(tmp_path / "given")
        (tmp_path / "given").mkdir()
        (tmp_path / "given" / "seg.dcm").write_bytes(data)
        options = ImportOptions(source=str(tmp_path / "given"))
        import_from_server(project=project, by=None, options=options, limit=None, on_item=lambda *_: None)
    item = ImportItem.objects.filter(run=ImportRun.objects.first()).get()
    assert (item.state, item.instance) == ("duplicate", None) and "published from a reading" in item.reason
    assert [one.pk for one in Reading.objects.all()] == [reading.pk] and Case.objects.count() == 1


def test_a_lead_publishes_and_withdraws_by_jobs_whose_progress_is_seen(read, people, as_person):
    from backend.exchange.models import ExportRun
    from workers.tasks import publish as publish_task
    from workers.tasks import withdraw as withdraw_task

    project, _ = read
    lena, url = as_person(people["lena"]), f"{URL}{export_objects(project, people['lena']).pk}/"
    for name in ("rita", "vera"):
        assert as_person(people[name]).post(f"{url}publish/").status_code == 403
    refused = lena.post(f"{url}withdraw/")
    assert refused.status_code == 400 and "Nothing of this export is published" in str(refused.json())
    answer = lena.post(f"{url}publish/")
    assert answer.status_code == 202 and answer.json()["publication"]["doing"] == "publish"
    assert "busy" in str(lena.post(f"{url}publish/").json())
    publish_task(str(ExportRun.objects.get().publication_job_id))
    told = lena.get(url).json()["publication"]
    assert told["is_published"] and told["is_complete"] and (told["objects"], told["current"]) == (1, 1)
    assert told["left_out"] == {"hidden": 0, "models": 0, "changed": 0} and not told["doing"] and not told["error"]
    assert told["progress"] == {"done": 1, "total": 1}
    assert lena.post(f"{url}withdraw/").json()["publication"]["doing"] == "withdraw"
    withdraw_task(str(ExportRun.objects.get().publication_job_id))
    assert lena.get(url).json()["publication"]["objects"] == 0 and shown(lena) == ["CT"]
    lena.post(f"{url}publish/")
    assert lena.post(f"{url}cancel/").json()["publication"]["doing"] is None
    other = lena.post(URL, {"format": "coco"}, format="json").json()
    assert other["publication"] is None
    assert "Only an export of DICOM objects" in str(lena.post(f"{URL}{other['id']}/publish/").json())
