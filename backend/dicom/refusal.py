"""Why a file cannot be used, in a reader's words."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

_LONGEST: Final = 380


class Refused(Exception):
    """A file that cannot be used; the message is shown to people and names no patient.

    `facts`: what is known of the file (`backend.dicom.file_facts`), where somebody has looked.
    """

    facts: Mapping[str, Any] = MappingProxyType({})


class Held(Refused):
    """An image that nobody may see before a lead has looked at it: its pixels may show a name.

    `why` is a word of `burnt_in.REASONS`; `facts` say what it is (manufacturer, model, rows, columns, frames, modality,
    and the rectangles proposed to be blanked); `preview` is a PNG of it, patient data like the file itself.
    """

    def __init__(self, why: str, message: str, facts: dict[str, Any], preview: bytes) -> None:
        super().__init__(message)
        self.why, self.facts, self.preview = why, facts, preview


def sentence(reason: str) -> str:
    """A reason as one line of bounded length with a full stop: it may quote a file, and a file may hold anything."""
    line = " ".join(reason.split())
    line = line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
    return line if line.endswith(".") else f"{line}."
