"""Labels of every kind become targets, exact to the pixel."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from workers.cnn.data import (
    IGNORED,
    Augmentation,
    Letterbox,
    Mark,
    content_mask,
    draw_rows,
    draw_target,
    make_batch,
    shrink_image,
    shrink_target,
    standardise,
)


def test_the_corner_pixel_that_was_marked_is_the_corner_pixel_of_the_target() -> None:
    for row, column in ((0, 0), (0, 8), (6, 0), (6, 8)):
        outline = [[column, row], [column + 1, row], [column + 1, row + 1], [column, row + 1]]
        target = draw_target([Mark("polygon", 2, points=outline)], rows=7, columns=9, complete=True)
        assert np.argwhere(target == 2).tolist() == [[row, column]]
        assert (target == 0).sum() == 7 * 9 - 1


def test_at_native_size_the_network_grid_is_the_image() -> None:
    target = np.zeros((16, 16), np.uint8)
    target[0, 0], target[15, 15] = 1, 2
    assert (shrink_target(target, size=16) == target).all()
    image = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert (shrink_image(image, size=16) == image).all()


def test_a_box_is_an_ellipse_of_lesion_in_a_rim_that_says_nothing() -> None:
    target = draw_target([Mark("box", 1, points=[[30, 20], [10, 10]])], rows=40, columns=40, complete=True)
    assert target[15, 20] == 1
    assert target[10, 10] == IGNORED and target[19, 29] == IGNORED
    assert target[9, 20] == 0 and target[20, 20] == 0
    assert abs((target == 1).sum() - np.pi / 4 * 200) < 6
    assert (target == 1).sum() + (target == IGNORED).sum() == 200


def test_a_lesion_overrides_the_rim_of_another_box() -> None:
    mask = np.zeros((20, 20), bool)
    mask[0:3, 0:3] = True
    marks = [Mark("mask", 2, mask=mask), Mark("box", 1, points=[[0, 0], [10, 10]])]
    assert (draw_target(marks, rows=20, columns=20, complete=True)[0:3, 0:3] == 2).any()


def test_a_point_and_a_type_the_network_does_not_know_say_nothing_where_they_are() -> None:
    mask = np.zeros((100, 100), bool)
    mask[50:60, 50:60] = True
    marks = [Mark("point", 1, points=[[20.5, 20.5]]), Mark("mask", None, mask=mask)]
    target = draw_target(marks, rows=100, columns=100, complete=True)
    assert target[20, 20] == IGNORED and target[55, 55] == IGNORED
    assert target[30, 30] == 0
    assert not (target == 1).any()


def test_without_a_complete_reading_unmarked_pixels_say_nothing() -> None:
    assert (draw_target([], rows=5, columns=5, complete=False) == IGNORED).all()
    assert (draw_target([], rows=5, columns=5, complete=True) == 0).all()


def test_a_lesion_smaller_than_a_network_pixel_does_not_vanish() -> None:
    target = np.zeros((1000, 800), np.uint8)
    target[500:504, 400:404] = 1
    small = shrink_target(target, size=64)
    assert np.argwhere(small == 1).tolist() == [[32, 25]]
    assert (small[:, 51:] == IGNORED).all()


def test_the_letterbox_keeps_the_aspect_and_leaves_the_rest_empty() -> None:
    box = Letterbox(rows=268, columns=320, size=128)
    assert box.content == (107, 128)
    image = shrink_image(np.full((268, 320), 200, np.uint8), size=128)
    assert (image[:107] == 200).all() and (image[107:] == 0).all()


def test_a_batch_of_an_unvaried_image_is_the_image_standardised(samples) -> None:
    still = Augmentation(flip=False, degrees=0, zoom=1, shift=0, contrast=0, noise=0, blur_share=0)
    generator = torch.Generator().manual_seed(0)
    images, targets = make_batch(samples, np.array([1, 2]), augmentation=still, generator=generator)
    expected = standardise(
        torch.from_numpy(samples.images[[1, 2]]).float()[:, None] / 255, content_mask(samples.content[[1, 2]], 32)
    )
    assert torch.allclose(images, expected, atol=1e-4)
    assert (targets.numpy() == samples.targets[[1, 2]]).all()


def test_image_and_target_are_warped_alike(samples) -> None:
    strong = Augmentation(degrees=45, zoom=1.5, shift=0.1, contrast=0, noise=0, blur_share=0)
    samples.images[:] = np.where(samples.targets > 0, 255, 0)
    generator = torch.Generator().manual_seed(0)
    images, targets = make_batch(samples, np.arange(24), augmentation=strong, generator=generator)
    lesion = (targets > 0) & (targets != IGNORED)
    assert lesion.any()
    assert images[:, 0][lesion].mean() > 4 * images[:, 0][targets == 0].abs().mean()
    assert (targets == IGNORED).any()


def test_sixty_per_cent_of_the_slots_are_drawn_by_lesion_type_first() -> None:
    presence = np.zeros((1000, 2), bool)
    presence[0, 0] = True
    presence[1:11, 1] = True
    generator = torch.Generator().manual_seed(0)
    rows = draw_rows(presence, batch=20_000, balanced_share=0.6, generator=generator)
    assert (rows == 0).mean() == pytest.approx(0.3, abs=0.02)
    assert ((rows >= 1) & (rows < 11)).mean() == pytest.approx(0.3, abs=0.02)
    assert rows.max() > 900


def test_without_any_lesion_rows_are_drawn_evenly() -> None:
    rows = draw_rows(np.zeros((10, 2), bool), batch=1000, balanced_share=0.6, generator=torch.Generator().manual_seed(0))
    assert np.bincount(rows, minlength=10).min() > 50


def test_an_image_that_three_have_read_is_drawn_as_often_as_one_that_one_has_each_reader_equally_often() -> None:
    image_of = np.array([0, 1, 0, 2, 0])  # image 0 has the readings 0, 2 and 4; only the second of them shows a lesion
    presence = np.array([[False], [False], [True], [True], [False]])
    draws = {"batch": 30_000, "image_of": image_of}
    evenly = draw_rows(presence, balanced_share=0.0, generator=torch.Generator().manual_seed(0), **draws)
    assert np.bincount(evenly) / 30_000 == pytest.approx([1 / 9, 1 / 3, 1 / 9, 1 / 3, 1 / 9], abs=0.02)
    # Of a lesion that one of three has marked the others' doubt is drawn with it.
    by_type = draw_rows(presence, balanced_share=1.0, generator=torch.Generator().manual_seed(0), **draws)
    assert np.bincount(by_type, minlength=5) / 30_000 == pytest.approx([1 / 6, 0, 1 / 6, 1 / 2, 1 / 6], abs=0.02)
    newest = np.array([True, False, False, True, False])
    fresh = draw_rows(
        presence, balanced_share=0.0, generator=torch.Generator().manual_seed(0), newest=newest, newest_share=1.0, **draws
    )
    assert np.bincount(fresh, minlength=5) / 30_000 == pytest.approx([1 / 2, 0, 0, 1 / 2, 0], abs=0.02)


def test_where_each_image_has_one_reading_nothing_but_the_generator_decides_what_is_drawn() -> None:
    presence = np.zeros((50, 2), bool)
    presence[:7, 0] = presence[5:9, 1] = True
    draws = {"batch": 64, "balanced_share": 0.6}
    plain = draw_rows(presence, generator=torch.Generator().manual_seed(3), **draws)
    told = draw_rows(presence, generator=torch.Generator().manual_seed(3), image_of=np.arange(50), **draws)
    assert np.array_equal(plain, told)


def test_a_quarter_of_each_batch_is_drawn_from_the_newest_labels_and_the_rest_from_all() -> None:
    presence = np.zeros((100, 1), bool)
    presence[[5, 98]] = True
    newest = np.arange(100) >= 96
    draws = {"batch": 8, "balanced_share": 0.5}
    generator = torch.Generator().manual_seed(0)
    rows = np.stack(
        [draw_rows(presence, generator=generator, newest=newest, newest_share=0.25, **draws) for _ in range(500)]
    )
    assert newest[rows[:, :2]].all()
    assert (rows[:, :2] == 98).mean() == pytest.approx(0.5 + 0.5 / 4, abs=0.05)  # by type first, among the newest, too
    assert newest[rows[:, 2:]].mean() == pytest.approx(0.5 / 2 + 0.5 * 4 / 100, abs=0.03)
    same = [torch.Generator().manual_seed(1) for _ in range(2)]
    without = draw_rows(presence, generator=same[0], newest=newest, newest_share=0.0, **draws)
    assert np.array_equal(without, draw_rows(presence, generator=same[1], **draws))
