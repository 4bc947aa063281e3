"""Near-duplicates that were read differently, and to whom they are shown."""

from __future__ import annotations

import csv
import shutil
from collections import defaultdict
from itertools import chain, combinations
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from backend.learning.models import Inquiry
from backend.learning.second_look import second_look
from backend.projects.models import Assignment, Case, CaseHash, FindingType
from backend.readings.models import Reader, Reading
from backend.readings.selectors import cases_judged_by, readings_visible_to
from tests.rows import make_case, make_model, make_reading

pytestmark = pytest.mark.django_db
HASH, NEAR, FAR = "0" * 64, "0" * 62 + "07", "f" * 64


@pytest.fixture
def truth(project) -> Reader:
    project.blinded_share = 0
    project.save()
    return Reader.objects.create(project=project, kind="imported", name="truth")


def label(reader: Reader, *, group: str, dhash: str = HASH, verdict: str = "lesions", patient: str = "", **more: Any) -> Any:
    """A closed case of the group with a submitted reading."""
    case = make_case(reader.project, group=group, is_open=False, **more)
    CaseHash.objects.create(case=case, project=reader.project, dhash=dhash)
    case.series.study.patient_key = patient
    case.series.study.save()
    reading = make_reading(reader, case, scores=[None] if verdict == "lesions" else [])
    Reading.objects.filter(pk=reading.pk).update(verdict=verdict)
    return case


def names(told: dict[str, Any]) -> list[list[str]]:
    return [[case["name"] for case in pair["cases"]] for pair in told["pairs"]]


def test_near_duplicates_are_listed_where_verdict_or_finding_type_differ_the_identical_ones_first(
    project, truth, lead
) -> None:
    one = label(truth, group="a")
    near = label(truth, group="a", dhash=NEAR, verdict="no_lesion")
    label(truth, group="b", dhash=FAR), label(truth, group="b", dhash=FAR)
    same, twin = label(truth, group="c", dhash="0f" * 32), label(truth, group="c", dhash="0f" * 31 + "08")
    twin.readings.get().lesions.update(finding_type=project.finding_types.filter(scope="lesion").last())
    twin.instance.pixel_digest = same.instance.pixel_digest
    twin.instance.save()
    told = second_look(project=project, user=lead, role="lead")
    assert names(told) == [[same.name, twin.name], [one.name, near.name]], "alike and read alike is no reason to look"
    assert [(pair["identical"], pair["distance"]) for pair in told["pairs"]] == [(True, 3), (False, 3)]
    assert told["blinded_pairs"] == 0 and told["doubts"] is None


def test_of_one_patient_only_images_that_look_the_same_are_compared(project, truth, lead) -> None:
    label(truth, group="p", patient="p", dhash=FAR)
    one = label(truth, group="p", patient="p")
    other = label(truth, group="p", patient="p", dhash=NEAR, verdict="no_lesion")
    assert names(second_look(project=project, user=lead, role="lead")) == [[one.name, other.name]]


def test_images_of_two_patients_that_look_the_same_are_listed_where_they_were_read_differently(project, truth, lead) -> None:
    one = label(truth, group="p", patient="p")
    twin = label(truth, group="q", patient="q", verdict="no_lesion")
    label(truth, group="r", patient="r", dhash=FAR, verdict="no_lesion")
    near = label(truth, group="s", dhash=NEAR, verdict="no_lesion")
    twin.instance.pixel_digest = one.instance.pixel_digest
    twin.instance.save()
    told = second_look(project=project, user=lead, role="lead")["pairs"]
    assert names({"pairs": told}) == [[one.name, twin.name], [one.name, near.name]]
    assert [(pair["identical"], pair["distance"]) for pair in told] == [(True, 0), (False, 3)]


def test_of_two_patients_too_a_pair_with_a_case_that_is_still_to_be_read_blinded_is_not_told(
    project, truth, reviewer, reader
) -> None:
    one, twin = label(truth, group="p", patient="p"), label(truth, group="q", patient="q", verdict="no_lesion")
    Assignment.objects.create(case=twin, user=reviewer, arm="blinded", arm_probability=1.0)
    told = second_look(project=project, user=reviewer, role="reviewer")
    assert (told["pairs"], told["blinded_pairs"]) == ([], 1)
    assert one.name not in str(told) and twin.name not in str(told)
    assert second_look(project=project, user=reader, role="reader")["pairs"] == []


def test_what_only_a_model_has_read_is_no_label_to_compare(project, truth, lead) -> None:
    label(truth, group="p", patient="p")
    unread = make_case(project, group="q")
    CaseHash.objects.create(case=unread, project=project, dhash=HASH)
    make_reading(make_model(project), unread)
    assert second_look(project=project, user=lead, role="lead")["pairs"] == []


def test_a_pair_that_the_reviewer_is_still_to_read_blinded_is_counted_and_not_shown(project, truth, reviewer) -> None:
    one = label(truth, group="a")
    label(truth, group="a", dhash=NEAR, verdict="no_lesion")
    mine = Assignment.objects.create(case=one, user=reviewer, arm="blinded", arm_probability=1.0)
    told = second_look(project=project, user=reviewer, role="reviewer")
    assert (told["pairs"], told["blinded_pairs"]) == ([], 1)
    Assignment.objects.filter(pk=mine.pk).update(state="submitted")
    assert len(second_look(project=project, user=reviewer, role="reviewer")["pairs"]) == 1


def test_the_repeats_of_busi_with_two_classes_are_found(project, lead, real_data, tmp_path) -> None:
    busi, folder = real_data / "busi", tmp_path / "images"
    folder.mkdir()
    groups: dict[str, list[dict[str, str]]] = defaultdict(list)
    with (busi / "index.csv").open() as table:
        for row in csv.DictReader(table):
            groups[row["near_dup_group"]].append(row)
    mixed = [rows for rows in groups.values() if len({row["class"] for row in rows}) > 1]
    for row in chain.from_iterable(mixed):
        shutil.copy(busi / "images" / row["file"], folder)
    # The seventh pair is one file twice: at import it became one case, whose two labels were refused.
    expected = {
        frozenset((one["file"], other["file"]))
        for rows in mixed
        for one, other in combinations(rows, 2)
        if one["class"] != other["class"] and one["grey_md5"] != other["grey_md5"]
    }
    project.blinded_share = project.validation_share = project.holdout_share = 0
    project.save()
    for kind in ("Benign", "Malignant"):
        FindingType.objects.filter(project=project, name=f"{kind} mass").update(name=kind)
    call_command(
        *("import_images", str(folder), "--project", "breast", "--reader", "BUSI", "--masks", str(busi / "masks")),
        *("--labels", str(busi / "index.csv"), "--columns", "finding=class,group=near_dup_group"),
    )
    told = second_look(project=project, user=lead, role="lead")["pairs"]
    file_of = dict(Case.objects.values_list("name", "source_name"))
    found = {frozenset(file_of[case["name"]] for case in pair["cases"]) for pair in told}
    assert len(expected) == 6 and found == expected
    assert [pair["distance"] for pair in told] == sorted(pair["distance"] for pair in told)


def test_a_label_that_is_doubted_by_its_pixels_and_as_a_whole_is_listed_for_each_and_counted_once(
    project, truth, lead, reviewer
) -> None:
    case, changed = label(truth, group="a"), label(truth, group="b", dhash=FAR)
    finding = project.finding_types.get(scope="image").pk
    told = [
        {"case": str(one.pk), "reading": str(one.readings.get().pk), "revision": revision, "labelled": None, **doubt}
        for one, revision in ((case, 0), (changed, 7))
        for doubt in ({"doubt": 0.6, "instead": 1}, {"doubt": 0.9, "instead": finding, "about": "image"})
    ]
    answer = {"n_labels": 2, "n_patients": 2, "labels": told}
    Inquiry.objects.create(project=project, kind="labels", answer=answer, answered_at=timezone.now())
    doubts = second_look(project=project, user=lead, role="lead")["doubts"]
    assert [(one["case"], one["about"], one["instead"]) for one in doubts["cases"]] == [
        (str(case.pk), "image", finding),
        (str(case.pk), "pixels", 1),
    ]
    assert (doubts["changed"], doubts["blinded"]) == (1, 0)
    Assignment.objects.create(case=case, user=reviewer, arm="blinded", arm_probability=1.0)
    doubts = second_look(project=project, user=reviewer, role="reviewer")["doubts"]
    assert (doubts["cases"], doubts["changed"], doubts["blinded"]) == ([], 1, 1)


@pytest.mark.parametrize("first_look", [False, True])
def test_the_cases_judged_are_those_in_which_others_readings_are_visible(
    project, truth, reader, reviewer, lead, first_look
) -> None:
    project.first_look = first_look
    project.save()
    cases = []
    for split in ("POOL", "VALIDATION"):
        for is_open in (True, False):
            for arm in (None, "assisted", "blinded"):
                for state in ("in_progress", "submitted"):
                    if split == "VALIDATION" and arm == "assisted":
                        continue
                    case = make_case(project, split=split, is_open=is_open)
                    make_reading(truth, case, scores=[])
                    cases.append(case)
                    for user in (reader, reviewer, lead) if arm else ():
                        Assignment.objects.create(case=case, user=user, arm=arm, arm_probability=0.5, state=state)
                        own, _ = Reader.objects.get_or_create(project=project, kind="person", name=user.username, user=user)
                        made = "submitted" if state == "submitted" else "draft"
                        make_reading(own, case, scores=[], state=made, revision=len(cases) % 2)
    for user, role in ((reader, "reader"), (reviewer, "reviewer"), (lead, "lead")):
        expected = {case.pk for case in cases if readings_visible_to(user, case, role=role).filter(reader=truth).exists()}
        assert cases_judged_by(project, user, role=role, cases=cases) == expected
        assert bool(expected) == (role != "reader")
