"""The one table of who may do what: every operation of the API has a row, a view without one does not start.

Roles are those of a project's members. An outsider (signed in, no member) gets 404 for every project operation,
the same answer as for a project that does not exist; an anonymous caller gets 401.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

READER: Final = "reader"
REVIEWER: Final = "reviewer"
LEAD: Final = "lead"

# Who may: PUBLIC, anyone signed in (SIGNED_IN), site administrators (ADMIN), or members by role.
PUBLIC: Final = frozenset({"public"})
SIGNED_IN: Final = frozenset({"signed_in"})
ADMIN: Final = frozenset({"admin"})
MEMBERS: Final = frozenset({READER, REVIEWER, LEAD})
REVIEWERS: Final = frozenset({REVIEWER, LEAD})
LEADS: Final = frozenset({LEAD})

ACCESS: Final[dict[str, frozenset[str]]] = {
    # accounts
    "me.read": SIGNED_IN,
    "me.update": SIGNED_IN,
    "token.list": SIGNED_IN,
    "token.create": SIGNED_IN,
    "token.revoke": SIGNED_IN,
    "user.list": SIGNED_IN,
    "user.create": ADMIN,
    # projects
    "project.list": SIGNED_IN,
    "project.create": SIGNED_IN,
    "project.read": MEMBERS,
    "project.update": LEADS,
    "finding_type.list": MEMBERS,
    "finding_type.create": LEADS,
    "finding_type.update": LEADS,
    "member.list": MEMBERS,
    "member.set": LEADS,
    "member.remove": LEADS,
    "webhook.list": LEADS,
    "webhook.create": LEADS,
    "webhook.update": LEADS,
    "webhook.delete": LEADS,
    "webhook.test": LEADS,
    "webhook.deliveries": LEADS,
    "webhook.redeliver": LEADS,
    # reading
    "worklist.read": MEMBERS,
    "worklist.next": MEMBERS,
    "worklist.pace": MEMBERS,
    "case.open": MEMBERS,
    "case.read": MEMBERS,
    "case.related": MEMBERS,
    "case.thumbnail": MEMBERS,
    "case.prior_readings": MEMBERS,
    "case.segment": MEMBERS,
    "case.release": LEADS,
    "case.give": LEADS,
    "case.blank": LEADS,
    "burnt_in.report": MEMBERS,
    "burnt_in.list": LEADS,
    "burnt_in.dismiss": LEADS,
    "reader.list": LEADS,
    "reading.save": MEMBERS,
    "reading.submit": MEMBERS,
    "reading.reveal": MEMBERS,
    "reading.reopen": MEMBERS,
    "reading.revisions": MEMBERS,
    "blob.write": MEMBERS,
    "blob.read": MEMBERS,
    # review: beyond the role, `backend.readings.selectors.readings_visible_to` decides reading by reading
    "review.list": REVIEWERS,
    "review.decide": REVIEWERS,
    "review.edit": REVIEWERS,
    # foreign models: a program needs a lead's token of scope `prediction` and `blob.write`, with which it sees nothing
    "foreign_model.list": LEADS,
    "foreign_model.register": LEADS,
    "foreign_model.show": LEADS,
    "prediction.list": LEADS,
    "prediction.write": LEADS,
    # exchange
    "import.list": LEADS,
    "import.create": LEADS,
    "import.formats": LEADS,
    "import.read": LEADS,
    "import.upload": LEADS,
    "import.start": LEADS,
    "import.items": LEADS,
    "watch.list": LEADS,
    "watch.create": LEADS,
    "watch.update": LEADS,
    "watch.delete": LEADS,
    "watch.files": LEADS,
    "watch.retry": LEADS,
    "split.read": LEADS,
    "waiting.list": LEADS,
    "waiting.discard": LEADS,
    "export.formats": LEADS,
    "export.list": LEADS,
    "export.preview": LEADS,
    "export.create": LEADS,
    "export.read": LEADS,
    "export.delete": LEADS,
    "export.cancel": LEADS,
    "export.verify": LEADS,
    "export.publish": LEADS,
    "export.withdraw": LEADS,
    "export.download": LEADS,
    "quarantine.list": LEADS,
    "quarantine.preview": LEADS,
    # beyond the role, where the archive de-identifies, `Membership.may_reidentify` decides
    "quarantine.download": LEADS,
    "quarantine.retry": LEADS,
    "quarantine.release": LEADS,
    "quarantine.discard": LEADS,
    "pixel_rule.list": LEADS,
    "pixel_rule.remove": LEADS,
    "identity.table": LEADS,
    # beyond the role, `Membership.may_reidentify` decides
    "identity.switch": LEADS,
    "identity.look_up": LEADS,
    "identity.export": LEADS,
    "export.coco": LEADS,
    "export.masks": LEADS,
    # remote PACS
    "node.list": LEADS,
    "node.create": LEADS,
    "node.update": LEADS,
    "node.delete": LEADS,
    "node.receiving": LEADS,
    "node.test": LEADS,
    "node.search": LEADS,
    "node.series": LEADS,
    "transfer.list": LEADS,
    "transfer.pull": LEADS,
    "transfer.sendable": LEADS,
    "transfer.send": LEADS,
    "transfer.cancel": LEADS,
    "transfer.resume": LEADS,
    # learning and registry
    "learning.read": LEADS,
    "policy.read": LEADS,
    "policy.update": LEADS,
    "round.list": LEADS,
    "round.start": LEADS,
    "round.read": LEADS,
    "round.cancel": LEADS,
    "inquiry.read": LEADS,
    "inquiry.start": LEADS,
    "inquiry.cancel": LEADS,
    "second_look.read": REVIEWERS,
    "model.list": LEADS,
    "model.read": LEADS,
    "model.cases": LEADS,
    "model.compare": LEADS,
    "model.card": LEADS,
    "model.card_text": LEADS,
    "model.onnx": LEADS,
    "model.export_onnx": LEADS,
    "model.promote": LEADS,
    "model.release": LEADS,
    "model.evaluate_holdout": LEADS,
    # inside the CNN: beyond the role, `backend.inspection.selectors.may_inspect` decides case by case
    "inspection.cases": LEADS,
    "inspection.read": MEMBERS,
    "inspection.order": MEMBERS,
    "inspection.pictures": MEMBERS,
    "job.list": LEADS,
    "job.read": LEADS,
    # DICOMweb
    "dicomweb.search": MEMBERS,
    "dicomweb.retrieve": MEMBERS,
    "dicomweb.store": LEADS,
}

ALL_SCOPES: Final = "*"
SCOPES: Final = frozenset({ALL_SCOPES, *ACCESS, *(operation.split(".")[0] for operation in ACCESS)})
"""What a token may be narrowed to: an operation (`reading.save`), all of a noun (`reading`), or everything."""


def is_allowed(operation: str, role: str) -> bool:
    """Whether `role` (a member's role, "signed_in" or "admin") may do `operation`; KeyError for an unknown operation."""
    return role in ACCESS[operation]


def scopes_include(scopes: Iterable[str], operation: str) -> bool:
    """Whether a token of these scopes may be used for `operation`."""
    return not {ALL_SCOPES, operation, operation.split(".")[0]}.isdisjoint(scopes)
