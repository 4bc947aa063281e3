"""Clinical texts of imported images: each row finds its cases, and what it says is stored beside them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final
from uuid import UUID

from backend.accounts.models import User
from backend.archive.models import DeidProfile
from backend.dicom.deidentify import known_patient, patient_key
from backend.dicom.refusal import Refused
from backend.dicom.uids import keyed_uid
from backend.exchange.context_table import MAX_INDICATION, MAX_REPORT, ContextRow
from backend.exchange.import_options import ImportOptions
from backend.exchange.models import ImportItem, ImportRun
from backend.projects.context_services import ClinicalTexts, write_clinical_contexts
from backend.projects.models import Case, Project

UNCLEAN: Final = (
    "Indications and reports are free text, which profile basic does not clean. Make sure that they name nobody, "
    "then confirm it (context_is_clean)."
)
_SHORTEST_ID: Final = 4
"""Patient ids shorter than this are found in any text by chance."""


@dataclass
class ContextOutcome:
    """Cases whose texts were stored, cases that had them already, and rows that were not used, with the reason."""

    stored: int = 0
    known: int = 0
    refused: list[str] = field(default_factory=list)

    @property
    def sentence(self) -> str:
        """What became of the table, in one line."""
        told = f"Clinical texts of {self.stored} cases stored, {self.known} already there."
        if not self.refused:
            return told
        shown, more = self.refused[:_SHOWN], len(self.refused) - _SHOWN
        return " ".join([told, f"{len(self.refused)} rows not used:", *shown, *([f"and {more} more."] if more > 0 else [])])


_SHOWN: Final = 20


@dataclass(frozen=True)
class _Known:
    """What tells the cases of a project apart: file names of its imports, studies, patients."""

    project: Project
    by_file: Mapping[str, set[UUID]]
    by_study: Mapping[str, set[UUID]]
    by_patient: Mapping[str, set[UUID]]
    studies: Mapping[UUID, str]
    patients: Mapping[UUID, str]


def require_clean_texts(project: Project, options: ImportOptions) -> None:
    """Refused where texts come along, the archive de-identifies, and nobody has said that they are clean."""
    if options.context_file and project.archive.deid_profile != DeidProfile.NONE and not options.context_is_clean:
        raise Refused(UNCLEAN)


def import_contexts(*, run: ImportRun, rows: Sequence[ContextRow], options: ImportOptions) -> ContextOutcome:
    """Store the texts of every case that the rows name; importing the same table twice changes nothing.

    A row that finds no case, or contradicts the image's header or another row, is not used and told.
    """
    outcome = ContextOutcome()
    if not rows:
        return outcome
    known = _known(run)
    texts: dict[UUID, ClinicalTexts] = {}
    first: dict[UUID, int] = {}
    for row in rows:
        try:
            _check_texts(row, run.project)
            for case_id in _cases_of(row, known):
                before = texts.get(case_id, ClinicalTexts())
                texts[case_id] = _together(before, row, first.setdefault(case_id, row.number))
        except Refused as reason:
            outcome.refused.append(f"Row {row.number}: {reason}")
    by: User | None = run.created_by
    outcome.stored = write_clinical_contexts(
        project=run.project, texts=texts, by=by, source=f"import {run.pk}", is_confirmed=options.context_is_clean
    )
    outcome.known = len(texts) - outcome.stored
    return outcome


def _check_texts(row: ContextRow, project: Project) -> None:
    for name, text, limit in (("indication", row.indication, MAX_INDICATION), ("report", row.report, MAX_REPORT)):
        if len(text) > limit:
            raise Refused(f"its {name} has {len(text):,} characters, at most {limit:,} are stored.")
    patient = known_patient(row.patient)
    cleaned = project.archive.deid_profile != DeidProfile.NONE
    if cleaned and len(patient) >= _SHORTEST_ID and patient.casefold() in f"{row.indication} {row.report}".casefold():
        raise Refused("its text names the patient's id.")


def _known(run: ImportRun) -> _Known:
    by_file, by_study, by_patient = defaultdict(set), defaultdict(set), defaultdict(set)
    own = set()
    items = ImportItem.objects.filter(run__project=run.project, case__isnull=False)
    for name, case_id, run_id in items.values_list("name", "case_id", "run_id"):
        assert case_id is not None
        for key in _names(name):
            # A name of this import means this import's file, whatever an earlier one called by it.
            if run_id == run.pk and key not in own:
                own.add(key)
                by_file[key] = {case_id}
            elif run_id == run.pk or key not in own:
                by_file[key].add(case_id)
    studies, patients = {}, {}
    cases = Case.objects.filter(project=run.project)
    fields = ("pk", "series__study__study_instance_uid", "series__study__patient_key")
    for case_id, study, patient in cases.values_list(*fields):
        by_study[study].add(case_id)
        studies[case_id] = study
        if patient:
            by_patient[patient].add(case_id)
            patients[case_id] = patient
    return _Known(run.project, by_file, by_study, by_patient, studies, patients)


def _names(name: str) -> Iterable[str]:
    """How a table may call a file: by its path, its name, or its name without the extension."""
    path = PurePosixPath(name)
    return {str(path), path.name, path.stem}


def _cases_of(row: ContextRow, known: _Known) -> set[UUID]:
    """The cases that a row speaks of: of its file, else of its study, else of its patient's only study."""
    key = known.project.archive.key
    uids = {row.study, keyed_uid(key, "uid", row.study)} if row.study else set()
    patient = patient_key(key, row.patient)
    if row.file:
        found = known.by_file.get(row.file, set())
        if len(found) > 1:
            raise Refused(f"{len(found)} cases come from files named {row.file}.")
        what = f"a file {row.file}"
    elif uids:
        found = set().union(*(known.by_study.get(uid, set()) for uid in uids))
        what = "its study"
    else:
        found = known.by_patient.get(patient, set())
        what = "its patient"
        studies = {known.studies[case_id] for case_id in found}
        if len(studies) > 1:
            raise Refused(f"its patient has {len(studies)} studies here; name the study or the file.")
    if not found:
        raise Refused(f"no case here comes from {what}.")
    for case_id in found:
        if uids and known.studies[case_id] not in uids:
            raise Refused("its file belongs to another study than the row says.")
        if patient and known.patients.get(case_id, patient) != patient:
            raise Refused("its images belong to another patient than the row says.")
    return found


def _together(before: ClinicalTexts, row: ContextRow, first: int) -> ClinicalTexts:
    for name, old, new in (("indication", before.indication, row.indication), ("report", before.report, row.report)):
        if old and new and old != new:
            raise Refused(f"it tells another {name} than row {first} of the same case.")
    return ClinicalTexts(row.indication or before.indication, row.report or before.report)
