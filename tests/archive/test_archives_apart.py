"""One archive tells nothing of another; a profile that changes makes no false duplicates."""

from __future__ import annotations

import numpy as np
import pytest
from django.core.exceptions import ValidationError

from backend.archive.ingest import ingest_file
from backend.archive.models import Archive, Instance, Study
from backend.dicom.refusal import Refused
from backend.projects.services import create_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent(make_dicom, as_file, tmp_path):
    path = tmp_path / "file.dcm"
    path.write_bytes(as_file(make_dicom(np.arange(16, dtype="u1").reshape(4, 4), StudyDate="20240102")))
    return path


def archive_of(slug: str, *options: str) -> Archive:
    return Archive.objects.create(slug=slug, name=slug, deid_profile="basic", deid_options=list(options))


def test_one_file_in_archives_of_other_options_is_new_in_each_and_known_again_in_each(child, sent):
    archives = [
        archive_of("dates", "modified_dates"),
        archive_of("alone"),
        archive_of("all", "full_dates", "clean_descriptors"),
    ]
    for archive in archives:
        assert ingest_file(archive=archive, child=child, path=sent, modality="CT").is_new
        assert not ingest_file(archive=archive, child=child, path=sent, modality="CT").is_new
    for column in ("received_digest", "original_uid_digest", "sop_instance_uid"):
        assert len(set(Instance.objects.values_list(column, flat=True))) == len(archives), column
    assert len(set(Study.objects.values_list("patient_id", flat=True))) == len(archives)


def test_a_conflict_in_one_archive_is_none_in_another(child, sent, make_dicom, as_file, tmp_path):
    first, second = archive_of("first"), archive_of("second")
    ingest_file(archive=first, child=child, path=sent, modality="CT")
    other = tmp_path / "other.dcm"
    other.write_bytes(as_file(make_dicom(np.ones((4, 4), "u1"))))
    with pytest.raises(Refused, match="same SOP Instance UID"):
        ingest_file(archive=first, child=child, path=other, modality="CT")
    assert ingest_file(archive=second, child=child, path=other, modality="CT").is_new


def test_options_that_change_while_a_file_is_read_do_not_mix(child, sent):
    archive = archive_of("moving", "modified_dates")
    stale = Archive.objects.get(pk=archive.pk)
    Archive.objects.filter(pk=archive.pk).update(deid_options=[])
    with pytest.raises(Refused, match="changed meanwhile"):
        ingest_file(archive=stale, child=child, path=sent, modality="CT")
    assert not Instance.objects.exists()


def test_who_leads_nothing_in_an_archive_cannot_read_from_it_nor_learn_that_it_is_there(make_person, project, lead):
    stranger = make_person("stranger", may_create_projects=True)
    answers = []
    for slug in (project.archive.slug, "no-such-archive"):
        with pytest.raises(ValidationError) as told:
            create_project(by=stranger, fields={"name": "Mine", "archive": slug})
        answers.append(str(told.value.message_dict).replace(slug, "?"))
    assert answers[0] == answers[1]
    lead.may_create_projects = True
    assert create_project(by=lead, fields={"name": "Second", "archive": project.archive.slug}).archive == project.archive
