"""The formats there are: every module of `backend.exchange.formats` that has a TITLE, by its name.

They are found, not listed, and loaded when they are first asked for: a web server that writes no NIfTI never loads it.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
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

_PACKAGE: Final = formats.__name__
NO_READINGS: Final = "none"
"""In the place of a format's name: readings of other programs are not looked for."""


@dataclass(frozen=True, slots=True)
class Format:
    """One format: its module's names; `write` is None where it can only be read, `recognises` and `read` the other way.

    `read_options`, `write_options`: what a person may set.
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
    read_options: tuple[FormatOption, ...] = ()
    write_options: tuple[FormatOption, ...] = ()


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
            read_options=getattr(module, "READ_OPTIONS", ()),
            write_options=getattr(module, "WRITE_OPTIONS", ()),
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
    if name:
        one = read_format(name)
        _check(one.read_options, given, f"{one.title} has no")
    else:
        _check([option for one in read_formats().values() for option in one.read_options], given, "No format has an")


def write_costs(name: str, given: Mapping[str, str]) -> list[str]:
    """What an export in a format loses by the options given; Refused as by `check_read_options`."""
    one = written_format(name)
    _check(one.write_options, given, f"{one.title} has no")
    chosen = [(option, option.of(given)) for option in one.write_options]
    return [option.costs[value] for option, value in chosen if value in option.costs]


def _check(options: Sequence[FormatOption], given: Mapping[str, str], has_no: str) -> None:
    for name, value in given.items():
        known = next((one for one in options if one.name == name), None)
        if known is None:
            there = sorted({one.name for one in options})
            if not there:
                raise Refused(f"{has_no} options; {name!r} is none.")
            raise Refused(f"{has_no} option {name!r}; there are {', '.join(there)}.")
        known.check(value)


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
