"""Where a case goes, for ever: by keyed hash of its group, and nowhere where it would leak."""

from __future__ import annotations

import random
from collections import Counter

from backend.projects.splits import KnownCase, NewCase, Plan, plan_placements, split_of_group

KEY = "11" * 32
RNG = random.Random(0)


def new_hash() -> str:
    return f"{RNG.getrandbits(256):064x}"


def nearly(dhash: str, bits: int = 8) -> str:
    value = int(dhash, 16)
    for bit in RNG.sample(range(256), bits):
        value ^= 1 << bit
    return f"{value:064x}"


def plan(new: list[NewCase], known: list[KnownCase] | None = None) -> Plan:
    return plan_placements(new=new, known=known or [], split_key=KEY, validation_share=0.3, holdout_share=0.3)


def group_in(split: str) -> str:
    return next(
        group
        for group in map(str, range(1000))
        if split_of_group(split_key=KEY, group_key=group, validation_share=0.3, holdout_share=0.3) == split
    )


def test_shares_are_met_and_the_key_decides():
    def splits(key: str) -> list[str]:
        return [
            split_of_group(split_key=key, group_key=str(number), validation_share=0.15, holdout_share=0.15)
            for number in range(20_000)
        ]

    counts = Counter(splits(KEY))
    assert abs(counts["VALIDATION"] - 3000) < 200 and abs(counts["HOLDOUT"] - 3000) < 200
    assert splits(KEY) == splits(KEY) != splits("22" * 32)


def test_all_images_of_a_patient_share_a_split():
    cases = [NewCase(str(number), "patient", new_hash()) for number in range(20)]
    placements = plan(cases).placements
    assert len({placement.split for placement in placements}) == 1


def test_a_group_keeps_the_split_that_it_has():
    group = group_in("POOL")
    known = [KnownCase("US-0001", group, "HOLDOUT", new_hash(), False)]
    assert plan([NewCase("a", group, new_hash())], known).placements[0].split == "HOLDOUT"


def test_near_duplicates_without_patient_become_one_group_and_chains_count():
    first = new_hash()
    second = nearly(first, 20)
    third = nearly(second, 20)
    cases = [NewCase("a", "", first), NewCase("b", "", third), NewCase("c", "", second), NewCase("d", "", new_hash())]
    groups = [placement.group_key for placement in plan(cases).placements]
    assert groups[0] == groups[1] == groups[2] != groups[3]


def test_the_order_of_arrival_does_not_matter():
    one = new_hash()
    cases = [NewCase("a", "", one), NewCase("b", "", nearly(one)), NewCase("c", "", new_hash())]
    forward = {case.seed: place.split for case, place in zip(cases, plan(cases).placements, strict=True)}
    backward = {case.seed: place.split for case, place in zip(cases[::-1], plan(cases[::-1]).placements, strict=True)}
    assert forward == backward


def test_a_near_duplicate_joins_the_group_of_a_known_case():
    known = [KnownCase("US-0001", "g", "VALIDATION", new_hash(), False)]
    placement = plan([NewCase("a", "", nearly(known[0].dhash))], known).placements[0]
    assert (placement.group_key, placement.split) == ("g", "VALIDATION")


def test_an_image_between_two_splits_is_embargoed():
    middle = new_hash()
    known = [
        KnownCase("US-0001", "g", "VALIDATION", nearly(middle, 12), True),
        KnownCase("US-0002", "h", "POOL", nearly(middle, 12), True),
    ]
    made = plan([NewCase("a", "", middle)], known)
    assert made.placements[0].split == "EMBARGOED"
    assert "US-0001" in made.placements[0].embargo_reason and "US-0002" in made.placements[0].embargo_reason
    assert made.embargo_known == {}


def test_two_patients_with_one_image_in_two_splits_are_embargoed_unless_the_old_one_was_read():
    for read, embargoed in ((False, {0}), (True, set())):
        known = [KnownCase("US-0001", "x", "HOLDOUT", new_hash(), not read)]
        made = plan([NewCase("a", group_in("POOL"), nearly(known[0].dhash))], known)
        assert made.placements[0].split == "EMBARGOED"
        assert set(made.embargo_known) == embargoed


def test_two_new_resembling_images_of_two_groups_in_two_splits_are_both_embargoed():
    one = new_hash()
    made = plan([NewCase("a", group_in("POOL"), one), NewCase("b", group_in("HOLDOUT"), nearly(one))])
    assert [placement.split for placement in made.placements] == ["EMBARGOED", "EMBARGOED"]


def test_what_resembles_only_an_embargoed_case_is_free():
    known = [KnownCase("US-0001", "g", "EMBARGOED", new_hash(), True)]
    assert plan([NewCase("a", "", nearly(known[0].dhash))], known).placements[0].split != "EMBARGOED"


def test_images_without_structure_resemble_nothing():
    groups = {placement.group_key for placement in plan([NewCase(str(n), "", "") for n in range(5)]).placements}
    assert len(groups) == 5
