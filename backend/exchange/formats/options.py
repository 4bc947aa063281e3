"""Options of a format: what each module declares of reading and of writing, and the check that the same words serve for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal

from backend.dicom.refusal import Refused

Kind = Literal["choice", "share", "labels", "text"]
"""One of `choices`; a number above 0 and up to 1; `1:Nodule,2:Mass`; any text."""

_LONGEST: Final = 2000


@dataclass(frozen=True, slots=True)
class FormatOption:
    """An option that a person may set. `key` names its words in the page's languages, `help` says in English what it does.

    Formats whose options mean the same share the option, so that it can be set before it is known which of them is there.
    `default` is what is done where it is not set; empty: nothing of the kind. `costs` says in English, by choice, what an
    export loses by it: it is told before anything is written.
    """

    name: str
    kind: Kind
    help: str
    choices: tuple[str, ...] = ()
    default: str = ""
    key: str = ""
    costs: Mapping[str, str] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """The key of its words: its name, where it has no other."""
        return self.key or self.name

    def check(self, value: str) -> None:
        """Refused where the value means nothing."""
        _CHECKS[self.kind](self, value)

    def of(self, options: Mapping[str, str]) -> str:
        """Its value among options, the default where it is not set; Refused where it means nothing."""
        if self.name not in options:
            return self.default
        self.check(options[self.name])
        return options[self.name]


APART: Final = FormatOption(
    "apart", "choice", "yes: each connected part of a label is a lesion; no: one lesion a label.", ("yes", "no"), "yes"
)
LABELS: Final = FormatOption("labels", "labels", "The finding type of each label: 1:Nodule,2:Mass; the others have numbers.")
CASE: Final = FormatOption("case", "text", "Name of the case of every volume; empty: each is named like its case.")
EMPTY: Final = FormatOption(
    "empty",
    "choice",
    "What an image without a mark says: unread (nothing), or no_lesion.",
    ("unread", "no_lesion"),
    "unread",
)
OUTLINE: Final = FormatOption(
    "outline", "choice", "Whether the pixels of a nodule's outline belong to it; LIDC says they do not.",
    ("excluded", "included"), "excluded",
)  # fmt: skip
THRESHOLD: Final = FormatOption(
    "threshold", "share", "From which share of the maximum on a fractional pixel is marked.", default="0.5"
)


def named_labels(text: str) -> dict[int, str]:
    """The option `labels=1:Nodule,2:Mass` as names by label."""
    names: dict[int, str] = {}
    for part in filter(None, (one.strip() for one in text.split(","))):
        value, colon, name = part.partition(":")
        if not colon or not (value.strip().isascii() and value.strip().isdigit()) or not name.strip():
            raise Refused(f"Labels are given as 1:Nodule,2:Mass; not {part!r}.")
        names[int(value)] = name.strip()
    return names


def share(text: str) -> float:
    """A number above 0 and up to 1."""
    try:
        found = float(text)
    except ValueError as error:
        raise Refused(f"The threshold {text!r} is no number.") from error
    if not 0 < found <= 1:
        raise Refused(f"The threshold {text} is not above 0 and up to 1.")
    return found


def _check_choice(option: FormatOption, value: str) -> None:
    if value not in option.choices:
        raise Refused(f"The option {option.name} is {' or '.join(option.choices)}, not {value!r}.")


def _check_share(_option: FormatOption, value: str) -> None:
    share(value)


def _check_labels(_option: FormatOption, value: str) -> None:
    named_labels(value)


def _check_text(option: FormatOption, value: str) -> None:
    if not value.strip() or len(value) > _LONGEST:
        raise Refused(f"The option {option.name} is a text of at most {_LONGEST} characters.")


_CHECKS: Final[Mapping[Kind, Callable[[FormatOption, str], None]]] = MappingProxyType(
    {"choice": _check_choice, "share": _check_share, "labels": _check_labels, "text": _check_text}
)
