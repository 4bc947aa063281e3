"""Cases that files of other programs speak of, and the import of such files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.rows import make_case


@pytest.fixture
def named_case(project: Any) -> Callable[..., Any]:
    """A case of one image that came from a file of this name."""

    def make(name: str, *, rows: int = 80, columns: int = 100) -> Any:
        return make_case(project, rows=rows, columns=columns, source_name=name)

    return make


@pytest.fixture
def bring(project: Any, tmp_path: Path) -> Callable[..., Any]:
    """Imports files (texts by name) as readings of the project; gives what became of them."""
    from backend.exchange.reading_import import ReadingOptions, import_foreign_readings
    from backend.exchange.sources import sources_in

    def run(files: dict[str, str | bytes], *, reader: str = "Imported labels", **options: str) -> Any:
        folder = tmp_path / "given"
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        chosen = ReadingOptions(reader=reader, options=options)
        return import_foreign_readings(project=project, sources=sources_in(folder), chosen=chosen, by=None)

    return run


@pytest.fixture
def lesions() -> Callable[..., list[Any]]:
    """The lesions of a reader's reading of a case, oldest first."""
    from backend.readings.models import Lesion

    def found(case: Any, reader: str) -> list[Any]:
        own = Lesion.objects.filter(reading__case=case, reading__reader__name=reader)
        return list(own.select_related("finding_type", "reading").order_by("kind", "finding_type__name", "created_at"))

    return found


@pytest.fixture
def pixels() -> Callable[[Any], Any]:
    """A mask lesion's pixels in its image [rows, columns]."""
    from backend.archive.store import get_object
    from backend.geometry.rasterise import paste_mask
    from backend.geometry.rle import blob_key, decode_mask

    def found(lesion: Any, frame: int = 0) -> Any:
        mask = decode_mask(get_object(blob_key(lesion.mask_digest)), lesion.mask_shape)
        rows, columns = lesion.instance.rows, lesion.instance.columns
        return paste_mask(mask=mask, origin=lesion.mask_origin, frame=frame, rows=rows, columns=columns)

    return found
