"""Marks that look at the image against marks that only know where lesions usually are."""

from __future__ import annotations

import numpy as np
import pytest

from backend.metrics.chance import CELLS, FULL, SLABS, coarse_places, overlap_beyond_chance
from backend.metrics.overlap import Region


def disc(row: float, column: float, radius: float, size: int = 64) -> Region:
    rows, columns = np.ogrid[:size, :size]
    return Region(((rows - row) ** 2 + (columns - column) ** 2 <= radius**2)[None], (0, 0, 0))


def central(generator: np.random.Generator) -> Region:
    """A lesion where lesions usually are: near the middle."""
    row, column = generator.normal(32, 7, 2)
    return disc(row, column, float(generator.uniform(4, 10)))


def places(regions: list[Region]) -> list[list[int]]:
    return [coarse_places([region], (1, 64, 64)) for region in regions]


def test_a_region_lies_in_the_cells_that_it_covers_whatever_the_size_of_the_image() -> None:
    corner = Region(np.ones((1, 4, 4), bool), (0, 0, 0))
    assert coarse_places([corner], (1, 64, 64)) == [0, FULL]
    assert coarse_places([Region(np.ones((1, 40, 10), bool), (0, 0, 0))], (1, 640, 160)) == [0, FULL]
    half = Region(np.ones((1, 2, 4), bool), (0, 60, 60))
    assert coarse_places([half], (1, 64, 64)) == [CELLS * CELLS - 1, FULL // 2]
    volume = Region(np.ones((1, 4, 4), bool), (7, 0, 0))
    assert coarse_places([volume], (8, 64, 64)) == [(SLABS - 1) * CELLS * CELLS, FULL // 2]
    assert coarse_places([], (1, 64, 64)) == []


def test_marks_on_the_lesion_beat_chance_and_the_usual_place_does_not() -> None:
    generator = np.random.default_rng(0)
    true = [central(generator) for _ in range(40)]
    groups = list(range(40))
    own, others = overlap_beyond_chance(places(true), places(true), groups)
    assert own == pytest.approx(1) and others.mean() < 0.4
    own, others = overlap_beyond_chance(places([disc(32, 32, 8)] * 40), places(true), groups)
    assert own.mean() == pytest.approx(others.mean(), abs=0.01) and own.mean() > 0.3
    own, others = overlap_beyond_chance([[]] * 40, places(true), groups)
    assert not own.any() and not others.any()


def test_the_lesions_of_the_same_patient_are_not_chance() -> None:
    lesion = places([disc(32, 32, 8)])[0]
    own, others = overlap_beyond_chance([lesion, lesion, []], [lesion, lesion, []], ["a", "a", "b"])
    assert own == pytest.approx([1, 1, 0]) and others == pytest.approx([0, 0, 0])
    with pytest.raises(ValueError, match="another patient"):
        overlap_beyond_chance([lesion, lesion], [lesion, lesion], ["a", "a"])


@pytest.mark.parametrize("n", [20, 60])
def test_of_networks_that_do_not_look_at_the_image_few_are_taken_for_one_that_does(n: int) -> None:
    """The lower end of a 95 % interval: 2.5 % by intention. Of a thousand 2.3 % were at 20 images and 2.0 % at 60."""
    generator = np.random.default_rng(n)
    usual = places([central(generator) for _ in range(1000)])
    taken = 0
    for _ in range(400):
        true = [usual[row] for row in generator.integers(1000, size=n)]
        shown = [usual[row] if generator.random() < 0.7 else [] for row in generator.integers(1000, size=n)]
        own, others = overlap_beyond_chance(shown, true, list(range(n)))
        picks = generator.integers(n, size=(500, n))
        taken += np.quantile((own - others)[picks].mean(axis=1), 0.025) > 0
    assert taken <= 0.05 * 400
