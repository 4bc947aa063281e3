"""Label Studio's JSON export; verified on specification fixtures only."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from backend.dicom.refusal import Refused
from backend.exchange.formats.label_studio import unpacked_rle
from backend.exchange.models import PendingReading
from backend.readings.models import Reader, Reading

pytestmark = pytest.mark.django_db


def region(kind: str, value: dict[str, Any], number: str = "a", **more: Any) -> dict[str, Any]:
    return {
        "id": number, "type": f"{kind}labels", "from_name": "label", "to_name": "image", "original_width": 100,
        "original_height": 80, "image_rotation": 0, "value": value, **more,
    }  # fmt: skip


def task(results: list[Any], *, image: str = "/data/upload/1/0a1b2c3d-one.png", by: Any = 7, **more: Any) -> dict[str, Any]:
    annotations = [{"id": 1, "completed_by": by, "was_cancelled": False, "result": results}]
    return {"id": 5, "annotations": annotations, "predictions": [], "data": {"image": image}, **more}


def packed(words: list[int]) -> list[int]:
    """rle-pack of bytes: one run for each stretch of equal words, run lengths in 16 bits."""
    bits = f"{len(words):032b}{7:05b}" + f"{15:04b}" * 4
    at = 0
    while at < len(words):
        end = at
        while end < len(words) and words[end] == words[at] and end - at < 65536:
            end += 1
        bits += f"1{0:02b}{end - at - 1:016b}{words[at]:08b}"
        at = end
    bits += "0" * (-len(bits) % 8)
    return [int(bits[start : start + 8], 2) for start in range(0, len(bits), 8)]


def test_shapes_are_percentages_and_a_turned_rectangle_is_a_polygon(bring, named_case, lesions):
    case = named_case("one.png")
    box = {"x": 10, "y": 25, "width": 20, "height": 50, "rotation": 0, "rectanglelabels": ["Mass"]}
    turned = {"x": 50, "y": 50, "width": 20, "height": 10, "rotation": 90, "rectanglelabels": ["Mass"]}
    ellipse = {"x": 50, "y": 50, "radiusX": 10, "radiusY": 25, "rotation": 0, "ellipselabels": ["Cyst"]}
    polygon = {"points": [[10, 10], [20, 10], [20, 30]], "polygonlabels": ["Cyst"]}
    point = {"x": 50, "y": 50, "width": 0.5, "keypointlabels": ["Clip"]}
    shapes = [region("rectangle", box, "a"), region("rectangle", turned, "b"), region("ellipse", ellipse, "c")]
    shapes += [region("polygon", polygon, "d"), region("keypoint", point, "e")]
    shapes.append({"id": "a", "type": "choices", "from_name": "margin", "to_name": "image", "value": {"choices": ["Sharp"]}})
    shapes.append({"id": "z", "type": "choices", "from_name": "all", "to_name": "image", "value": {"choices": ["Dense"]}})
    outcome = bring({"export.json": json.dumps([task(shapes)])})
    assert (outcome.formats, outcome.made, outcome.refused) == (["label_studio"], 1, [])
    one, two, three, four, five = lesions(case, "Label Studio 7")
    assert (one.points, one.attributes) == ([[10.0, 20.0], [30.0, 60.0]], {"margin": "Sharp"})
    assert two.points == [[40.0, 40.0], [60.0, 40.0], [50.0, 20.0], [50.0, 60.0]]
    assert three.points == [[50.0, 40.0]]
    assert four.points == [[10.0, 8.0], [20.0, 8.0], [20.0, 24.0]]
    assert np.allclose(five.points, [[50, 40], [50, 60], [42, 60], [42, 40]])
    assert list(one.reading.image_findings.values()) == ["present"]


def test_a_brush_mark_is_the_alpha_of_its_run_length_code(bring, named_case, lesions, pixels):
    case = named_case("one.png")
    due = np.zeros((80, 100), dtype=bool)
    due[10:20, 30:60] = due[79, 99] = True
    words = np.repeat(due.ravel() * 255, 4).tolist()
    brush = {"format": "rle", "rle": packed(words), "brushlabels": ["Mass"]}
    assert bring({"export.json": json.dumps([task([region("brush", brush)])])}).made == 1
    (lesion,) = lesions(case, "Label Studio 7")
    assert np.array_equal(pixels(lesion), due)


def test_literal_words_are_read_at_any_bit():
    bits = f"{3:032b}{7:05b}" + f"{2:04b}" * 4 + f"0{0:02b}{2:03b}" + "".join(f"{word:08b}" for word in (1, 128, 77))
    bits += "0" * (-len(bits) % 8)
    code = np.array([int(bits[at : at + 8], 2) for at in range(0, len(bits), 8)], dtype=np.uint8)
    assert unpacked_rle(code, 3).tolist() == [1, 128, 77]
    with pytest.raises(Refused, match="ends too early"):
        unpacked_rle(code[:-2], 3)


def test_each_annotation_of_a_task_is_a_reading_and_none_is_no_lesion(project, bring, named_case):
    named_case("one.png")
    both = task([], by={"email": "ann@example.org"})
    box = {"x": 1, "y": 2, "width": 3, "height": 4, "rotation": 0, "rectanglelabels": ["Mass"]}
    both["annotations"].append({"id": 2, "completed_by": 9, "result": [region("rectangle", box)]})
    both["annotations"].append({"id": 3, "completed_by": 10, "was_cancelled": True, "result": []})
    assert bring({"export.json": json.dumps([both])}).made == 2
    assert set(Reader.objects.filter(project=project).values_list("name", flat=True)) == {
        "ann@example.org",
        "Label Studio 9",
    }
    assert Reading.objects.get(reader__name="ann@example.org").verdict == "no_lesion"


def test_what_cannot_be_placed_is_told_and_what_is_not_here_waits(bring, named_case):
    named_case("one.png")
    box = {"x": 1, "y": 2, "width": 3, "height": 4, "rotation": 0, "rectanglelabels": ["Mass"]}
    wrong = task([region("rectangle", box, original_width=80)], id=1)
    video = task([region("video", {})], id=2)
    absent = task([], image="/data/local-files/?d=set/later.png", id=3)
    broken = {"id": 4, "annotations": [{"result": [], "completed_by": 1}], "data": 7}
    outcome = bring({"export.json": json.dumps([wrong, video, absent, broken])})
    assert (outcome.made, outcome.waiting) == (0, 1)
    assert dict(outcome.refused) == {
        "export.json: task 1": "It was labelled as 80×80 pixels, the image here has 100×80.",
        "export.json: task 2": "Answers of the kind videolabels are not read.",
        "export.json: task 4": "It is no task of Label Studio (AttributeError).",
    }
    assert PendingReading.objects.get().content["images"][0]["name"] == "set/later.png"
