"""Cells of tables that go out: no spreadsheet takes a text for a formula, for names come from outside."""

from __future__ import annotations

from typing import Final

_RISKY: Final = ("=", "+", "-", "@", "\t", "\r", "'")


def harmless(value: object) -> str:
    """The value as a cell: a text that begins like a formula has an apostrophe before it. Numbers are no texts."""
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_RISKY) else text


def as_it_was(cell: str) -> str:
    """The text before `harmless`."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_RISKY) else cell
