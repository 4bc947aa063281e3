"""Why a file cannot be used, in a reader's words."""

from __future__ import annotations

from typing import Any


class Refused(Exception):
    """A file that cannot be used; the message is shown to people and names no patient."""


class Held(Refused):
    """An image that nobody may see before a lead has looked at it: its pixels may show a name.

    `why` is a word of `burnt_in.REASONS`; `facts` say what it is (manufacturer, model, rows, columns, frames, modality,
    and the rectangles proposed to be blanked); `preview` is a PNG of it, patient data like the file itself.
    """

    def __init__(self, why: str, message: str, facts: dict[str, Any], preview: bytes) -> None:
        super().__init__(message)
        self.why, self.facts, self.preview = why, facts, preview
