"""Private attributes that are known to hold numbers of technique, by creator: a part of PS3.15 Table E.3.10-1.

Only those of a numeric VR are taken, and only numbers are kept of them: a text in a private attribute cannot be judged.
"""

from __future__ import annotations

from typing import Final

NUMERIC_VRS: Final = frozenset({"DS", "IS", "FL", "FD", "US", "SS", "UL", "SL"})

_SAFE: Final[dict[str, dict[int, tuple[int, ...]]]] = {
    # SUV factor; activity concentration factor
    "PHILIPS PET PRIVATE GROUP": {0x7053: (0x00, 0x09)},
    # diffusion: b-factor; direction right-left, anterior-posterior, foot-head; scale intercept and slope
    "PHILIPS IMAGING DD 001": {0x2001: (0x03,)},
    "PHILIPS MR IMAGING DD 001": {0x2005: (0x0D, 0x0E, 0xB0, 0xB1, 0xB2)},
    # b-value, direction and matrix of diffusion
    "SIEMENS MR HEADER": {0x0019: (0x0C, 0x0E, 0x27)},
    # dose length product, acquisition duration; table velocity, pitch, rotation time
    "ELSCINT1": {0x00E1: (0x21, 0x50), 0x01F1: (0x07, 0x26, 0x27)},
    # table speed, mid scan time, rotation speed; direction of diffusion x, y, z
    "GEMS_ACQU_01": {0x0019: (0x23, 0x24, 0x27, 0xBB, 0xBC, 0xBD)},
    # images in series
    "GEMS_SERS_01": {0x0025: (0x07,)},
    # b-value; scanner table entry
    "GEMS_PARM_01": {0x0043: (0x39, 0x6F)},
    # macro rows of the detector, macro width
    "GEMS_HELIOS_01": {0x0045: (0x01, 0x02)},
    # mammography: stereo angle, anatomical mean, thickness, mu, threshold, organ and entrance dose
    "GEMS_SENO_02": {0x0045: (0x06, 0x20, 0x49, 0x58, 0x59, 0xA0, 0xA1, 0xA2, 0xA4, 0xA8, 0xAB, 0xAC)},
    # paddle angle, exposure control, skin edge, exposure index, tomosynthesis angle
    "LORAD SELENIA": {0x0019: (0x16, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x40, 0x41, 0x50, 0x51, 0x52, 0x53, 0x90)},
    "HOLOGIC, INC.": {0x0019: (0x16, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x40, 0x41, 0x50, 0x51, 0x52, 0x53, 0x90)},
}


def is_safe_private(creator: str, group: int, offset: int) -> bool:
    """Whether the attribute `offset` (its last byte) of a creator's block in `group` is on the list."""
    return offset in _SAFE.get(creator.strip().upper(), {}).get(group, ())


def is_safe_creator(creator: str) -> bool:
    """Whether any attribute of the creator is on the list, so that its name is no secret."""
    return creator.strip().upper() in _SAFE
