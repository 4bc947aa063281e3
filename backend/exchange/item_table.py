"""The result of an import as a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

from rest_framework.renderers import BaseRenderer

from backend.exchange.spreadsheet_cells import harmless

_FACTS = ("format", "sop_class", "transfer_syntax", "rows", "columns", "frames")
_COLUMNS = ("name", "state", "reason", "case", "split", "modality", "size", *_FACTS, "came", "origin", "sent_by")


class ItemTableRenderer(BaseRenderer):
    """`?format=csv`: a row per file."""

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        """The page's results as CSV; an error as its text."""
        if not isinstance(data, Mapping) or "results" not in data:
            return str(data).encode()
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow(_COLUMNS)
        for item in data["results"]:
            case = item["case"] or {"name": "", "split": ""}
            facts = {name: item["facts"][name] or "" for name in _FACTS}
            row = {**item, **facts, "case": case["name"], "split": case["split"]}
            writer.writerow([harmless(row[column]) for column in _COLUMNS])
        return out.getvalue().encode()
