"""Tables beside images: what is read, what is refused, never half a table."""

from __future__ import annotations

import pytest

from backend.dicom.refusal import Refused
from backend.exchange.label_tables import LabelTables, column_mapping, read_boxes, read_labels, renamed


def labels_of(text: str, columns: str = "") -> LabelTables:
    tables = LabelTables()
    read_labels(tables, text, column_mapping(columns))
    return tables


def test_a_class_column_names_what_is_present_and_what_is_absent():
    tables = labels_of("file,class,near_dup_group\na.png,benign,1\nb.png,normal,2\nc.png,malignant,3\n")
    assert tables.of("a.png").findings == {"benign": True, "malignant": False}
    assert tables.of("b.png").is_normal
    assert tables.of("c.png").group == "3"


def test_columns_can_be_named():
    tables = labels_of("Image Index,Kind,Who\na.png,mass,P1\n", "file=Image Index,finding=Kind,patient=Who")
    assert (tables.of("a.png").patient, tables.of("a.png").findings) == ("P1", {"mass": True})


def test_a_value_column_says_present_or_absent():
    tables = labels_of("file,finding,value\na.png,mass,1\na.png,effusion,no\n")
    assert tables.of("a.png").findings == {"mass": True, "effusion": False}


def test_an_image_is_found_by_its_path_its_name_or_its_stem():
    tables = labels_of("file,class\nsub/a.png,x\nb.png,y\n007,z\n")
    assert tables.of("sub/a.png") is not None
    assert tables.of("any/where/b.png") is not None
    assert tables.of("ct/007.dcm") is not None
    assert tables.of("other/a.png") is None


def test_boxes_have_four_numbers():
    tables = LabelTables()
    read_boxes(tables, "file,finding,x,y,w,h\na.png,Mass,1,2,3,4.5\n", {})
    assert [(box.x, box.h) for box in tables.of("a.png").boxes] == [(1.0, 4.5)]


@pytest.mark.parametrize(
    ("text", "columns", "reason"),
    [
        ("name,class\na.png,x\n", "", "no column with file names"),
        ("file,class\na.png,x\n", "finding=kind", "no column kind"),
        ("file,patient\na.png,1\na.png,2\n", "", "two values of patient"),
        ("file,finding,value\na.png,mass,maybe\n", "", "neither present nor absent"),
        ("file,class\n" + "".join(f"{n}.png,class {n}\n" for n in range(40)), "", "is it the right column"),
    ],
)
def test_a_table_that_makes_no_sense_is_refused(text, columns, reason):
    with pytest.raises(Refused, match=reason):
        labels_of(text, columns)


@pytest.mark.parametrize("row", ["a.png,Mass,1,2,0,4", "a.png,Mass,1,2,nan,4", "a.png,Mass,1,2,x,4"])
def test_a_box_that_is_none_is_refused(row):
    with pytest.raises(Refused, match="A box of a.png"):
        read_boxes(LabelTables(), f"file,finding,x,y,w,h\n{row}\n", {})


def test_a_mapping_of_unknown_meaning_is_refused():
    with pytest.raises(Refused, match="MEANING=COLUMN"):
        column_mapping("colour=blue")


def test_findings_are_renamed_or_capitalised():
    assert renamed("benign", {"Benign": "Benign mass"}) == "Benign mass"
    assert renamed("mass", {}) == "Mass"
