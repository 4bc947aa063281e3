"""Scripts: projects, imports that go on where they stopped, readings as arrays, foreign models, the server's errors."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
import pydicom
import pytest
import requests
from PIL import Image

from backend.client import (
    Conflict,
    Forbidden,
    NotFound,
    OverreadError,
    PredictedLesion,
    Refused,
    Unsigned,
    connect,
    downloads,
)
from backend.client import uploads as client_uploads
from backend.client.masks import decode_mask
from backend.dicom.refusal import Refused as DoorRefused
from backend.exchange.export_runs import ExportOrder, export_now
from backend.exchange.models import ImportItem
from backend.exchange.services import run_import
from backend.geometry.rasterise import rasterise_mark
from backend.geometry.rle import blob_key
from backend.jobs.models import Job
from backend.jobs.services import claim_job
from backend.projects.models import Project
from backend.readings.models import Lesion, Reading
from tests.archive.conftest import child, picture  # noqa: F401
from tests.rows import make_case, make_reading

pytestmark = pytest.mark.django_db(transaction=True)


def work() -> None:
    """What the worker does with the newest job."""
    lease = claim_job(Job.objects.order_by("-created_at")[0].pk)
    assert lease is not None
    run_import(lease)


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """Two pictures of noise with the mask of one, in a folder."""
    random = np.random.default_rng(3)
    for name in ("images/a.png", "images/sub/b.png"):
        path = tmp_path / "study" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, (40, 48), dtype=np.uint8)).save(path)
    mask = np.zeros((40, 48), np.uint8)
    mask[5:9, 6:12] = 255
    (tmp_path / "study" / "masks").mkdir()
    Image.fromarray(mask).save(tmp_path / "study" / "masks" / "a.png")
    (tmp_path / "study" / ".hidden").write_text("no")
    return tmp_path / "study"


def test_a_project_is_made_with_its_vocabulary(live_server, lead, token):
    lead.may_create_projects = True
    lead.save()
    server = connect(live_server.url, token)
    made = server.create_project(name="Chest", question="Nodules?", modality="DX", finding_types=[{"name": "Nodule"}])
    assert [one["name"] for one in made.finding_types()] == ["Nodule"]
    made.add_finding_type(name="Effusion", scope="image")
    assert {one.slug for one in server.projects()} >= {made.slug}
    assert Project.objects.get(slug=made.slug).finding_types.count() == 2
    assert server.me()["username"] == "lena"


def test_a_folder_is_imported_with_its_masks_and_read_back_as_arrays(breast, study):
    seen = []
    run = breast.import_paths(
        [study], options={"masks_prefix": "masks/", "imported_reader": "Truth"}, wait=False, on_progress=seen.append
    )
    assert seen[-1].done == seen[-1].total > 0
    work()
    assert breast.import_run(run["id"], wait=True)["counts"]["imported"] == 3
    assert {item["name"]: item["state"] for item in breast.import_items(run["id"])} == {
        "images/a.png": "imported", "images/sub/b.png": "imported", "masks/a.png": "imported",
    }  # fmt: skip
    assert [case.name for case in breast.cases()] == ["US-0001", "US-0002"]
    (reading,) = [one for one in breast.readings() if one.lesions]
    (lesion,) = reading.lesions
    expected = np.zeros((40, 48), bool)
    expected[5:9, 6:12] = True
    assert (reading.reader, reading.reader_kind, lesion.kind) == ("Truth", "imported", "mask")
    assert np.array_equal(lesion.masks[0], expected) and np.array_equal(lesion.volume(1)[0], expected)
    assert lesion.pictures[0].case == reading.case


def test_points_and_the_pixels_they_cover_come_as_the_server_has_them(breast, project, reader):
    case = make_case(project)
    person = project.readers.create(kind="person", name="rita", user=reader)
    make_reading(person, case, scores=[None, None])
    (reading,) = breast.readings()
    stored = {str(lesion.pk): lesion for lesion in Lesion.objects.all()}
    assert len(reading.lesions) == 2
    for lesion in reading.lesions:
        assert lesion.points.tolist() == stored[lesion.id].points
        drawn = rasterise_mark(kind="box", points=stored[lesion.id].points, rows=80, columns=100)
        assert np.array_equal(lesion.masks[0], drawn)


def test_an_upload_that_was_broken_off_goes_on_where_it_stopped(breast, tmp_path, monkeypatch):
    monkeypatch.setattr(client_uploads, "PIECE", 1000)
    noise = np.random.default_rng(1).integers(0, 256, (60, 60), dtype=np.uint8)
    path = tmp_path / "a.png"
    Image.fromarray(noise).save(path)
    put, pieces = client_uploads._put, []

    def breaks_off(*arguments: object) -> int:
        if len(pieces) == 2:
            raise KeyboardInterrupt
        pieces.append(arguments)
        return put(*arguments)

    monkeypatch.setattr(client_uploads, "_put", breaks_off)
    with pytest.raises(KeyboardInterrupt):
        breast.import_paths([path], wait=False)
    item = ImportItem.objects.get()
    assert item.received == 2000 < item.size
    monkeypatch.setattr(client_uploads, "_put", put)
    breast.import_paths([path], resume=str(item.run_id), wait=False)
    work()
    item.refresh_from_db()
    assert item.state == "imported"


def test_a_piece_that_arrived_although_its_answer_was_lost_is_not_sent_as_another(breast, tmp_path, monkeypatch):
    monkeypatch.setattr(client_uploads, "PIECE", 1000)
    path = tmp_path / "a.png"
    Image.fromarray(np.random.default_rng(2).integers(0, 256, (60, 60), dtype=np.uint8)).save(path)
    send, lost = type(breast.transport).send, []

    def loses_the_first(self, operation, **given):
        answer = send(self, operation, **given)
        if operation == "import_upload" and not lost:
            lost.append(answer)
            return send(self, operation, **given)  # as a retry after a broken connection would
        return answer

    monkeypatch.setattr(type(breast.transport), "send", loses_the_first)
    breast.import_paths([path], wait=False)
    work()
    assert ImportItem.objects.get().state == "imported"


def test_an_import_that_fails_as_a_whole_raises_with_the_reason(breast, study):
    run = breast.import_paths([study], options={"labels_file": "nothing.csv"}, wait=False)
    with pytest.raises(DoorRefused):
        work()
    with pytest.raises(OverreadError, match=r"nothing\.csv"):
        breast.import_run(run["id"], wait=True)


def test_a_foreign_model_gives_masks_and_boxes_that_the_server_keeps_to_the_pixel(breast, project):
    case = make_case(project, rows=80, columns=100)
    (seen,) = breast.cases()
    model = breast.foreign_model("CADe", "1", display_threshold=0.4)
    mask = np.zeros((80, 100), bool)
    mask[79, 99] = mask[70, 98] = True
    box = PredictedLesion("Benign mass", 0.6, kind="box", points=[[0, 0], [5, 5]])
    told = model.put(
        seen.id,
        seen.images(),
        [PredictedLesion("Malignant mass", 0.9, mask=mask), box],
        image_findings={"Normal tissue": 0.05},
    )
    assert (told["lesions"], told["revision"]) == (2, 1)
    reading = Reading.objects.get(case=case)
    stored = reading.lesions.get(kind="mask")
    from backend.archive.store import get_object

    back = np.zeros((80, 100), bool)
    crop = decode_mask(get_object(blob_key(stored.mask_digest)), tuple(stored.mask_shape))
    _, row, column = stored.mask_origin
    back[row : row + crop.shape[1], column : column + crop.shape[2]] = crop[0]
    assert np.array_equal(back, mask) and stored.score == 0.9
    assert [one["case"] for one in model.cases()] == [seen.id]
    model.show()
    assert breast.foreign_models()[0].document["is_shown"]
    assert breast.foreign_model("CADe", "1", display_threshold=0.4).document["id"] == model.document["id"]


def test_an_export_is_fetched_in_pieces_that_break_and_its_digest_is_checked(breast, project, lead, tmp_path, monkeypatch):
    make_reading(project.readers.create(kind="imported", name="Truth"), make_case(project), scores=[None] * 8)
    run = export_now(project=project, by=lead, order=ExportOrder(format="coco"))
    target, whole = tmp_path / "out" / "labels.zip", run.size
    take, broken = downloads._take, []

    def breaks(answer, file, held, size, on_bytes):
        if len(broken) < 2:
            broken.append(answer.status_code)
            file.write(answer.raw.read(200))
            raise requests.ConnectionError("cut")
        take(answer, file, held, size, on_bytes)

    monkeypatch.setattr(downloads, "_take", breaks)
    seen = []
    breast.download_export(str(run.pk), target, on_bytes=lambda here, of: seen.append((here, of)))
    assert broken == [200, 206] and seen == [(whole, whole)]
    assert hashlib.sha256(target.read_bytes()).hexdigest() == run.sha256
    # What lay there from something else is not taken for the file.
    part = target.with_name("labels.zip.part")
    part.write_bytes(b"x" * (whole - 10))
    with pytest.raises(OverreadError, match="thrown away"):
        breast.download_export(str(run.pk), target)
    assert not part.exists() and breast.download_export(str(run.pk), target).exists()
    assert {one["name"] for one in breast.export_formats()} >= {"coco", "masks"}


def test_an_image_is_fetched_as_a_dicom_file(breast, picture):
    path = picture(4)
    breast.import_paths([path], wait=False)
    work()
    (case,) = breast.cases()
    dataset = pydicom.dcmread(io.BytesIO(case.dicom(case.images()[0]["sop_instance_uid"])))
    assert np.array_equal(dataset.pixel_array, np.asarray(Image.open(path)))


def test_errors_come_in_the_servers_words(live_server, breast, project, token, reader, outsider):
    from backend.accounts.services import create_token

    with pytest.raises(NotFound, match="No such project"):
        connect(live_server.url, token).project("nothing")
    with pytest.raises(Unsigned, match="unknown, expired or revoked"):
        connect(live_server.url, "ovr_wrong").me()
    _, narrow = create_token(user=project.memberships.get(role="lead").user, name="narrow", scopes=["project.read"])
    with pytest.raises(Forbidden, match=r"scopes do not include import\.create"):
        connect(live_server.url, narrow).project("breast").import_paths([__file__])
    with pytest.raises(Refused, match="name: This field may not be blank"):
        breast.add_finding_type(name="")
    with pytest.raises(Conflict, match="nothing to learn from"):
        breast.start_round()
    with pytest.raises(FileNotFoundError, match="no file or folder"):
        breast.import_paths(["/nowhere/at/all"])
    with pytest.raises(ValueError, match="no lesion finding Noodle"):
        breast.foreign_model("CADe", "1").put("x", [{"sop_instance_uid": "1"}], [PredictedLesion("Noodle", 1.0)])
