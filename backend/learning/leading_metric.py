"""By which number versions are compared first: Dice, or, where VALIDATION shows no lesion, the AUC of image findings.

A project that asks yes or no of each image (pneumonia: present, absent) has no outline to measure: its versions are judged
by the mean AUC of the findings of the whole image that VALIDATION can measure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from backend.learning.case_statistics import PerCase
from backend.learning.selectors import labels, truth_among
from backend.learning.vocabulary import Vocabulary, vocabulary_of
from backend.metrics.intervals import MIN_PATIENTS, MIN_POSITIVE
from backend.projects.models import Project, Split
from backend.readings.models import Lesion, ReaderKind, Reading

DICE: Final = "dice"
FINDINGS_AUC: Final = "findings_auc"
LEADING_METRICS: Final = (DICE, FINDINGS_AUC)
IN_WORDS: Final = {FINDINGS_AUC: "AUC of image findings"}
FINDING: Final = "finding:"


def truth_of(reading: Reading, vocabulary: Vocabulary, *, is_marked: bool) -> PerCase:
    """A case before any version has measured it: `group`, `truth` of its findings, and `hits` with a None for its marks."""
    return {
        "group": reading.case.group_key,
        "truth": known_findings(reading, vocabulary),
        "hits": [None] if is_marked else [],
    }


def known_findings(reading: Reading, vocabulary: Vocabulary) -> dict[str, int]:
    """What a reading says of each finding of the whole image, by name of output: 1, 0, or nothing where it does not say.

    A person who submits has seen every finding on offer, so what is not ticked is absent; an imported reading says
    nothing of findings that its file did not name.
    """
    asked = reading.reader.kind == ReaderKind.PERSON
    found = {}
    for pk in vocabulary.findings:
        said = reading.image_findings.get(str(pk))
        if said in ("present", "absent") or (asked and vocabulary.knows(pk, reading.vocabulary_version)):
            found[f"{FINDING}{pk}"] = int(said == "present")
    return found


def finding_counts(cases: Sequence[PerCase]) -> dict[str, dict[str, int]]:
    """By finding of which any case says something: how many are `present`, how many `absent`, of how many `patients`."""
    names = sorted({name for case in cases for name in case["truth"] if name.startswith(FINDING)})
    counts = {}
    for name in names:
        rows = [case for case in cases if name in case["truth"]]
        present = sum(case["truth"][name] for case in rows)
        patients = len({case["group"] for case in rows})
        counts[name] = {"present": present, "absent": len(rows) - present, "patients": patients}
    return counts


def nearest_counts(cases: Sequence[PerCase]) -> dict[str, int]:
    """The counts of the finding that comes nearest to being measured; zeros where no case says anything of any."""
    nothing = {"present": 0, "absent": 0, "patients": 0}
    return max(finding_counts(cases).values(), key=lambda count: min(count["present"], count["absent"]), default=nothing)


def measured_findings(cases: Sequence[PerCase]) -> list[str]:
    """The findings of the whole image whose AUC can be told: 20 cases show it, 20 do not, 10 patients."""
    return [
        name
        for name, count in finding_counts(cases).items()
        if min(count["present"], count["absent"]) >= MIN_POSITIVE and count["patients"] >= MIN_PATIENTS
    ]


def shows_lesions(cases: Sequence[PerCase]) -> bool:
    """Whether a lesion is marked in any of the cases."""
    return any(case["hits"] for case in cases)


def leading_metric(cases: Sequence[PerCase], vocabulary: Vocabulary) -> str:
    """The number that leads on these cases.

    Dice, unless no lesion is marked in any of them and there is a finding to measure instead, or no lesion type at all.
    """
    if not vocabulary.findings or shows_lesions(cases):
        return DICE
    return FINDINGS_AUC if not vocabulary.types or measured_findings(cases) else DICE


def validation_truth(project: Project, vocabulary: Vocabulary) -> list[PerCase]:
    """The cases of VALIDATION as they are read now; see `truth_of`."""
    readings = truth_among(labels(project, Split.VALIDATION).select_related("reader", "case"))
    lesions = Lesion.objects.filter(reading__case__project=project, reading__case__split=Split.VALIDATION)
    marked = set(lesions.values_list("reading", flat=True))
    return [truth_of(reading, vocabulary, is_marked=reading.pk in marked) for reading in readings.values()]


def project_metric(project: Project) -> str:
    """The number that leads in the project as VALIDATION is read now."""
    vocabulary = vocabulary_of(project)
    return leading_metric(validation_truth(project, vocabulary), vocabulary) if vocabulary.findings else DICE
