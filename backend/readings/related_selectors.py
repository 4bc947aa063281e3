"""What else of the patient may be looked at beside a case: images alone, never what anybody found in them."""

from __future__ import annotations

import json
from collections import defaultdict
from itertools import groupby
from typing import Any, Final

from django.db.models import Q, QuerySet

from backend.archive.models import Instance, Study
from backend.archive.selectors import with_pixels_version
from backend.dicom.projection import Projection, known_side, projection_of
from backend.projects.models import Case, Project, Split
from backend.projects.selectors import case_instances, in_reading_order

MOST_CASES: Final = 60
_PROJECTIONS: Final = ("MG", "CR", "DX", "RG", "PX", "IO")
_INSTANCE_FIELDS: Final = ("sop_instance_uid", "rows", "columns", "number_of_frames", "pixel_spacing", "frames_key")


def related_document(*, project: Project, case: Case) -> dict[str, Any]:
    """The other cases of the case's study and of the patient's studies that are not known to be later, newest first.

    A later study would tell what became of a finding. Embargoed cases are left out, for leads too. Patients are the
    same where the archive's key says so; a file that names no patient has no other studies.
    """
    study = case.series.study
    cases = _cases_of_patient(project, study).exclude(pk=case.pk)
    ours = list(cases.filter(series__study=study)[:MOST_CASES])
    others = list(cases.exclude(series__study=study)[: MOST_CASES - len(ours)])
    images = _images_of([*ours, *others])
    studies = [_study_document(project, study, "this", ours, images)] if ours else []
    for other, group in groupby(others, key=lambda one: one.series.study):
        relation = "prior" if study.study_date and other.study_date else "undated"
        studies.append(_study_document(project, other, relation, list(group), images))
    own = _projection(case, case_instances(case))
    return {"laterality": own.laterality, "view": own.view, "studies": studies}


def _cases_of_patient(project: Project, study: Study) -> QuerySet[Case]:
    patient = Q(series__study=study)
    if study.patient_key:
        patient |= Q(series__study__archive=study.archive_id, series__study__patient_key=study.patient_key)
    cases = Case.objects.filter(patient, project=project).exclude(split=Split.EMBARGOED)
    if study.study_date:
        cases = cases.exclude(series__study__study_date__gt=study.study_date)
    order = ("-series__study__study_date", "series__study_id", "series__series_number", "number")
    return cases.select_related("series__study").order_by(*order)


def _images_of(cases: list[Case]) -> dict[Any, list[dict[str, Any]]]:
    """Instances by case, in reading order, each with its place in the DICOM model."""
    alone = {case.instance_id: case.pk for case in cases if case.instance_id}
    whole = {case.series_id: case.pk for case in cases if not case.instance_id}
    found: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    chosen = Instance.objects.filter(Q(pk__in=list(alone)) | Q(series_id__in=list(whole)))
    for row in in_reading_order(chosen).values("pk", "series_id", *_INSTANCE_FIELDS):
        key, series = row.pop("pk"), row.pop("series_id")
        shown = with_pixels_version(row)
        for owner in {alone.get(key), whole.get(series)} - {None}:
            found[owner].append(shown)
    return found


def _study_document(
    project: Project, study: Study, relation: str, cases: list[Case], images: dict[Any, list[dict[str, Any]]]
) -> dict[str, Any]:
    return {
        "study_instance_uid": study.study_instance_uid,
        "relation": relation,
        "date": study.study_date,
        "description": study.study_description,
        "cases": [_case_document(project, case, images[case.pk]) for case in cases if images[case.pk]],
    }


def _case_document(project: Project, case: Case, instances: list[dict[str, Any]]) -> dict[str, Any]:
    series = case.series
    looks = _projection(case, Instance.objects.filter(series=series, sop_instance_uid=instances[0]["sop_instance_uid"]))
    return {
        "id": str(case.pk),
        "name": case.name,
        "modality": series.modality,
        "description": series.series_description or series.protocol_name,
        "body_part": series.body_part_examined,
        "laterality": looks.laterality,
        "view": looks.view,
        "n_frames": sum(instance["number_of_frames"] for instance in instances),
        "series": {
            "study_instance_uid": series.study.study_instance_uid,
            "series_instance_uid": series.series_instance_uid,
            "wado_root": f"/dicom-web/{project.slug}",
            "frame_of_reference_uid": series.frame_of_reference_uid,
            "instances": instances,
        },
    }


def _projection(case: Case, images: QuerySet[Instance]) -> Projection:
    """As the header of the first image says; the header of a modality without sides and views is not even fetched."""
    if case.series.modality not in _PROJECTIONS:
        return Projection("", "")
    found = projection_of(json.loads(images.values_list("dicom_json", flat=True).first() or "{}"))
    return Projection(found.laterality or known_side(case.series.laterality), found.view)
