"""What the page is told of readings before they are sent."""

from __future__ import annotations

import pytest

from backend.readings.services import person_reader
from tests.rows import make_case, make_reading

pytestmark = pytest.mark.django_db


def test_the_arrows_that_stay_here_are_counted_before_a_reading_is_sent(project, lead, reader, as_person) -> None:
    reading = make_reading(person_reader(project=project, user=reader), make_case(project), scores=[None])
    reading.measurements = [{"kind": kind} for kind in ("arrow", "length", "bidirectional", "angle", "roi", "arrow")]
    reading.save()
    (told,) = as_person(lead).get("/api/v1/projects/breast/pacs/transfers/send/").json()
    assert (told["id"], told["arrows"]) == (str(reading.pk), 2)
