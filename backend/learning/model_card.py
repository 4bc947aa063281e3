"""The model card of a version (Mitchell et al., FAT* 2019): every fact from what is stored, nothing that is not.

What is not known is null or an empty list, and the page says so in words. Limits are codes with their numbers, generated
from the same facts: whoever reads the card alone must meet them there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final

from backend.archive.traits import AGE_GROUPS, patient_traits
from backend.learning.leading_metric import FINDINGS_AUC
from backend.learning.selectors import labels, round_of, snapshot_as_it_was
from backend.learning.subgroups import HIGHER_IS_WORSE, NOT_COMPARED
from backend.learning.vocabulary import Vocabulary
from backend.metrics.intervals import MIN_POSITIVE
from backend.projects.models import Case, FindingType, Project, Split
from backend.readings.models import Reading
from backend.registry.models import Evaluation, ModelState, ModelVersion
from backend.registry.selectors import (
    card_text,
    clicks_document,
    holdout_looks,
    latest_evaluation,
    onnx_document,
    promotion_document,
)
from backend.registry.services import CARD_FIELDS

FEW_CASES: Final = 100
UNCALIBRATED: Final = "none"
Facts = dict[str, Any]


def model_card(version: ModelVersion) -> Facts:
    """Everything on the card, aggregated: no single case is told."""
    project, round_ = version.project, round_of(version)
    validation = latest_evaluation(version)
    holdout = latest_evaluation(version, Split.HOLDOUT)
    card: Facts = {
        "format": "overread-model-card-1",
        "project": {
            "slug": project.slug,
            "name": project.name,
            "question": project.question,
            "modality": project.modality,
            "unit": project.unit,
            "synthetic": project.synthetic,
        },
        "version": _version(version),
        "words": card_words(project),
        "finding_types": _finding_types(version),
        "training_data": _training_data(version, round_.snapshot if round_ else None),
        "splits": _splits(project),
        "training": _training(version, round_.settings if round_ else None),
        "gate": version.gate,
        "promotions": [promotion_document(promotion) for promotion in version.promotions.all()],
        "validation": _measured(validation),
        "holdout": _measured(holdout),
        "holdout_looks": {"version": _looks(version), "project": holdout_looks(project)},
        "clicks": clicks_document(version),
        "calibration": version.calibration,
        "onnx": onnx_document(version),
    }
    return {**card, "limits": _limits(card, version)}


def card_words(project: Project) -> Facts:
    """What the lead has written, by whom and when; empty where nobody has."""
    text = card_text(project)
    words = {name: getattr(text, name) if text else "" for name in CARD_FIELDS}
    return {
        **words,
        "by": text.by.get_username() if text and text.by else None,
        "written_at": text.created_at if text else None,
    }


def _version(version: ModelVersion) -> Facts:
    return {
        "number": version.number,
        "state": version.state,
        "created_at": version.created_at,
        "parent": version.parent.number if version.parent else None,
        "weights_sha256": version.weights_sha256,
        "code_version": version.code_version,
        "display_threshold": version.display_threshold,
        "released_at": version.released_at,
        "released_by": version.released_by.get_username() if version.released_by else None,
    }


def _finding_types(version: ModelVersion) -> list[Facts]:
    """What the outputs mean, with the codes; null names of types that are gone."""
    vocabulary = Vocabulary.from_dict(version.finding_type_ids)
    rows = {row.pk: row for row in FindingType.objects.filter(pk__in=[*vocabulary.types, *vocabulary.findings])}
    told = []
    for scope, pks in (("lesion", vocabulary.types), ("image", vocabulary.findings)):
        for pk in pks:
            row = rows.get(pk)
            code = " ".join(filter(None, (row.code_scheme, row.code_value))) if row else ""
            told.append({"id": pk, "scope": scope, "name": row.name if row else None, "code": code or None})
    return told


def _training_data(version: ModelVersion, snapshot: Any) -> Facts:
    """Counts over the snapshot as it was; nulls where it is gone."""
    blank = {"snapshot_sha256": version.snapshot_hash, "frozen_at": None, "n_cases": version.n_labels, "n_readings": None}
    if snapshot is None:
        return {**blank, "n_patients": None, "counts": {}, "changed_since": 0}
    readings, lost = snapshot_as_it_was(snapshot)
    cases = {reading.case_id: reading.case for reading in readings}
    return {
        **blank,
        "frozen_at": snapshot.created_at,
        "n_readings": len(readings) + len(lost),
        "n_patients": len({case.group_key for case in cases.values()}),
        "counts": {
            "finding_type": _by_type(readings),
            "reader": _counted(reading.reader.kind for reading in readings),
            **_by_trait(cases.values()),
        },
        "changed_since": len(lost),
    }


def _by_type(readings: Sequence[Reading]) -> list[Facts]:
    """Cases with each finding type (by id), and the lesions of it; "none" for cases of which no reading shows any."""
    with_type: dict[str, set[Any]] = {}
    lesions: Counter[str] = Counter()
    bare = {reading.case_id for reading in readings}
    for reading in readings:
        marked = [str(lesion.finding_type_id) for lesion in reading.lesions.all()]
        present = [pk for pk, value in reading.image_findings.items() if value == "present"]
        lesions.update(marked)
        for pk in {*marked, *present}:
            with_type.setdefault(pk, set()).add(reading.case_id)
            bare.discard(reading.case_id)
    told = [{"group": pk, "n_cases": len(cases), "n_lesions": lesions[pk]} for pk, cases in sorted(with_type.items())]
    return [*told, {"group": "none", "n_cases": len(bare), "n_lesions": 0}]


def _by_trait(cases: Iterable[Case]) -> dict[str, list[Facts]]:
    """Cases by modality, sex, age group and scanner as headers or else tables tell; "" where they do not."""
    found = list(cases)
    traits = [patient_traits(case.series, case.traits) for case in found]
    return {
        "modality": _counted(case.series.modality for case in found),
        **{name: _counted(one[name] for one in traits) for name in ("sex", "age", "scanner")},
    }


def _counted(values: Iterable[str]) -> list[Facts]:
    return [{"group": value, "n_cases": n} for value, n in sorted(Counter(values).items())]


def _splits(project: Project) -> list[Facts]:
    told = []
    for split in Split:
        rows = Case.objects.filter(project=project, split=split)
        told.append(
            {
                "split": split.value,
                "n_cases": rows.count(),
                "n_patients": rows.values("group_key").distinct().count(),
                "n_labelled": labels(project, split).values("case").distinct().count(),
            }
        )
    return told


def _training(version: ModelVersion, settings: Facts | None) -> Facts:
    return {
        "start": settings["start"] if settings else None,
        "steps": version.steps,
        "core_seconds": version.core_seconds,
        "seed": version.seed,
        "image_size": version.config.get("image_size"),
        "ct_window": version.config.get("plan", {}).get("ct_window"),
        "recipe": version.config.get("recipe"),
        "net": version.config.get("net"),
        "environment": version.config.get("environment"),
        "unread": version.config.get("unread"),
    }


def _measured(evaluation: Evaluation | None) -> Facts | None:
    if evaluation is None:
        return None
    return {
        "measured_at": evaluation.created_at,
        "n_cases": evaluation.n_cases,
        "n_patients": evaluation.n_patients,
        "metrics": evaluation.metrics,
        "subgroups": evaluation.subgroups,
        "perfection": {one["name"]: one.get("perfection") for one in evaluation.curves.get("reliability", [])},
    }


def _looks(version: ModelVersion) -> int:
    return version.evaluations.filter(split=Split.HOLDOUT).count()


def _limits(card: Facts, version: ModelVersion) -> list[Facts]:
    """{code, …numbers} in the order of the card; each code has its sentence on the page."""
    return [
        *_limits_of_data(card),
        *_limits_of_measurement(card),
        *_limits_of_groups(card["validation"]),
        *_limits_of_scores(card),
        *_limits_of_standing(card, version),
    ]


def _limits_of_data(card: Facts) -> Iterable[Facts]:
    data = card["training_data"]
    if card["project"]["synthetic"]:
        yield {"code": "synthetic"}
    if data["n_patients"] is None:
        yield {"code": "snapshot_gone"}
    if data["n_cases"] < FEW_CASES:
        yield {"code": "few_cases", "n": data["n_cases"], "patients": data["n_patients"]}
    if data["changed_since"]:
        yield {"code": "changed_since", "n": data["changed_since"]}
    if data["counts"]:
        yield from _limits_of_types(card, data["counts"])
        yield from _limits_of_patients(data["counts"])


def _limits_of_types(card: Facts, counts: Facts) -> Iterable[Facts]:
    shown = {row["group"] for row in counts["finding_type"]}
    for row in card["finding_types"]:
        if str(row["id"]) not in shown:
            yield {"code": "type_unseen", "finding_type": row["id"]}
    if not any(row["group"] == "none" and row["n_cases"] for row in counts["finding_type"]):
        yield {"code": "no_normal"}


def _limits_of_patients(counts: Facts) -> Iterable[Facts]:
    for name in ("sex", "age", "scanner"):
        if {row["group"] for row in counts[name]} == {""}:
            yield {"code": "not_stated", "dimension": name}
    sexes = {row["group"] for row in counts["sex"]} - {""}
    if len(sexes) == 1:
        yield {"code": "one_sex", "group": sexes.pop()}
    ages = {row["group"] for row in counts["age"]}
    missing = [name for _, name in AGE_GROUPS if name not in ages]
    if ages != {""} and missing:
        yield {"code": "ages_missing", "groups": missing}
    scanners = {row["group"] for row in counts["scanner"]} - {""}
    if len(scanners) == 1:
        yield {"code": "one_scanner", "group": scanners.pop()}


def _limits_of_measurement(card: Facts) -> Iterable[Facts]:
    validation = card["validation"]
    if validation is None or not validation["n_cases"]:
        yield {"code": "unmeasured"}
        return
    overall = {one["metric"]: one for one in validation["metrics"] if one["finding_type"] is None}
    dice = overall.get("dice")
    if dice is not None and dice["value"] is None and FINDINGS_AUC not in overall:
        yield {"code": "few_validation", "n": dice["n_positive"], "patients": dice["n_patients"], "needed": MIN_POSITIVE}
    for one in validation["metrics"]:
        if one["metric"] in ("dice", "auc") and one["finding_type"] is not None and one["value"] is None:
            yield {
                "code": "type_unmeasured",
                "finding_type": one["finding_type"],
                "metric": one["metric"],
                "note": one["note"],
            }


def _limits_of_groups(validation: Facts | None) -> Iterable[Facts]:
    """Groups of whom nothing can be told, and those whose interval lies wholly on the worse side of the value of all."""
    if validation is None:
        return
    overall = {one["metric"]: one["value"] for one in validation["metrics"] if one["finding_type"] is None}
    unknown = []
    for row in validation["subgroups"]:
        named = {name: row[name] for name in ("dimension", "group", "unit", "start", "end")}
        known = [one for one in row["metrics"] if one["value"] is not None]
        if not known and row["group"] and row["dimension"] != "finding_type":
            unknown.append({**named, "n": row["n_patients"]})
        for one in (one for one in known if one["metric"] not in NOT_COMPARED):
            value = overall.get(one["metric"])
            worse_above = one["metric"] in HIGHER_IS_WORSE
            bound = one["low"] if worse_above else one["high"]
            if value is not None and bound is not None and (bound > value if worse_above else bound < value):
                yield {"code": "group_worse", **named, "metric": one["metric"], "value": one["value"], "of_all": value}
    if unknown:
        yield {"code": "groups_unknown", "groups": unknown}


def _limits_of_scores(card: Facts) -> Iterable[Facts]:
    lesion = card["calibration"].get("lesion") or card["calibration"]
    if lesion.get("method", UNCALIBRATED) == UNCALIBRATED:
        yield {"code": "uncalibrated", "note": lesion.get("note", "")}
        return
    slope = lesion.get("slope_after") or {}
    if slope.get("low") is not None and not slope["low"] <= 1 <= slope["high"]:
        yield {"code": "slope_off", "value": slope["value"], "low": slope["low"], "high": slope["high"]}
    validation = card["validation"]
    right = ((validation or {}).get("perfection", {}).get("lesion") or {}).get("calibrated")
    for one in (validation or {}).get("metrics", []):
        if one["metric"] == "lesion_ece_calibrated" and one["value"] is not None and right and one["value"] > right["p95"]:
            yield {"code": "ece_beyond", "value": one["value"], "p95": right["p95"]}


def _limits_of_standing(card: Facts, version: ModelVersion) -> Iterable[Facts]:
    """What has not been decided or looked at, and where a person decided against the gate."""
    if card["holdout"] is None:
        yield {"code": "no_holdout"}
    elif card["holdout_looks"]["project"] > 1:
        yield {"code": "holdout_worn", "n": card["holdout_looks"]["project"]}
    gate = card["gate"]
    by_person = [one for one in card["promotions"] if one["by"] is not None]
    if gate.get("decision") == "waits":
        yield {"code": "promoted_against_gate" if by_person else "gate_waits"}
    elif gate.get("unproven_serves") and {"few_to_prove", "few_to_compare"} & set(gate.get("reasons", [])):
        yield {"code": "unproven"}
    if not gate.get("reasons"):
        yield {"code": "gate_unasked"}
    if not card["words"]["intended_use"]:
        yield {"code": "no_intended_use"}
    if version.state != ModelState.SERVES:
        yield {"code": "does_not_serve"}
