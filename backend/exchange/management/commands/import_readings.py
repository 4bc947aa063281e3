"""`manage.py import_readings PATH --project SLUG`: readings of other programs for images that are here, or will come."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from backend.dicom.refusal import Refused
from backend.exchange.format_registry import check_read_options, read_formats
from backend.exchange.management.argument_pairs import pair
from backend.exchange.reading_import import ReadingOptions, attach_waiting, import_foreign_readings
from backend.exchange.sources import sources_in
from backend.projects.models import Project


class Command(BaseCommand):
    """Attaches the readings in a folder, a zip archive or a file. Importing twice changes nothing. See docs/importing.md."""

    help = "Import readings of other programs into a project whose images are here, or will come. See docs/importing.md."

    def add_arguments(self, parser: CommandParser) -> None:
        """The options."""
        parser.add_argument("path", help="a folder, a zip archive or a file")
        parser.add_argument("--project", required=True, help="slug of the project")
        parser.add_argument(
            "--format", default="", choices=["", *sorted(read_formats())], help="default: whichever knows it"
        )
        parser.add_argument("--reader", default="Imported labels", help="whose readings they are, where no file says so")
        parser.add_argument("--option", action="append", default=[], type=pair, help="an option of the format: KEY=VALUE")
        parser.add_argument("--type", action="append", default=[], type=pair, help="finding=Finding type; may be repeated")

    def handle(self, *args: Any, **options: Any) -> None:
        """Import, tell what could not be used with its reason, sum up; fails if no format knows the files."""
        project = Project.objects.select_related("archive").filter(slug=options["project"]).first()
        if project is None:
            raise CommandError(f"There is no project {options['project']}.")
        chosen = ReadingOptions(
            format=options["format"], reader=options["reader"], options=dict(options["option"]), types=dict(options["type"])
        )
        started = time.perf_counter()
        try:
            check_read_options(chosen.format, chosen.options)
            sources = sources_in(Path(options["path"]).resolve())
            outcome = import_foreign_readings(project=project, sources=sources, chosen=chosen, by=None)
            waited = attach_waiting(project=project)  # for a segmentation that is here now
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        for name, reason in outcome.refused:
            self.stdout.write(f"{name}: {reason}")
        if not outcome.formats:
            raise CommandError("No format knows these files; name it with --format.")
        self.stdout.write(
            f"{', '.join(outcome.formats)}: {outcome.made} readings made, {outcome.known} already here, {outcome.waiting} "
            f"wait for their images, {len(outcome.refused)} refused, in {time.perf_counter() - started:.1f} s."
        )
        if waited.made or waited.known:
            self.stdout.write(f"{waited.made + waited.known} readings that waited are attached.")
