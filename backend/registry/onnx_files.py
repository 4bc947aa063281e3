"""The ONNX file of a version and its JSON sidecar as one zip."""

from __future__ import annotations

import io
import zipfile

from backend.archive.store import get_object
from backend.registry.models import ModelVersion


def onnx_zip(version: ModelVersion) -> bytes:
    """Both files, stored as they are: weights do not shrink. FileNotFoundError where one is gone."""
    name, buffer = f"{version.project.slug}-v{version.number}", io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for ending, key in (("onnx", version.onnx["key"]), ("json", version.onnx["sidecar_key"])):
            packed.writestr(f"{name}.{ending}", get_object(key))
    return buffer.getvalue()
