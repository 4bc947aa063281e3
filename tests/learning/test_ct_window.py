"""The window in which a network reads CT is chosen from its lesions, frozen with the version, and used wherever it reads."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.archive.rendering import frame_values
from backend.archive.store import get_object, put_object
from backend.learning.model_card import model_card
from backend.learning.models import Round, Track, TrainingPolicy
from backend.learning.services import start_round
from backend.learning.vocabulary import vocabulary_of
from backend.projects.models import Case
from backend.projects.selectors import case_instances
from backend.readings.import_services import ImportedLesion, import_reading
from backend.registry.models import ModelVersion
from tests.cnn.tiny_sam import export_tiny_sam
from tests.learning.conftest import header
from tests.rows import make_case, make_model
from workers import networks, prompting
from workers.cnn.plan import Pair, Plan
from workers.datasets import case_images, grey_frame, outlined_lesions, shown_window, unread_images
from workers.exporting import export_version
from workers.fingerprint import lesion_intensities, project_fingerprint
from workers.networks import load_version, version_plan
from workers.planning import project_plan, settings_plan
from workers.remaking import remake

pytestmark = pytest.mark.django_db

SIZE = 32
BRAIN, BLEEDING, SKULL, AIR = 35, 70, 1200, -1000
STEPS = {"image_size": SIZE, "steps_scratch": 3, "steps_warm": 2, "unproven_serves": True, "batch_size": 1}


def head(generator: np.random.Generator, lesion: int | None = BLEEDING) -> tuple[np.ndarray, np.ndarray]:
    """HU of a slice of a head, and where the lesion is: now in the middle of the brain, now beside the skull."""
    rows, columns = np.ogrid[:SIZE, :SIZE]
    far = np.hypot(rows - 15.5, columns - 15.5)
    values = np.where(far < 13, generator.normal(BRAIN, 4, (SIZE, SIZE)), np.where(far < 15, SKULL, AIR))
    angle, away = generator.uniform(0, 2 * np.pi), generator.uniform(0, 9)
    mask = np.hypot(rows - 15.5 - away * np.sin(angle), columns - 15.5 - away * np.cos(angle)) < 3.5
    if lesion is None:
        return values.round(), np.zeros_like(mask)
    return np.where(mask, values + lesion - BRAIN, values).round(), mask


@pytest.fixture
def draw_ct(project: Any) -> Callable[..., Any]:
    """A CT slice with these HU as a case, signed and with an intercept as scanners store it."""
    project.modality = "CT"
    project.save(update_fields=["modality"])
    generator = np.random.default_rng(7)

    def make(lesion: int | None = BLEEDING, values: np.ndarray | None = None, **more: Any) -> Any:
        mask = np.zeros((SIZE, SIZE), bool)
        if values is None:
            values, mask = head(generator, lesion)
        made = make_case(project, rows=values.shape[0], columns=values.shape[1], **more)
        told = header(*values.shape)
        for tag, vr, value in (("00280100", "US", 16), ("00280101", "US", 16), ("00280103", "US", 1)):
            told[tag] = {"vr": vr, "Value": [value]}
        told["00281052"], told["00281053"] = {"vr": "DS", "Value": [-1024]}, {"vr": "DS", "Value": [1]}
        instance = made.instance
        instance.frames_key, instance.frame_ranges = f"frames/test/{made.pk}", [[0, 2 * values.size]]
        instance.dicom_json = json.dumps(told)
        instance.save()
        put_object(key=instance.frames_key, data=(values + 1024).astype("<i2").tobytes())
        made.lesion_mask, made.lesion_kind = mask[None], 1
        return made

    return make


@pytest.fixture
def bleedings(project: Any, draw_ct: Any, read_truth: Any) -> Any:
    """12 labelled POOL slices, one that is unread, and a policy of few steps."""
    for _ in range(12):
        read_truth(draw_ct())
    draw_ct()
    TrainingPolicy.objects.create(project=project, **STEPS)
    return project


def ends(window: Pair) -> Pair:
    return window[0] - window[1] / 2, window[0] + window[1] / 2


def test_a_frame_has_its_values_in_hu_and_nan_where_it_is_padding(draw_ct) -> None:
    case = draw_ct(values=np.array([[-1000.0, 40.0], [1200.0, -1024.0]]))
    instance = case.instance
    assert frame_values(instance, 1).tolist() == [[-1000, 40], [1200, -1024]]
    instance.dicom_json = json.dumps({**json.loads(instance.dicom_json), "00280120": {"vr": "SS", "Value": [0]}})
    assert np.isnan(frame_values(instance, 1)).tolist() == [[False, False], [False, True]]


def test_a_network_for_bleedings_sees_brain_and_bleeding_and_not_the_skull_beside_them(bleedings) -> None:
    found = project_fingerprint(bleedings)
    assert found is not None and found.intensity_unit == "HU" and found.intensities[2] == SKULL
    assert 50 < found.lesion_intensities[0] < BLEEDING < found.lesion_intensities[1] < 90
    plan = project_plan(bleedings, size=SIZE)
    low, high = ends(plan.window)
    assert low <= BRAIN - 8 and high >= BLEEDING + 8 and high - low < 200
    case = Case.objects.filter(project=bleedings).order_by("number").first()
    values = frame_values(case.instance, 1)
    seen, before = case_images(case, plan).images[0], case_images(case, Plan.plain(SIZE)).images[0]
    brain, lesion = (values > 20) & (values < 50), (values > 55) & (values < 100)
    contrast = [float(np.median(one[lesion])) - float(np.median(one[brain])) for one in (seen, before)]
    assert contrast[0] > 40 and contrast[1] < 8, "grey levels between brain and bleeding"


def test_only_labelled_lesions_of_the_pool_choose_the_window(project, draw_ct, read_truth) -> None:
    for _ in range(5):
        read_truth(draw_ct())
    known = lesion_intensities(project)
    assert known[0] is not None
    for split in ("VALIDATION", "HOLDOUT"):
        read_truth(draw_ct(lesion=900, split=split))
    draw_ct(lesion=900)
    assert lesion_intensities(project) == known


def test_with_too_few_lesions_the_window_shows_what_the_images_hold(project, draw_ct, read_truth) -> None:
    for _ in range(4):
        read_truth(draw_ct())
    assert lesion_intensities(project) == (None, None)
    assert ends(project_plan(project, size=SIZE).window) == (-1000, 400)


def test_every_lesion_counts_alike_whatever_its_size(project, draw_ct) -> None:
    kind = project.finding_types.get(scope="lesion", position=0)
    for index in range(6):
        side = 20 if index else 3
        values = np.full((SIZE, SIZE), 40.0)
        values[4 : 4 + side, 4 : 4 + side] = 80 if index else 300
        case = draw_ct(values=values)
        corners = [[4.0, 4.0], [4.0 + side, 4.0], [4.0 + side, 4.0 + side], [4.0, 4.0 + side]]
        lesion = ImportedLesion(kind, "polygon", case.instance, points=corners)
        import_reading(case=case, reader_name="r", lesions=[lesion], verdict="lesions", image_findings={}, label_kind="full")
    within, around = lesion_intensities(project)
    assert within == (80, 300) and around == (40, 40, 40, 40)


def test_a_frame_that_cannot_be_read_is_passed_over(project, draw_ct, read_truth) -> None:
    cases = [draw_ct() for _ in range(6)]
    for case in cases:
        read_truth(case)
    known = lesion_intensities(project)
    put_object(key=cases[0].instance.frames_key, data=b"")
    assert lesion_intensities(project)[0] is not None and lesion_intensities(project) != known


def test_other_modalities_have_no_window(disc_project) -> None:
    found = project_fingerprint(disc_project)
    assert found is not None and found.lesion_intensities is None and project_plan(disc_project).ct_window is None


def test_the_cache_keeps_a_case_apart_for_every_window_and_images_of_other_modalities_once(
    draw_ct, draw_case, project, settings
) -> None:
    brain, wide = Plan("2d", SIZE, ct_window=(60, 120)), Plan.plain(SIZE)
    case = draw_ct()
    first = [case_images(case, plan).images for plan in (brain, wide)]
    assert (first[0] != first[1]).any()
    put_object(key=case.instance.frames_key, data=b"")
    assert all((case_images(case, plan).images == one).all() for plan, one in zip((brain, wide), first, strict=True))
    assert (case_images(case, Plan("2d", SIZE, ct_window=(-300, 1400))).images == first[1]).all(), "the same window"
    project.modality = "US"
    other = draw_case(1)
    assert (case_images(other, brain).images == case_images(other, wide).images).all()
    assert [place.parent.name for place in (settings.DATA_DIR / "cache").rglob(f"{other.pk}-*.npy")] == [f"images-1-{SIZE}"]


def test_the_network_that_answers_clicks_and_the_unread_images_are_seen_through_the_same_window(bleedings) -> None:
    plan = project_plan(bleedings, size=SIZE)
    case = Case.objects.filter(project=bleedings).order_by("number").first()
    seen = grey_frame(case.instance, 1, shown_window("CT", plan.window))
    (pointed,) = outlined_lesions(list(case.readings.all()), vocabulary=vocabulary_of(bleedings), plan=plan)
    assert (pointed[0] == seen).all() and (seen == case_images(case, plan).images[0]).all()
    unread, _ = unread_images([case], plan=plan)
    assert (unread.images[0] == seen).all()
    prompting._picture.cache_clear()
    assert (prompting._picture(case.instance.pk, case.instance.frames_key, 1, plan.window)[0] == seen).all()


def test_the_window_is_frozen_with_a_version_and_told_and_a_warm_start_keeps_it(
    bleedings, lead, draw_ct, read_truth, work
) -> None:
    first = work(start_round(project=bleedings, by=lead))
    version = first.model_version
    window = version_plan(version).ct_window
    assert window is not None and ends(window)[1] < 200 and settings_plan(first.settings).ct_window == window
    assert load_version(version).plan.ct_window == window
    sidecar = json.loads(get_object(export_version(version, by=None, tell=lambda step: None)["sidecar_key"]))
    assert f"window centre {window[0]:g}, width {window[1]:g} (LINEAR_EXACT)" in sidecar["preprocessing"][0]
    assert model_card(version)["training"]["ct_window"] == list(window)
    for _ in range(12):
        read_truth(draw_ct(lesion=400))
    assert ends(project_plan(bleedings, size=SIZE).window)[1] > 400, "from scratch it would see more"
    warm = work(start_round(project=bleedings, by=lead))
    assert warm.settings["start"] == "warm" and version_plan(warm.model_version).ct_window == window
    scratch = work(start_round(project=bleedings, by=lead, track=Track.SLOW))
    assert ends(version_plan(scratch.model_version).window)[1] > 400
    assert all(told.identical for told in (remake(warm.model_version)[-1], remake(scratch.model_version)[-1]))
    TrainingPolicy.objects.filter(project=bleedings).update(image_size=48)
    again = work(start_round(project=bleedings, by=lead))
    kept, base = version_plan(again.model_version), version_plan(again.base_version)
    assert again.settings["start"] == "warm" and (kept.size, kept.ct_window) == (48, base.ct_window), "whatever the grid"


def test_a_version_from_before_there_was_a_choice_reads_what_it_always_read(bleedings, lead, work) -> None:
    version = work(start_round(project=bleedings, by=lead)).model_version
    for row, name in ((version, "config"), (Round.objects.get(model_version=version), "settings")):
        values = getattr(row, name)
        del values["plan"]["ct_window"], values["plan"]["fingerprint"]["lesion_intensities"]
        setattr(row, name, values)
        row.save()
    networks._warm.clear()
    case = Case.objects.filter(project=bleedings).order_by("number").first()
    assert version_plan(version).window == (-300, 1400)
    wide = np.clip((frame_values(case.instance, 1) + 1000) / 1400, 0, 1) * 255
    assert np.abs(case_images(case, load_version(version).plan).images[0] - wide).max() <= 0.5
    warm = work(start_round(project=bleedings, by=lead))
    assert version_plan(warm.model_version).ct_window is None and version_plan(warm.model_version).window == (-300, 1400)
    assert remake(warm.model_version)[-1].identical
    assert model_card(version)["training"]["ct_window"] is None


def test_from_scratch_a_window_that_shows_much_the_same_stays(bleedings, lead, work, draw_ct, read_truth) -> None:
    first = work(start_round(project=bleedings, by=lead)).model_version
    read_truth(draw_ct(lesion=BLEEDING + 12))
    chosen = project_plan(bleedings, size=SIZE).window
    second = work(start_round(project=bleedings, by=lead, track=Track.SLOW)).model_version
    assert version_plan(second).window == version_plan(first).window
    assert max(abs(one - other) for one, other in zip(ends(chosen), ends(version_plan(first).window), strict=True)) <= 20


def test_versions_that_see_other_greys_are_not_asked_for_their_disagreement(project) -> None:
    versions = [make_model(project, number=number, state="kept").model_version for number in (1, 2, 3)]
    for version, window in zip(versions, ([60, 120], [60, 120], [-300, 1400]), strict=True):
        config = {"net": {"widths": [8]}, "image_size": SIZE, "plan": {**Plan.plain(SIZE).as_dict(), "ct_window": window}}
        ModelVersion.objects.filter(pk=version.pk).update(config=config)
        version.refresh_from_db()
    assert [one.number for one in networks._committee(versions[0])] == [2]


def test_a_general_purpose_network_sees_ct_as_the_version_that_serves_does(project, draw_ct, tmp_path, monkeypatch) -> None:
    case, looked = draw_ct(), []
    version = make_model(project).model_version
    version.config = {"plan": Plan("2d", SIZE, ct_window=(60, 160)).as_dict()}
    version.save()
    embed = prompting.Sam.embed
    monkeypatch.setattr(prompting.Sam, "embed", lambda sam, image: looked.append(image) or embed(sam, image))
    prompting._picture.cache_clear()
    answers = prompting.GenericAnswers(prompting.Sam(*export_tiny_sam(tmp_path)))
    asked = {"version": None, "instance": case.instance.pk, "frame": 1, "positive": [[9.5, 9.5]], "negative": []}
    for serving in (version.pk, None, version.pk):
        answers({**asked, "box": None, "strokes": [], "serving": serving})
    through = [grey_frame(case.instance, 1, shown_window("CT", window)) for window in ((60, 160), (-300, 1400))]
    assert len(looked) == 2, "each embedding is kept"
    assert all((one == other).all() for one, other in zip(looked, through, strict=True))


# Real images


@pytest.fixture
def chest(project: Any, draw_ct: Any, real_data: Path) -> Callable[..., None]:
    """Labels slices of a real volume: each mask [rows, columns] with its HU becomes a labelled POOL case."""
    kind = project.finding_types.get(scope="lesion", position=0)

    def label(values: np.ndarray, masks: np.ndarray) -> None:
        from backend.geometry.rasterise import crop_mask
        from backend.geometry.rle import blob_key, encode_mask, mask_digest

        for plane, mask in zip(values, masks, strict=True):
            if not mask.any():
                continue
            case = draw_ct(values=plane)
            origin, cut = crop_mask(mask[None])
            blob = encode_mask(cut)
            put_object(key=blob_key(mask_digest(blob)), data=blob)
            where = {"mask_origin": origin, "mask_shape": list(cut.shape), "mask_digest": mask_digest(blob)}
            lesion = ImportedLesion(kind, "mask", case.instance, **where)
            import_reading(
                case=case, reader_name="r", lesions=[lesion], verdict="lesions", image_findings={}, label_kind="full"
            )

    return label


@pytest.mark.slow
def test_tumours_in_real_lungs_have_the_lung_in_their_window(project, chest, real_data) -> None:
    from tests.bench.bench_volumes import read_nrrd

    for name in ("lung1", "lung2"):
        volume, mask = (
            read_nrrd(real_data / "volumes_pyradiomics" / f"{name}_{what}.nrrd")[0] for what in ("image", "label")
        )
        chest(volume.clip(-1024, 3000), mask > 0)
    assert ends(project_plan(project).window) == (-950, 530)


@pytest.mark.slow
def test_lesions_in_real_soft_tissue_leave_the_lung_black_and_gain_contrast(project, chest, real_data) -> None:
    """A disc in the mediastinum of ten slices stands for what somebody would mark there."""
    from tests.bench.bench_volumes import read_nrrd

    volume = read_nrrd(real_data / "volumes_pyradiomics" / "lung2_image.nrrd")[0][6:16].clip(-1024, 3000)
    rows, columns = np.ogrid[:512, :512]
    disc = np.hypot(rows - 185, columns - 296) <= 8
    chest(volume, np.repeat(disc[None], len(volume), axis=0))
    assert ends(project_plan(project).window) == (-40, 80), "there is no lung beside these lesions"


@pytest.mark.slow
def test_boxes_on_a_real_low_dose_ct_have_the_lung_in_their_window(real_data, db) -> None:
    """8 boxes on slices of a lung apex: all of them hold lung, so the window shows it."""
    from tests.bench.bench_volumes import import_case

    project = import_case("nlst", real_data, Path())
    plan = project_plan(project)
    assert plan.fingerprint.lesion_intensities is not None and ends(plan.window) == (-1000, 740)
    (case,) = Case.objects.filter(project=project)
    values = frame_values(case_instances(case)[60], 1)
    seen = grey_frame(case_instances(case)[60], 1, shown_window("CT", plan.window))
    lung = (values > -950) & (values < -750)
    assert lung.mean() > 0.05 and len(np.unique(seen[lung])) > 20, "the lung has greys of its own"


@pytest.mark.slow
def test_a_real_mr_is_read_as_its_header_says(real_data, db, tmp_path) -> None:
    from tests.bench.bench_volumes import import_case

    assert project_plan(import_case("brain1", real_data, tmp_path)).ct_window is None
