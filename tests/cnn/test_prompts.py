"""Pointing: where a click lands in the network's grid, what is simulated, what is learned, and that it can be resumed."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from workers.cnn import prompts
from workers.cnn.checkpoint import decode_checkpoint, encode_checkpoint, network_of
from workers.cnn.prompt_training import (
    PATCH,
    PromptTraining,
    Situation,
    corrective_click,
    cut_lesion,
    first_click,
    gathered,
    jittered,
    prompt_loss,
    prompt_steps,
    random_stroke,
)
from workers.cnn.prompts import (
    NET,
    SIZE,
    Prompt,
    View,
    along,
    box_around,
    channels,
    click_map,
    cut_view,
    ellipse_map,
    inside_view,
    lay_back,
    segment,
    view_around,
    whole_view,
)
from workers.cnn.train import Recipe, TrainingDiverged


def disc(rows: int, columns: int, row: float, column: float, radius: float) -> np.ndarray:
    down, across = np.ogrid[:rows, :columns]
    return (down + 0.5 - row) ** 2 + (across + 0.5 - column) ** 2 <= radius**2


def picture(rng: np.random.Generator, rows: int = 96, columns: int = 128) -> tuple[np.ndarray, np.ndarray]:
    """Grey noise with two bright discs; the mask is that of the first."""
    image = rng.normal(90, 8, (rows, columns))
    radius = rng.uniform(6, 16)
    mask = disc(rows, columns, rng.uniform(20, rows - 20), rng.uniform(20, columns / 2 - 18), radius)
    other = disc(rows, columns, rng.uniform(20, rows - 20), rng.uniform(columns / 2 + 18, columns - 20), radius)
    image[mask | other] += 80
    return image.clip(0, 255).astype(np.uint8), mask


def samples_of(count: int, seed: int = 0):
    rng = np.random.default_rng(seed)
    return gathered([cut_lesion(*picture(rng)) for _ in range(count)])


@pytest.mark.parametrize(("row", "column"), [(0, 0), (0, SIZE - 1), (SIZE - 1, 0), (SIZE - 1, SIZE - 1), (20, 41)])
def test_a_pixel_is_the_same_pixel_in_the_image_the_view_and_back(row: int, column: int) -> None:
    image = np.zeros((SIZE, SIZE), np.uint8)
    image[row, column] = 255
    view = whole_view(SIZE, SIZE)
    seen = cut_view(image, view)
    assert np.flatnonzero(seen).tolist() == [row * SIZE + column] and seen[row, column] == pytest.approx(255, abs=0.01)
    laid, origin = lay_back(seen, view, rows=SIZE, columns=SIZE)
    assert origin == (0, 0) and np.allclose(laid, image, atol=0.01)
    clicked = click_map([view.place((column + 0.5, row + 0.5))])
    assert (
        clicked[row, column] == 1
        and np.unravel_index(clicked.argmax(), clicked.shape) == (row, column)
        or clicked[row, column] == clicked.max()
    )


def test_a_click_in_the_corner_pixel_of_a_large_image_lies_in_the_corner_of_the_network_grid() -> None:
    view = whole_view(640, 320)
    assert view.place((0.5, 0.5)) == (0.05, 0.05)
    clicked = click_map([view.place((319.5, 639.5))])
    assert clicked[SIZE - 1, SIZE // 2 - 1] == 1 and clicked[0].max() == 0
    assert not inside_view(view, 640, 320)[:, SIZE // 2 :].any() and inside_view(view, 640, 320)[:, : SIZE // 2].all()


def test_a_view_beyond_the_border_is_empty_there() -> None:
    image = np.full((40, 40), 200, np.uint8)
    view = View(-20, -20, 40)
    seen = cut_view(image, view)
    assert (seen[: SIZE // 2] == 0).all() and (seen[:, : SIZE // 2] == 0).all()
    assert np.allclose(seen[SIZE // 2 :, SIZE // 2 :], 200)
    assert (cut_view(image, View(100, 100, 30)) == 0).all()


@pytest.mark.parametrize("view", [View(3, 5, 20), View(-4.5, 7.25, 60), View(0, 0, 200)])
def test_what_is_cut_out_and_laid_back_is_where_it_was(view: View) -> None:
    mask = disc(120, 100, 14, 12, 8)
    laid, (top, left) = lay_back(cut_view(mask.astype(np.float32), view), view, rows=120, columns=100)
    found = np.zeros(mask.shape, bool)
    found[top : top + laid.shape[0], left : left + laid.shape[1]] = laid >= 0.5
    shown = np.zeros(mask.shape, bool)
    shown[top : top + laid.shape[0], left : left + laid.shape[1]] = True
    assert (found ^ (mask & shown)).sum() <= 0.12 * mask.sum()


def test_a_box_is_the_same_in_its_view_and_the_ellipse_touches_its_sides() -> None:
    box = (30.0, 10.0, 70.0, 30.0)
    view = view_around(box)
    assert (view.left + view.side / 2, view.top + view.side / 2) == (50, 20) and view.side == 64
    left, top, right, bottom = box_around(ellipse_map(view.box(box)) > 0)
    assert (left, top, right, bottom) == pytest.approx(view.box(box), abs=1)


def test_the_channels_are_image_guess_and_clicks() -> None:
    rng = np.random.default_rng(0)
    seen = rng.normal(100, 20, (SIZE, SIZE)).astype(np.float32)
    inside = np.ones((SIZE, SIZE), bool)
    inside[:, 50:] = False
    made = channels(seen, inside, ellipse_map((10, 10, 30, 30)), Prompt([(20, 20)], [(40, 40)]))
    assert made.shape == (4, SIZE, SIZE) and made.dtype == np.float32
    assert abs(made[0][inside].mean()) < 1e-4 and made[0][inside].std() == pytest.approx(1, abs=1e-3)
    assert (made[0][~inside] == 0).all()
    assert made[2][20, 20] == 1 and made[3][40, 40] == 1 and made[2][40, 40] == 0 == made[3][20, 20]
    drawn = Prompt(strokes=[[(10, 20), (30, 20)]], negative_strokes=[[(40, 40), (40, 50), (45, 50)]])
    made = channels(seen, inside, np.zeros_like(seen), drawn)
    assert (made[2][20, 10:30] == 1).all() and not made[2][25:].any() and not made[2][:, 34:].any()
    assert (made[3][40:50, 40] == 1).all() and (made[3][50, 40:45] == 1).all() and not made[3][:37].any()


def test_a_stroke_is_the_same_place_in_the_image_the_view_and_the_channel() -> None:
    view = View(30, 10, 128)
    [stroke] = prompts._seen_through(view, Prompt(strokes=[[(31, 11), (157, 137)]])).strokes
    assert stroke == [(0.5, 0.5), (63.5, 63.5)]
    assert np.diagonal(click_map([], strokes=[stroke])).min() == 1
    assert along([(0, 0), (3, 4)], 2.5) == [(0, 0), (1.5, 2), (3, 4)] and len(along([(2, 2), (2, 2)], 1)) == 2


def test_for_a_network_that_knows_no_strokes_each_is_three_clicks() -> None:
    prompt = Prompt([(1, 1)], (), None, [[(0, 0), (10, 0), (10, 10)]], [[(5, 5), (5, 5)]])
    assert prompt.as_clicks() == Prompt([(1, 1), (0, 0), (10, 0), (10, 10)], [(5, 5), (5, 5), (5, 5)])


def test_a_stroke_runs_along_a_region_without_leaving_it() -> None:
    rng = np.random.default_rng(0)
    ellipse = ellipse_map((10, 30, 60, 44)) > 0
    ring = disc(64, 64, 30, 30, 14) & ~disc(64, 64, 30, 32, 11)
    for region in (ellipse, ring):
        drawn = [random_stroke(region, rng) for _ in range(40)]
        assert all(region[int(row), int(column)] for stroke in drawn for column, row in stroke)
        assert min(len(stroke) for stroke in drawn) >= 2 and len({str(stroke) for stroke in drawn}) == 40
    lengths = [np.ptp(np.array(random_stroke(ellipse, rng)), axis=0) for _ in range(40)]
    assert np.mean(lengths, axis=0)[0] > 3 * np.mean(lengths, axis=0)[1], "along its longer axis"
    single = np.zeros((9, 9), bool)
    single[3, 4] = True
    assert {(int(column), int(row)) for column, row in random_stroke(single, rng)} == {(4, 3)}


def test_a_correction_may_be_a_stroke_over_the_largest_error() -> None:
    truth = disc(SIZE, SIZE, 30, 30, 12)
    situation = Situation(np.zeros((SIZE, SIZE), np.float32), np.ones_like(truth), truth, np.zeros((SIZE, SIZE), np.float32))
    situation.correct((truth | disc(SIZE, SIZE, 50, 50, 6)).astype(np.float32), np.random.default_rng(0))
    [beside] = situation.negative_strokes
    assert all(np.hypot(column - 50, row - 50) <= 7 for column, row in beside) and not situation.strokes
    situation.correct(truth.astype(np.float32), np.random.default_rng(0))
    assert len(situation.negative_strokes) == 1 and not (situation.positive or situation.negative)
    assert situation.inputs()[3].max() == 1


def test_a_first_click_lies_in_the_middle_of_the_lesion() -> None:
    mask = disc(80, 80, 40, 30, 20)
    rng = np.random.default_rng(0)
    for _ in range(50):
        column, row = first_click(mask, rng, least=0.5)
        assert np.hypot(column - 30, row - 40) <= 11
    thin = np.zeros((20, 20), bool)
    thin[0, 0] = True
    assert first_click(thin, rng) == (0.5, 0.5)


def test_a_correction_goes_to_the_deepest_place_of_the_largest_error() -> None:
    truth, inside = disc(80, 80, 40, 40, 20), np.ones((80, 80), bool)
    too_much = truth | disc(80, 80, 10, 10, 6)
    place, on_lesion = corrective_click(too_much, truth, inside)
    assert not on_lesion and place == pytest.approx((10, 10), abs=1)
    too_little = too_much & ~disc(80, 80, 45, 40, 12)
    place, on_lesion = corrective_click(too_little, truth, inside)
    assert on_lesion and place == pytest.approx((40, 45), abs=1)
    assert corrective_click(truth, truth, inside) is None
    assert corrective_click(too_much, truth, truth) is None, "nobody clicks beyond the image"


def test_a_jittered_box_is_off_by_no_more_than_its_share() -> None:
    rng = np.random.default_rng(0)
    off = np.array([jittered((100.0, 50.0, 140.0, 70.0), rng, 0.1) for _ in range(200)]) - [100, 50, 140, 70]
    assert np.abs(off[:, [0, 2]]).max() <= 4 and np.abs(off[:, [1, 3]]).max() <= 2
    assert np.abs(off).mean(axis=0).min() > 0.5


def test_a_lesion_is_kept_with_its_image_and_close() -> None:
    image, mask = picture(np.random.default_rng(3))
    cut = cut_lesion(image, mask)
    wide, close = cut.masks.mean(axis=(1, 2))
    assert 0.2 < np.sqrt(close * 4 / np.pi) * 1.5 < 1.6 and close > wide
    assert cut.content[0].tolist() == [0, 0, PATCH, 96]
    assert not cut.images[0, 96:].any() and cut.images[0, :96].any()


def test_half_of_the_automatic_networks_arithmetic_is_the_most_that_it_may_cost() -> None:
    assert prompt_steps(600, image_size=256) == 600 == prompt_steps(600, image_size=128)
    assert 240 < prompt_steps(600, image_size=64) < 260 and prompt_steps(60, image_size=32) < 10
    assert prompt_steps(1, image_size=16) == 1


def test_a_loss_counts_nothing_beyond_the_image() -> None:
    logits = torch.zeros(1, 2, 8, 8)
    masks, inside = torch.zeros(1, 8, 8, dtype=torch.bool), torch.ones(1, 8, 8, dtype=torch.bool)
    masks[:, 2:4, 2:4], inside[:, 6:] = True, False
    loss = prompt_loss(logits, masks, inside)
    logits[:, :, 6:] = 50
    masks[:, 6:] = True
    assert prompt_loss(logits, masks, inside).item() == pytest.approx(loss.item())


def test_it_learns_to_outline_the_disc_that_is_pointed_at_and_to_be_corrected() -> None:
    training = PromptTraining(samples_of(24), recipe=Recipe(steps=90, seed=1))
    losses = [progress.loss for progress in training.run()]
    assert np.mean(losses[-10:]) < 0.5 * np.mean(losses[:10])
    network = network_of(training.weights(), config=NET)
    rng = np.random.default_rng(99)
    clicked, boxed, stroked = [], [], []
    for _ in range(8):
        image, mask = picture(rng)
        clicked.append(overlap(segment(network, image, Prompt(positive=[first_click(mask, rng, least=0.5)])), mask))
        boxed.append(overlap(segment(network, image, Prompt(box=jittered(box_around(mask), rng, 0.1))), mask))
        stroked.append(overlap(segment(network, image, Prompt(strokes=[random_stroke(mask, rng)])), mask))
    assert np.mean(clicked) > 0.7 and np.mean(boxed) > 0.8 and np.mean(stroked) > 0.7, (clicked, boxed, stroked)


def overlap(found, mask: np.ndarray) -> float:
    whole = np.zeros(mask.shape, bool)
    if found is not None:
        row, column = found.origin
        whole[row : row + found.mask.shape[0], column : column + found.mask.shape[1]] = found.mask
    return 2 * (whole & mask).sum() / (whole.sum() + mask.sum())


def test_a_resumed_training_makes_the_same_numbers_bit_for_bit() -> None:
    samples, recipe = samples_of(6), Recipe(steps=12, seed=3, batch=4)
    straight = PromptTraining(samples, recipe=recipe)
    losses = [progress.loss for progress in straight.run()]
    first = PromptTraining(samples, recipe=recipe)
    again = [first.advance().loss for _ in range(5)]
    kept = encode_checkpoint(first.state())
    second = PromptTraining(samples, recipe=recipe)
    second.restore(decode_checkpoint(kept))
    assert second.step == 5
    again += [progress.loss for progress in second.run()]
    assert again == losses
    for name, value in straight.weights().items():
        assert torch.equal(value, second.weights()[name]), name


def test_a_training_that_diverges_raises() -> None:
    training = PromptTraining(samples_of(3), recipe=Recipe(steps=5, seed=0, batch=2))
    with torch.no_grad():
        next(training.network.parameters()).fill_(float("nan"))
    with pytest.raises(TrainingDiverged):
        training.advance()


def test_nothing_outlined_cannot_be_learned_from() -> None:
    with pytest.raises(ValueError, match="no outlined lesion"):
        PromptTraining(gathered([]), recipe=Recipe(steps=1, seed=0))
