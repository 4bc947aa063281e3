"""How a projection image looks at the patient: which side, which view (PS3.3 C.8.11.7, mammography image module)."""

from __future__ import annotations

from typing import Final, NamedTuple

from backend.dicom.header import Header, text, values

# View Code Sequence of old and new SNOMED, PS3.16 CID 4014 "View for Mammography".
_VIEW_CODES: Final = {
    "399162004": "CC",
    "R-10242": "CC",
    "399368009": "MLO",
    "R-10226": "MLO",
    "399260004": "ML",
    "R-10224": "ML",
    "399352003": "LM",
    "R-10228": "LM",
}
VIEWS: Final = frozenset(
    ("AP", "PA", "LL", "RL", "RLD", "LLD", "RLO", "LLO")
    + ("CC", "MLO", "ML", "LM", "LMO", "XCC", "XCCL", "XCCM", "FB", "SIO", "ISO")
)
"""View positions (0018,5101): defined terms of PS3.3 C.8.1.1.1 and C.8.11.5, and those of mammography (PS3.16 CID 4014)."""
_SIDES: Final = ("R", "L", "B")


class Projection(NamedTuple):
    """Side (R, L, B or empty) and view (CC, MLO, PA, … or empty)."""

    laterality: str
    view: str


def projection_of(header: Header) -> Projection:
    """What the header says of side and view; empty where it says nothing that is known."""
    side = text(header, "ImageLaterality", 16) or text(header, "Laterality", 16) or _side_of_frames(header)
    view = text(header, "ViewPosition", 16).upper() or _VIEW_CODES.get(_first_code(header, "ViewCodeSequence"), "")
    return Projection(known_side(side), view)


def known_side(value: str) -> str:
    """R, L or B (both); empty for U (unpaired) and what the standard does not know."""
    return value.upper() if value.upper() in _SIDES else ""


def _side_of_frames(header: Header) -> str:
    """FrameLaterality of enhanced objects (tomosynthesis), which all frames share."""
    for group in _items(header, "SharedFunctionalGroupsSequence"):
        for anatomy in _items(group, "FrameAnatomySequence"):
            return text(anatomy, "FrameLaterality", 16)
    return ""


def _first_code(header: Header, keyword: str) -> str:
    for item in _items(header, keyword):
        return text(item, "CodeValue", 16)
    return ""


def _items(header: Header, keyword: str) -> list[Header]:
    return [item for item in values(header, keyword) if isinstance(item, dict)]
