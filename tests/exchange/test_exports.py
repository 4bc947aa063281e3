"""Exports: exact to the pixel, submitted readings only, nothing of a model, names of cases only."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile

import numpy as np
import pytest
from PIL import Image

from backend.exchange.coco import coco_runs, compressed_runs, mask_of_runs, polygon_segmentation, runs_of_string
from backend.geometry.rasterise import rasterise_mark, rasterise_outlines
from backend.geometry.rle import blob_key, encode_mask, mask_digest

ROWS, COLUMNS = 40, 60


@pytest.fixture
def add_case(project):
    """Makes a case of one image, or of a series of slices."""
    from backend.archive.models import Instance, Series, Study
    from backend.projects.models import Case

    def add(number: int, slices: int = 0, split: str = "POOL"):
        study = Study.objects.create(archive=project.archive, study_instance_uid=f"1.2.{number}")
        series = Series.objects.create(study=study, series_instance_uid=f"1.2.{number}.1", modality="US")
        instances = [
            Instance.objects.create(
                series=series,
                sop_instance_uid=f"1.2.{number}.1.{index}",
                sop_class_uid="1.2",
                position=float(-index) if slices else None,
                rows=ROWS,
                columns=COLUMNS,
                bits_allocated=8,
                photometric_interpretation="MONOCHROME2",
                transfer_syntax_uid="1.2.840.10008.1.2.1",
                dicom_json="{}",
                frames_key="frames/x",
                frame_ranges=[[0, 1]],
            )
            for index in range(slices or 1)
        ]
        case = Case.objects.create(
            project=project,
            series=series,
            instance=None if slices else instances[0],
            number=number,
            name=f"US-{number:04d}",
            source_name="Mueller_Erika_malignant_17.png",
            split=split,
            group_key=f"g{number}",
        )
        return case, instances

    return add


@pytest.fixture
def add_reading(project):
    """Makes a reading with lesions given as field dictionaries."""
    from backend.readings.models import Lesion, Reader, Reading

    def add(case, lesions=(), name="Truth", kind="imported", state="submitted", user=None, verdict=None):
        reader, _ = Reader.objects.get_or_create(project=project, name=name, kind=kind, user=user)
        verdict = verdict or ("lesions" if lesions else "no_lesion")
        reading = Reading.objects.create(case=case, reader=reader, state=state, verdict=verdict)
        for fields in lesions:
            Lesion.objects.create(reading=reading, **fields)
        return reading

    return add


def stored_mask(mask: np.ndarray, origin: list[int]) -> dict:
    from backend.archive.store import put_object

    blob = encode_mask(mask)
    put_object(key=blob_key(mask_digest(blob)), data=blob)
    return {"kind": "mask", "mask_origin": origin, "mask_shape": list(mask.shape), "mask_digest": mask_digest(blob)}


def coco(client, query: str = "") -> dict:
    answer = client.get(f"/api/v1/projects/breast/exports/coco/{query}")
    assert answer.status_code == 200, answer.content
    assert answer["Content-Disposition"] == 'attachment; filename="breast-coco.json"'
    return json.loads(b"".join(answer.streaming_content))


def unzipped(client, query: str = "") -> tuple[zipfile.ZipFile, dict]:
    answer = client.get(f"/api/v1/projects/breast/exports/masks/{query}")
    assert answer.status_code == 200
    archive = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))
    assert archive.testzip() is None
    manifest = json.loads(archive.read("manifest.json"))
    for entry in manifest["files"]:
        assert hashlib.sha256(archive.read(entry["path"])).hexdigest() == entry["sha256"]
    return archive, json.loads(archive.read("masks.json"))


def pixels_of(annotation: dict) -> np.ndarray:
    segmentation = annotation["segmentation"]
    if isinstance(segmentation, dict):
        return mask_of_runs(runs_of_string(segmentation["counts"]), *segmentation["size"])
    outlines = [np.array(polygon).reshape(-1, 2) for polygon in segmentation]
    return rasterise_outlines(outlines, rows=ROWS, columns=COLUMNS)


MARKS = {
    "box": [[3.2, 4.7], [20.0, 30.5]],
    "ellipse": [[10, 20], [40, 20], [25, 12], [25, 28]],
    "polygon": [[5, 5], [50, 8], [30, 35], [12, 22.5]],
    "freehand": [[5, 5], [30, 5.5], [30, 35], [12, 22.5], [9, 9]],
    "point": [[59.5, 0.5]],
}


@pytest.mark.parametrize("form", ["rle", "polygon"])
@pytest.mark.parametrize("kind", list(MARKS))
def test_every_mark_comes_back_pixel_for_pixel(project, lead, as_person, add_case, add_reading, kind, form):
    case, (instance,) = add_case(1)
    finding_type = project.finding_types.filter(scope="lesion").first()
    add_reading(case, [{"kind": kind, "points": MARKS[kind], "instance": instance, "finding_type": finding_type}])
    (annotation,) = coco(as_person(lead), f"?segmentation={form}")["annotations"]
    expected = rasterise_mark(kind=kind, points=MARKS[kind], rows=ROWS, columns=COLUMNS)
    assert np.array_equal(pixels_of(annotation), expected)
    assert annotation["area"] == expected.sum()
    left, top, width, height = (int(value) for value in annotation["bbox"])
    inside = np.zeros_like(expected)
    inside[top : top + height, left : left + width] = True
    assert expected[inside].any() and not expected[~inside].any()
    assert annotation["mark"] == {"kind": kind, "points": MARKS[kind]}


def test_measurements_and_earlier_geometry_are_exported_and_measurements_are_no_annotations(
    project, lead, as_person, add_case, add_reading
):
    from backend.archive.models import Instance

    case, (instance,) = add_case(1)
    Instance.objects.filter(pk=instance.pk).update(pixel_spacing=[0.5, 2.0])
    finding_type = project.finding_types.filter(scope="lesion").first()
    place = {"sop_instance_uid": instance.sop_instance_uid, "frame": 1}
    earlier = {"kind": "box", **place, "points": [[10, 12], [40, 28]], "mask": None}
    ellipse = {"kind": "ellipse", "points": MARKS["ellipse"], "drawn_as": earlier}
    reading = add_reading(case, [{**ellipse, "instance": instance, "finding_type": finding_type}])
    reading.measurements = [{"id": "1", "kind": "length", **place, "points": [[10, 10], [40, 50]], "text": ""}]
    reading.save()
    document = coco(as_person(lead))
    (annotation,), (exported,) = document["annotations"], document["readings"]
    assert (annotation["mark"]["kind"], annotation["drawn_as"]) == ("ellipse", earlier)
    (measurement,) = exported["measurements"]
    assert measurement["values"] == {"length": pytest.approx(np.hypot(60, 20)), "unit": "mm"}
    assert measurement["points"] == [[10, 10], [40, 50]]


@pytest.mark.parametrize("form", ["rle", "polygon"])
def test_a_mask_with_holes_and_corners_comes_back_pixel_for_pixel(project, lead, as_person, add_case, add_reading, form):
    case, (instance,) = add_case(1)
    mask = np.random.default_rng(3).random((1, 20, 30)) < 0.5
    mask[0, 0, 0] = True
    lesion = {
        "instance": instance,
        "finding_type": project.finding_types.filter(scope="lesion").first(),
        **stored_mask(mask, [0, 20, 30]),
    }
    add_reading(case, [lesion])
    (annotation,) = coco(as_person(lead), f"?segmentation={form}")["annotations"]
    expected = np.zeros((ROWS, COLUMNS), dtype=bool)
    expected[20:40, 30:60] = mask[0]
    assert np.array_equal(pixels_of(annotation), expected)


def test_a_lesion_of_a_series_has_an_annotation_per_slice_it_touches(project, lead, as_person, add_case, add_reading):
    case, instances = add_case(1, slices=5)
    mask = np.zeros((3, 6, 6), dtype=bool)
    mask[0, 1:3, 1:3] = mask[2, 2:5, 2:5] = True
    lesion = {
        "instance": instances[3],
        "finding_type": project.finding_types.filter(scope="lesion").first(),
        **stored_mask(mask, [1, 10, 12]),
    }
    add_reading(case, [lesion])
    document = coco(as_person(lead))
    # Positions fall with the instance's index: reading order is the reverse of it.
    assert [image["sop_instance_uid"] for image in document["images"]] == [f"1.2.1.1.{index}" for index in (4, 3, 2, 1, 0)]
    assert document["images"][1]["file_name"] == "US-0001/0002.png"
    first, second = document["annotations"]
    images = {image["id"]: image for image in document["images"]}
    assert [images[item["image_id"]]["index"] for item in (first, second)] == [1, 3]
    assert first["lesion_id"] == second["lesion_id"] and first["bbox"] == [13, 11, 2, 2] and second["area"] == 9


def test_only_submitted_readings_of_people_and_sources_are_exported(project, lead, reader, as_person, add_case, add_reading):
    case, (instance,) = add_case(1)
    other, _ = add_case(2, split="HOLDOUT")
    lesion = {
        "kind": "box",
        "points": [[1, 1], [9, 9]],
        "instance": instance,
        "finding_type": project.finding_types.filter(scope="lesion").first(),
    }
    add_reading(case, [lesion], name="v1", kind="model")
    add_reading(case, [lesion], name="rita", kind="person", user=reader, state="draft")
    add_reading(case, [lesion])
    add_reading(other)
    document = coco(as_person(lead))
    assert [item["name"] for item in document["readers"]] == ["Truth"]
    assert len(document["annotations"]) == 1
    assert [(item["case"], item["verdict"], item["split"]) for item in document["readings"]] == [
        ("US-0001", "lesions", "POOL"),
        ("US-0002", "no_lesion", "HOLDOUT"),
    ]
    assert [image["split"] for image in document["images"]] == ["POOL", "HOLDOUT"]
    text = json.dumps(document)
    assert "Mueller" not in text and "malignant_17" not in text
    assert {category["name"] for category in document["categories"]} == {"Benign mass", "Malignant mass"}


def test_readers_and_finding_types_can_be_chosen(project, lead, reader, as_person, add_case, add_reading):
    case, (instance,) = add_case(1)
    benign, malignant = project.finding_types.filter(scope="lesion")
    box = {"kind": "box", "points": [[1, 1], [9, 9]], "instance": instance}
    mine = add_reading(
        case, [{**box, "finding_type": benign}, {**box, "finding_type": malignant}], "rita", "person", user=reader
    )
    add_reading(case, [{**box, "finding_type": benign}])
    client = as_person(lead)
    chosen = coco(client, f"?reader={mine.reader_id}&finding_type={malignant.pk}")
    assert [(item["reader_id"], item["category_id"]) for item in chosen["annotations"]] == [(mine.reader_id, malignant.pk)]
    assert [item["id"] for item in chosen["categories"]] == [malignant.pk]
    _, manifest = unzipped(client, f"?finding_type={benign.pk}")
    assert [item["finding_type"] for item in manifest["masks"]] == ["Benign mass", "Benign mass"]
    for query in ("reader=999999", "reader=x", "finding_type=999999", "segmentation=mesh"):
        assert client.get(f"/api/v1/projects/breast/exports/coco/?{query}").status_code == 400


def test_a_case_that_the_caller_is_reading_blinded_is_left_out(project, lead, as_person, add_case, add_reading):
    from backend.projects.models import Assignment

    case, (instance,) = add_case(1)
    lesion = {
        "kind": "box",
        "points": [[1, 1], [9, 9]],
        "instance": instance,
        "finding_type": project.finding_types.filter(scope="lesion").first(),
    }
    add_reading(case, [{**lesion, "origin": "accepted", "origin_score": 0.8125}])
    assignment = Assignment.objects.create(case=case, user=lead, arm="blinded", arm_probability=1.0)
    document = coco(as_person(lead))
    assert document["annotations"] == document["images"] == document["readings"] == document["readers"] == []
    assert unzipped(as_person(lead))[1]["masks"] == []
    assignment.state = "submitted"
    assignment.save()
    assert coco(as_person(lead))["annotations"][0]["origin_score"] == 0.8125


def test_masks_are_pictures_listed_with_their_hashes(project, lead, as_person, add_case, add_reading):
    case, (instance,) = add_case(1)
    empty, _ = add_case(2)
    finding_type = project.finding_types.filter(scope="lesion").first()
    points = [[[1, 1], [9, 9]], [[5, 5], [20, 12]]]
    add_reading(
        case, [{"kind": "box", "points": item, "instance": instance, "finding_type": finding_type} for item in points]
    )
    add_reading(empty)
    archive, manifest = unzipped(as_person(lead))
    (entry,) = manifest["masks"]
    picture = archive.read(entry["path"])
    assert hashlib.sha256(picture).hexdigest() == entry["sha256"]
    shown = np.asarray(Image.open(io.BytesIO(picture)))
    expected = np.zeros((ROWS, COLUMNS), dtype=np.uint8)
    expected[1:9, 1:9] = expected[5:12, 5:20] = 255
    assert np.array_equal(shown, expected) and entry["pixels"] == (expected > 0).sum()
    assert entry["path"].endswith(f"-truth/US-0001_{finding_type.pk}-benign-mass.png")
    assert [(item["case"], item["verdict"]) for item in manifest["readings"]] == [
        ("US-0001", "lesions"),
        ("US-0002", "no_lesion"),
    ]


@pytest.mark.parametrize("kind", ["coco", "masks"])
def test_exports_are_for_leads_and_leave_a_trace(project, lead, reader, outsider, as_person, kind):
    from backend.audit.models import Event

    url = f"/api/v1/projects/breast/exports/{kind}/"
    assert as_person(reader).get(url).status_code == 403
    assert as_person(outsider).get(url).status_code == 404
    assert not Event.objects.filter(verb=f"export.{kind}").exists()
    answer = as_person(lead).get(url)
    b"".join(answer.streaming_content)
    assert answer.status_code == 200 and Event.objects.get(verb=f"export.{kind}").actor == "lena"


def test_coco_strings_are_those_of_the_reference_decoder():
    # Taken from pycocotools.mask.encode of the same arrays.
    corner = np.zeros((5, 4), dtype=bool)
    corner[0, 0] = corner[4, 3] = True
    assert coco_runs(corner) == [0, 1, 18, 1]
    for seed in range(20):
        mask = np.random.default_rng(seed).random((17, 23)) < seed / 20
        assert np.array_equal(mask_of_runs(runs_of_string(compressed_runs(coco_runs(mask))), 17, 23), mask)


def test_a_polygon_is_only_given_where_it_says_the_same():
    ring = np.ones((5, 5), dtype=bool)
    assert polygon_segmentation(ring) == [[0, 0, 5, 0, 5, 5, 0, 5]]
    ring[2, 2] = False
    assert polygon_segmentation(ring) is None
