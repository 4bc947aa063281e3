"""The predictions of a foreign model in a file: JSON, a list with an entry a case, masks as NumPy files beside it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from .foreign_model import PredictedLesion

_CASE_FIELDS: Final = frozenset({"case", "lesions", "image_findings"})
_LESION_FIELDS: Final = frozenset(
    {"finding_type", "score", "kind", "points", "mask", "sop_instance_uid", "frame", "attributes"}
)


@dataclass(frozen=True)
class CasePrediction:
    """What a model found in a case (its name or id): its lesions, and scores of findings of the whole image."""

    case: str
    lesions: list[PredictedLesion] = field(default_factory=list)
    image_findings: dict[str, float] = field(default_factory=dict)


def predictions_of(path: Path) -> list[CasePrediction]:
    """All that a file says; ValueError names the entry that cannot be used, and nothing is sent before all can.

    An entry is {"case", "lesions": [{"finding_type", "score", "kind", "points"} or {"finding_type", "score", "mask"}],
    "image_findings": {name: score}}, fields as in `PredictedLesion`; `mask` is the path of a .npy file, from the file's own
    folder, with the mask [frames, rows, columns] or [rows, columns].
    """
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is no JSON file ({error}).") from error
    if not isinstance(entries, list):
        raise ValueError(f"{path} is no list with an entry for each case.")
    found = []
    for number, entry in enumerate(entries, 1):
        try:
            found.append(_case(entry, path.parent))
        except (ValueError, TypeError) as error:
            raise ValueError(f"Entry {number} of {path}: {error}") from error
    twice = {one.case for one in found if sum(other.case == one.case for other in found) > 1}
    if twice:
        raise ValueError(f"{path} speaks of a case twice: {', '.join(sorted(twice))}.")
    return found


def _case(entry: Any, folder: Path) -> CasePrediction:
    _check_fields(entry, _CASE_FIELDS, ("case",))
    scores = entry.get("image_findings", {})
    if not isinstance(entry.get("lesions", []), list) or not isinstance(scores, dict):
        raise ValueError("lesions are a list, image_findings an object of scores.")
    lesions = [_lesion(one, folder) for one in entry.get("lesions", [])]
    return CasePrediction(str(entry["case"]), lesions, {name: _score(score) for name, score in scores.items()})


def _lesion(one: Any, folder: Path) -> PredictedLesion:
    _check_fields(one, _LESION_FIELDS, ("finding_type", "score"))
    if ("mask" in one) == ("points" in one):
        raise ValueError("a lesion has either points or a mask.")
    told = {name: one[name] for name in ("sop_instance_uid", "frame", "attributes") if name in one}
    if "mask" in one:
        return PredictedLesion(one["finding_type"], _score(one["score"]), mask=_mask(folder / str(one["mask"])), **told)
    if "kind" not in one:
        raise ValueError("a lesion with points names its kind: box, ellipse, polygon, freehand or point.")
    return PredictedLesion(one["finding_type"], _score(one["score"]), kind=one["kind"], points=one["points"], **told)


def _mask(path: Path) -> Any:
    try:
        # Mapped, not read: the masks of all cases need not be in memory at once.
        mask = np.load(path, allow_pickle=False, mmap_mode="r")
    except (OSError, ValueError, EOFError) as error:
        raise ValueError(f"{path} is no NumPy file that can be read.") from error
    if not isinstance(mask, np.ndarray) or mask.ndim not in (2, 3):
        raise ValueError(f"{path} holds no mask [frames, rows, columns] or [rows, columns].")
    return mask


def _score(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or not 0 <= value <= 1:
        raise ValueError(f"a score is a number from 0 to 1, not {value!r}.")
    return float(value)


def _check_fields(entry: Any, known: frozenset[str], needed: tuple[str, ...]) -> None:
    if not isinstance(entry, Mapping):
        raise ValueError("an entry is an object.")
    for name in sorted(entry.keys() - known):
        raise ValueError(f"there is no field {name!r}; there are {', '.join(sorted(known))}.")
    for name in needed:
        if name not in entry:
            raise ValueError(f"it lacks {name}.")
