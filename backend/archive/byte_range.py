"""The Range header of a request for stored bytes (RFC 9110, 14)."""

from __future__ import annotations

import re
from typing import Final

_RANGE: Final = re.compile(r"bytes=(\d{1,18})?-(\d{1,18})?")


def asked_range(header: str, size: int) -> tuple[int, int] | None:
    """The one range of bytes that is asked for, [begin, end); begin is not below end where it cannot be satisfied (416).

    None where all are asked for: there is no header, or one to be ignored (no range of bytes, several, one that ends before
    it begins).
    """
    found = _RANGE.fullmatch(header.strip())
    if found is None or (found[1] is None and found[2] is None):
        return None
    if found[1] is None:
        return max(0, size - int(found[2])), size
    first = int(found[1])
    if found[2] is not None and int(found[2]) < first:
        return None
    return first, size if found[2] is None else min(size, int(found[2]) + 1)
