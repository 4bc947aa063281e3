"""From which score on a version's findings are shown, so that readers do not meet more false ones than the lead allows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from backend.learning.case_statistics import PerCase, matched_of
from backend.metrics.froc import FrocTable
from backend.metrics.intervals import MIN_PATIENTS, MIN_POSITIVE

STRICTEST: Final = 0.99


def display_threshold(cases: Sequence[PerCase], *, least: float, allowed: float) -> float | None:
    """The lowest score, in hundredths from `least` on, above which at most `allowed` false positives per image are shown.

    Of complete cases of VALIDATION, as measured; `STRICTEST` where no score keeps to it. None where fewer than
    `MIN_POSITIVE` images or `MIN_PATIENTS` patients could say so.
    """
    complete = [case for case in cases if case["complete"]]
    if len(complete) < MIN_POSITIVE or len({case["group"] for case in complete}) < MIN_PATIENTS:
        return None
    table, once = FrocTable.of([matched_of(case) for case in complete]), np.ones((1, len(complete)), dtype=np.int64)
    levels = [least, *(level / 100 for level in range(1, 100) if level / 100 > least)]
    kept = (level for level in levels if table.false_positives_above(level)(once)[0] <= allowed)
    return next(kept, max(least, STRICTEST))
