"""Series through whole rounds: with their neighbours (2.5D) and as volumes (3D)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from backend.archive.store import get_object
from backend.learning.models import AcquisitionScore, RoundState, TrainingPolicy
from backend.learning.services import start_round
from backend.learning.vocabulary import vocabulary_of
from backend.readings.import_services import ImportedLesion, import_reading
from backend.readings.models import Lesion, Reading
from workers.cnn.data import IGNORED
from workers.cnn.plan import Plan, fingerprint_of, make_plan
from workers.datasets import case_images, training_set, training_volumes
from workers.exporting import export_version
from workers.fingerprint import case_facts, lesion_shares, project_fingerprint
from workers.networks import load_version, version_plan
from workers.planning import project_plan, round_plan

SIZE = 32
FRAMES = 10


@pytest.fixture
def draw_series(draw_case: Any) -> Callable[..., Any]:
    """A series of 10 slices, 2 mm apart, with a ball in it, or none."""
    generator = np.random.default_rng(3)

    def make(kind: int = 1, **more: Any) -> Any:
        pixels = generator.normal(120, 8, (FRAMES, SIZE, SIZE))
        mask = np.zeros(pixels.shape, dtype=bool)
        if kind:
            centre = [generator.integers(3, FRAMES - 3), *generator.integers(8, SIZE - 8, 2)]
            mask = ((np.indices(pixels.shape) - np.array(centre)[:, None, None, None]) ** 2).sum(axis=0) <= 12
            pixels[mask] += 80
        made = draw_case(kind, pixels=pixels.clip(0, 255).astype(np.uint8), **more)
        made.lesion_mask = mask
        made.series.affine = np.diag([2.0, 1.0, 1.0, 1.0]).tolist()
        made.series.save(update_fields=["affine"])
        return made

    return make


@pytest.fixture
def series_project(project: Any, draw_series: Any, read_truth: Any) -> Any:
    """4 labelled POOL series, 2 labelled VALIDATION series and one unread."""
    for index in range(4):
        read_truth(draw_series(index % 2))
    for index in range(2):
        read_truth(draw_series(index, split="VALIDATION"))
    draw_series(1)
    return project


@pytest.mark.slow
@pytest.mark.parametrize("dimension", ["auto", "3d"])
def test_a_round_on_series_runs_to_its_end_with_its_plan_frozen(series_project, lead, work, dimension) -> None:
    TrainingPolicy.objects.create(
        project=series_project,
        dimension=dimension,
        image_size=SIZE,
        steps_scratch=2,
        steps_warm=1,
        batch_size=1,
        unproven_serves=True,
    )
    round_ = work(start_round(project=series_project, by=lead))
    assert round_.state == RoundState.DONE, round_.message
    plan = Plan.from_dict(round_.settings["plan"])
    version = round_.model_version
    assert version_plan(version) == plan and version.config["image_size"] == round_.settings["image_size"] == SIZE
    assert plan.dimension == ("2.5d" if dimension == "auto" else "3d")
    assert (version.config["net"]["in_channels"], version.config["net"].get("dims", 2)) == (
        (3, 2) if dimension == "auto" else (1, 3)
    )
    assert plan.fingerprint is not None and plan.fingerprint.spacing == (2.0, 1.0, 1.0)
    assert version.evaluations.get().n_cases == 2
    told = export_version(version, by=None, tell=lambda step: None)
    assert told["difference"] <= told["tolerance"] and told["images"] > 4
    asked = json.loads(get_object(told["sidecar_key"]))["inputs"]
    assert set(asked) == ({"images", "content"} if dimension == "auto" else {"windows"})
    unread = Reading.objects.get(reader__model_version=version)
    for lesion in Lesion.objects.filter(reading=unread):
        assert lesion.mask_origin[0] + lesion.mask_shape[0] <= FRAMES
    (score,) = AcquisitionScore.objects.filter(round=round_)
    assert score.rank is not None and len(score.measures["slices"]) == 5
    assert all(0 <= frame < FRAMES for frame, _ in score.measures["slices"])
    again = start_round(project=series_project, by=lead)
    assert again.settings["start"] == "warm" and round_plan(again) == plan, "the next round can build upon its weights"


def test_a_version_that_is_older_than_plans_is_2d(disc_project, lead, work) -> None:
    disc_project.training_policy.steps_scratch = 1
    disc_project.training_policy.save()
    version = work(start_round(project=disc_project, by=lead)).model_version
    assert version_plan(version).dimension == "2d"
    del version.config["plan"]
    version.save()
    assert version_plan(version) == Plan.plain(SIZE) and load_version(version).image_size == SIZE


def test_without_an_image_the_plan_is_the_plain_one(project) -> None:
    assert project_fingerprint(project) is None and project_plan(project) == Plan.plain(128)


def test_the_fingerprint_is_that_of_the_pool(series_project, draw_series) -> None:
    draw_series(1, split="HOLDOUT", group="elsewhere")
    facts = case_facts(series_project)
    assert len(facts) == 5 and {(one.frames, one.rows, one.columns, one.spacing) for one in facts} == {
        (FRAMES, SIZE, SIZE, (2.0, 1.0, 1.0))
    }
    assert lesion_shares(series_project) == [7 / SIZE] * 2
    found = project_fingerprint(series_project)
    assert found is not None
    assert (found.n_cases, found.n_series, found.unit) == (5, 5, "mm")
    assert found.intensities is not None and found.intensities[0] < 120 < found.intensities[2]


def test_of_a_series_in_3d_only_the_slices_that_a_reading_speaks_of_say_anything(project, draw_series) -> None:
    case = draw_series(1)
    kind = project.finding_types.get(scope="lesion", position=0)
    box = ImportedLesion(kind, "box", case.instance, frame=5, points=[[8.0, 8.0], [16.0, 14.0]])
    import_reading(case=case, reader_name="r", lesions=[box], verdict="lesions", image_findings={}, label_kind="full")
    plan = make_plan(fingerprint_of(case_facts(project)), device="cpu", dimension="3d", size=SIZE)
    volumes, _ = training_volumes(list(Reading.objects.filter(case=case)), vocabulary=vocabulary_of(project), plan=plan)
    assert [bool((frame != IGNORED).any()) for frame in volumes.targets[0]] == [at == 4 for at in range(FRAMES)]


def test_a_corner_voxel_is_that_very_voxel_of_a_3d_training_set(project, draw_series, read_truth) -> None:
    case = draw_series(1)
    case.lesion_mask = np.zeros((FRAMES, SIZE, SIZE), dtype=bool)
    case.lesion_mask[-1, -1, -1] = True
    plan = make_plan(fingerprint_of(case_facts(project)), device="cpu", dimension="3d", size=SIZE)
    volumes, _ = training_set([read_truth(case)], vocabulary=vocabulary_of(project), plan=plan)
    assert np.argwhere(volumes.targets[0] == 1).tolist() == [[FRAMES - 1, SIZE - 1, SIZE - 1]]
    assert (volumes.images[0] == case_images(case, Plan.plain(SIZE)).images).all()


def test_in_2_5d_a_slice_carries_its_neighbours(project, draw_series, read_truth) -> None:
    case = draw_series(1)
    frames = case_images(case, Plan.plain(SIZE)).images
    samples, _ = training_set([read_truth(case)], vocabulary=vocabulary_of(project), plan=Plan("2.5d", SIZE, neighbours=3))
    with_ends = np.concatenate([frames[:1], frames, frames[-1:]])
    marked = np.flatnonzero(case.lesion_mask.any(axis=(1, 2)))
    for row, frame in enumerate(marked):
        assert (samples.images[row] == with_ends[frame : frame + 3]).all()
        assert ((samples.targets[row] == 1) == case.lesion_mask[frame]).all()
