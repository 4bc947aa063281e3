"""The life of a round, as a table: which state may follow which, and which step of the page each belongs to."""

from __future__ import annotations

from typing import Final

from backend.learning.models import RoundState

QUEUED, SNAPSHOT, TRAINING, EVALUATING, GATING, PREDICTING, RANKING, DONE, FAILED, CANCELLED = RoundState

TRANSITIONS: Final[dict[RoundState, frozenset[RoundState]]] = {
    QUEUED: frozenset({SNAPSHOT, FAILED, CANCELLED}),
    SNAPSHOT: frozenset({TRAINING, FAILED, CANCELLED}),
    TRAINING: frozenset({EVALUATING, FAILED, CANCELLED}),
    EVALUATING: frozenset({GATING, FAILED, CANCELLED}),
    GATING: frozenset({PREDICTING, FAILED, CANCELLED}),
    PREDICTING: frozenset({RANKING, FAILED, CANCELLED}),
    RANKING: frozenset({DONE, FAILED, CANCELLED}),
    DONE: frozenset(),
    FAILED: frozenset(),
    CANCELLED: frozenset(),
}
ENDED: Final = frozenset(state for state, following in TRANSITIONS.items() if not following)

STEPS: Final[tuple[tuple[str, RoundState], ...]] = (
    ("snapshot", SNAPSHOT),
    ("train", TRAINING),
    ("evaluate", EVALUATING),
    ("gate", GATING),
    ("predict", PREDICTING),
    ("rank", RANKING),
)
