"""A real Orthanc as the PACS: asked, pulled from and sent to, over DIMSE and over DICOMweb."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.uid import ComprehensiveSRStorage, ImplicitVRLittleEndian, SegmentationStorage
from pynetdicom import AE, evt

from backend.archive.models import Instance
from backend.audit.models import Event
from backend.dimse.models import RemoteNode, Transfer
from backend.dimse.remote import NodeFailed, SearchKeys
from backend.dimse.services import key_digest, probe_node, search_node, series_of, start_pull, start_send
from backend.dimse.transferring import run_transfer
from backend.exchange.models import ImportRun
from backend.exchange.services import perform_import
from backend.jobs.models import Job
from backend.jobs.services import cancel_job, claim_job, finish_job
from backend.projects.models import Assignment, Case, Membership
from backend.projects.selectors import case_instances
from tests.dimse.conftest import ct_slice, wait_until
from tests.orthanc import Orthanc
from tests.rows import make_reading

LOOPBACK = ["127.0.0.0/8"]


@pytest.fixture
def stocked(orthanc: Orthanc) -> Orthanc:
    """Two studies of two patients: 3 slices and 2."""
    for study, count, patient in (("1.2.840.1", 3, "P-17"), ("1.2.840.2", 2, "P-18")):
        for number in range(1, count + 1):
            dataset, content = ct_slice(number, study=study, series=f"{study}.1", patient=patient), io.BytesIO()
            pydicom.dcmwrite(content, dataset, enforce_file_format=True)
            orthanc.store(content.getvalue())
    return orthanc


@pytest.fixture(params=["dimse", "dicomweb"])
def node(request: Any, ct_project: Any, orthanc: Orthanc, settings: Any) -> RemoteNode:
    """Orthanc, over either of its doors."""
    settings.NODE_NETWORKS = LOOPBACK
    if request.param == "dicomweb":
        return RemoteNode.objects.create(project=ct_project, name="PACS", kind="dicomweb", base_url=orthanc.dicomweb)
    return dimse_node(ct_project, orthanc)


def dimse_node(project: Any, orthanc: Orthanc, **more: Any) -> RemoteNode:
    return RemoteNode.objects.create(
        project=project, name="PACS", kind="dimse", host="127.0.0.1", port=orthanc.dicom_port, ae_title="ORTHANC",
        calling_ae_title="OVERREAD", **more,
    )  # fmt: skip


def run(transfer: Transfer) -> Transfer:
    """What the worker does with the transfer's job."""
    lease = claim_job(transfer.job_id)  # type: ignore[arg-type]
    assert lease is not None
    run_transfer(lease)
    finish_job(lease, lease.result)
    transfer.refresh_from_db()
    return transfer


def test_a_node_that_is_there_answers_and_one_that_is_not_is_told_so(stocked: Orthanc, node: RemoteNode, lead: Any) -> None:
    assert 0 < probe_node(node=node, by=lead) < 10
    stocked.process.kill()
    stocked.process.wait()
    with pytest.raises(NodeFailed, match="cannot be reached"):
        probe_node(node=node, by=lead)


def test_studies_and_series_are_found_by_each_key_and_the_trail_holds_no_name(
    stocked: Orthanc, node: RemoteNode, lead: Any
) -> None:
    studies, has_more = search_node(node=node, keys=SearchKeys(patient_id="P-17"), by=lead)
    assert not has_more and len(studies) == 1
    found = studies[0]
    assert (found.study_instance_uid, found.patient_name, found.patient_id) == ("1.2.840.1", "Doe^Jane", "P-17")
    assert (found.study_date, found.study_description, found.accession_number) == ("20240311", "Thorax", "ACC-5")
    assert found.modalities == ["CT"] and found.number_of_instances == 3
    for keys, count in (
        ({"patient_name": "Doe"}, 2),
        ({"patient_name": "Nobody"}, 0),
        ({"modality": "CT", "date_from": "20240101", "date_to": "20241231"}, 2),
        ({"date_from": "20240312"}, 0),
        ({"accession_number": "ACC-5"}, 2),
        ({"study_description": "horax"}, 2),
        ({"modality": "MR"}, 0),
    ):
        assert len(search_node(node=node, keys=SearchKeys(**keys), by=lead)[0]) == count, keys
    series = series_of(node=node, study="1.2.840.1", by=lead)
    assert [(one.series_instance_uid, one.modality, one.series_description) for one in series] == [
        ("1.2.840.1.1", "CT", "Lung 2.0")
    ]
    assert series[0].number_of_instances == 3
    told = [event.detail["keys"] for event in Event.objects.filter(verb="node.searched")]
    assert told[0] == {"patient_id": key_digest(node.project, "patient_id", "p-17 ")}
    assert told[3] == {"modality": "CT", "date_from": "20240101", "date_to": "20241231"}
    assert "oe" not in "".join(
        str(event.detail) for event in Event.objects.exclude(verb="node.created") if "keys" in event.detail
    )


def test_studies_are_pulled_into_the_project(stocked: Orthanc, node: RemoteNode, lead: Any, ct_project: Any) -> None:
    wanted = [{"study": "1.2.840.1", "instances": 3}, {"study": "1.2.840.2", "series": ["1.2.840.2.1"], "instances": 2}]
    transfer = start_pull(project=ct_project, node=node, studies=wanted, by=lead)
    assert "1.2.840" not in transfer.wanted + str(transfer.outcomes) + str(Job.objects.get().arguments)
    run(transfer)
    assert [(one["state"], one["received"]) for one in transfer.outcomes] == [("done", 3), ("done", 2)]
    assert transfer.wanted == "" and transfer.import_run is not None
    assert transfer.import_run.state == "done" and transfer.import_run.options == {"origin": "PACS PACS"}
    assert Instance.objects.count() == 5 and Case.objects.filter(project=ct_project).count() == 2
    study = Instance.objects.get(sop_instance_uid="1.2.840.1.1.2").series.study
    assert study.study_instance_uid == "1.2.840.1"


def test_what_the_node_does_not_have_is_told_and_can_be_tried_again(
    stocked: Orthanc, node: RemoteNode, lead: Any, ct_project: Any, as_person: Callable[..., Any]
) -> None:
    wanted = [{"study": "1.2.840.1", "instances": 3}, {"study": "1.2.840.99", "instances": 1}]
    transfer = run(start_pull(project=ct_project, node=node, studies=wanted, by=lead))
    assert [one["state"] for one in transfer.outcomes] == ["done", "failed"]
    assert transfer.outcomes[1]["reason"]
    dataset, content = ct_slice(1, study="1.2.840.99", series="1.2.840.99.1", patient="P-19"), io.BytesIO()
    pydicom.dcmwrite(content, dataset, enforce_file_format=True)
    stocked.store(content.getvalue())
    client = as_person(lead)
    resumed = client.post(f"/api/v1/projects/breast/pacs/transfers/{transfer.pk}/resume/")
    assert resumed.status_code == 202 and resumed.json()["state"] == "queued"
    transfer.refresh_from_db()
    run(transfer)
    assert [one["state"] for one in transfer.outcomes] == ["done", "done"] and transfer.wanted == ""
    assert Instance.objects.count() == 4
    again = client.post(f"/api/v1/projects/breast/pacs/transfers/{transfer.pk}/resume/")
    assert again.status_code == 409


def test_a_pull_that_is_cancelled_leaves_nothing_half_done(
    stocked: Orthanc, node: RemoteNode, lead: Any, ct_project: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from backend.dimse import transferring
    from backend.jobs.services import JobCancelled

    monkeypatch.setattr(transferring, "_REPORT_SECONDS", 0.0)
    transfer = start_pull(project=ct_project, node=node, studies=[{"study": "1.2.840.1", "instances": 3}], by=lead)
    lease = claim_job(transfer.job_id)  # type: ignore[arg-type]
    assert lease is not None
    cancel_job(job=lease.job, by=lead)
    with pytest.raises(JobCancelled):
        run_transfer(lease)
    assert Instance.objects.count() == 0 and ImportRun.objects.count() == 0
    transfer.refresh_from_db()
    assert transfer.outcomes[0]["state"] == "waiting" and transfer.wanted


def test_by_c_move_the_studies_arrive_at_our_receiver(stocked: Orthanc, receiver: Any, ct_project: Any, lead: Any) -> None:
    RemoteNode.objects.all().delete()
    node = dimse_node(ct_project, stocked, retrieval="move", may_send=True)
    wanted = [{"study": "1.2.840.1", "instances": 3}]
    transfer = start_pull(project=ct_project, node=node, studies=wanted, by=lead)
    lease = claim_job(transfer.job_id)  # type: ignore[arg-type]
    assert lease is not None
    with pytest.raises(Exception, match="."):
        run_transfer(lease)  # Orthanc does not know us yet
    transfer.refresh_from_db()
    assert transfer.outcomes[0]["state"] == "failed" and "AE title" in transfer.outcomes[0]["reason"]
    stocked.know_modality("us", "LUNGS", receiver.port)
    transfer = run(start_pull(project=ct_project, node=node, studies=wanted, by=lead))
    assert [(one["state"], one["received"]) for one in transfer.outcomes] == [("done", 3)]
    wait_until(lambda: ImportRun.objects.filter(job__isnull=False).exists())
    arrived = ImportRun.objects.get()
    assert arrived.options == {"origin": "C-STORE from ORTHANC"} and arrived.items.count() == 3
    perform_import(run=arrived, on_item=lambda *_: None)
    assert Instance.objects.count() == 3


def test_orthanc_stores_to_our_receiver(stocked: Orthanc, receiver: Any, ct_project: Any) -> None:
    RemoteNode.objects.update(ae_title="ORTHANC")
    stocked.know_modality("us", "LUNGS", receiver.port)
    assert stocked.call("POST", "/modalities/us/echo", {}) == {}
    sent = stocked.call("POST", "/modalities/us/store", {"Resources": stocked.call("GET", "/studies")})
    assert sent["InstancesCount"] == 5 and sent["FailedInstancesCount"] == 0
    wait_until(lambda: ImportRun.objects.filter(job__isnull=False).exists())
    assert ImportRun.objects.get().items.count() == 5


def read_case(project: Any, folder: Path, lead: Any) -> Any:
    """A case of imported slices with a submitted reading: a mask on two of them."""
    from backend.exchange.import_options import ImportOptions
    from backend.exchange.services import import_from_server

    import_from_server(
        project=project, by=lead, options=ImportOptions(source=str(folder)), limit=None, on_item=lambda *_: None
    )
    return Case.objects.get(project=project)


def submitted_reading(project: Any, case: Any, reader_kind: str = "person", user: Any = None) -> Any:
    import hashlib
    import uuid

    from backend.archive.store import put_object
    from backend.geometry.rle import blob_key, encode_mask
    from backend.readings.models import Lesion, Reader

    reader = Reader.objects.create(project=project, kind=reader_kind, name="rita", user=user)
    reading = make_reading(reader, case, scores=[])
    reading.state, reading.verdict = "submitted", "lesions"
    reading.save()
    blob = encode_mask(np.ones((2, 5, 7), bool))
    digest = hashlib.sha256(blob).hexdigest()
    put_object(key=blob_key(digest), data=blob)
    Lesion.objects.create(
        id=uuid.uuid4(), reading=reading, finding_type=project.finding_types.filter(scope="lesion").first(), kind="mask",
        instance=case_instances(case).first(), mask_origin=[0, 3, 4], mask_shape=[2, 5, 7], mask_digest=digest,
        origin="drawn",
    )  # fmt: skip
    return reading


def test_results_are_sent_and_read_there(
    orthanc: Orthanc, node: RemoteNode, lead: Any, reader: Any, ct_project: Any, slices: Callable[..., Path]
) -> None:
    case = read_case(ct_project, slices(3), lead)
    reading = submitted_reading(ct_project, case, user=reader)
    transfer = run(start_send(project=ct_project, node=node, readings=[reading.pk], by=lead))
    outcome = transfer.outcomes[0]
    assert outcome["state"] == "done", outcome
    assert [(one["modality"], one["reason"]) for one in outcome["objects"]] == [("SEG", ""), ("SR", "")]
    there = {}
    for identifier in orthanc.call("GET", "/instances"):
        tags = orthanc.call("GET", f"/instances/{identifier}/simplified-tags")
        there[tags["Modality"]] = tags
    assert set(there) == {"SEG", "SR"}
    study = case.series.study
    assert {tags["StudyInstanceUID"] for tags in there.values()} == {study.study_instance_uid}
    assert {tags["SOPInstanceUID"] for tags in there.values()} == {one["uid"] for one in outcome["objects"]}
    assert there["SEG"]["NumberOfFrames"] == "2" and there["SEG"]["Rows"] == "32"
    assert Event.objects.filter(verb="transfer.send", actor_id=lead.pk).count() == 1
    assert Event.objects.get(verb="transfer.sent").detail == {"node": "PACS", "done": 1, "failed": 0}


@pytest.fixture
def implicit_only() -> Iterator[tuple[int, list[tuple[str, pydicom.Dataset]]]]:
    """A PACS that takes SEG and SR in Implicit VR Little Endian alone: its port, and what it was sent in which syntax."""
    stored: list[tuple[str, pydicom.Dataset]] = []

    def on_store(event: Any) -> int:
        stored.append((str(event.context.transfer_syntax), pydicom.dcmread(event.dataset_path)))
        return 0x0000

    entity = AE(ae_title="OLD_PACS")
    for storage_class in (SegmentationStorage, ComprehensiveSRStorage):
        entity.add_supported_context(storage_class, [ImplicitVRLittleEndian])
    server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, on_store)])
    yield server.server_address[1], stored
    server.shutdown()


def test_a_pacs_that_takes_implicit_vr_alone_is_sent_the_same_objects_so(
    implicit_only: Any, lead: Any, reader: Any, ct_project: Any, slices: Callable[..., Path]
) -> None:
    port, stored = implicit_only
    node = RemoteNode.objects.create(
        project=ct_project, name="Old", kind="dimse", host="127.0.0.1", port=port, ae_title="OLD_PACS"
    )
    reading = submitted_reading(ct_project, read_case(ct_project, slices(3), lead), user=reader)
    outcome = run(start_send(project=ct_project, node=node, readings=[reading.pk], by=lead)).outcomes[0]
    assert [(one["modality"], one["reason"]) for one in outcome["objects"]] == [("SEG", ""), ("SR", "")]
    assert [syntax for syntax, _ in stored] == [ImplicitVRLittleEndian] * 2
    (segmentation, report) = (dataset for _, dataset in stored)
    assert int(segmentation.pixel_array.sum()) == 2 * 5 * 7
    assert segmentation.pixel_array.shape == (2, 32, 32)
    assert report.ValueType == "CONTAINER"


def test_whose_reading_was_sent_is_kept_from_a_lead_who_reads_the_case_blinded(
    orthanc: Orthanc, ct_project: Any, lead: Any, reader: Any, slices: Callable[..., Path], as_person: Callable[..., Any],
    make_person: Callable[..., Any],
) -> None:  # fmt: skip
    case = read_case(ct_project, slices(2), lead)
    reading = submitted_reading(ct_project, case, user=reader)
    other = make_person("olga")
    Membership.objects.create(project=ct_project, user=other, role="lead")
    run(start_send(project=ct_project, node=dimse_node(ct_project, orthanc), readings=[reading.pk], by=lead))
    path = "/api/v1/projects/breast/pacs/transfers/"
    assert as_person(other).get(path).json()[0]["outcomes"][0]["reader"] == "rita"
    Assignment.objects.create(case=case, user=other, arm="blinded", arm_probability=1.0)
    assert as_person(other).get(path).json()[0]["outcomes"] == [{"number": 1, "state": "done", "reason": ""}]
    assert as_person(other).get(f"{path}send/").json() == []


def test_only_what_a_person_submitted_is_sent(
    orthanc: Orthanc, node: RemoteNode, lead: Any, reader: Any, ct_project: Any, slices: Callable[..., Path],
    as_person: Callable[..., Any],
) -> None:  # fmt: skip
    case = read_case(ct_project, slices(2), lead)
    client, path = as_person(lead), "/api/v1/projects/breast/pacs/transfers/send/"
    drafted = submitted_reading(ct_project, case, user=reader)
    drafted.state = "draft"
    drafted.save()
    imported = submitted_reading(ct_project, case, reader_kind="imported")
    assert client.get(path).json() == []
    for reading in (drafted, imported):
        refused = client.post(path, {"node": str(node.pk), "readings": [str(reading.pk)]}, format="json")
        assert refused.status_code == 400, refused.content
    transfer_of = {"node": str(node.pk), "readings": [str(drafted.pk)]}
    drafted.state = "submitted"
    drafted.save()
    assert [one["case"] for one in client.get(path).json()] == [case.name]
    started = client.post(path, transfer_of, format="json")
    assert started.status_code == 202
    drafted.state = "draft"
    drafted.save()
    transfer = Transfer.objects.get(pk=started.json()["id"])
    lease = claim_job(transfer.job_id)  # type: ignore[arg-type]
    assert lease is not None
    with pytest.raises(Exception, match="no longer submitted"):
        run_transfer(lease)
    assert orthanc.call("GET", "/instances") == []
