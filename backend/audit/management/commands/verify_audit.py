"""`manage.py verify_audit`: whether the audit trail is what was written."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from backend.audit.models import Event
from backend.audit.sealing import first_break


class Command(BaseCommand):
    """Recompute every seal; end with an error that names the first bad row."""

    help = "Check the audit trail's chain of seals; names the first row that was changed, inserted or removed."

    def handle(self, *args: Any, **options: Any) -> None:
        """Say that it holds, up to which seal, or where it breaks."""
        found = first_break()
        if found is not None:
            raise CommandError(f"Audit trail broken: row {found.event_id} {found.reason}.")
        last = Event.objects.filter(sealed_hash__isnull=False).order_by("-pk").first()
        waiting = Event.objects.filter(sealed_hash__isnull=True).count()
        if last is None:
            self.stdout.write(f"No sealed rows yet; {waiting} wait for the sealer.")
            return
        self.stdout.write(f"The audit trail holds up to row {last.pk}; {waiting} newer rows wait for the sealer.")
        self.stdout.write(f"Its last seal, to be kept elsewhere: {last.sealed_hash}")
