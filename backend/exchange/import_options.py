"""What an import is told besides its files: which of them are labels, how their tables are read, whose labels they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from backend.dicom.refusal import Refused


@dataclass(frozen=True)
class ImportOptions:
    """Options of one import, as they travel in `ImportRun.options`.

    `source`: a folder or zip on the server (the import command); empty for uploads. `masks_prefix`, `labels_file`,
    `boxes_file` name files of the same run, or, with `source`, paths on the server. `columns` and `box_columns` map
    meanings to column names ("finding=class,patient=patient_id"). `box_size` is the size (width, height) of the picture
    in which boxes were measured; empty: the image itself. `findings_scope` is "lesion" (the class names the type of
    the marks) or "image"; empty: lesion if there are masks. `types` renames findings to finding types. `context_file` and
    `context_columns` are a table of indications and reports; where the archive has a de-identification profile it is
    refused unless `context_is_clean`: a lead's word that these free texts name nobody. `readings_format` is the format of
    readings of other programs among the files (`backend.exchange.format_registry`); empty: whichever knows them, "none":
    they are not looked for. `readings_options` are that format's own. `volumes` says what volumes are whose folder does not
    say it: "images", "masks", or empty: as `backend.exchange.volume_plan` rules. `origin` says in words what brought the
    files where no person sent them ("C-STORE from CT1").
    """

    source: str = ""
    origin: str = ""
    deid_profile: str = ""
    deid_options: list[str] | None = None
    masks_prefix: str = ""
    labels_file: str = ""
    boxes_file: str = ""
    columns: str = ""
    box_columns: str = ""
    box_size: list[float] = field(default_factory=list)
    normal: list[str] = field(default_factory=lambda: ["normal"])
    types: dict[str, str] = field(default_factory=dict)
    mask_type: str = "Lesion"
    findings_scope: str = ""
    imported_reader: str = "Imported labels"
    context_file: str = ""
    context_columns: str = ""
    context_is_clean: bool = False
    readings_format: str = ""
    readings_options: dict[str, str] = field(default_factory=dict)
    volumes: str = ""

    @property
    def has_labels(self) -> bool:
        """Whether any labels come along."""
        return bool(self.masks_prefix or self.labels_file or self.boxes_file)

    @property
    def tables(self) -> list[str]:
        """The tables that come along, by their names."""
        return [name for name in (self.labels_file, self.boxes_file, self.context_file) if name]

    @property
    def names_lesions(self) -> bool:
        """Whether the findings of the labels table are types of lesions, not of the image as a whole."""
        return (self.findings_scope or ("lesion" if self.masks_prefix else "image")) == "lesion"

    def as_json(self) -> dict[str, Any]:
        """Only what differs from the defaults."""
        default = asdict(ImportOptions())
        return {name: value for name, value in asdict(self).items() if value != default[name]}


def import_options(given: Mapping[str, Any]) -> ImportOptions:
    """Options from JSON; Refused for an unknown name."""
    known = {option.name for option in fields(ImportOptions)}
    unknown = sorted(set(given) - known)
    if unknown:
        raise Refused(f"Unknown options: {', '.join(unknown)}.")
    return ImportOptions(**given)
