"""What is told of a version's error: distances, calibration, subgroups; each with its interval or the reason for none."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss

from backend.archive.spacing import voxel_spacing
from backend.archive.traits import age_group
from backend.learning.calibrating import NOT_RISING, applied_calibration, fitted_calibration
from backend.learning.score_sets import score_sets
from backend.learning.selectors import truth
from backend.learning.services import start_round
from backend.learning.subgroups import NO_SPACING, NOT_STATED, grouped, size_cuts, subgroups_of
from backend.learning.vocabulary import Vocabulary
from backend.metrics.overlap import Region
from backend.projects.models import Case
from backend.registry.calibration import platt_of
from tests.measured import measured_cases
from workers.cnn.predict import PredictedLesion
from workers.datasets import CaseTruth
from workers.evaluating import evaluation_of, known_cases, measure_case, version_numbers

WORDS = Vocabulary((1, 2), (3,), {1: 1, 2: 1, 3: 1})


def square(row: int, column: int, side: int = 10) -> Region:
    return Region(np.ones((1, side, side), bool), (0, row, column))


def predicted(row: int, column: int, score: float, type_index: int = 1) -> PredictedLesion:
    return PredictedLesion(np.ones((1, 10, 10), bool), (0, row, column), type_index, score)


@pytest.fixture(scope="module")
def numbers() -> dict:
    return evaluation_of(measured_cases(300, findings=(3,)), WORDS, 0.5, 0)


def told(numbers: dict, metric: str, finding_type: int | None = None) -> dict:
    (found,) = [one for one in numbers["metrics"] if (one["metric"], one["finding_type"]) == (metric, finding_type)]
    return found


def test_distances_are_in_millimetres_where_the_spacing_is_known_and_in_pixels_elsewhere() -> None:
    known = CaseTruth(lesions=[(1, square(20, 20))], outputs={"any": 1}, complete=True, boxed=False)
    lesions = [predicted(20, 24, 0.9), predicted(60, 60, 0.8, 2), predicted(22, 22, 0.3)]
    in_pixels = measure_case(known, lesions[:1], threshold=0.5, spacing=None, vocabulary=WORDS)
    assert (in_pixels["hd95"], in_pixels["unit"]) == (4, "px")
    in_mm = measure_case(known, lesions[:1], threshold=0.5, spacing=(1.0, 0.5, 0.25), vocabulary=WORDS)
    assert (in_mm["hd95"], in_mm["unit"], in_mm["nsd"]) == (1.0, "mm", 1.0)
    assert in_mm["sizes"] == [{"px": pytest.approx(11.284, abs=1e-3), "mm": pytest.approx(3.989, abs=1e-3)}]
    everything = measure_case(known, lesions, threshold=0.5, spacing=None, vocabulary=WORDS)
    assert everything["found"] == [0.9, 0.3] and everything["false"] == [0.8] and everything["false_types"] == [2]
    nothing = measure_case(known, [], threshold=0.5, spacing=None, vocabulary=WORDS)
    assert (nothing["dice"], nothing["nsd"], nothing["hd95"]) == (0, 0, None)
    free = CaseTruth(lesions=[], outputs={"any": 0}, complete=True, boxed=False)
    assert measure_case(free, lesions, threshold=0.5, spacing=None, vocabulary=WORDS)["nsd"] is None


def test_several_frames_need_a_regular_grid_for_millimetres() -> None:
    affine = [[0, 0, 0.7, 5], [0, 0.7, 0, 5], [3, 0, 0, 5], [0, 0, 0, 1]]
    assert voxel_spacing(affine=affine, pixel_spacing=[0.7, 0.7], n_frames=9) == pytest.approx((3, 0.7, 0.7))
    assert voxel_spacing(affine=None, pixel_spacing=[0.7, 0.7], n_frames=9) is None
    assert voxel_spacing(affine=None, pixel_spacing=[0.7, 0.6], n_frames=1) == (1, 0.7, 0.6)
    assert voxel_spacing(affine=None, pixel_spacing=None, n_frames=1) is None


def test_every_number_has_its_interval_and_patients_or_the_reason_for_none(numbers) -> None:
    everything = numbers["metrics"] + [one for row in numbers["subgroups"] for one in row["metrics"]]
    assert len(everything) > 80
    for one in everything:
        if one["value"] is None:
            assert one["note"], one
        else:
            assert one["low"] <= one["value"] <= one["high"] or one["metric"].endswith("ece"), one
            assert one["n_patients"] >= 10, one
    names = {"nsd", "hd95_mm", "lesion_average_precision", "average_precision", "lesion_ece", "lesion_brier", "ece", "brier"}
    assert names <= {one["metric"] for one in everything if one["value"] is not None}
    json.dumps(numbers, allow_nan=False)


def test_the_brier_score_of_lesions_counts_every_prediction(numbers) -> None:
    cases = measured_cases(300, findings=(3,))
    scores = [score for case in cases for score in case["found"] + case["false"]]
    outcomes = [hit for case in cases for hit in [True] * len(case["found"]) + [False] * len(case["false"])]
    assert told(numbers, "lesion_brier")["value"] == pytest.approx(brier_score_loss(outcomes, scores), abs=1e-12)
    assert told(numbers, "lesion_brier")["n_positive"] == sum(outcomes)


def test_hausdorff_leaves_out_images_in_which_nothing_was_shown_and_says_how_many(numbers) -> None:
    missed = sum(case["dice"] == 0 for case in measured_cases(300, findings=(3,)))
    assert told(numbers, "hd95_mm")["note"] == f"in {missed} of 200 images nothing was shown: they have no distance"


def test_calibration_is_fitted_on_validation_and_mends_overconfident_scores(numbers) -> None:
    calibration = numbers["calibration"]
    lesion = calibration["lesion"]
    assert calibration["method"] == lesion["method"] == "platt" and set(calibration["outputs"]) == set(WORDS.outputs)
    assert lesion["n"] == len([1 for case in measured_cases(300, findings=(3,)) for _ in case["found"] + case["false"]])
    for entry in (lesion, *calibration["outputs"].values()):
        assert entry["slope_after"]["low"] < 1 < entry["slope_after"]["high"]
        assert entry["slope_after"]["n_patients"] == entry["n_patients"]
    assert calibration["outputs"]["type:1"]["slope_before"]["high"] < 1, "overconfident"
    assert told(numbers, "ece_calibrated", 1)["value"] < told(numbers, "ece", 1)["value"]
    assert told(numbers, "brier_calibrated", 1)["value"] < told(numbers, "brier", 1)["value"]
    curve = platt_of(calibration, "any")
    assert curve is not None and 0 < curve(np.array([0.7]))[0] < 0.7
    again = evaluation_of(measured_cases(300, findings=(3,)), WORDS, 0.5, 0)["calibration"]
    assert again == calibration


def test_holdout_fits_nothing_but_applies_what_validation_fitted(numbers) -> None:
    fresh = measured_cases(150, findings=(3,), seed=7)
    cuts = numbers["curves"]["size_cuts"]
    held = evaluation_of(fresh, WORDS, 0.5, 0, calibration=numbers["calibration"], cuts=cuts)
    assert held["calibration"] is None and held["curves"]["size_cuts"] == cuts
    sets = score_sets(fresh, WORDS)
    applied = applied_calibration(sets, numbers["calibration"])
    curve = platt_of(numbers["calibration"], "any")
    assert curve is not None and applied["any"] == pytest.approx(curve(sets[1].scores))
    uncalibrated = evaluation_of(fresh, WORDS, 0.5, 0, calibration={}, cuts=cuts)
    assert told(uncalibrated, "lesion_ece_calibrated")["note"] == "undefined: uncalibrated"


def test_scores_stay_uncalibrated_while_there_is_too_little_and_say_why() -> None:
    few, _ = fitted_calibration(score_sets(measured_cases(20), WORDS))
    assert few["method"] == "none" and few["note"].startswith("too few: ")
    assert few["outputs"]["any"]["note"].endswith("at least 20 needed")
    cases = measured_cases(200)
    for case in cases:
        case["scores"]["any"] = 1 - case["scores"]["any"]
    turned, probabilities = fitted_calibration(score_sets(cases, WORDS))
    assert turned["outputs"]["any"]["note"] == NOT_RISING and probabilities["any"] is None
    for case in cases:
        case["group"] = "one patient"
    one_patient, _ = fitted_calibration(score_sets(cases, WORDS))
    assert one_patient["note"] == "too few: 1 patient, at least 10 needed"


def test_reliability_diagrams_say_how_many_patients_stand_in_a_bin(numbers) -> None:
    diagrams = {one["name"]: one for one in numbers["curves"]["reliability"]}
    assert set(diagrams) == {"lesion", *WORDS.outputs}
    assert sum(one["n"] for one in diagrams["any"]["raw"]) == 300
    assert len(diagrams["any"]["raw"]) == len(diagrams["any"]["calibrated"]) == 15
    assert all(one["n_patients"] <= one["n"] and one["low"] <= one["share"] <= one["high"] for one in diagrams["any"]["raw"])


def test_the_band_of_the_froc_holds_the_curve(numbers) -> None:
    band = {rate: (low, high) for rate, low, high in numbers["curves"]["froc_band"]}
    for rate in (0.125, 0.5, 1.0, 8.0):
        assert band[rate][0] <= told(numbers, f"sensitivity_at_{rate:g}")["value"] <= band[rate][1]


def rows_of(numbers: dict, dimension: str) -> dict[str, dict]:
    return {row["group"]: row for row in numbers["subgroups"] if row["dimension"] == dimension}


def metric_of(row: dict, name: str) -> dict:
    return next(one for one in row["metrics"] if one["metric"] == name)


def test_groups_below_the_minimum_are_listed_as_too_few_never_dropped(numbers) -> None:
    scanners = rows_of(numbers, "scanner")
    assert set(scanners) == {"Alpha One", "Beta Two", "Gamma Three", ""} and list(scanners)[-1] == ""
    few = scanners["Gamma Three"]
    assert few["n_cases"] == 13 and all("too few" in one["note"] and one["value"] is None for one in few["metrics"])
    assert [one["metric"] for one in few["metrics"]] == [
        "sensitivity", "false_positives_per_image", "dice", "nsd", "hd95_mm", "auc", "average_precision"
    ]  # fmt: skip
    assert set(rows_of(numbers, "view")) == {""} and rows_of(numbers, "view")[""]["note"] == NOT_STATED
    assert list(rows_of(numbers, "age")) == ["18-39", "40-59", "60-74", ""]


def test_a_subgroup_counts_its_own_lesions_and_images(numbers) -> None:
    cases = numbers["per_case"]
    women = [case for case in cases if case["traits"]["sex"] == "F"]
    row = rows_of(numbers, "sex")["F"]
    hits = [hit for case in women for hit in case["hits"]]
    found = [hit for hit in hits if hit is not None and hit >= 0.5]
    assert metric_of(row, "sensitivity")["value"] == pytest.approx(len(found) / len(hits))
    shown = sum(score >= 0.5 for case in women for score in case["false"])
    assert metric_of(row, "false_positives_per_image")["value"] == pytest.approx(shown / len(women))
    assert row["n_cases"] == len(women) and row["n_patients"] == len({case["group"] for case in women})


def test_a_subgroup_tells_its_outlines_and_how_well_its_images_are_ranked(numbers) -> None:
    women = [case for case in numbers["per_case"] if case["traits"]["sex"] == "F"]
    bearing = [case for case in women if case["dice"] is not None]
    row = rows_of(numbers, "sex")["F"]
    surface, distance, precision = (metric_of(row, name) for name in ("nsd", "hd95_mm", "average_precision"))
    assert surface["value"] == pytest.approx(np.mean([case["nsd"] for case in bearing]))
    assert surface["n_patients"] == len({case["group"] for case in bearing}) and surface["note"] == "within 2 mm"
    shown = [case for case in bearing if case["hd95"] is not None]
    assert distance["value"] == pytest.approx(np.mean([case["hd95"] for case in shown]))
    assert distance["n_patients"] == len({case["group"] for case in shown})
    missed = f"in {len(bearing) - len(shown)} of {len(bearing)} images nothing was shown: they have no distance"
    assert distance["note"] == missed
    truth, scores = ([case[name]["any"] for case in women] for name in ("truth", "scores"))
    assert precision["value"] == pytest.approx(average_precision_score(truth, scores))
    for one in (surface, distance, precision):
        assert one["low"] < one["value"] < one["high"], one


def test_distances_of_a_subgroup_are_in_millimetres_and_never_mixed_with_pixels() -> None:
    cases = measured_cases(300)
    for case in cases:
        if case["traits"]["scanner"] == "Beta Two" or case["traits"]["sex"] == "M":
            case["unit"] = "px"
    numbers = evaluation_of(cases, Vocabulary((1, 2), (), {1: 1, 2: 1}), 0.5, 0)
    untold = metric_of(rows_of(numbers, "scanner")["Beta Two"], "hd95_mm")
    assert untold["value"] is None and untold["note"] == NO_SPACING
    mixed = metric_of(rows_of(numbers, "scanner")["Alpha One"], "hd95_mm")
    known = [case for case in numbers["per_case"] if case["traits"]["scanner"] == "Alpha One" and case["unit"] == "mm"]
    assert mixed["value"] == pytest.approx(np.mean([case["hd95"] for case in known if case["hd95"] is not None]))


def test_a_subgroup_in_which_every_image_bears_a_lesion_has_no_average_precision() -> None:
    cases = measured_cases(300)
    for case in cases:
        case["traits"]["site"] = "North" if case["truth"]["any"] else "South"
    numbers = evaluation_of(cases, Vocabulary((1, 2), (), {1: 1, 2: 1}), 0.5, 0)
    for name in ("auc", "average_precision"):
        assert metric_of(rows_of(numbers, "site")["North"], name)["note"] == "too few: 0 negative, at least 20 needed"


def test_lesions_fall_into_thirds_by_size_and_small_ones_are_missed_more_often(numbers) -> None:
    rows = rows_of(numbers, "size")
    counts = [metric_of(rows[name], "sensitivity")["n_positive"] for name in ("small", "middle", "large")]
    assert sum(counts) == 200 and max(counts) - min(counts) <= 2
    assert metric_of(rows["small"], "sensitivity")["high"] < metric_of(rows["large"], "sensitivity")["low"]
    assert rows["small"]["end"] == rows["middle"]["start"] and rows["large"]["end"] is None and rows["small"]["unit"] == "mm"
    assert "no true size" in metric_of(rows["small"], "false_positives_per_image")["note"]


def test_types_count_false_positives_by_what_the_model_said_they_were(numbers) -> None:
    cases, row = numbers["per_case"], rows_of(numbers, "finding_type")["2"]
    wrong = sum(
        score >= 0.5 and kind == 2 for case in cases for score, kind in zip(case["false"], case["false_types"], strict=True)
    )
    assert metric_of(row, "false_positives_per_image")["value"] == pytest.approx(wrong / 300)
    whole = rows_of(numbers, "finding_type")["3"]
    assert metric_of(whole, "auc")["value"] is not None and "no place" in metric_of(whole, "dice")["note"]


def test_without_a_lesion_and_without_a_case_everything_is_listed_and_nothing_told() -> None:
    assert size_cuts([]) is None
    rows = subgroups_of(grouped([], cuts=None), vocabulary=WORDS, threshold=0.5, cuts=None)
    assert {row["dimension"] for row in rows} == {
        "finding_type", "size", "sex", "age", "body_part", "view", "site", "scanner"
    }  # fmt: skip
    assert all(one["value"] is None and one["note"] for row in rows for one in row["metrics"])


def test_an_unknown_spacing_measures_all_lesions_in_pixels() -> None:
    cases = measured_cases(30)
    cases[1]["sizes"][0]["mm"] = None
    cuts = size_cuts(cases)
    assert cuts is not None and cuts["unit"] == "px"


@pytest.mark.parametrize(
    ("age", "group"), [("045Y", "40-59"), ("018M", "0-17"), ("018Y", "18-39"), ("090Y", "75+"), ("", ""), ("45", "")]
)
def test_ages_of_headers_fall_into_groups(age: str, group: str) -> None:
    assert age_group(age) == group


@pytest.mark.django_db
def test_subgroups_are_told_by_a_table_where_the_header_is_silent_also_of_what_was_measured_before(
    quick_project, lead, work, draw_case, read_truth
) -> None:
    for index in range(4):
        read_truth(draw_case(index % 3, split="VALIDATION"))
    version = work(start_round(project=quick_project, by=lead)).model_version
    before = version.evaluations.get()
    assert {case["traits"]["sex"] for case in before.per_case} == {""}
    readings = truth(quick_project, "VALIDATION")
    studied = readings[0].case.series.study
    type(studied).objects.filter(pk=studied.pk).update(patient_sex="M")
    told = {"sex": "F", "age": "052Y", "view": "PA", "site": "North", "scanner": "Alpha One"}
    Case.objects.filter(split="VALIDATION").update(traits=told)
    known = known_cases(version, truth(quick_project, "VALIDATION"))
    assert [case["traits"]["sex"] for case in known] == ["M", "F", "F", "F"], "the header goes before the table"
    assert known[1]["traits"] == {**told, "age": "40-59", "body_part": ""}
    numbers = version_numbers(known, version, "VALIDATION")
    assert rows_of(numbers, "sex")["F"]["n_cases"] == 3 and rows_of(numbers, "scanner")["Alpha One"]["n_cases"] == 4
    assert [case["dice"] for case in numbers["per_case"]] == [case["dice"] for case in before.per_case]
