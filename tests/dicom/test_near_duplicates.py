"""The difference hash finds the repeats of a real data set, quickly, and nothing where there is nothing."""

from __future__ import annotations

import csv
import random
import time
from pathlib import Path

import numpy as np
from PIL import Image

from backend.dicom.near_duplicates import difference_hash, joined_groups, near_among, near_pairs


def test_an_image_without_structure_has_no_hash():
    assert difference_hash(np.full((40, 40), 7, dtype=np.uint8)) == ""


def test_scaling_and_brightness_hardly_move_the_hash():
    rng = np.random.default_rng(0)
    image = np.asarray(Image.fromarray(rng.integers(0, 200, (12, 12), dtype=np.uint8)).resize((300, 240)))
    smaller = np.asarray(Image.fromarray(image).resize((200, 160))) + np.uint8(20)
    assert near_pairs([difference_hash(image)], [difference_hash(smaller)])
    assert not near_pairs([difference_hash(image)], [difference_hash(image[:, ::-1])])


def test_the_repeats_of_real_ultrasounds_are_found_and_hardly_anything_else(real_data: Path):
    rows = list(csv.DictReader((real_data / "busi/index.csv").open()))
    hashes = [difference_hash(np.asarray(Image.open(real_data / "busi/images" / row["file"]))) for row in rows]
    pairs = [(one, other) for one, other, _ in near_pairs(hashes, hashes) if one < other]
    same = [rows[one]["near_dup_group"] == rows[other]["near_dup_group"] for one, other in pairs]
    assert sum(same) > 115
    assert len(same) - sum(same) <= 3


def test_ten_thousand_images_are_compared_in_seconds():
    rng = random.Random(0)
    hashes = [f"{rng.getrandbits(256):064x}" for _ in range(10_000)]
    started = time.process_time()
    assert len(near_pairs(hashes, hashes)) == 10_000
    assert time.process_time() - started < 10


def test_within_one_list_each_pair_is_found_once_with_its_distance():
    rng = random.Random(1)
    hashes = [f"{rng.getrandbits(256):064x}" for _ in range(50)]
    hashes[40] = f"{int(hashes[3], 16) ^ 0b111:064x}"
    hashes[17] = hashes[16]
    found = np.concatenate(list(near_among(hashes)))
    assert sorted(map(tuple, found.tolist())) == [(3, 40, 3), (16, 17, 0)]
    assert list(near_among([])) == []


def test_groups_with_near_duplicates_between_them_are_one_and_chains_count():
    rng = random.Random(2)
    one, other = (f"{rng.getrandbits(256):064x}" for _ in range(2))
    steps = [f"{int(one, 16) ^ (1 << bits) - 1:064x}" for bits in (0, 20, 40)]
    groups = ["c", "b", "a", "d", "d", "e", "f"]
    hashes = [*steps, steps[2], other, other, ""]
    assert joined_groups(groups, hashes) == [*"aaaaaaf"]
    assert joined_groups(groups, [""] * 7) == groups and joined_groups([], []) == []


def test_ten_thousand_images_are_grouped_in_seconds_and_ten_thousand_alike_as_well():
    rng = random.Random(0)
    hashes = [f"{rng.getrandbits(256):064x}" for _ in range(10_000)]
    groups = [f"{number:05}" for number in range(10_000)]
    started = time.process_time()
    assert joined_groups(groups, hashes) == groups
    assert set(joined_groups(groups, hashes[:1] * 10_000)) == {"00000"}
    assert time.process_time() - started < 10
