"""Sex, age, view, site and scanner of imported images from a table: coded, held against the header, stored on the case."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from pydicom.dataset import Dataset

from backend.accounts.models import User
from backend.archive.models import Archive, DeidProfile, Instance
from backend.archive.traits import header_traits
from backend.dicom.deid_options import DeidOptions, deid_options
from backend.dicom.deidentify import capped_age
from backend.dicom.identity_words import holds_word, identity_words, names_somebody
from backend.dicom.patient_age import age_in_years
from backend.dicom.refusal import Refused
from backend.exchange.label_tables import FileLabels, LabelTables
from backend.exchange.table_traits import TRAITS, coded_trait
from backend.projects.models import Case, Project
from backend.projects.trait_services import write_case_traits

NO_CHARACTERISTICS: Final = "Age and sex are not taken from tables here: the archive's de-identification removes them."
NO_INSTITUTION: Final = "Sites are not taken from tables here: the archive's de-identification removes them."
_CHUNK: Final = 500


@dataclass
class TraitOutcome:
    """Cases of which something was stored, those of which it was known, what was not used or contradicts (file, sentence),
    and which traits the archive's rules do not let in, in sentences."""

    stored: int = 0
    known: int = 0
    notes: list[tuple[str, str]] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)

    @property
    def sentence(self) -> str:
        """What became of the traits, in one line."""
        told = [f"Traits of {self.stored} cases stored, {self.known} already there."]
        if self.notes:
            files = len({name for name, _ in self.notes})
            told.append(f"Of {files} files the table's traits were not all used, or contradict: it is told beside each.")
        return " ".join([*told, *self.removed])


@dataclass(frozen=True)
class _Part:
    """An image that the table speaks of."""

    name: str
    instance: Instance
    said: FileLabels


@dataclass(frozen=True)
class _Rules:
    """What the archive's de-identification leaves of a table's words: the same as of a header's."""

    cleans: bool
    options: DeidOptions

    @classmethod
    def of(cls, archive: Archive) -> _Rules:
        """Of the archive as it is now."""
        cleans = archive.deid_profile != DeidProfile.NONE
        return cls(cleans, deid_options(archive.deid_options if cleans else []))

    def takes(self, trait: str) -> bool:
        if not self.cleans:
            return True
        if trait in ("sex", "age"):
            return self.options.patient_characteristics
        return trait != "site" or self.options.institution_identity

    def cleaned(self, trait: str, value: str, patient: str) -> str:
        """The value with an age above 89 told as 090Y; Refused where it may name somebody."""
        if not self.cleans or not value:
            return value
        if trait == "age":
            return capped_age(value)
        words = identity_words(Dataset(), (patient,))
        names = (trait == "scanner" and names_somebody(value, words)) or (trait == "site" and holds_word(value, words))
        if names:
            raise Refused(f"The table's {trait} was not used: it may name somebody.")
        return value


def import_traits(
    *,
    project: Project,
    images: Sequence[tuple[str, Instance, Case]],
    tables: LabelTables,
    by: User | None,
    source: str,
) -> TraitOutcome | None:
    """Store what the table says of the traits of these images (name, instance, case); None where it has no such column.

    Where the header says something, that stays, and a table that says otherwise is told; a later table takes the place of an
    earlier one, and what that said is told. A value that DICOM has no term for is told and not used.
    """
    if not tables.traits:
        return None
    rules = _Rules.of(project.archive)
    outcome = TraitOutcome(removed=_removed(rules, tables))
    by_case: dict[UUID, list[_Part]] = defaultdict(list)
    cases: dict[UUID, Case] = {}
    for name, instance, case in images:
        said = tables.of(name)
        if said is not None and said.traits:
            by_case[case.pk].append(_Part(name, instance, said))
            cases[case.pk] = case
    traits = {}
    for case_id, header in _headers({case_id: parts[0].instance.pk for case_id, parts in by_case.items()}):
        parts = by_case[case_id]
        told = _told(parts, rules, outcome)
        kept, contradicted = _held_against(told, header, cases[case_id].traits, parts[0].name, outcome)
        if len(told) > contradicted:
            traits[case_id] = kept
    outcome.stored = write_case_traits(
        project=project, traits={case_id: kept for case_id, kept in traits.items() if kept}, by=by, source=source
    )
    outcome.known = len(traits) - outcome.stored
    return outcome


def _removed(rules: _Rules, tables: LabelTables) -> list[str]:
    found = []
    if tables.traits & {"sex", "age"} and not rules.takes("age"):
        found.append(NO_CHARACTERISTICS)
    if "site" in tables.traits and not rules.takes("site"):
        found.append(NO_INSTITUTION)
    return found


def _headers(instances: Mapping[UUID, int]) -> Iterator[tuple[UUID, dict[str, str]]]:
    """What the header of each case's image says; headers are long, so some at a time."""
    ids = list(instances)
    for start in range(0, len(ids), _CHUNK):
        chunk = ids[start : start + _CHUNK]
        rows = Instance.objects.filter(pk__in=[instances[case_id] for case_id in chunk]).select_related("series__study")
        known = {row.pk: header_traits(row.series, row) for row in rows}
        yield from ((case_id, known[instances[case_id]]) for case_id in chunk if instances[case_id] in known)


def _told(parts: Sequence[_Part], rules: _Rules, outcome: TraitOutcome) -> dict[str, str]:
    """What the table's rows agree on of one case."""
    found: dict[str, str] = {}
    for trait in filter(rules.takes, TRAITS):
        values: set[str] = set()
        for part in parts:
            for value in part.said.traits.get(trait, ()):
                try:
                    values.add(rules.cleaned(trait, coded_trait(trait, value), part.said.patient))
                except Refused as reason:
                    outcome.notes.append((part.name, str(reason)))
        values.discard("")
        if len(values) > 1:
            outcome.notes.append((parts[0].name, f"The table's {trait} was not used: its rows name two."))
        elif values:
            found[trait] = values.pop()
    return found


def _held_against(
    told: Mapping[str, str], header: Mapping[str, str], before: Mapping[str, str], name: str, outcome: TraitOutcome
) -> tuple[dict[str, str], int]:
    """What is to be stored, of what the header does not say; and how many traits it contradicts."""
    kept, contradicted = {}, 0
    for trait, value in told.items():
        stated, earlier = header[trait], before.get(trait, "")
        if stated:
            if not _alike(trait, stated, value):
                contradicted += 1
                outcome.notes.append((name, f"The header's {trait} stays: {stated}; the table says {value}."))
            continue
        if earlier and earlier != value:
            outcome.notes.append((name, f"The table's {trait} {value} takes the place of an earlier table's: {earlier}."))
        kept[trait] = value
    return kept, contradicted


def _alike(trait: str, stated: str, value: str) -> bool:
    if trait != "age":
        return stated.casefold() == value.casefold()
    years = [age_in_years(one) for one in (stated, value)]
    return None not in years and len({int(one) for one in years if one is not None}) == 1
