"""What is measured of a case while it is read, with real networks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from workers.cnn import measures
from workers.cnn.candidates import OF_THE_MODEL, Column
from workers.cnn.measures import Panel, measure_case, shares_of, views
from workers.cnn.model import build_network
from workers.cnn.predict import Predictions, predict
from workers.cnn.uncertainty import pixel_entropy

PASSES = {Column.SNAPSHOTS, Column.VERSIONS, Column.VIEWS}


@pytest.fixture
def panel(net) -> Panel:
    networks = [build_network(net, seed=seed).eval() for seed in range(3)]
    return Panel(networks[0], snapshots=networks[1:], versions=networks[2:], mirrored=True)


def test_everything_a_model_can_tell_is_measured_with_its_shape(net, samples, panel) -> None:
    said = predict(panel.network, samples.images[:11], samples.content[:11])
    found = measure_case(said, samples.images[:11], samples.content[:11], needs=OF_THE_MODEL, panel=panel, findings=2)
    assert set(found.columns) == set(OF_THE_MODEL)
    assert found.columns[Column.TYPE_ENTROPY].shape == (2,) and found.columns[Column.EMBEDDING].shape == (16,)
    assert all(found.columns[name].shape == () for name in OF_THE_MODEL - {Column.TYPE_ENTROPY, Column.EMBEDDING})
    assert all(float(found.columns[name]) > 0 for name in PASSES | {Column.ENTROPY})
    assert found.columns[Column.FRAMES] == 11 and found.columns[Column.FINDINGS] == 2
    assert len(found.slices) == 5 and all(0 <= index < 11 for index, _ in found.slices)
    assert [score for _, score in found.slices] == sorted((score for _, score in found.slices), reverse=True)


def test_what_nobody_asked_for_costs_no_pass(samples, panel, monkeypatch) -> None:
    said = predict(panel.network, samples.images[:2], samples.content[:2])
    asked: list[int] = []
    monkeypatch.setattr(measures, "predict", lambda *args, **more: asked.append(1) or predict(*args, **more))
    plain = frozenset({Column.ENTROPY, Column.TYPE_ENTROPY, Column.LESION, Column.EMBEDDING, Column.POSITIVE})
    measure_case(said, samples.images[:2], samples.content[:2], needs=plain, panel=panel)
    assert asked == []
    measure_case(said, samples.images[:2], samples.content[:2], needs=frozenset({Column.VIEWS}), panel=panel)
    assert len(asked) == 3


def test_the_size_of_the_slice_batches_changes_nothing(samples, panel, monkeypatch) -> None:
    images, content = samples.images[:7], samples.content[:7]
    said = predict(panel.network, images, content)
    whole = measure_case(said, images, content, needs=OF_THE_MODEL, panel=panel)
    monkeypatch.setattr(measures, "SLICES_AT_ONCE", 2)
    parts = measure_case(said, images, content, needs=OF_THE_MODEL, panel=panel)
    for name in OF_THE_MODEL:
        assert np.allclose(whole.columns[name], parts.columns[name], atol=1e-5)


def test_other_weights_that_are_not_there_are_not_made_up(samples, net) -> None:
    alone = Panel(build_network(net, seed=0).eval())
    said = predict(alone.network, samples.images[:1], samples.content[:1])
    for name in (Column.SNAPSHOTS, Column.VERSIONS):
        with pytest.raises(ValueError, match="no other weights"):
            measure_case(said, samples.images[:1], samples.content[:1], needs=frozenset({name}), panel=alone)


def test_a_view_is_laid_back_exactly_where_it_came_from() -> None:
    """A network that says of each pixel what it sees would see no difference between the views."""
    images = np.random.default_rng(0).integers(1, 255, (2, 32, 32)).astype(np.uint8)
    content = np.array([[32, 20], [24, 32]])
    for index, (rows, columns) in enumerate(content):
        images[index, rows:], images[index, :, columns:] = 0, 0
    seen = images[:, None].astype(np.float32)
    for mirrored in (False, True):
        for view in views(32, content, mirrored=mirrored):
            told = view.of(images)[:, None].astype(np.float32)
            for index, (rows, columns) in enumerate(view.content):
                assert not told[index, 0, rows:].any() and not told[index, 0, :, columns:].any()
            assert np.array_equal(view.back(told, seen), seen)


def test_where_left_and_right_matter_no_view_is_mirrored() -> None:
    images = np.arange(16, dtype=np.uint8).reshape(1, 4, 4)
    content = np.array([[4, 4]])
    flipped = [np.array_equal(view.of(images)[0], images[0, :, ::-1]) for view in views(4, content, mirrored=True)]
    assert flipped == [False, False, True]
    assert not any(np.array_equal(v.of(images)[0], images[0, :, ::-1]) for v in views(4, content, mirrored=False))


def test_a_network_without_lesion_types_is_measured_by_its_findings(samples, net) -> None:
    findings_only = replace(net, n_types=0, n_findings=3)
    networks = [build_network(findings_only, seed=seed).eval() for seed in range(3)]
    panel = Panel(networks[0], snapshots=networks[1:], versions=networks[2:], mirrored=True)
    measured = []
    for row in range(4):
        images, content = samples.images[row : row + 1], samples.content[row : row + 1]
        said = predict(panel.network, images, content)
        measured.append(measure_case(said, images, content, needs=OF_THE_MODEL, panel=panel).columns)
        present = float(said.findings[0, 0])
        assert float(measured[-1][Column.LESION]) == pytest.approx(present)
    assert all(one[Column.TYPE_ENTROPY].shape == (2,) for one in measured)
    for name in PASSES | {Column.ENTROPY}:
        values = [float(one[name]) for one in measured]
        assert min(values) > 0 and len(set(values)) == len(values), f"{name} does not tell the cases apart"


def test_an_image_of_which_the_findings_are_half_sure_is_the_most_uncertain() -> None:
    said = Predictions(
        np.ones((3, 1, 8, 8), np.float32), np.array([[0.02], [0.5], [0.98]], np.float32), np.zeros((3, 4), np.float32)
    )
    assert shares_of(said).shape == (3, 2, 1, 1)
    entropy = pixel_entropy(shares_of(said))[:, 0, 0]
    assert entropy[1] == pytest.approx(1) and entropy[0] == pytest.approx(entropy[2]) and entropy[0] < 0.2
