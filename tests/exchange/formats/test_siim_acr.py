"""SIIM-ACR run lengths; verified on specification fixtures only."""

from __future__ import annotations

import numpy as np
import pytest

from backend.dicom.refusal import Refused
from backend.exchange.formats.siim_acr import relative_runs
from backend.readings.models import Reading

pytestmark = pytest.mark.django_db


def test_runs_go_down_the_columns_each_from_the_end_of_the_last():
    mask = relative_runs("1 2 3 1", 4, 3)
    assert np.argwhere(mask).tolist() == [[1, 0], [2, 0], [2, 1]]


@pytest.mark.parametrize("text", ["", "1", "0 13", "-2 3", "1 2 x 4", "99999999999999999999 1", "3 0"])
def test_runs_that_are_none_or_leave_the_image_are_refused(text):
    with pytest.raises(Refused):
        relative_runs(text, 4, 3)


def test_masks_and_their_absence_become_readings_and_what_is_not_here_waits(bring, named_case, lesions, pixels):
    marked = named_case("1.2.276.0.1.png", rows=1024, columns=1024)
    clear = named_case("image-two.png", rows=1024, columns=1024)
    table = "ImageId, EncodedPixels\nimage-two,-1\n1.2.9,-1\n1.2.276.0.1,1024 3 1021 2\nimage-three, 5 5\n"
    outcome = bring({"train-rle.csv": table.replace("1.2.276.0.1,", f"{marked.instance.sop_instance_uid},")}, reader="SIIM")
    assert (outcome.formats, outcome.made, outcome.waiting, outcome.refused) == (["siim_acr"], 2, 2, [])
    (lesion,) = lesions(marked, "SIIM")
    assert np.argwhere(pixels(lesion)).tolist() == [[0, 1], [0, 2], [1, 1], [1, 2], [2, 1]]
    assert Reading.objects.get(case=clear).verdict == "no_lesion"
