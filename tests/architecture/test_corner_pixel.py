"""A corner pixel that is marked through the API is that very pixel everywhere: stored, rasterised, exported, learned."""

from __future__ import annotations

import hashlib
import io
import json
import uuid
import zipfile
from typing import Any

import numpy as np
import pytest
from PIL import Image

from backend.archive.rendering import render_frame
from backend.archive.store import get_object
from backend.exchange.coco import mask_of_runs, runs_of_string
from backend.geometry.contour import mask_outlines
from backend.geometry.rasterise import paste_mask, rasterise_mark
from backend.geometry.rle import blob_key, decode_mask, encode_mask
from backend.learning.vocabulary import vocabulary_of
from backend.readings.models import Lesion, Reading
from tests.rows import add_pixels, make_case
from workers.datasets import training_samples

BASE = "/api/v1/projects/breast"
ROWS, COLUMNS, SIZE = 24, 32, 32
CORNERS = [(0, 0), (0, COLUMNS - 1), (ROWS - 1, 0), (ROWS - 1, COLUMNS - 1)]
KINDS = ["box", "ellipse", "polygon", "freehand", "mask"]
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_cache(settings: Any, tmp_path: Any) -> None:
    settings.DATA_DIR = tmp_path
    settings.OBJECT_STORE_URL = (tmp_path / "objects").as_uri()


def outline(kind: str, row: int, column: int) -> list[list[float]]:
    """A mark of this kind whose only pixel is (row, column)."""
    left, right, top, bottom = column, column + 1, row, row + 1
    if kind == "box":
        return [[left, top], [right, bottom]]
    if kind == "ellipse":
        return [[left, top + 0.5], [right, top + 0.5], [left + 0.5, top], [left + 0.5, bottom]]
    return [[left, top], [right, top], [right, bottom], [left, bottom]]


def marked(client: Any, case: Any, kind: str, row: int, column: int) -> Lesion:
    """Mark the pixel through the API, submit, and return what the database then holds."""
    room = client.post(f"{BASE}/cases/{case.pk}/open/").json()
    lesion = {
        "id": str(uuid.uuid4()),
        "finding_type": case.project.finding_types.get(scope="lesion", position=1).pk,
        "kind": kind,
        "sop_instance_uid": room["series"]["instances"][0]["sop_instance_uid"],
        "points": outline(kind, row, column),
    }
    if kind == "mask":
        blob = encode_mask(np.ones((1, 1, 1), bool))
        digest = hashlib.sha256(blob).hexdigest()
        client.put(f"{BASE}/blobs/{digest}/", blob, content_type="application/octet-stream")
        lesion |= {"points": [], "mask": {"origin": [0, row, column], "shape": [1, 1, 1], "digest": digest}}
    url = f"{BASE}/readings/{room['reading']['id']}/"
    change = {"revision_id": str(uuid.uuid4()), "lesions": {"upsert": [lesion]}, "verdict": "lesions"}
    saved = client.put(url, change, format="json", headers={"If-Match": room["reading"]["etag"]})
    assert saved.status_code == 200, saved.content
    assert client.post(f"{url}submit/", headers={"If-Match": saved.json()["etag"]}).status_code == 200
    return Lesion.objects.get(pk=lesion["id"])


def rasterised(lesion: Lesion) -> np.ndarray:
    if lesion.kind != "mask":
        return rasterise_mark(kind=lesion.kind, points=lesion.points, rows=ROWS, columns=COLUMNS)
    mask = decode_mask(get_object(blob_key(lesion.mask_digest)), lesion.mask_shape)
    return paste_mask(mask=mask, origin=lesion.mask_origin, frame=0, rows=ROWS, columns=COLUMNS)


def body(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("row", "column"), CORNERS)
def test_a_corner_pixel_is_the_same_pixel_everywhere(
    project, reader, lead, as_person, kind: str, row: int, column: int
) -> None:
    case = make_case(project)
    pixels = np.full((1, ROWS, COLUMNS), 40, np.uint8)
    pixels[0, row, column] = 250
    add_pixels(case.instance, pixels)
    lesion = marked(as_person(reader), case, kind, row, column)
    here = [[row, column]]

    assert lesion.points == outline(kind, row, column) if kind != "mask" else lesion.mask_origin == [0, row, column]
    mask = rasterised(lesion)
    assert np.argwhere(mask).tolist() == here
    assert mask_outlines(mask) == [outline("polygon", row, column)]
    shown = render_frame(case.instance, 1)
    assert np.argwhere(shown == shown.max()).tolist() == here

    exporter = as_person(lead)
    coco = json.loads(body(exporter.get(f"{BASE}/exports/coco/")))
    [annotation] = coco["annotations"]
    height, width = annotation["segmentation"]["size"]
    assert (height, width, annotation["bbox"], annotation["area"]) == (ROWS, COLUMNS, [column, row, 1, 1], 1)
    counts = annotation["segmentation"]["counts"]
    runs = runs_of_string(counts) if isinstance(counts, str) else counts
    assert np.argwhere(mask_of_runs(runs, ROWS, COLUMNS)).tolist() == here
    archive = zipfile.ZipFile(io.BytesIO(body(exporter.get(f"{BASE}/exports/masks/"))))
    pictures = [np.asarray(Image.open(archive.open(name))) for name in archive.namelist() if name.endswith(".png")]
    assert [np.argwhere(picture).tolist() for picture in pictures] == [here]

    readings = Reading.objects.filter(case=case).select_related("case__series", "case__instance", "reader")
    samples, omitted = training_samples(readings, vocabulary=vocabulary_of(project), size=SIZE)
    assert omitted == []
    assert np.argwhere(samples.targets[0] == 2).tolist() == here, "the second lesion type"
    assert np.argwhere(samples.images[0] == samples.images[0].max()).tolist() == here, "the bright pixel lies under it"
