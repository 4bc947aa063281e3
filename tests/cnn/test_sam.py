"""A network with the signature of SAM's ONNX export: where a click lands, what comes back, and which files are refused."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from tests.cnn.test_prompts import disc, overlap
from tests.cnn.tiny_sam import export_tiny_sam
from workers.cnn.prompts import Prompt
from workers.cnn.sam import DEVIATION, MEAN, Sam, SamRefused, decoder_points, encoder_image


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return export_tiny_sam(tmp_path_factory.mktemp("sam"))


@pytest.fixture(scope="module")
def sam(files: tuple[Path, Path]) -> Sam:
    return Sam(*files)


def two_discs(rows: int, columns: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    one, other = disc(rows, columns, 60, 70, 40), disc(rows, columns, rows - 60, columns - 60, 40)
    return np.where(one | other, 220, 40).astype(np.uint8), one, other


@pytest.mark.parametrize(("rows", "columns"), [(300, 400), (480, 200)])
def test_the_piece_that_is_pointed_at_comes_back_in_the_images_own_pixels(sam: Sam, rows: int, columns: int) -> None:
    image, one, other = two_discs(rows, columns)
    embedding = sam.embed(image)
    for mask, place in ((one, (70.5, 60.5)), (other, (columns - 60, rows - 60))):
        assert overlap(sam.outline(embedding, Prompt([place]), rows=rows, columns=columns), mask) > 0.95
    stroke = Prompt(strokes=[[(50, 60), (90, 60)]])
    assert overlap(sam.outline(embedding, stroke, rows=rows, columns=columns), one) > 0.95
    both = Prompt([(70, 60)], strokes=[[(columns - 70, rows - 60), (columns - 50, rows - 60)]])
    assert overlap(sam.outline(embedding, both, rows=rows, columns=columns), one | other) > 0.95


def test_what_lies_beside_the_lesion_is_taken_away_and_where_nothing_is_left_there_is_no_outline(sam: Sam) -> None:
    image, one, _ = two_discs(300, 400)
    embedding = sam.embed(image)
    cut = sam.outline(embedding, Prompt([(50, 60)], [(110, 60)]), rows=300, columns=400)
    assert 0.4 < overlap(cut, one) < 0.95
    flat = sam.embed(np.full((300, 400), 90, np.uint8))
    everywhere = [(float(column), float(row)) for row in range(0, 301, 30) for column in range(0, 401, 30)]
    assert sam.outline(flat, Prompt([(200, 150)], everywhere), rows=300, columns=400) is None


def test_the_image_is_scaled_normalised_and_laid_at_the_top_left() -> None:
    image = np.full((256, 512), 255, np.uint8)
    laid = encoder_image(image)
    assert laid.shape == (1, 3, 1024, 1024) and laid.dtype == np.float32
    for channel in range(3):
        assert laid[0, channel, :512] == pytest.approx((255 - MEAN[channel]) / DEVIATION[channel], abs=1e-4)
    assert not laid[0, :, 512:].any()


def test_points_are_in_the_encoders_pixels_and_a_box_is_two_of_them() -> None:
    places, labels = decoder_points(Prompt([(10, 20)], [(30, 40)], (1, 2, 3, 4)), 2.0)
    assert places.tolist() == [[20, 40], [60, 80], [2, 4], [6, 8]] and labels.tolist() == [1, 0, 2, 3]
    places, labels = decoder_points(Prompt(strokes=[[(0, 0), (4, 0)]]), 1.0)
    assert places.tolist() == [[0, 0], [2, 0], [4, 0], [0, 0]] and labels.tolist() == [1, 1, 1, -1]


def test_the_files_are_named_by_their_digests_and_others_are_refused_by_name(
    sam: Sam, files: tuple[Path, Path], tmp_path: Path
) -> None:
    encoder, decoder = files
    digests = [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]
    assert sam.sha256 == dict(zip(("encoder", "decoder"), digests, strict=True))
    (tmp_path / "broken.onnx").write_bytes(b"no network")
    for pair, reason in (
        ((tmp_path / "absent.onnx", decoder), "absent.onnx: cannot be read"),
        ((encoder, tmp_path / "broken.onnx"), "broken.onnx: is no ONNX file"),
        ((encoder, encoder), "encoder.onnx: is no decoder of this type, it lacks"),
        ((decoder, decoder), "decoder.onnx: takes image_embeddings"),
    ):
        with pytest.raises(SamRefused, match=reason):
            Sam(*pair)
