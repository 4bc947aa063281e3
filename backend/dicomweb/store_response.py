"""What became of instances that were sent: the Store Instances Response Module (PS3.18 Annex I)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from django.utils import timezone

from backend.archive.ingest import Conflicting
from backend.archive.models import Instance
from backend.dicom.identity import Identity
from backend.dicom.refusal import Refused, sentence
from backend.exchange.receiving import NoRoom, OtherStudy, Received

COERCED: Final = 0xB000
OUT_OF_RESOURCES: Final = 0xA700
NOT_OF_THIS_STUDY: Final = 0xA900
CANNOT_UNDERSTAND: Final = 0xC000
UNSUPPORTED_SYNTAX: Final = 0xC122
FAILURE: Final = 0x0110
DUPLICATE: Final = 0x0111
UNSUPPORTED_CLASS: Final = 0x0122

# What the reasons of `backend.dicom` begin with, and the Failure Reason (PS3.18 Table I.2-2, PS3.7 C.5) of each.
_BEGINNINGS: Final = (
    ("Not an image", UNSUPPORTED_CLASS),
    ("Its compression", UNSUPPORTED_SYNTAX),
    ("Damaged", CANNOT_UNDERSTAND),
    ("Not a DICOM", CANNOT_UNDERSTAND),
    ("The file ends too early", CANNOT_UNDERSTAND),
    ("The file is empty", CANNOT_UNDERSTAND),
)
_LONGEST_COMMENT: Final = 64  # LO


@dataclass
class StoreResponse:
    """Grows by each instance; `root` is the address of the project's service."""

    root: str
    stored: list[dict[str, Any]] = field(default_factory=list)
    failed: list[dict[str, Any]] = field(default_factory=list)
    unknown: list[dict[str, Any]] = field(default_factory=list)
    warned: int = 0
    studies: set[str] = field(default_factory=set)

    def add(self, received: Received) -> None:
        """The outcome of one instance."""
        if received.refusal is not None:
            self._add_failure(received.sent, received.refusal)
        elif received.instance is not None:
            self._add_stored(received.instance, received.sent, is_renamed=received.is_renamed)
        else:
            self.stored.append(_reference(received.sent.sop_class_uid, received.sent.sop_instance_uid))

    def _add_stored(self, instance: Instance, sent: Identity, *, is_renamed: bool) -> None:
        series = instance.series
        study = series.study.study_instance_uid
        item = _reference(instance.sop_class_uid, instance.sop_instance_uid)
        url = f"{self.root}/studies/{study}/series/{series.series_instance_uid}/instances/{instance.sop_instance_uid}"
        item["00081190"] = {"vr": "UR", "Value": [url]}
        if is_renamed:
            item["00081196"] = {"vr": "US", "Value": [COERCED]}
            item["04000561"] = {"vr": "SQ", "Value": [_original(sent)]}
            self.warned += 1
        self.stored.append(item)
        self.studies.add(study)

    def _add_failure(self, sent: Identity, refusal: Refused) -> None:
        item: dict[str, Any] = {"00081197": {"vr": "US", "Value": [failure_reason(refusal)]}}
        # Not of the module, but a person who reads the answer learns more of it than of the number.
        item["00000902"] = {"vr": "LO", "Value": [sentence(str(refusal))[:_LONGEST_COMMENT].strip()]}
        if sent.sop_instance_uid:
            self.failed.append(dict(sorted((_reference(sent.sop_class_uid, sent.sop_instance_uid) | item).items())))
        else:
            self.unknown.append(item)

    @property
    def count(self) -> int:
        """How many instances have an outcome."""
        return len(self.stored) + len(self.failed) + len(self.unknown)

    @property
    def status(self) -> int:
        """200 where all were stored as they are, 202 where some were or were changed, 409 where none was."""
        if not self.stored:
            return 409
        return 202 if self.failed or self.unknown or self.warned else 200

    def dataset(self) -> dict[str, Any]:
        """The module as DICOM JSON."""
        module: dict[str, Any] = {}
        if len(self.studies) == 1:
            module["00081190"] = {"vr": "UR", "Value": [f"{self.root}/studies/{next(iter(self.studies))}"]}
        for tag, items in (("00081198", self.failed), ("00081199", self.stored), ("0008119A", self.unknown)):
            if items:
                module[tag] = {"vr": "SQ", "Value": items}
        return module


def failure_reason(refusal: Refused) -> int:
    """The number that the standard has for a refusal."""
    if isinstance(refusal, NoRoom):
        return OUT_OF_RESOURCES
    if isinstance(refusal, Conflicting):
        return DUPLICATE
    if isinstance(refusal, OtherStudy):
        return NOT_OF_THIS_STUDY
    return next((reason for beginning, reason in _BEGINNINGS if str(refusal).startswith(beginning)), FAILURE)


def _reference(sop_class: str, sop_instance: str) -> dict[str, Any]:
    return {"00081150": {"vr": "UI", "Value": [sop_class]}, "00081155": {"vr": "UI", "Value": [sop_instance]}}


def _original(sent: Identity) -> dict[str, Any]:
    """An item of Original Attributes Sequence (PS3.3 C.12.1.1.9): the UIDs that de-identification has replaced."""
    was = {
        "00080018": sent.sop_instance_uid,
        "0020000D": sent.study_instance_uid,
        "0020000E": sent.series_instance_uid,
    }
    modified = {tag: {"vr": "UI", "Value": [uid]} for tag, uid in was.items() if uid}
    return {
        "04000550": {"vr": "SQ", "Value": [modified]},
        "04000562": {"vr": "DT", "Value": [f"{timezone.now():%Y%m%d%H%M%S%z}"]},
        "04000563": {"vr": "LO", "Value": ["Overread"]},
        "04000564": {"vr": "LO"},
        "04000565": {"vr": "CS", "Value": ["COERCE"]},
    }
