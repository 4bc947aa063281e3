"""The room tells a finding's probability beside its raw score, and calls it uncalibrated, with the reason, without one."""

from __future__ import annotations

import math

import pytest

from backend.readings.models import Lesion
from tests.rows import make_case, make_model, make_reading

pytestmark = pytest.mark.django_db

BASE = "/api/v1/projects/breast"
FITTED = {"method": "platt", "slope": 0.5, "intercept": -1.0, "n": 210, "n_positive": 90, "n_patients": 64, "note": ""}


def opened_model(project, reader, as_person, calibration: dict[str, object]) -> dict:
    """What the room says of a model with one finding of score 0.8 and one image finding of 0.6."""
    project.blinded_share = 0.0
    project.save()
    model = make_model(project)
    model.model_version.calibration = calibration
    model.model_version.save()
    image_type = project.finding_types.get(scope="image")
    case = make_case(project)
    make_reading(model, case, scores=[0.8, 0.3], image_findings={str(image_type.pk): 0.6})
    return as_person(reader).post(f"{BASE}/cases/{case.pk}/open/").json()["model"]


def test_a_calibrated_finding_has_its_probability_beside_its_raw_score(project, reader, as_person) -> None:
    image_type = project.finding_types.get(scope="image")
    calibration = {"method": "platt", "note": "", "lesion": FITTED, "outputs": {f"finding:{image_type.pk}": FITTED}}
    model = opened_model(project, reader, as_person, calibration)
    (finding,) = model["findings"]
    assert finding["score"] == 0.8 and model["display_threshold"] == 0.5
    assert model["probabilities"] == {finding["id"]: pytest.approx(1 / (1 + math.exp(1 - 0.5 * math.log(4))), abs=1e-4)}
    assert model["calibration"] == {"method": "platt", "note": "", "n": 210, "n_patients": 64}
    assert model["image_findings"] == {str(image_type.pk): 0.6}
    assert model["image_probabilities"][str(image_type.pk)] == pytest.approx(0.3106, abs=1e-4)
    assert set(Lesion.objects.values_list("score", flat=True)) == {0.8, 0.3}, "stored scores stay raw"


@pytest.mark.parametrize(
    ("calibration", "note"),
    [
        ({}, ""),
        ({"method": "none", "note": "uncalibrated"}, "uncalibrated"),
        (
            {"method": "none", "lesion": {**FITTED, "method": "none", "note": "too few: 7 positive, at least 20 needed"}},
            "too few: 7 positive, at least 20 needed",
        ),
    ],
)
def test_an_uncalibrated_score_has_no_probability_but_the_reason(project, reader, as_person, calibration, note) -> None:
    model = opened_model(project, reader, as_person, calibration)
    assert (model["calibration"]["method"], model["calibration"]["note"]) == ("none", note)
    assert list(model["probabilities"].values()) == [None]
    assert set(model["image_probabilities"].values()) == {None}
