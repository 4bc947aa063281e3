"""`manage.py verify_export EXPORT_ID`, or `--project SLUG --format NAME`: the round-trip proof, here and now."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from backend.accounts.models import User
from backend.dicom.refusal import Refused
from backend.exchange.export_runs import ExportOrder, delete_export, export_now
from backend.exchange.format_registry import written_formats
from backend.exchange.management.argument_pairs import pair
from backend.exchange.models import ExportRun
from backend.exchange.verification import report_lines, verify_export
from backend.projects.models import Membership, Project, Role


class Command(BaseCommand):
    """Exports, imports into an empty project, compares. Fails where anything that the format carries differs."""

    help = "Prove an export by a round trip. See docs/exports.md."

    def add_arguments(self, parser: CommandParser) -> None:
        """An export, or a project and a format."""
        parser.add_argument("export", nargs="?", help="id of a finished export")
        parser.add_argument("--project", help="slug of a project: an export is made for the proof and removed after it")
        parser.add_argument("--format", choices=sorted(written_formats()), help="its format")
        parser.add_argument("--option", action="append", default=[], type=pair, help="an option of the format: KEY=VALUE")
        parser.add_argument("--as", dest="user", help="user whose export it is (default: the project's first lead)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the report; a difference is an error."""
        try:
            report = self._of_run(options["export"]) if options["export"] else self._of_project(options)
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        for line in report_lines(report):
            self.stdout.write(line)
        if not report["ok"]:
            raise CommandError("The round trip changed something.")

    def _of_run(self, export: str) -> dict[str, Any]:
        run = ExportRun.objects.select_related("project__archive", "created_by").filter(pk=export).first()
        if run is None:
            raise CommandError(f"There is no export {export}.")
        return verify_export(run=run)

    def _of_project(self, options: dict[str, Any]) -> dict[str, Any]:
        project = Project.objects.select_related("archive").filter(slug=options["project"] or "").first()
        if project is None or not options["format"]:
            raise CommandError("Name an export, or a project and a format.")
        user = self._user(project, options["user"])
        order = ExportOrder(format=options["format"], options=dict(options["option"]))
        run = export_now(project=project, by=user, order=order)
        try:
            return verify_export(run=run)
        finally:
            delete_export(run=run, by=user)

    def _user(self, project: Project, name: str | None) -> User:
        leads = Membership.objects.filter(project=project, role=Role.LEAD).select_related("user").order_by("pk")
        found = leads.filter(user__username=name).first() if name else leads.first()
        if found is None:
            raise CommandError(f"{project.slug} has no such lead, and an export is somebody's.")
        return found.user
