"""The arm of each case × reader, derived before anyone opens it, so that the list and the reading room agree.

A case carries a random number (`Case.draw`), a reader an affine map modulo a prime derived from the project's secret
key. The mapped number is uniform for each case, independent between readers, and pairwise independent between the
cases of one reader; and it is plain integer arithmetic, so a database sorts ten thousand cases by it.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Final

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import BigIntegerField, Case, ExpressionWrapper, F, Q, Value, When
from django.db.models.expressions import CombinedExpression

from backend.projects.models import DRAW_MODULUS, Arm, Project, Split
from backend.projects.models import Case as CaseRow

ALWAYS_BLINDED: Final = (Split.VALIDATION, Split.HOLDOUT, Split.EMBARGOED)
Person = AbstractBaseUser | AnonymousUser


@dataclass(frozen=True, slots=True)
class DrawnArm:
    """An arm and the probability with which it was drawn."""

    arm: Arm
    probability: float


class ReaderArms:
    """The arms of one reader in one project: for many cases the secret map is derived once."""

    def __init__(self, project: Project, user: Person) -> None:
        self._factor, self._offset = reader_map(project, user)
        self._below = blinded_below(project)
        self._share = project.blinded_share

    def draw(self, *, split: str, draw: int) -> DrawnArm:
        """The arm of a case by its split and its number."""
        if split in ALWAYS_BLINDED:
            return DrawnArm(Arm.BLINDED, 1.0)
        if (draw * self._factor + self._offset) % DRAW_MODULUS < self._below:
            return DrawnArm(Arm.BLINDED, self._share)
        return DrawnArm(Arm.ASSISTED, 1.0 - self._share)


def arm_of(project: Project, case: CaseRow, user: Person) -> DrawnArm:
    """The arm in which `user` reads `case`: VALIDATION and HOLDOUT blinded, of the POOL the project's share."""
    return ReaderArms(project, user).draw(split=case.split, draw=case.draw)


def blinded_condition(project: Project, user: Person) -> Q:
    """`arm_of` as a condition on cases annotated by `mapped_draw` under the name `mapped_draw`."""
    return Q(split__in=ALWAYS_BLINDED) | Q(mapped_draw__lt=blinded_below(project))


def mapped_draw(project: Project, user: Person) -> ExpressionWrapper[CombinedExpression]:
    """The case's number under the reader's map, as an SQL expression."""
    factor, offset = reader_map(project, user)
    return ExpressionWrapper((F("draw") * factor + offset) % DRAW_MODULUS, output_field=BigIntegerField())


def arm_expression(project: Project, user: Person, *, assigned: str) -> Case:
    """The arm as an SQL expression: the assignment's (field `assigned`) where there is one, else the derived."""
    return Case(
        When(**{f"{assigned}__isnull": False}, then=F(assigned)),
        When(blinded_condition(project, user), then=Value(Arm.BLINDED.value)),
        default=Value(Arm.ASSISTED.value),
    )


def blinded_below(project: Project) -> int:
    """Mapped numbers below this are blinded."""
    return round(project.blinded_share * DRAW_MODULUS)


def reader_map(project: Project, user: Person) -> tuple[int, int]:
    """The reader's affine map (factor, offset) modulo `DRAW_MODULUS`, from the project's secret key."""
    digest = hmac.new(project.split_key.encode(), f"arm:{user.pk}".encode(), hashlib.sha256).digest()
    factor = int.from_bytes(digest[:16]) % (DRAW_MODULUS - 1) + 1
    return factor, int.from_bytes(digest[16:]) % DRAW_MODULUS
