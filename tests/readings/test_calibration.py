"""A score is only called calibrated when the model version names the method that made it so."""

from __future__ import annotations

import pytest

from backend.readings.room_selectors import is_calibrated
from tests.rows import make_model

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("calibration", "answer"),
    [({}, False), ({"method": "none", "note": "uncalibrated"}, False), ({"method": "temperature", "value": 1.3}, True)],
)
def test_a_version_without_a_method_is_uncalibrated(project, calibration: dict[str, object], answer: bool) -> None:
    version = make_model(project).model_version
    version.calibration = calibration
    version.save()
    assert is_calibrated(version) is answer
