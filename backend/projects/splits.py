"""Which split a case belongs to, for ever: pure functions of keys, groups and difference hashes.

A group (a patient, a group named by a table, or near-duplicates) gets its split by keyed hash against the project's
shares. Images that look the same must not lie in two splits: where they would, the new one is EMBARGOED.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from backend.dicom.near_duplicates import near_pairs
from backend.dicom.uids import keyed_digest, keyed_fraction

POOL: Final = "POOL"
VALIDATION: Final = "VALIDATION"
HOLDOUT: Final = "HOLDOUT"
EMBARGOED: Final = "EMBARGOED"


@dataclass(frozen=True)
class NewCase:
    """A case to be placed. `group_key` is empty where neither patient nor table names a group; `seed` names the case."""

    seed: str
    group_key: str
    dhash: str


@dataclass(frozen=True)
class KnownCase:
    """A case that has its place. `name` is shown; `may_be_embargoed`: nobody has read it yet, and
    no network has learned from it.
    """

    name: str
    group_key: str
    split: str
    dhash: str
    may_be_embargoed: bool


@dataclass
class Placement:
    """Where a new case goes; `embargo_reason` is empty unless it is EMBARGOED."""

    group_key: str
    split: str
    embargo_reason: str = ""


@dataclass(frozen=True)
class Plan:
    """Placements of the new cases in their order, and known cases (by index) to embargo with the reason."""

    placements: list[Placement]
    embargo_known: dict[int, str] = field(default_factory=dict)


def split_of_group(*, split_key: str, group_key: str, validation_share: float, holdout_share: float) -> str:
    """The split of a group that has none yet."""
    place = keyed_fraction(split_key, "split", group_key)
    if place < holdout_share:
        return HOLDOUT
    return VALIDATION if place < holdout_share + validation_share else POOL


def plan_placements(
    *, new: Sequence[NewCase], known: Sequence[KnownCase], split_key: str, validation_share: float, holdout_share: float
) -> Plan:
    """Place new cases among the known ones.

    A case without a group joins the group of what it resembles (chains count); where these lie in different splits it
    is EMBARGOED. A case with a group of its own that resembles one of another split is EMBARGOED too, and so is that
    other one if it is new, or has neither been read nor taught a network.
    """
    search = _Search(new, [case if case.split != EMBARGOED else None for case in known])
    splits = {case.group_key: case.split for case in known if case.split != EMBARGOED}

    def split_of(group_key: str) -> str:
        if group_key not in splits:
            splits[group_key] = split_of_group(
                split_key=split_key, group_key=group_key, validation_share=validation_share, holdout_share=holdout_share
            )
        return splits[group_key]

    placements = [Placement(case.group_key, split_of(case.group_key) if case.group_key else "") for case in new]
    for members in _components(search, new):
        _place_component(members, search, new, known, placements, split_key, split_of)
    embargo_known = _embargo_resemblances(search, new, known, placements)
    return Plan(placements, embargo_known)


class _Search:
    """Near-duplicate pairs among the new cases and between new and known ones."""

    def __init__(self, new: Sequence[NewCase], known: Sequence[KnownCase | None]) -> None:
        hashed = [index for index, case in enumerate(new) if case.dhash]
        usable = [index for index, case in enumerate(known) if case is not None and case.dhash]
        new_hashes = [new[index].dhash for index in hashed]
        known_hashes = [case.dhash for case in known if case is not None and case.dhash]
        among = near_pairs(new_hashes, new_hashes)
        self.among_new = [(hashed[one], hashed[other]) for one, other, _ in among if one < other]
        self.to_known: dict[int, list[int]] = defaultdict(list)
        for one, other, _ in sorted(near_pairs(new_hashes, known_hashes), key=lambda pair: pair[2]):
            self.to_known[hashed[one]].append(usable[other])


def _components(search: _Search, new: Sequence[NewCase]) -> list[list[int]]:
    """Cases without a group, chained by resemblance."""
    parent = list(range(len(new)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    for one, other in search.among_new:
        if not new[one].group_key and not new[other].group_key:
            parent[root(other)] = root(one)
    found: dict[int, list[int]] = defaultdict(list)
    for index, case in enumerate(new):
        if not case.group_key:
            found[root(index)].append(index)
    return list(found.values())


def _place_component(
    members: list[int],
    search: _Search,
    new: Sequence[NewCase],
    known: Sequence[KnownCase],
    placements: list[Placement],
    split_key: str,
    split_of: object,
) -> None:
    """Give one chain of resembling cases the group it belongs to, or embargo it between two splits."""
    assert callable(split_of)
    own = keyed_digest(split_key, "near-duplicates", min(new[index].seed for index in members))
    inside = set(members)
    groups = {known[other].group_key: known[other].name for index in members for other in search.to_known[index]}
    for one, other in search.among_new:
        for here, there in ((one, other), (other, one)):
            if here in inside and new[there].group_key:
                groups.setdefault(new[there].group_key, "another new image")
    splits = {split_of(group) for group in groups}
    for index in members:
        if len(splits) > 1:
            names = sorted(set(groups.values()))[:3]
            reason = f"Looks almost the same as images in two splits ({', '.join(names)})."
            placements[index] = Placement(own, EMBARGOED, reason)
        else:
            group = next(iter(groups), own)
            placements[index] = Placement(group, split_of(group))


def _embargo_resemblances(
    search: _Search, new: Sequence[NewCase], known: Sequence[KnownCase], placements: list[Placement]
) -> dict[int, str]:
    """EMBARGOED are resembling cases in two splits: the new one always, the known one if it may be."""
    decided = [placement.split for placement in placements]
    embargo_known: dict[int, str] = {}
    for one, others in search.to_known.items():
        for other in others:
            if EMBARGOED not in (decided[one],) and decided[one] != known[other].split:
                _embargo(placements[one], f"Looks almost the same as {known[other].name}, which is in another split.")
                if known[other].may_be_embargoed:
                    embargo_known[other] = "Looks almost the same as a newer image of another split."
    for one, other in search.among_new:
        if decided[one] != decided[other] and EMBARGOED not in (decided[one], decided[other]):
            for index in (one, other):
                _embargo(placements[index], "Looks almost the same as another new image, which is in another split.")
    return embargo_known


def _embargo(placement: Placement, reason: str) -> None:
    placement.split = EMBARGOED
    placement.embargo_reason = placement.embargo_reason or reason


def counts_by_split(counts: Mapping[str, int]) -> dict[str, int]:
    """Number of cases of every split, 0 where there is none."""
    return {split: counts.get(split, 0) for split in (POOL, VALIDATION, HOLDOUT, EMBARGOED)}
