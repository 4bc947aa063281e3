"""Labels that a network which has not seen them believes least come first."""

from __future__ import annotations

import json

import numpy as np
import pytest

from backend.learning.selectors import policy_of
from backend.learning.vocabulary import vocabulary_of
from backend.projects.models import CaseHash
from backend.readings.models import Lesion, Reading
from workers.doubting import Judging, main
from workers.scratch import ScratchTraining

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


def test_wrong_labels_of_whole_images_are_among_the_first_to_look_at_again_and_say_which_finding(
    disc_project, capsys
) -> None:
    normal = str(disc_project.finding_types.get(scope="image").pk)
    rows = list(Reading.objects.filter(case__split="POOL").order_by("case__number"))
    for row in rows:
        row.image_findings = {normal: "present" if row.verdict == "no_lesion" else "absent"}
    missed, needless = rows[0], rows[1]
    missed.image_findings, needless.image_findings = {normal: "absent"}, {normal: "present"}
    only_told = rows[3]  # An image without a lesion.
    Lesion.objects.filter(reading=only_told).delete()
    only_told.verdict, only_told.label_kind, only_told.image_findings = "lesions", "image", {}
    Reading.objects.bulk_update(rows, ["image_findings", "verdict", "label_kind"])
    assert (missed.verdict, needless.verdict) == ("no_lesion", "lesions")
    asked = ["--project", "breast", "--top", "48", "--image-size", "32", "--steps-scratch", "150", "--json"]
    assert main(asked) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    of_images = [one for one in told if one["about"] == "image"]
    assert len(of_images) == 24, "every label says something of its image as a whole"
    first = {one["case"]: (one["labelled"], one["instead"]) for one in of_images if one["doubt"] >= 0.5}
    assert first.pop(str(missed.case_id)) == (None, int(normal))
    assert first.pop(str(needless.case_id)) == (int(normal), None)
    assert first.pop(str(only_told.case_id)) == (None, None), "that there is a lesion, wherever"
    assert len(first) <= 6, "few that are right are doubted"


def test_a_finding_that_the_other_part_shows_in_no_image_is_not_judged_by_it(disc_project, capsys) -> None:
    """A network that has met one answer only knows no other; its doubt would be no evidence."""
    normal = str(disc_project.finding_types.get(scope="image").pk)
    rows = Reading.objects.filter(case__split="POOL").order_by("case__number")
    rows.update(image_findings={normal: "absent"})
    Reading.objects.filter(pk=rows.first().pk).update(image_findings={normal: "present"})
    assert main(["--project", "breast", "--top", "48", "--image-size", "32", "--steps-scratch", "3", "--json"]) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert str(rows.first().case_id) not in [one["case"] for one in told if one["about"] == "image"]


def test_near_duplicates_under_several_patients_are_judged_by_one_network_that_has_seen_none_of_them(disc_project) -> None:
    """Two readings of almost the same image under two patients: a network of one would believe the mistake of the other."""
    rows = list(Reading.objects.filter(case__split="POOL").order_by("case__number"))
    generator = np.random.default_rng(0)
    hashes = [int.from_bytes(generator.bytes(32), "big") for _ in rows]
    hashes[1] = hashes[0] ^ (2**20 - 1)
    hashes[2] = hashes[1] ^ (2**20 - 1 << 20)  # 40 bits from the first, 20 from the second: one chain.
    for row, dhash in zip(rows, hashes, strict=True):
        CaseHash.objects.create(case=row.case, project=disc_project, dhash=f"{dhash:064x}")
    for seed in range(6):
        judging = Judging.of(_scratch(disc_project), folds=2, seed=seed)
        assert len({judging.fold_of[row.pk] for row in rows[:3]}) == 1
        sizes = [list(judging.fold_of.values()).count(fold) for fold in (0, 1)]
        assert abs(sizes[0] - sizes[1]) <= 2, "what hangs together does not empty the other part"


def test_the_images_of_a_patient_are_never_parted(disc_project, draw_case, read_truth) -> None:
    own = [read_truth(draw_case(1, group="one patient")) for _ in range(5)]
    judging = Judging.of(_scratch(disc_project), folds=3, seed=0)
    assert len({judging.fold_of[row.pk] for row in own}) == 1
    assert (len(judging.fold_of), judging.n_patients) == (29, 25)


def test_patients_who_share_all_their_images_cannot_be_parted(disc_project, capsys) -> None:
    for row in Reading.objects.filter(case__split="POOL"):
        CaseHash.objects.create(case=row.case, project=disc_project, dhash=f"{7:064x}")
    assert main(["--project", "breast"]) == 1
    assert capsys.readouterr().err == "breast: 1 patients (near-duplicates count as one) cannot be parted into 2.\n"


def _scratch(project) -> ScratchTraining:
    return ScratchTraining(project, policy_of(project), vocabulary_of(project))


def test_too_few_patients_cannot_be_parted_and_a_project_that_is_not_there_is_told(project, capsys) -> None:
    assert main(["--project", "breast"]) == 1 and main(["--project", "nothing"]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "breast: 0 patients (near-duplicates count as one) cannot be parted into 2.",
        "There is no project nothing.",
    ]
