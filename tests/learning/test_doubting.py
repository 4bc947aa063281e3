"""Labels that a network which has not seen them believes least come first."""

from __future__ import annotations

import json

import pytest

from backend.readings.models import Lesion, Reading
from workers.doubting import main

pytestmark = pytest.mark.django_db


def test_a_label_that_lost_its_lesion_is_among_the_first_to_look_at_again(disc_project, capsys) -> None:
    wrong = Reading.objects.filter(case__split="POOL", verdict="lesions").order_by("case__number").first()
    Lesion.objects.filter(reading=wrong).delete()
    Reading.objects.filter(pk=wrong.pk).update(verdict="no_lesion")
    asked = ["--project", "breast", "--top", "24", "--image-size", "32", "--steps-scratch", "150", "--json"]
    assert main(asked) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(told) == 24 and [one["doubt"] for one in told] == sorted((one["doubt"] for one in told), reverse=True)
    assert str(wrong.case_id) in [one["case"] for one in told[:8]]


def test_too_few_patients_cannot_be_parted_and_a_project_that_is_not_there_is_told(project, capsys) -> None:
    assert main(["--project", "breast"]) == 1 and main(["--project", "nothing"]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "breast: 0 patients cannot be parted into 2.",
        "There is no project nothing.",
    ]
