"""A name that somebody sees in a stored image is blanked wherever it is kept; the marks stay where they are."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings
from PIL import Image

from backend.archive import blanking
from backend.archive.decode_child import DecodeChild
from backend.archive.models import Instance
from backend.archive.rendering import read_frame, render_frame
from backend.archive.selectors import pixels_version
from backend.archive.store import delete_object, get_object, has_object, put_object
from backend.archive.thumbnails import thumbnail_key, thumbnail_of
from backend.audit.models import Event
from backend.dicom.header import frame_format
from backend.dicom.refusal import Refused
from backend.dicom.stored_frames import decoded_frame
from backend.exchange import export_source, verification
from backend.exchange.blanking import forget_blanked, run_blanking
from backend.exchange.export_runs import perform_export
from backend.exchange.import_options import ImportOptions
from backend.exchange.models import ExportRun, ImportItem
from backend.exchange.services import import_from_server
from backend.exchange.verification import verify_export
from backend.jobs.services import cancel_job, claim_job, release_job
from backend.projects.models import BurntInReport, Case
from backend.readings.import_services import ImportedLesion, import_reading
from backend.readings.models import Lesion
from tests.exchange.published import publish

TEXT = [2, 1, 20, 4]
LOWER = [5, 20, 10, 6]
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
    """The worker's side; the cases of which it says that what was made of their pixels is to be forgotten."""
    lease, told = claim_job(job_id), []
    assert lease is not None
    run_blanking(lease, forget=told.extend)
    return told


def stored(instance: Instance) -> np.ndarray:
    return decoded_frame(read_frame(instance, 1), frame_format(json.loads(instance.dicom_json)))


def files_of_exports(project) -> list[Path]:
    folder = Path(settings.DATA_DIR) / "objects" / "exports" / str(project.pk)
    return [path for path in folder.rglob("*") if path.is_file()]


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


def exported_picture(run) -> np.ndarray:
    """The one picture of a finished export."""
    run.refresh_from_db()
    assert run.state == "done"
    with zipfile.ZipFile(io.BytesIO(get_object(run.key))) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".png")]
        return np.asarray(Image.open(io.BytesIO(archive.read(name))))


@pytest.fixture
def ordered(project, lead, bring):
    """An export with its image, that was ordered and not begun."""
    case = bring(project)
    import_reading(case=case, reader_name="r", lesions=[], verdict="no_lesion", image_findings={}, label_kind="full")
    order = {"format": "coco", "pictures": True, "state": "queued", "created_by": lead}
    return case, ExportRun.objects.create(project=project, **order)


def test_an_export_that_is_being_written_hands_out_no_former_pixels(ordered, lead, as_person):
    case, run = ordered
    said = []

    def blanked_between(done, total):
        if (done, total) == (1, 1) and not said:
            said.append(blank(as_person(lead), case).json()["job"])
            work(said[0])

    perform_export(run=run, on_case=blanked_between)
    assert said and exported_picture(run)[1:5, 2:22].max() < exported_picture(run).max()
    assert [path.name for path in files_of_exports(case.project)] == [run.key.rsplit("/")[-1]]


def test_an_export_whose_frames_are_blanked_while_it_reads_them_is_written_anew(ordered, lead, as_person, monkeypatch):
    case, run = ordered
    said = []

    def blanked_before(instance, number):
        if not said:
            said.append(work(blank(as_person(lead), case).json()["job"]))
        return render_frame(instance, number)

    monkeypatch.setattr(export_source, "render_frame", blanked_before)
    perform_export(run=run)
    assert said and exported_picture(run)[1:5, 2:22].max() < exported_picture(run).max()


def test_frames_that_are_lost_are_an_error_of_the_export(ordered):
    case, run = ordered
    delete_object(case.instance.frames_key)
    with pytest.raises(FileNotFoundError):
        perform_export(run=run)


def test_a_proof_brings_no_export_back_that_a_blanking_has_dropped(ordered, lead, as_person, monkeypatch):
    case, run = ordered
    perform_export(run=run)
    made = verification._add_report

    def blanked_before(path, report):
        work(blank(as_person(lead), case).json()["job"])
        made(path, report)

    monkeypatch.setattr(verification, "_add_report", blanked_before)
    with pytest.raises(Refused, match="removed meanwhile"):
        verify_export(run=run)
    run.refresh_from_db()
    assert (run.state, run.key, run.verification) == ("expired", "", None) and files_of_exports(case.project) == []


def test_what_was_made_of_former_pixels_is_dropped_also_where_only_some_images_could_be_blanked(
    project, lead, as_person, bring
):
    case = bring(project, slices=3)
    first, damaged, _ = case.series.instances.order_by("pk")
    put_object(key="exports/old.zip", data=b"with the name")
    ExportRun.objects.create(project=project, format="coco", pictures=True, state="done", key="exports/old.zip")
    job = blank(as_person(lead), case).json()["job"]
    delete_object(damaged.frames_key)
    lease, told = claim_job(job), []
    with pytest.raises(FileNotFoundError):
        run_blanking(lease, forget=told.extend)
    assert (stored(Instance.objects.get(pk=first.pk))[1:5, 2:22] < 251).all()
    assert told == [case.pk] and not has_object("exports/old.zip")


def test_published_objects_keep_referring_to_the_image_by_its_uid(project, lead, as_person, bring):
    case = bring(project)
    kind = project.finding_types.get(scope="lesion", position=0)
    marked = ImportedLesion(kind, "box", case.instance, points=[[4.0, 8.0], [14.0, 20.0]])
    import_reading(case=case, reader_name="r", lesions=[marked], verdict="lesions", image_findings={}, label_kind="full")
    run = publish(project, lead, "dicom_seg")
    work(blank(as_person(lead), case).json()["job"])
    client, image = as_person(lead), Instance.objects.get(pk=case.instance_id)
    (series,) = [row for row in client.get("/dicom-web/breast/series").json() if row["00080060"]["Value"] == ["SEG"]]
    study, uid = (series[tag]["Value"][0] for tag in ("0020000D", "0020000E"))
    (segmentation,) = client.get(f"/dicom-web/breast/studies/{study}/series/{uid}/metadata").json()
    (referenced,) = segmentation["00081115"]["Value"][0]["0008114A"]["Value"]
    assert referenced["00081155"]["Value"] == [image.sop_instance_uid]
    assert run.derived_objects.count() == 1
    path = f"/dicom-web/breast/studies/{study}/series/{image.series.series_instance_uid}/instances/{image.sop_instance_uid}"
    assert client.get(f"{path}/frames/1").status_code == 200


@pytest.mark.parametrize(("whose", "step"), [(blanking, "part10"), (DecodeChild, "prepare")])
def test_of_two_blankings_of_one_image_at_once_neither_is_lost(project, lead, as_person, bring, monkeypatch, whose, step):
    case = bring(project)
    lower = (slice(20, 26), slice(5, 15))
    before = stored(case.instance)
    thumbnail_of(case.instance)
    first, second = (blank(as_person(lead), case, [one]).json()["job"] for one in (TEXT, LOWER))
    done, waits = getattr(whose, step), [second]

    def other_between(*given, **more):
        if waits:
            work(waits.pop())
        return done(*given, **more)

    monkeypatch.setattr(whose, step, other_between)
    work(first)
    after = Instance.objects.get()
    assert not waits and (stored(after)[1:5, 2:22] < 251).all() and (stored(after)[lower] == before.min()).all()
    assert [path.name for path in blobs_of(project)] == [after.frames_key.rsplit("/")[-1]]


@pytest.fixture
def killed(project, lead, as_person, bring, monkeypatch):
    """A blanking whose worker was killed once the row named the new pixels, before the former ones were deleted."""
    case = bring(project)
    thumbnail_of(case.instance)
    small = thumbnail_key(frames_key=case.instance.frames_key, received_digest=case.instance.received_digest)
    lease = claim_job(blank(as_person(lead), case).json()["job"])

    def kill(key):
        raise SystemExit

    with monkeypatch.context() as dying, pytest.raises(SystemExit):
        dying.setattr(blanking, "delete_object", kill)
        run_blanking(lease, forget=lambda cases: None)
    after = Instance.objects.get()
    assert after.frames_key != case.instance.frames_key and has_object(case.instance.frames_key) and has_object(small)
    release_job(lease)
    return lease.job, (case.instance.frames_key, small)


def test_the_attempt_after_a_killed_one_deletes_what_that_left_of_the_name(project, killed):
    job, former = killed
    work(job.pk)
    assert not any(has_object(key) for key in former)
    assert [path.name for path in blobs_of(project)] == [Instance.objects.get().frames_key.rsplit("/")[-1]]


def test_what_a_blanking_left_that_is_not_tried_again_is_deleted_all_the_same(lead, killed):
    job, former = killed
    assert forget_blanked() == 0, "its next attempt does"
    cancel_job(job=job, by=lead)
    assert (forget_blanked(), forget_blanked()) == (1, 0)
    assert not any(has_object(key) for key in former) and has_object(Instance.objects.get().frames_key)


def test_frames_that_another_image_shares_stay(project, lead, as_person, bring):
    case = bring(project, slices=2)
    first, twin = case.series.instances.order_by("position")
    former = first.frames_key
    Instance.objects.filter(pk=twin.pk).update(frames_key=former, frame_ranges=first.frame_ranges)
    work(blank(as_person(lead), case, sop_instance_uid=first.sop_instance_uid).json()["job"])
    assert has_object(former)


def test_what_was_reported_of_an_image_is_closed_once_it_is_blanked(project, reader, lead, as_person, bring):
    case = bring(project, slices=3)
    first, second, _ = case.series.instances.order_by("position")
    for image in (first, second):
        body = {"sop_instance_uid": image.sop_instance_uid, "frame": 1}
        url = f"/api/v1/projects/{project.slug}/burnt-in-reports/"
        assert as_person(reader).post(url, body, format="json").status_code == 204
    work(blank(as_person(lead), case, sop_instance_uid=first.sop_instance_uid).json()["job"])
    assert list(BurntInReport.objects.order_by("pk").values_list("instance", "outcome", "closed_by")) == [
        (first.pk, "blanked", lead.pk), (second.pk, "", None),
    ]  # fmt: skip


def test_what_was_reported_after_a_blanking_was_ordered_stays_open_for_it_may_be_other_text(
    project, reader, reviewer, lead, as_person, bring
):
    case = bring(project)
    body = {"sop_instance_uid": case.instance.sop_instance_uid, "frame": 1}
    url = f"/api/v1/projects/{project.slug}/burnt-in-reports/"
    as_person(reader).post(url, body, format="json")
    job = blank(as_person(lead), case).json()["job"]
    as_person(reviewer).post(url, body, format="json")
    work(job)
    assert dict(BurntInReport.objects.values_list("reported_by", "outcome")) == {reader.pk: "blanked", reviewer.pk: ""}


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
