"""Why a write to a reading was refused, in the words and codes of the API."""

from __future__ import annotations

from typing import Any


class ReadingRefused(Exception):
    """The reading is as it was; `code` is for programs, the message for people, `extra` goes into the answer."""

    def __init__(self, code: str, message: str, **extra: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.extra = extra


class ReadingStale(Exception):
    """Another tab or person saved first; `current` is the reading as it is now."""

    def __init__(self, current: dict[str, Any]) -> None:
        super().__init__("Another tab or person saved first.")
        self.current = current


class LesionsInvalid(Exception):
    """Some lesions cannot be stored: their ids with the reason for each."""

    def __init__(self, reasons: dict[str, str]) -> None:
        super().__init__("; ".join(f"lesion {lesion}: {reason}" for lesion, reason in reasons.items()))
        self.reasons = reasons
