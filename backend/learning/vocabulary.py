"""What the network's outputs mean: the project's finding types in a fixed order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from backend.projects.models import FindingType, Project

ANY_LESION = "any"


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Finding types in the order of the outputs. `since` maps each id to the vocabulary version that brought it."""

    types: tuple[int, ...]
    findings: tuple[int, ...]
    since: dict[int, int]

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the outputs per image: any lesion, each lesion type, each finding of the whole image."""
        return (ANY_LESION, *(f"type:{pk}" for pk in self.types), *(f"finding:{pk}" for pk in self.findings))

    def type_index(self, finding_type_id: int) -> int | None:
        """1… for a lesion type of this vocabulary, None for any other (a retired one)."""
        return self.types.index(finding_type_id) + 1 if finding_type_id in self.types else None

    def knows(self, finding_type_id: int, vocabulary_version: int) -> bool:
        """Whether the type existed when a reading of that vocabulary version was made."""
        return self.since[finding_type_id] <= vocabulary_version

    def as_dict(self) -> dict[str, Any]:
        """For JSON; `Vocabulary.from_dict` reads it back."""
        since = {str(pk): version for pk, version in self.since.items()}
        return {"types": list(self.types), "findings": list(self.findings), "since": since}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Vocabulary:
        """The inverse of `as_dict`."""
        since = {int(pk): version for pk, version in values["since"].items()}
        return cls(tuple(values["types"]), tuple(values["findings"]), since)


def vocabulary_of(project: Project) -> Vocabulary:
    """The project's finding types that are in use; retired ones are no longer learned."""
    rows = list(FindingType.objects.filter(project=project, retired_in_version__isnull=True))
    return Vocabulary(
        types=tuple(row.pk for row in rows if row.scope == "lesion"),
        findings=tuple(row.pk for row in rows if row.scope == "image"),
        since={row.pk: row.since_version for row in rows},
    )
