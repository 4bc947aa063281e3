"""Writes projects, their vocabulary and their members; every write leaves an audit event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.utils.text import slugify

from backend.accounts.models import User
from backend.archive.encryption import has_identity_key
from backend.archive.models import Archive, DeidProfile
from backend.audit.services import record_event
from backend.dicom.deid_options import DEFAULT_OPTIONS, deid_options
from backend.dicom.refusal import Refused
from backend.projects.attributes import attribute_problem
from backend.projects.colours import LEAST_DIFFERENCE, is_colour, next_colour, too_near
from backend.projects.models import FindingType, Membership, Project, Role

MARKS = ("box", "ellipse", "polygon", "freehand", "mask", "point")
PROJECT_FIELDS = (
    "name",
    "question",
    "modality",
    "unit",
    "validation_share",
    "holdout_share",
    "blinded_share",
    "readings_wanted",
    "laterality_matters",
    "first_look",
    "accept_all",
    "false_positives_allowed",
    "synthetic",
)
FALSE_POSITIVES_ALLOWED: Final = 0.5
"""Of a new project: it costs few lesions (docs/benchmarks.md, "What is shown"); whoever wants fewer false ones says so."""
CHANGEABLE_FIELDS = (
    "name",
    "question",
    "blinded_share",
    "readings_wanted",
    "laterality_matters",
    "first_look",
    "accept_all",
    "display_threshold",
    "false_positives_allowed",
    "lease_minutes",
)


def create_project(*, by: User | None, fields: Mapping[str, Any]) -> Project:
    """A project with its vocabulary and members; `by` becomes its lead (None: the product's own commands)."""
    if by is not None and not (by.may_create_projects or by.is_superuser):
        raise PermissionDenied("You may not create projects; an administrator can allow it.")
    check_shares(fields.get("validation_share", 0.15), fields.get("holdout_share", 0.15))
    with transaction.atomic():
        slug = free_slug(fields.get("slug") or fields["name"], asked=bool(fields.get("slug")))
        project = Project.objects.create(
            slug=slug,
            archive=_archive_for(fields, slug, by),
            created_by=by,
            **{"false_positives_allowed": FALSE_POSITIVES_ALLOWED}
            | {name: fields[name] for name in PROJECT_FIELDS if name in fields},
        )
        for finding_type in fields.get("finding_types", ()):
            _create_finding_type(project=project, fields=finding_type)
        if by is not None:
            Membership.objects.create(project=project, user=by, role=Role.LEAD)
        record_event(
            actor=by, verb="project.created", project_id=project.pk, object_type="project", object_id=project.pk,
            detail={"slug": slug, "archive": project.archive.slug, "keeps_identities": project.archive.keeps_identities},
        )  # fmt: skip
        for member in fields.get("members", ()):
            if by is None or member["username"] != by.get_username():
                set_member(project=project, username=member["username"], role=member["role"], by=by)
    return project


def update_project(*, project: Project, fields: Mapping[str, Any], by: User) -> Project:
    """Change what may change; splits and unit were decided with the first import."""
    changed = {name: fields[name] for name in CHANGEABLE_FIELDS if name in fields and fields[name] != getattr(project, name)}
    if not changed:
        return project
    with transaction.atomic():
        for name, value in changed.items():
            setattr(project, name, value)
        project.save(update_fields=list(changed))
        record_event(
            actor=by,
            verb="project.changed",
            project_id=project.pk,
            object_type="project",
            object_id=project.pk,
            detail=changed,
        )
    return project


def add_finding_type(*, project: Project, fields: Mapping[str, Any], by: User | None) -> FindingType:
    """A new entry of the vocabulary; readings made before it say "unknown" for it, hence the new version."""
    with transaction.atomic():
        project = _raise_vocabulary(project)
        finding_type = _create_finding_type(project=project, fields=fields)
        _record_vocabulary(project, finding_type, "finding_type.added", by)
    return finding_type


def update_finding_type(
    *, project: Project, finding_type: FindingType, fields: Mapping[str, Any], by: User | None
) -> FindingType:
    """Change an entry, or retire it (`retired`: true or false); it is never deleted, old readings name it."""
    with transaction.atomic():
        project = _raise_vocabulary(project)
        changes = dict(fields)
        retired = changes.pop("retired", None)
        if retired is not None:
            finding_type.retired_in_version = project.vocabulary_version if retired else None
        for name, value in changes.items():
            setattr(finding_type, name, value)
        _check_finding_type(project, finding_type)
        _save_finding_type(finding_type)
        _record_vocabulary(project, finding_type, "finding_type.changed", by)
    return finding_type


def set_member(*, project: Project, username: str, role: str, by: User | None) -> Membership:
    """Make a user a member, or change the role; the last lead keeps it."""
    user = User.objects.filter(username=username, is_active=True).first()
    if user is None:
        raise ValidationError({"username": [f"There is no user {username}."]})
    with transaction.atomic():
        if role != Role.LEAD:
            _keep_a_lead(project, user)
        # Whoever ceases to be lead loses the right to look pseudonyms up, and does not get it back with the role.
        given: dict[str, Any] = {"role": role} if role == Role.LEAD else {"role": role, "may_reidentify": False}
        membership, _ = Membership.objects.update_or_create(project=project, user=user, defaults=given)
        record_event(
            actor=by, verb="member.set", project_id=project.pk, object_type="user", object_id=user.pk,
            detail={"username": username, "role": role},
        )  # fmt: skip
    return membership


def remove_member(*, project: Project, username: str, by: User) -> None:
    """End a membership; what the person read stays."""
    with transaction.atomic():
        membership = Membership.objects.filter(project=project, user__username=username).select_related("user").first()
        if membership is None:
            raise ValidationError({"username": [f"{username} is no member of this project."]})
        _keep_a_lead(project, membership.user)
        membership.delete()
        record_event(
            actor=by, verb="member.removed", project_id=project.pk, object_type="user", object_id=membership.user_id,
            detail={"username": username},
        )  # fmt: skip


def grant_reidentification(*, slug: str, username: str, is_granted: bool) -> Membership:
    """Give a lead the right to look pseudonyms up, or take it back; ValidationError for whoever is no lead there."""
    with transaction.atomic():
        found = Membership.objects.select_for_update().filter(project__slug=slug, user__username=username)
        membership = found.select_related("user").first()
        if membership is None or (is_granted and membership.role != Role.LEAD):
            raise ValidationError({"username": [f"{username} is no lead of {slug}."]})
        membership.may_reidentify = is_granted
        membership.save(update_fields=["may_reidentify"])
        record_event(
            actor=None, verb="member.reidentification", project_id=membership.project_id, object_type="user",
            object_id=membership.user_id, detail={"username": username, "granted": is_granted},
        )  # fmt: skip
    return membership


def free_slug(wish: str, *, asked: bool) -> str:
    """A slug no project has: the one asked for or an error, else the name's with a number where it is taken."""
    base = slugify(wish)[:40] or "project"
    if not Project.objects.filter(slug=base).exists():
        return base
    if asked:
        raise ValidationError({"slug": [f"There is a project {base} already."]})
    number = 2
    while Project.objects.filter(slug=f"{base}-{number}").exists():
        number += 1
    return f"{base}-{number}"


def check_shares(validation_share: float, holdout_share: float) -> None:
    """VALIDATION and HOLDOUT together leave something to train on."""
    if validation_share + holdout_share >= 1:
        raise ValidationError({"validation_share": ["VALIDATION and HOLDOUT together leave no case to train on."]})


def _archive_for(fields: Mapping[str, Any], slug: str, by: User | None) -> Archive:
    wanted = fields.get("archive")
    if wanted:
        # Who leads no project of an archive learns nothing of it, not even that there is one of that name.
        archive = Archive.objects.filter(slug=wanted).first()
        if archive is None or not _leads_into(by, archive):
            raise ValidationError({"archive": [f"There is no archive {wanted}."]})
        return archive
    archive_slug, number = slug, 2
    while Archive.objects.filter(slug=archive_slug).exists():
        archive_slug, number = f"{slug}-{number}", number + 1
    keeps_identities = bool(fields.get("keeps_identities"))
    if keeps_identities and not has_identity_key():
        raise ValidationError({"keeps_identities": ["This server has no key for a table of identities."]})
    try:
        options = deid_options(fields.get("deid_options", DEFAULT_OPTIONS)).names
    except Refused as refusal:
        raise ValidationError({"deid_options": [str(refusal)]}) from refusal
    return Archive.objects.create(
        slug=archive_slug,
        name=fields["name"],
        deid_profile=fields.get("deid_profile", "none"),
        deid_options=options,
        keeps_identities=keeps_identities and fields.get("deid_profile") == DeidProfile.BASIC,
    )


def _leads_into(by: User | None, archive: Archive) -> bool:
    if by is None or by.is_superuser:
        return True
    return Membership.objects.filter(user=by, role=Role.LEAD, project__archive=archive).exists()


def _raise_vocabulary(project: Project) -> Project:
    """The project's row, locked, with its vocabulary version raised by one."""
    locked = Project.objects.select_for_update().get(pk=project.pk)
    locked.vocabulary_version += 1
    locked.save(update_fields=["vocabulary_version"])
    return locked


def _create_finding_type(*, project: Project, fields: Mapping[str, Any]) -> FindingType:
    given = {name: value for name, value in fields.items() if name != "retired"}
    siblings = list(FindingType.objects.filter(project=project, retired_in_version__isnull=True))
    if not given.get("colour"):
        given["colour"] = next_colour([sibling.colour for sibling in siblings])
    if not given.get("allowed_marks") and given.get("scope", "lesion") == "lesion":
        given["allowed_marks"] = list(MARKS)
    given.setdefault("position", len(siblings))
    finding_type = FindingType(project=project, since_version=project.vocabulary_version, **given)
    _check_finding_type(project, finding_type)
    _save_finding_type(finding_type)
    return finding_type


def _save_finding_type(finding_type: FindingType) -> None:
    try:
        with transaction.atomic():
            finding_type.save()
    except IntegrityError:
        raise ValidationError({"name": [f"There is a finding type {finding_type.name} already."]}) from None


def _check_finding_type(project: Project, finding_type: FindingType) -> None:
    siblings = list(FindingType.objects.filter(project=project, retired_in_version__isnull=True).exclude(pk=finding_type.pk))
    finding_type.colour = finding_type.colour.lower()
    _check_colour(finding_type, siblings)
    taken_key = next((s for s in siblings if finding_type.key and s.key == finding_type.key), None)
    if taken_key is not None and finding_type.retired_in_version is None:
        raise ValidationError({"key": [f"Key {finding_type.key} belongs to {taken_key.name}."]})
    unknown = sorted(set(finding_type.allowed_marks) - set(MARKS))
    if unknown:
        raise ValidationError({"allowed_marks": [f"Unknown marks: {', '.join(unknown)}."]})
    if finding_type.scope == "image" and finding_type.allowed_marks:
        raise ValidationError({"allowed_marks": ["An image finding has no marks."]})
    if finding_type.scope == "lesion" and not finding_type.allowed_marks:
        raise ValidationError({"allowed_marks": ["A lesion type needs at least one kind of mark."]})
    if (problem := attribute_problem(finding_type.attributes)) is not None:
        raise ValidationError({"attributes": [problem]})


def _check_colour(finding_type: FindingType, siblings: Sequence[FindingType]) -> None:
    if not is_colour(finding_type.colour):
        raise ValidationError({"colour": ["A colour is # and six hexadecimal digits."]})
    if finding_type.retired_in_version is not None:
        return
    near = too_near(finding_type.colour, [sibling.colour for sibling in siblings])
    if near is not None:
        owner = next((sibling.name for sibling in siblings if sibling.colour == near), "the accent of the page")
        message = f"{finding_type.colour} is nearer than {LEAST_DIFFERENCE:.0f} (CIE76) to {near} of {owner}."
        raise ValidationError({"colour": [message]})


def _keep_a_lead(project: Project, leaving: User) -> None:
    leads = Membership.objects.select_for_update().filter(project=project, role=Role.LEAD)
    if [membership.user_id for membership in leads] == [leaving.pk]:
        raise ValidationError({"role": [f"{leaving.get_username()} is the only lead; name another one first."]})


def _record_vocabulary(project: Project, finding_type: FindingType, verb: str, by: User | None) -> None:
    record_event(
        actor=by, verb=verb, project_id=project.pk, object_type="finding_type", object_id=finding_type.pk,
        detail={"name": finding_type.name, "vocabulary_version": project.vocabulary_version},
    )  # fmt: skip
