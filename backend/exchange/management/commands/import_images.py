"""`manage.py import_images PATH --project SLUG`: images, and labels beside them, from this machine into a project."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from backend.dicom.refusal import Refused
from backend.exchange.import_options import ImportOptions
from backend.exchange.management.argument_pairs import pair
from backend.exchange.models import ImportItem, ImportRun, ItemState
from backend.exchange.selectors import item_counts
from backend.exchange.services import import_from_server
from backend.projects.models import Project
from backend.projects.services import create_project, set_member


class Command(BaseCommand):
    """Imports a folder, a zip archive or a file. Importing twice changes nothing. See docs/importing.md."""

    help = "Import images (and labels) into a project, which is made where there is none. See docs/importing.md."

    def add_arguments(self, parser: CommandParser) -> None:
        """The options; those of labels are explained in docs/importing.md."""
        parser.add_argument("path", help="a folder, a zip archive or a file")
        parser.add_argument("--project", required=True, help="slug of the project")
        parser.add_argument("--name", help="name of a new project")
        parser.add_argument("--question", default="", help="question of a new project")
        parser.add_argument("--modality", help="DICOM modality of a new project and so of its pictures (default OT)")
        parser.add_argument("--unit", choices=["image", "series"], help="what one case of a new project is (default image)")
        parser.add_argument(
            "--deid", choices=["none", "basic"], help="de-identification profile of a new archive (default none)"
        )
        parser.add_argument(
            "--deid-options", default="", help="options of --deid basic, with commas (docs/deidentification.md); none: basic"
        )
        parser.add_argument("--lead", help="user who becomes lead of a new project")
        parser.add_argument("--masks", default="", help="folder or zip of PNG masks with the names of their images")
        parser.add_argument("--labels", default="", help="CSV with a row per file: finding, patient, group; sex, age, view")
        parser.add_argument("--boxes", default="", help="CSV with a row per box: file, finding, x, y, w, h")
        parser.add_argument("--columns", default="", help="columns of the labels table, such as finding=class,site=hospital")
        parser.add_argument("--box-columns", default="", help="columns of the boxes table")
        parser.add_argument(
            "--box-size", type=_size, default=[], help="width[xheight] of the pictures the boxes were measured in"
        )
        parser.add_argument(
            "--normal", action="append", help="a finding that means: no lesion (default normal); may be repeated"
        )
        parser.add_argument("--type", action="append", default=[], type=pair, help="finding=Finding type; may be repeated")
        parser.add_argument("--mask-type", default="Lesion", help="finding type of marks that no table names")
        parser.add_argument(
            "--findings", choices=["lesion", "image"], default="", help="what the findings of --labels describe"
        )
        parser.add_argument(
            "--reader", default="Imported labels", help="name of the reader whose readings the labels become"
        )
        parser.add_argument(
            "--context", default="", help="CSV of clinical texts: file, study or patient; indication, report"
        )
        parser.add_argument(
            "--context-columns", default="", help="columns of the context table, such as study=StudyUID,report=text"
        )
        parser.add_argument(
            "--context-is-clean",
            action="store_true",
            help="you have made sure that these texts name nobody; asked for where the archive de-identifies",
        )
        parser.add_argument(
            "--volumes", choices=["images", "masks"], default="", help="what volumes are where no folder says it"
        )
        parser.add_argument("--limit", type=int, help="import only so many files, spread evenly over all")

    def handle(self, *args: Any, **options: Any) -> None:
        """Import, tell every refused file with its reason, sum up; fails only if nothing was usable."""
        project = self._project(options)
        started = time.perf_counter()
        try:
            run, outcome = import_from_server(
                project=project, by=None, options=_import_options(options), limit=options["limit"], on_item=self._told
            )
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        traits = outcome.traits.notes if outcome.traits is not None else ()
        foreign = outcome.foreign.refused if outcome.foreign is not None else ()
        for name, reason in (*outcome.refused, *traits, *foreign):
            self.stdout.write(f"{name}: {reason}")
        if outcome.traits is not None:
            self.stdout.write(outcome.traits.sentence)
        if outcome.texts is not None:
            self.stdout.write(outcome.texts.sentence)
        self._sum_up(run, time.perf_counter() - started, outcome.made, outcome.known)

    def _told(self, item: ImportItem, done: int, total: int) -> None:
        if item.state in (ItemState.REFUSED, ItemState.HELD):
            self.stdout.write(f"{item.name}: {item.reason}")

    def _sum_up(self, run: ImportRun, seconds: float, made: int, known: int) -> None:
        for item in ImportItem.objects.filter(run=run, state=ItemState.EMBARGOED).select_related("case"):
            self.stdout.write(f"{item.name}: embargoed as {item.case.name if item.case else '?'}: {item.reason}")
        counts = item_counts(run)
        files = counts["total"]
        self.stdout.write(
            f"{files} files in {seconds:.1f} s ({files / max(seconds, 0.001):.0f} a second): {counts['imported']} imported, "
            f"{counts['embargoed']} embargoed, {counts['duplicate']} already here, {counts['refused']} refused, "
            f"{counts['held']} held for a look; "
            f"{made} readings made, {known} already there."
        )
        if files == counts["refused"]:
            raise CommandError("Nothing could be used.")

    def _project(self, options: dict[str, Any]) -> Project:
        slug = options["project"]
        project = Project.objects.select_related("archive").filter(slug=slug).first()
        if project is not None:
            return project
        fields: dict[str, Any] = {"slug": slug, "name": options["name"] or slug, "question": options["question"]}
        fields["modality"] = options["modality"] or "OT"
        fields["unit"] = options["unit"] or "image"
        fields["deid_profile"] = options["deid"] or "none"
        if options["deid_options"]:
            fields["deid_options"] = _names(options["deid_options"])
        try:
            project = create_project(by=None, fields=fields)
            if options["lead"]:
                set_member(project=project, username=options["lead"], role="lead", by=None)
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from error
        self.stdout.write(f"Made project {project.slug} ({project.modality}, one case per {project.unit}).")
        return project


def _size(text: str) -> list[float]:
    try:
        numbers = [float(part) for part in text.lower().split("x")]
    except ValueError:
        numbers = []
    if len(numbers) not in (1, 2) or min(numbers) <= 0:
        raise argparse.ArgumentTypeError("give a size such as 1024 or 1024x768")
    return numbers


def _names(text: str) -> list[str]:
    """Option names between commas; `none` for the Basic Profile alone."""
    return [name for name in text.replace("-", "_").split(",") if name and name != "none"]


def _import_options(options: dict[str, Any]) -> ImportOptions:
    return ImportOptions(
        source=str(Path(options["path"]).resolve()),
        deid_profile=options["deid"] or "",
        deid_options=_names(options["deid_options"]) if options["deid_options"] else None,
        masks_prefix=_resolved(options["masks"]),
        labels_file=_resolved(options["labels"]),
        boxes_file=_resolved(options["boxes"]),
        columns=options["columns"],
        box_columns=options["box_columns"],
        box_size=options["box_size"],
        normal=options["normal"] or ["normal"],
        types=dict(options["type"]),
        mask_type=options["mask_type"],
        findings_scope=options["findings"],
        imported_reader=options["reader"],
        context_file=_resolved(options["context"]),
        context_columns=options["context_columns"],
        context_is_clean=options["context_is_clean"],
        volumes=options["volumes"],
    )


def _resolved(path: str) -> str:
    return str(Path(path).resolve()) if path else ""
