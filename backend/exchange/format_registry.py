"""The formats there are: every module of `backend.exchange.formats` that has a TITLE, by its name.

They are found, not listed, and loaded when they are first asked for: a web server that writes no NIfTI never loads it.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Final

from backend.dicom.refusal import Refused
from backend.exchange import formats
from backend.exchange.foreign import ForeignReading, UnusableFile
from backend.exchange.formats.family import Carries, Export, ExportFile, Folder, ReadContext
from backend.exchange.formats.options import FormatOption

Writer = Callable[[Export], Iterator[ExportFile]]
Recogniser = Callable[[Folder], bool]
Reader = Callable[[Folder, ReadContext], Iterator[ForeignReading | UnusableFile]]
Claimer = Callable[[Folder], Collection[str]]
Noter = Callable[[Mapping[str, str]], tuple[str, ...]]

_PACKAGE: Final = formats.__name__
NO_READINGS: Final = "none"
"""In the place of a format's name: readings of other programs are not looked for."""


@dataclass(frozen=True, slots=True)
class Format:
    """One format: its module's names; `write` is None where it can only be read, `recognises` and `read` the other way.

    `notes_of(options)`: what else is lost by the options chosen; Refused where one means nothing. `options`: of reading it.
    """

    name: str
    title: str
    carries: Carries
    write: Writer | None
    recognises: Recogniser | None
    read: Reader | None
    claims: Claimer | None
    specificity: int
    in_child: bool
    notes_of: Noter
    options: tuple[FormatOption, ...] = ()


def _no_notes(options: Mapping[str, str]) -> tuple[str, ...]:
    return ()


@cache
def all_formats() -> dict[str, Format]:
    """Every format by its name, the more specific first."""
    modules = (import_module(f"{_PACKAGE}.{module.name}") for module in pkgutil.iter_modules(formats.__path__))
    found = [
        Format(
            name=module.__name__.rpartition(".")[2],
            title=module.TITLE,
            carries=module.CARRIES,
            write=getattr(module, "write", None),
            recognises=getattr(module, "recognises", None),
            read=getattr(module, "read", None),
            claims=getattr(module, "claims", None),
            specificity=getattr(module, "SPECIFICITY", 0),
            in_child=getattr(module, "READ_IN_CHILD", False),
            notes_of=getattr(module, "notes_of", _no_notes),
            options=getattr(module, "OPTIONS", ()),
        )
        for module in modules
        if hasattr(module, "TITLE")
    ]
    return {one.name: one for one in sorted(found, key=lambda one: (-one.specificity, one.name))}


def written_formats() -> dict[str, Format]:
    """Those that readings can go out in."""
    return {name: one for name, one in all_formats().items() if one.write is not None}


def read_formats() -> dict[str, Format]:
    """Those that readings can come in."""
    return {name: one for name, one in all_formats().items() if one.read is not None}


def written_format(name: str) -> Format:
    """A format to write; Refused with the names there are."""
    return _named(name, written_formats())


def read_format(name: str) -> Format:
    """A format to read; Refused with the names there are."""
    return _named(name, read_formats())


def check_read_options(name: str, given: Mapping[str, str]) -> None:
    """Refused for a format that there is not, an option that it has not, or a value that means nothing.

    Without a name the options of every format may be given, for each of them may be the one that knows the files; with
    NO_READINGS there are none.
    """
    if name == NO_READINGS:
        if given:
            raise Refused("Readings of other programs are not looked for: there is no option to set.")
        return
    formats = [read_format(name)] if name else list(read_formats().values())
    for option, value in given.items():
        known = [one for each in formats for one in each.options if one.name == option]
        if not known:
            raise Refused(_unknown(option, formats, is_named=bool(name)))
        known[0].check(value)


def _unknown(option: str, formats: list[Format], *, is_named: bool) -> str:
    names = sorted({one.name for each in formats for one in each.options})
    whose = formats[0].title if is_named else "No format"
    if not names:
        return f"{whose} has no options; {option!r} is none."
    return f"{whose} has {'no' if is_named else 'an'} option {option!r}; there are {', '.join(names)}."


def recognised_formats(files: Folder) -> list[Format]:
    """The formats that know these files, the more specific first."""
    return [one for one in read_formats().values() if one.recognises is not None and is_recognised(one, files)]


def is_recognised(one: Format, files: Folder) -> bool:
    """Whether a format knows these files; a file that breaks its looking is not known."""
    try:
        return one.recognises is not None and one.recognises(files)
    except Exception:  # noqa: BLE001 what a damaged file makes a library raise is no reason to ask no other format
        return False


def _named(name: str, known: dict[str, Format]) -> Format:
    if name not in known:
        raise Refused(f"There is no format {name!r}; there are {', '.join(sorted(known))}.")
    return known[name]
