"""Colours in DICOM's CIELab, as highdicom reads and writes them."""

from __future__ import annotations

import pytest
from highdicom.color import CIELabColor

from backend.dicom.cielab import cielab_values, rgb_values


@pytest.mark.parametrize("colour", ["#000000", "#ffffff", "#eaaa1c", "#6c88fe", "#ff0000", "#00ff00", "#0000ff", "#010203"])
def test_a_colour_comes_back_as_it_was(colour):
    read = CIELabColor.from_dicom_value(cielab_values(colour))
    assert all(abs(one - other) <= 1 for one, other in zip(read.to_rgb(), rgb_values(colour), strict=True))


@pytest.mark.parametrize("text", ["", "red", "#fff", "#12345g", "#1234567"])
def test_what_is_no_colour_recommends_none(text):
    assert cielab_values(text) == rgb_values(text) == []
