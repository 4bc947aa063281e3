"""CVAT for images 1.1; verified on specification fixtures only."""

from __future__ import annotations

import numpy as np
import pytest

from backend.exchange.models import PendingReading
from backend.readings.models import Reading

pytestmark = pytest.mark.django_db

XML = """<?xml version="1.0" encoding="utf-8"?>
<annotations>
  <version>1.1</version>
  <meta><task><id>4</id><mode>annotation</mode></task></meta>
  <image id="0" name="folder/one.png" width="100" height="80">
    <box label="Mass" source="manual" occluded="0" xtl="10.00" ytl="20.00" xbr="30.00" ybr="50.00" z_order="0">
      <attribute name="Margin">spiculated</attribute>
    </box>
    <box label="Mass" source="auto" occluded="0" xtl="40" ytl="20" xbr="60" ybr="30" rotation="90.00" z_order="0"></box>
    <ellipse label="Cyst" source="manual" occluded="0" cx="50" cy="40" rx="20" ry="10" z_order="0"></ellipse>
    <polygon label="Cyst" source="manual" occluded="0" points="1.5,2;8,2;8,9.25" z_order="0"></polygon>
    <mask label="Mass" source="manual" occluded="0" rle="1, 2, 2, 1" left="98" top="78" width="2" height="3" z_order="0"/>
    <points label="Clip" source="manual" occluded="0" points="5,6;7,8" z_order="0"></points>
    <tag label="Dense" source="manual"></tag>
  </image>
  <image id="1" name="two.png" width="100" height="80"></image>
  <image id="2" name="three.png" width="100" height="80"><tag label="Dense" source="manual"></tag></image>
  <image id="3" name="four.png" width="50" height="80"><tag label="Dense" source="manual"></tag></image>
  <image id="4" name="five.png" width="100" height="80"><polyline label="x" points="1,2;3,4"></polyline></image>
</annotations>
"""


def test_marks_attributes_and_tags_of_each_image_are_read(bring, named_case, lesions, pixels):
    one, two, _, _ = (named_case(f"{name}.png") for name in ("one", "two", "four", "five"))
    outcome = bring({"annotations.xml": XML.replace('height="3" z', 'height="2" z').replace("1, 2, 2, 1", "1, 2, 1")})
    assert (outcome.formats, outcome.made, outcome.waiting) == (["cvat_xml"], 1, 1)
    assert dict(outcome.refused) == {
        "annotations.xml: four.png": "The file says 50×80 pixels, US-0003 has 100×80.",
        "annotations.xml: five.png": "Marks of the kind polyline are not read.",
    }
    box, ellipse, mask, clip, other_clip, triangle, turned = lesions(one, "Imported labels")
    assert (box.points, box.attributes) == ([[10.0, 20.0], [30.0, 50.0]], {"Margin": "spiculated"})
    assert ellipse.points == [[30.0, 40.0], [70.0, 40.0], [50.0, 30.0], [50.0, 50.0]]
    assert np.argwhere(pixels(mask)).tolist() == [[78, 99], [79, 98]]
    assert sorted([clip.points, other_clip.points]) == [[[5.0, 6.0]], [[7.0, 8.0]]]
    assert triangle.points == [[1.5, 2.0], [8.0, 2.0], [8.0, 9.25]]
    assert np.allclose(turned.points, [[55, 15], [55, 35], [45, 35], [45, 15]])
    assert turned.attributes == {"Source": "auto"}
    reading = Reading.objects.get(case=one)
    assert list(reading.image_findings.values()) == ["present"]
    assert not Reading.objects.filter(case=two).exists()
    assert PendingReading.objects.get().options == {"image": "three.png"}


def test_a_mask_that_leaves_its_image_is_refused_with_its_image(bring, named_case):
    named_case("one.png")
    outcome = bring({"annotations.xml": XML})
    assert ("annotations.xml: folder/one.png", "a mask leaves its image.") in outcome.refused


def test_images_without_marks_are_without_lesions_where_that_is_said(bring, named_case):
    two = named_case("two.png")
    assert bring({"annotations.xml": XML}, empty="no_lesion").made == 1
    assert Reading.objects.get(case=two).verdict == "no_lesion"


def test_a_video_and_entities_are_refused(bring):
    track = '<annotations><version>1.1</version><track id="0" label="x"></track></annotations>'
    laugh = '<!DOCTYPE a [<!ENTITY l "lol"><!ENTITY m "&l;&l;">]><annotations><version>1.1</version>&m;</annotations>'
    refused = dict(bring({"video.xml": track, "laugh.xml": laugh}).refused)
    assert "tracks of a video" in refused["video.xml"]
    assert "entities" in refused["laugh.xml"]
