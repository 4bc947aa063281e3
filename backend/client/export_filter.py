"""The filter of an export from what a person says on the command line: names become the server's ids."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import date
from typing import Any, Final, cast

from .projects import Project
from .schema import ExportFilterRequest, ExportReader

_CHOICES: Final = {
    "kind": ("reader_kinds", ("person", "model", "imported", "consensus"), "readers of this kind"),
    "split": ("splits", ("POOL", "VALIDATION", "HOLDOUT", "EMBARGOED"), "cases of this split"),
    "review": ("reviews", ("agreed", "edited", "none"), "readings that became this in review"),
}


def add_filter_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments that limit an export; each of the first five may be repeated."""
    group = parser.add_argument_group("filter", "what is not named is not limited; the first five may be repeated")
    group.add_argument("--reader", action="append", metavar="NAME", help="readings of this reader (its name or id)")
    group.add_argument("--finding", action="append", metavar="NAME", help="lesions of this finding type")
    for name, (_, choices, help) in _CHOICES.items():
        group.add_argument(f"--{name}", action="append", choices=choices, help=help)
    group.add_argument("--since", type=_day, metavar="YYYY-MM-DD", help="first day of submission")
    group.add_argument("--until", type=_day, metavar="YYYY-MM-DD", help="last day of submission")
    group.add_argument("--models", action="store_true", help="readings of models, too")
    group.add_argument("--superseded", action="store_true", help="readings whose place a reviewer's edit took, too")


def filter_given(given: argparse.Namespace, project: Project) -> ExportFilterRequest:
    """The filter; ValueError for a reader or finding that the project has not, or that is not told apart by its name."""
    found: dict[str, Any] = {
        field: sorted(set(getattr(given, name))) for name, (field, _, _) in _CHOICES.items() if getattr(given, name)
    }
    found |= {name: getattr(given, name) for name in ("since", "until", "models", "superseded") if getattr(given, name)}
    if given.since and given.until and given.until < given.since:
        raise ValueError(f"--until {given.until} is before --since {given.since}.")
    if given.reader:
        readers = project.preview_export(format=given.format)["readers"]
        found["readers"] = sorted({_reader(name, readers) for name in given.reader})
    if given.finding:
        types = {one["name"]: one["id"] for one in project.finding_types() if one["scope"] == "lesion"}
        for name in given.finding:
            if name not in types:
                raise ValueError(f"The project has no finding type {name!r} of lesions; it has {', '.join(sorted(types))}.")
        found["finding_types"] = sorted({types[name] for name in given.finding})
    return cast(ExportFilterRequest, found)


def is_limited(given: argparse.Namespace) -> bool:
    """Whether any of these arguments was given."""
    names = ("reader", "finding", *_CHOICES, "since", "until", "models", "superseded")
    return any(getattr(given, name) for name in names)


def _reader(name: str, readers: Sequence[ExportReader]) -> int:
    same = [one["id"] for one in readers if one["name"] == name] or [one["id"] for one in readers if str(one["id"]) == name]
    if len(same) > 1:
        raise ValueError(f"Several readers are called {name}: say which by its id, {', '.join(map(str, same))}.")
    if not same:
        there = ", ".join(sorted({one["name"] for one in readers})) or "none"
        raise ValueError(f"There is no reading of {name!r} that can be exported; readers are {there}.")
    return same[0]


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no day as 2026-11-30") from error
