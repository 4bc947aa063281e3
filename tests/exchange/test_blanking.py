"""A name that somebody sees in a stored image is blanked wherever it is kept; the marks stay where they are."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings

from backend.archive.models import Instance
from backend.archive.rendering import read_frame
from backend.archive.selectors import pixels_version
from backend.archive.store import has_object, put_object
from backend.archive.thumbnails import thumbnail_key, thumbnail_of
from backend.audit.models import Event
from backend.dicom.header import frame_format
from backend.dicom.stored_frames import decoded_frame
from backend.exchange.blanking import run_blanking
from backend.exchange.import_options import ImportOptions
from backend.exchange.models import ExportRun, ImportItem
from backend.exchange.services import import_from_server
from backend.jobs.services import claim_job
from backend.projects.models import Case
from backend.readings.import_services import ImportedLesion, import_reading
from backend.readings.models import Lesion

TEXT = [2, 1, 20, 4]
pytestmark = pytest.mark.django_db


@pytest.fixture
def bring(make_dicom, as_file, tmp_path):
    """Brings CT slices that do not say that a name stands in them; so they were stored as they came."""

    def bring(project, slices=1):
        project.unit = "series" if slices > 1 else "image"
        project.save()
        project.archive.deid_profile = "basic"
        project.archive.deid_options = ["modified_dates", "clean_pixels"]
        project.archive.save()
        folder = tmp_path / "sent"
        folder.mkdir(exist_ok=True)
        for number in range(slices):
            pixels = np.random.default_rng(number).integers(10, 200, (32, 40), dtype=np.uint8)
            pixels[1:5, 2:22] = 251
            made = make_dicom(pixels, SOPInstanceUID=f"1.2.3.9.{number}")
            made.Modality, made.InstanceNumber = "CT", number + 1
            made.ImagePositionPatient, made.ImageOrientationPatient = [0, 0, number], [1, 0, 0, 0, 1, 0]
            made.PixelSpacing = [1, 1]
            (folder / f"{number}.dcm").write_bytes(as_file(made))
        options = ImportOptions(source=str(folder))
        import_from_server(project=project, by=None, options=options, limit=None, on_item=lambda *_: None)
        return Case.objects.get(project=project)

    return bring


def blank(client, case, rectangles=(TEXT,), **more):
    body = {"rectangles": [list(one) for one in rectangles], "reason": "A name at the top", **more}
    return client.post(f"/api/v1/projects/{case.project.slug}/cases/{case.pk}/blank/", body, format="json")


def work(job_id: str) -> list:
    lease = claim_job(job_id)
    assert lease is not None
    return run_blanking(lease)


def stored(instance: Instance) -> np.ndarray:
    return decoded_frame(read_frame(instance, 1), frame_format(json.loads(instance.dicom_json)))


def blobs_of(project) -> list[Path]:
    folder = Path(settings.DATA_DIR) / "objects" / "frames" / str(project.archive_id)
    return [path for path in folder.rglob("*") if path.is_file()]


def test_what_a_lead_blanks_is_gone_from_all_that_is_stored_and_nothing_else_has_changed(project, lead, as_person, bring):
    case = bring(project)
    kind = project.finding_types.get(scope="lesion", position=0)
    marked = ImportedLesion(kind, "box", case.instance, points=[[4.0, 8.0], [14.0, 20.0]])
    import_reading(case=case, reader_name="r", lesions=[marked], verdict="lesions", image_findings={}, label_kind="full")
    before, pixels = case.instance, stored(case.instance)
    assert (pixels[1:5, 2:22] == 251).all(), "nobody saw it at the door"
    thumbnail_of(before)
    small = thumbnail_key(frames_key=before.frames_key, received_digest=before.received_digest)
    put_object(key="exports/old.zip", data=b"with the name")
    old = ExportRun.objects.create(project=project, format="coco", pictures=True, state="done", key="exports/old.zip")
    labels = ExportRun.objects.create(project=project, format="csv", pictures=False, state="done", key="exports/csv.zip")

    answer = blank(as_person(lead), case)
    assert answer.status_code == 202 and answer.json()["images"] == 1
    assert work(answer.json()["job"]) == [case.pk]

    after = Instance.objects.get()
    shown, blanked = stored(after), np.zeros(pixels.shape, bool)
    blanked[1:5, 2:22] = True
    assert (shown[blanked] == pixels[~blanked].min()).all() and (shown[~blanked] == pixels[~blanked]).all()
    assert after.sop_instance_uid == before.sop_instance_uid and after.pixel_digest != before.pixel_digest
    assert [path.name for path in blobs_of(project)] == [after.frames_key.rsplit("/")[-1]] != [before.frames_key]
    assert not has_object(small)
    header = json.loads(after.dicom_json)
    assert header["00280301"]["Value"] == ["NO"]
    assert "113101" in [item["00080100"]["Value"][0] for item in header["00120064"]["Value"]]
    assert Lesion.objects.get().instance_id == after.pk
    old.refresh_from_db()
    labels.refresh_from_db()
    assert (old.state, labels.state) == ("expired", "done") and "blanked" in old.message
    assert not has_object("exports/old.zip")
    told = Event.objects.get(verb="image.blanked")
    assert told.actor == lead.username and told.detail == {"images": 1, "rectangles": [TEXT], "reason": "A name at the top"}


def test_the_file_that_it_came_from_does_not_bring_the_name_back(project, lead, as_person, bring):
    case = bring(project)
    work(blank(as_person(lead), case).json()["job"])
    kept = stored(Instance.objects.get())
    bring(project)
    assert (stored(Instance.objects.get()) == kept).all()
    assert set(ImportItem.objects.values_list("state", flat=True)) == {"imported", "duplicate"}


def test_browsers_are_sent_to_another_address(project, reader, lead, as_person, bring):
    case = bring(project)
    url = f"/api/v1/projects/{project.slug}/cases/{case.pk}/open/"
    before = as_person(reader).post(url).json()["series"]["instances"][0]["pixels"]
    work(blank(as_person(lead), case).json()["job"])
    after = as_person(reader).post(url).json()["series"]["instances"][0]["pixels"]
    assert before != after == pixels_version(Instance.objects.get().frames_key)


def test_one_slice_or_all_of_a_series_are_blanked(project, lead, as_person, bring):
    case = bring(project, slices=3)
    first, *others = case.series.instances.order_by("position")
    work(blank(as_person(lead), case, sop_instance_uid=first.sop_instance_uid).json()["job"])
    first.refresh_from_db()
    assert (stored(first)[1:5, 2:22] < 251).all()
    assert all((stored(other)[1:5, 2:22] == 251).all() for other in others)
    answer = blank(as_person(lead), case)
    assert answer.json()["images"] == 3
    work(answer.json()["job"])
    assert all((stored(one)[1:5, 2:22] < 251).all() for one in case.series.instances.all())


@pytest.mark.parametrize(
    ("rectangles", "more", "told"),
    [
        ([[50, 0, 5, 5]], {}, "outside the image"),
        ([TEXT], {"sop_instance_uid": "1.2.3"}, "no such image"),
        ([], {}, ""),
    ],
)
def test_what_cannot_be_blanked_is_refused_and_nothing_changes(project, lead, as_person, bring, rectangles, more, told):
    case = bring(project)
    answer = blank(as_person(lead), case, rectangles, **more)
    assert answer.status_code == 400 and told in json.dumps(answer.json())
    assert not Event.objects.filter(verb="image.blanked").exists()
    assert (stored(Instance.objects.get())[1:5, 2:22] == 251).all()


def test_a_reader_is_not_let_to_blank(project, reader, as_person, bring):
    assert blank(as_person(reader), bring(project)).status_code == 403
