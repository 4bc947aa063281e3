"""An export of DICOM objects that is published, as tests of several folders begin."""

from __future__ import annotations

from typing import Any


def export_objects(project: Any, by: Any, form: str = "dicom_seg", **options: str) -> Any:
    """A finished export of all the project's readings that `by` may export."""
    from backend.exchange.export_runs import ExportOrder, export_now

    return export_now(project=project, by=by, order=ExportOrder(form, options=options))


def publish(project: Any, by: Any, form: str = "dicom_seg", **options: str) -> Any:
    """The same, published."""
    from backend.exchange.publishing import publish_export

    run = export_objects(project, by, form, **options)
    publish_export(run=run)
    return run
