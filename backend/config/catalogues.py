"""Compiles our translations (`.po` to `.mo`) without GNU gettext, which not every machine has."""

from __future__ import annotations

import ast
import struct
from typing import Final

MAGIC: Final = 0x950412DE


def read_messages(text: str) -> dict[str, str]:
    """Message by id of a `.po` file that uses `msgid` and `msgstr` only (no plurals, no contexts)."""
    messages: dict[str, str] = {}
    parts: dict[str, str] = {}
    field = ""
    for line in [*text.splitlines(), 'msgid ""']:
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        if not line.startswith('"'):
            keyword, _, line = line.partition(" ")
            if keyword not in {"msgid", "msgstr"}:
                raise ValueError(f"{keyword} is not supported")
            if keyword == "msgid" and parts:
                messages[parts["msgid"]] = parts["msgstr"]
                parts = {}
            field = keyword
        parts[field] = parts.get(field, "") + ast.literal_eval(line)
    return messages


def compile_messages(messages: dict[str, str]) -> bytes:
    """The `.mo` file (GNU gettext manual, section 10.3) of these messages, without the optional hash table."""
    pairs = sorted((key.encode(), value.encode()) for key, value in messages.items())
    offset = 28 + 16 * len(pairs)
    tables: list[list[int]] = [[], []]
    blob = b""
    for column in (0, 1):
        for pair in pairs:
            tables[column] += [len(pair[column]), offset + len(blob)]
            blob += pair[column] + b"\0"
    head = [MAGIC, 0, len(pairs), 28, 28 + 8 * len(pairs), 0, 28 + 16 * len(pairs)]
    numbers = head + tables[0] + tables[1]
    return struct.pack(f"<{len(numbers)}I", *numbers) + blob
