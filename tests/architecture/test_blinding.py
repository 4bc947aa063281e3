"""Blinded means blinded: what the model said is planted, every page fetched, and the bytes searched."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from typing import Any

import numpy as np
import pytest
from django.http import HttpResponse
from django.utils import timezone

from backend.archive.models import Instance, Series
from backend.archive.store import put_object
from backend.exchange.models import DerivedObject, ExportRun
from backend.geometry.rle import blob_key, encode_mask
from backend.inspection.models import Inspection
from backend.learning.models import Inquiry
from backend.projects.models import ClinicalContext, FindingType
from backend.readings.models import Decision, Lesion, Reader, Reading
from backend.registry.calibration import probability_of
from backend.review.models import Review
from tests.architecture.test_access_table import ARGUMENTS, operations
from tests.rows import add_pixels, make_case, make_model, make_reading

BASE = "/api/v1/projects/breast"
SCORE, PRIORITY, IMAGE_SCORE, ACQUISITION, DOUBT = 0.8231479, 0.6182357, 0.7324159, 0.4491823, 0.9317352
INSPECTED, PICTURES = 0.5918273, b"planted pictures from inside"
COMMENT, REASON, REPORT = "planted comment of another reader", "planted reason", "planted report: spiculated"
REVIEWED = "planted comment of a reviewer"
pytestmark = pytest.mark.django_db


class Planted:
    """A case with all that a blinded reader must not learn, and how each of it would look in bytes."""

    def __init__(self, project: Any, second_reader: Any, split: str) -> None:
        self.case = make_case(
            project,
            split=split,
            priority=PRIORITY,
            priority_reason="uncertain",
            priority_detail={"detail": REASON, "score": ACQUISITION},
            source_name="planted malignant (7).png",
        )
        add_pixels(self.case.instance, np.full((1, 80, 100), 90))
        self.model = make_model(project)
        fitted = {"method": "platt", "slope": 0.61, "intercept": -0.83}
        self.model.model_version.calibration = {"method": "platt", "lesion": fitted, "outputs": {}}
        self.model.model_version.save()
        image_type = project.finding_types.get(scope="image")
        self.found = make_reading(self.model, self.case, scores=[SCORE], image_findings={str(image_type.pk): IMAGE_SCORE})
        self.predicted = self.found.lesions.get()
        blob = encode_mask(np.ones((1, 7, 11), bool))
        self.digest = hashlib.sha256(blob).hexdigest()
        put_object(key=blob_key(self.digest), data=blob)
        self.mask = Lesion.objects.create(
            id=uuid.uuid4(),
            reading=self.found,
            finding_type=project.finding_types.filter(scope="lesion").first(),
            kind="mask",
            instance=self.predicted.instance,
            mask_origin=[0, 1, 1],
            mask_shape=[1, 7, 11],
            mask_digest=self.digest,
            score=SCORE,
            origin="predicted",
        )
        other = Reader.objects.create(project=project, kind="person", name="sam", user=second_reader)
        self.other = make_reading(other, self.case, scores=[None], comment=COMMENT, started_from=self.found)
        self.review = Review.objects.create(
            reading=self.other,
            revision=self.other.revision,
            reviewer=second_reader,
            decision="agreed",
            comment=REVIEWED,
            decided_at=timezone.now(),
        )
        ClinicalContext.objects.create(case=self.case, indication="lump", report=REPORT)
        Inspection.objects.create(
            model_version=self.model.model_version,
            case=self.case,
            frame=1,
            document={"targets": [{"kind": "lesion", "score": INSPECTED}]},
            pictures=PICTURES,
            made_at=timezone.now(),
        )
        self.published = published_object(self.other)
        Decision.objects.create(reading=self.other, predicted=self.predicted, kind="rejected", reason=REASON, threshold=0.5)

        told = {"case": str(self.case.pk), "reading": str(self.other.pk), "revision": self.other.revision}
        doubted = {**told, "doubt": DOUBT, "labelled": None, "instead": self.predicted.finding_type_id}
        Inquiry.objects.create(
            project=project,
            kind="labels",
            answer={"n_labels": 1, "n_patients": 1, "labels": [doubted]},
            answered_at=timezone.now(),
        )

    def traces(self) -> dict[str, str]:
        return {
            "the score of a finding": str(SCORE),
            "its calibrated probability": str(probability_of(self.model.model_version.calibration, "lesion", SCORE)),
            "the score of an image finding": str(IMAGE_SCORE),
            "the priority": str(PRIORITY),
            "the acquisition score": str(ACQUISITION),
            "how much a label is doubted": str(DOUBT),
            "its reason": REASON,
            "a predicted lesion": str(self.predicted.pk),
            "a predicted mask's lesion": str(self.mask.pk),
            "a predicted mask's digest": self.digest,
            "the model's reading": str(self.found.pk),
            "another's reading": str(self.other.pk),
            "another's comment": COMMENT,
            "a review of another's reading": REVIEWED,
            "another's lesion": str(self.other.lesions.get().pk),
            "the file's name": "planted malignant",
            "what was seen inside the model": str(INSPECTED),
            "its pictures": PICTURES.decode(),
            "the report of the examination": REPORT,
            "a published object of another's": self.published.sop_instance_uid,
        }


def published_object(reading: Reading) -> Instance:
    """A segmentation of a reading as a lead has published it: in the study of the images, in a series of its own."""
    study = reading.case.series.study
    uid = f"{study.study_instance_uid}.66.4"
    series = Series.objects.create(study=study, series_instance_uid=f"{uid}.1", modality="SEG")
    key = f"derived/test/{uuid.uuid4().hex}"
    put_object(key=key, data=uid.encode() * 4)
    instance = Instance.objects.create(
        series=series,
        sop_instance_uid=f"{uid}.1.1",
        sop_class_uid="1.2.840.10008.5.1.4.1.1.66.4",
        rows=8,
        columns=8,
        bits_allocated=1,
        photometric_interpretation="MONOCHROME2",
        transfer_syntax_uid="1.2.840.10008.1.2.1",
        received_digest=key,
        original_uid_digest=key,
        pixel_digest=key,
        dicom_json=json.dumps({"00080018": {"vr": "UI", "Value": [f"{uid}.1.1"]}}),
        frames_key=key,
        frame_ranges=[[0, 8]],
        file_range=[0, len(uid) * 4],
    )
    run = ExportRun.objects.create(project=reading.case.project, format="dicom_seg", state="done")
    DerivedObject.objects.create(
        project=reading.case.project, run=run, instance=instance, reading=reading, revision=reading.revision
    )
    return instance


def body(answer: HttpResponse) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content  # type: ignore[attr-defined]


def every_page(client: Any, planted: Planted) -> dict[str, bytes]:
    """The body and headers of every GET operation, with every identifier that the blinded reader could name."""
    instance, published = planted.predicted.instance, planted.published
    named = {
        "case_id": [str(planted.case.pk)],
        "reading_id": [str(planted.found.pk), str(planted.other.pk), *map(str, own_readings(planted))],
        "digest": [planted.digest],
        "finding_type_id": [str(pk) for pk in FindingType.objects.values_list("pk", flat=True)],
        "number": [str(planted.model.model_version.number)],
        "study": [instance.series.study.study_instance_uid],
        "series": [instance.series.series_instance_uid],
        "instance": [instance.sop_instance_uid],
    }
    queries = [
        "",
        "?order=priority",
        "?order=changed",
        "?state=to_read",
        "?search=planted",
        "?search=0.82",
        "?order=score",
        "?score=0.82",
        "?state=reviewed",
        "?state=sent_back",
        f"?case={planted.case.pk}",
    ]
    pages = {}
    for route, method, _ in operations():
        if method != "GET":
            continue
        values = {name: named.get(name, [value]) for name, value in ARGUMENTS.items()}
        paths = [route.path(**chosen) + query for chosen in combinations(values, route.pattern) for query in queries]
        if "series>" in route.pattern:
            of_published = {"series": [published.series.series_instance_uid], "instance": [published.sop_instance_uid]}
            paths += [route.path(**chosen) for chosen in combinations(values | of_published, route.pattern)]
        for path in paths:
            answer = client.get(path)
            pages[path] = body(answer) + str(answer.headers).encode()
    return pages


def combinations(values: dict[str, list[str]], pattern: str) -> list[dict[str, str]]:
    """One set of arguments per value of each name that the route uses."""
    found = [{}]
    for name, choices in values.items():
        if f"{name}>" in pattern:
            found = [{**chosen, name: choice} for chosen in found for choice in choices]
    return found


def own_readings(planted: Planted) -> list[uuid.UUID]:
    return list(Reading.objects.filter(case=planted.case, reader__name="rita").values_list("pk", flat=True))


TIME_OF_DAY = re.compile(rb"T\d\d:\d\d:\d\d\.\d+")
"""Every 10,000th has the digits of a probability, "…:20.527…" those of 0.527."""


def leaks(pages: dict[str, bytes], planted: Planted) -> list[tuple[str, str]]:
    return [
        (path, name)
        for path, page in pages.items()
        for name, trace in planted.traces().items()
        if trace.encode() in TIME_OF_DAY.sub(b"", page.replace(path.encode(), b""))
    ]


@pytest.mark.parametrize("split", ["POOL", "VALIDATION", "HOLDOUT"])
def test_a_blinded_reader_finds_no_trace_of_the_model(project, reader, second_reader, as_person, split: str) -> None:
    project.blinded_share = 1.0 if split == "POOL" else 0.0
    project.save()
    planted = Planted(project, second_reader, split)
    client = as_person(reader)
    assert leaks(every_page(client, planted), planted) == [], "before opening"
    opened = client.post(f"{BASE}/cases/{planted.case.pk}/open/")
    assert opened.json()["arm"] == "blinded"
    assert leaks({"open": opened.content}, planted) == []
    assert leaks(every_page(client, planted), planted) == [], "while reading"
    etag = opened.json()["reading"]["etag"]
    url = f"{BASE}/readings/{opened.json()['reading']['id']}/"
    for answer in attempts(client, planted, url, etag):
        assert leaks({url: answer.content}, planted) == []
    change = {"revision_id": str(uuid.uuid4()), "verdict": "no_lesion"}
    saved = client.put(url, change, format="json", headers={"If-Match": etag})
    submitted = client.post(f"{url}submit/", headers={"If-Match": saved.json()["etag"]})
    assert submitted.status_code == 200, submitted.content
    assert leaks({"saved": saved.content, "submitted": submitted.content}, planted) == []


def test_before_the_reveal_of_a_first_look_there_is_no_trace_of_the_model(project, reader, second_reader, as_person) -> None:
    """In the assisted arm: what the project keeps back for the first look never leaves the server before it is asked for."""
    project.blinded_share, project.first_look = 0.0, True
    project.save()
    planted = Planted(project, second_reader, "POOL")
    client = as_person(reader)
    assert leaks(every_page(client, planted), planted) == [], "before opening"
    opened = client.post(f"{BASE}/cases/{planted.case.pk}/open/")
    assert opened.json()["arm"] == "assisted" and opened.json()["first_look"]
    assert leaks({"open": opened.content}, planted) == []
    assert leaks(every_page(client, planted), planted) == [], "while looking first"
    etag = opened.json()["reading"]["etag"]
    url = f"{BASE}/readings/{opened.json()['reading']['id']}/"
    early = client.post(f"{url}reveal/", headers={"If-Match": etag})
    assert early.status_code == 409 and leaks({url: early.content}, planted) == []
    for answer in attempts(client, planted, url, etag):
        assert leaks({url: answer.content}, planted) == []
    change = {"revision_id": str(uuid.uuid4()), "verdict": "no_lesion"}
    saved = client.put(url, change, format="json", headers={"If-Match": etag})
    refused = client.post(f"{url}submit/", headers={"If-Match": saved.json()["etag"]})
    assert refused.json()["code"] == "not_revealed"
    assert leaks({"saved": saved.content, "refused": refused.content}, planted) == []
    assert client.get(f"{BASE}/blobs/{planted.digest}/").status_code == 404
    client.post(f"{url}reveal/", headers={"If-Match": saved.json()["etag"]})
    found = {name for _, name in leaks(every_page(client, planted), planted)}
    assert {"the score of a finding", "a predicted lesion", "the report of the examination"} <= found, "revealed"
    assert {"what was seen inside the model", "its pictures"} <= found, "revealed"


def attempts(client: Any, planted: Planted, url: str, etag: str) -> list[Any]:
    """Ways to make a write tell what a read does not: naming the finding by its id, which is refused like any other."""
    lesion = {
        "id": str(uuid.uuid4()),
        "finding_type": planted.predicted.finding_type_id,
        "kind": "box",
        "sop_instance_uid": planted.predicted.instance.sop_instance_uid,
        "points": [[0, 0], [10, 10]],
        "origin": "accepted",
    }
    known_and_not = (str(planted.predicted.pk), str(uuid.uuid4()))
    changes = [
        [{"lesions": {"upsert": [{**lesion, "origin_lesion": named}]}} for named in known_and_not],
        [{"decisions": {"upsert": [{"predicted": named, "kind": "rejected", "threshold": 0.5}]}} for named in known_and_not],
    ]
    answers = []
    for known, unknown in changes:
        pair = [
            client.put(url, {"revision_id": str(uuid.uuid4()), **change}, format="json", headers={"If-Match": etag})
            for change in (known, unknown)
        ]
        assert pair[0].status_code == pair[1].status_code == 400
        answers.append(pair[1])
    return answers


def test_the_same_traces_are_there_for_an_assisted_reader(project, reader, second_reader, as_person) -> None:
    """Else the search above would find nothing whatever happened."""
    project.blinded_share = 0.0
    project.save()
    planted = Planted(project, second_reader, "POOL")
    client = as_person(reader)
    found = {name for _, name in leaks(every_page(client, planted), planted)}
    assert {"the score of a finding", "a predicted lesion", "its reason", "the score of an image finding"} <= found
    assert {"the report of the examination", "what was seen inside the model", "its pictures"} <= found
    assert not {"another's comment", "another's lesion", "the file's name", "the priority"} & found
    assert "a published object of another's" not in found
    assert client.get(f"{BASE}/blobs/{planted.digest}/").status_code == 200


def test_a_reviewer_sees_them_after_submitting(project, reviewer, second_reader, as_person) -> None:
    project.readings_wanted = 2
    project.save()
    planted = Planted(project, second_reader, "VALIDATION")
    client = as_person(reviewer)
    room = client.post(f"{BASE}/cases/{planted.case.pk}/open/").json()
    assert leaks(every_page(client, planted), planted) == []
    for known, unknown in reviewing(client, planted):
        assert (known.status_code, known.content) == (404, unknown.content)
    url = f"{BASE}/readings/{room['reading']['id']}/"
    change = {"revision_id": str(uuid.uuid4()), "verdict": "no_lesion"}
    saved = client.put(url, change, format="json", headers={"If-Match": room["reading"]["etag"]})
    client.post(f"{url}submit/", headers={"If-Match": saved.json()["etag"]})
    found = {name for _, name in leaks(every_page(client, planted), planted)}
    assert {"another's comment", "a review of another's reading", "a published object of another's"} <= found


def reviewing(client: Any, planted: Planted) -> list[tuple[Any, Any]]:
    """Ways to review another's reading, each with the answer to the same of a reading that is not there."""
    answers = []
    for path, decision in (("", {"decision": "agreed"}), ("", {"decision": "sent_back", "comment": "x"}), ("edit/", {})):
        told = [
            {"reading": reading, "revision": planted.other.revision, **decision}
            for reading in (str(planted.other.pk), str(uuid.uuid4()))
        ]
        known, unknown = (client.post(f"{BASE}/reviews/{path}", body, format="json") for body in told)
        answers.append((known, unknown))
    return answers


def test_a_list_of_blinded_cases_is_the_same_whatever_the_model_says(project, reader, as_person) -> None:
    """Byte for byte: a model that scores every case and one that was never trained give one list."""
    project.blinded_share = 1.0
    project.save()
    cases = [make_case(project, split=("POOL", "VALIDATION", "HOLDOUT")[number % 3]) for number in range(9)]
    client = as_person(reader)
    shown = [(state, order) for state in ("all", "to_read") for order in ("priority", "name", "changed")]
    paths = [f"{BASE}/worklist/?state={state}&order={order}" for state, order in shown]
    before = [client.get(path).content for path in paths]
    model = make_model(project)
    for number, case in enumerate(cases):
        make_reading(model, case, scores=[0.5 + number / 20])
        case.priority, case.priority_reason = (number * 5 % 9) / 9, "likely"
        case.save()
    assert [client.get(path).content for path in paths] == before
