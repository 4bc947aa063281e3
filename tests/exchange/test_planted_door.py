"""A planted person through the real door: rows, objects, DICOMweb, thumbnails, lists, logs and refusals tell nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings
from django.core import serializers

from backend.archive.models import Instance, QuarantinedFile, Series, Study
from backend.audit.models import Event
from backend.exchange.import_options import ImportOptions
from backend.exchange.models import ImportItem
from backend.exchange.services import import_from_server
from backend.projects.models import Case
from tests.dicom.planted import Person, planted_file

pytestmark = pytest.mark.django_db
ALL = ["modified_dates", "clean_descriptors", "patient_characteristics", "device_identity", "institution_identity"]


def traces_in(people: list[Person], data: bytes) -> list[bytes]:
    return sorted({trace for person in people for trace in person.traces() if len(trace) > 2 and trace in data})


def test_nothing_of_a_planted_person_is_stored_served_or_told(project, lead, as_person, tmp_path, caplog):
    project.archive.deid_profile, project.archive.deid_options = "basic", [*ALL, "safe_private"]
    project.archive.save()
    people = []
    for seed in (1, 2, 4, 5):
        person, data = planted_file(seed)
        people.append(person)
        (tmp_path / f"{seed}.dcm").write_bytes(data)
        (tmp_path / f"cut{seed}.dcm").write_bytes(data[: len(data) - 2600])
    caplog.clear()  # the generator speaks, too
    with caplog.at_level("DEBUG"):
        import_from_server(
            project=project, by=None, options=ImportOptions(source=str(tmp_path)), limit=None, on_item=lambda *_: None
        )
        assert Instance.objects.count() == 4
        api = as_person(lead)
        answers = {path: api.get(path) for path in paths()}
    told = {path: answer for path, answer in answers.items() if answer.status_code == 200}
    assert len(told) >= 4 * 5
    leaking = [path for path, answer in told.items() if traces_in(people, body_of(answer))]
    assert leaking == []
    rows = "".join(
        serializers.serialize("json", model.objects.all())
        for model in (Study, Series, Instance, Case, ImportItem, Event, QuarantinedFile)
    )
    objects = b"".join(path.read_bytes() for path in stored_objects(project))
    places = {"rows": rows.encode(), "objects": objects, "log": caplog.text.encode()}
    assert {name: traces_in(people, place) for name, place in places.items()} == dict.fromkeys(places, [])


def body_of(answer) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def stored_objects(project) -> list[Path]:
    folder = Path(settings.DATA_DIR) / "objects"
    return [path for path in folder.rglob("*") if path.is_file() and str(project.archive_id) in str(path)]


def paths() -> list[str]:
    api, web = "/api/v1/projects/breast/", "/dicom-web/breast/"
    found = [f"{web}studies", f"{web}series", f"{web}instances", f"{api}imports/", f"{api}quarantine/", api]
    for instance in Instance.objects.select_related("series__study"):
        study, series = instance.series.study.study_instance_uid, instance.series.series_instance_uid
        one = f"{web}studies/{study}/series/{series}/instances/{instance.sop_instance_uid}"
        found += [one, f"{one}/metadata", f"{one}/frames/1", f"{one}/rendered", f"{web}studies/{study}/metadata"]
    found += [f"{api}cases/{case.pk}/thumbnail/" for case in Case.objects.all()]
    found += [f"{api}imports/{run}/items/" for run in ImportItem.objects.values_list("run_id", flat=True).distinct()]
    return found
