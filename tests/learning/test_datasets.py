"""Rows become arrays and back, exact to the pixel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from django.conf import settings

from backend.archive.models import Instance
from backend.archive.rendering import render_frame
from backend.learning.vocabulary import Vocabulary, vocabulary_of
from backend.readings.import_services import ImportedLesion, import_reading
from backend.readings.models import Lesion, Reader, Reading
from workers import prompting
from workers.cnn.data import IGNORED, UNKNOWN
from workers.cnn.plan import WIDE_CT, Plan
from workers.cnn.predict import PredictedLesion, Predictions
from workers.datasets import (
    UnreadableCase,
    case_found,
    case_images,
    case_truth,
    said_of_image,
    training_samples,
    training_volumes,
)
from workers.evaluating import measure_case
from workers.picture_cache import forget_pictures

pytestmark = pytest.mark.django_db


@pytest.fixture
def words(project) -> Vocabulary:
    return vocabulary_of(project)


def bring(case, *lesions, verdict="lesions", findings=None, kind="full") -> Reading:
    import_reading(
        case=case, reader_name="r", lesions=list(lesions), verdict=verdict, image_findings=findings or {}, label_kind=kind
    )
    return Reading.objects.get(case=case, reader__name="r")


def test_the_corner_pixel_of_a_reading_is_the_corner_pixel_of_the_target_and_of_the_prediction(
    project, draw_case, words
) -> None:
    from backend.learning.model_readings import store_model_readings
    from tests.rows import make_model

    kind = project.finding_types.get(scope="lesion", position=1)
    pixels = np.zeros((1, 24, 32), np.uint8)
    for row, column in ((0, 0), (0, 31), (23, 0), (23, 31)):
        case = draw_case(pixels=pixels)
        square = [[column, row], [column + 1, row], [column + 1, row + 1], [column, row + 1]]
        reading = bring(
            case, ImportedLesion(kind, "polygon", case.instance, points=[[float(x), float(y)] for x, y in square])
        )
        samples, _ = training_samples([reading], vocabulary=words, size=32)
        assert np.argwhere(samples.targets[0] == 2).tolist() == [[row, column]]
        loaded = case_images(case, Plan.plain(32))
        (told,) = case_truth(reading, loaded=loaded, vocabulary=words).lesions
        assert told[1].origin == (0, row, column) and told[1].mask.shape == (1, 1, 1)
        predicted = PredictedLesion(np.ones((1, 1, 1), bool), (0, row, column), 2, 0.9)
        said = Predictions(np.zeros((1, 3, 32, 32)), np.full((1, 4), 0.25), np.zeros((1, 8)))
        version = make_model(project, number=row * 100 + column + 1, state="kept").model_version
        Reader.objects.filter(model_version=version).delete()
        assert store_model_readings(version=version, found=[case_found(loaded, said, [predicted], vocabulary=words)]) == 1
        stored = Lesion.objects.get(reading__case=case, reading__reader__model_version=version)
        assert (stored.mask_origin, stored.mask_shape, stored.finding_type, stored.frame) == (
            [0, row, column],
            [1, 1, 1],
            kind,
            1,
        )
        assert set(stored.reading.image_findings.values()) == {0.25}


def test_what_a_reading_does_not_say_is_unknown_and_not_absent(project, draw_case, words, lead) -> None:
    benign, malignant = words.types
    (normal,) = words.findings
    image_level = bring(draw_case(0), verdict="lesions", findings={str(malignant): "present"}, kind="image")
    nothing = bring(draw_case(0), verdict="no_lesion")
    person = Reader.objects.create(project=project, kind="person", name="Lena", user=lead)
    asked = Reading.objects.create(case=draw_case(0), reader=person, state="submitted", verdict="no_lesion")
    samples, _ = training_samples([image_level, nothing, asked], vocabulary=words, size=32)
    assert words.outputs == ("any", f"type:{benign}", f"type:{malignant}", f"finding:{normal}")
    assert samples.findings.tolist() == [[1, UNKNOWN, 1, UNKNOWN], [0, 0, 0, UNKNOWN], [0, 0, 0, 0]]
    assert (samples.targets[0] == IGNORED).all()
    assert (samples.targets[1] == 0).all() and (samples.targets[2] == 0).all()


def test_a_person_who_ticks_a_finding_and_marks_nothing_says_where_nothing_is_of_no_pixel(
    project, draw_case, words, lead
) -> None:
    benign, malignant = words.types
    (normal,) = words.findings
    person = Reader.objects.create(project=project, kind="person", name="Lena", user=lead)
    case = draw_case(0)
    ticked = Reading.objects.create(
        case=case, reader=person, state="submitted", verdict="lesions", image_findings={str(malignant): "present"}
    )
    samples, _ = training_samples([ticked], vocabulary=words, size=32)
    assert words.outputs == ("any", f"type:{benign}", f"type:{malignant}", f"finding:{normal}")
    assert samples.findings.tolist() == [[1, UNKNOWN, 1, 0]]
    assert (samples.targets[0] == IGNORED).all()
    truth = case_truth(ticked, loaded=case_images(case, Plan.plain(32)), vocabulary=words)
    assert not truth.complete and truth.outputs["any"] == 1
    ticked.verdict, ticked.image_findings = "no_lesion", {str(normal): "present"}
    samples, _ = training_samples([ticked], vocabulary=words, size=32)
    assert samples.findings.tolist() == [[0, 0, 0, 1]] and (samples.targets[0] == 0).all()


def test_the_readings_of_one_image_are_of_one_image_and_a_slice_that_one_marked_is_learned_from_all(
    draw_case, read_truth, words
) -> None:
    case, other = draw_case(1, frames=9), draw_case(1)
    marked = (4, 5)
    case.lesion_mask[[frame for frame in range(9) if frame not in marked]] = False
    read_truth(case, "a")
    case.lesion_mask = np.zeros_like(case.lesion_mask)
    read_truth(case, "b")
    several = [*Reading.objects.filter(case=case).order_by("reader__name"), bring(other, verdict="no_lesion")]
    samples, _ = training_samples(several, vocabulary=words, size=32)
    images = case_images(case, Plan.plain(32)).images
    for frame in marked:
        of_slice = np.flatnonzero((samples.images == images[frame]).all(axis=(1, 2)))
        assert [bool(samples.presence[row].any()) for row in of_slice] == [True, False]
        assert len(np.unique(samples.image_of[of_slice])) == 1
    assert samples.image_of[-1] not in samples.image_of[:-1]


def test_what_is_said_of_an_image_as_a_whole_is_what_no_pixel_of_the_label_says(project, draw_case, words) -> None:
    benign, malignant = project.finding_types.filter(scope="lesion").order_by("position")
    normal = project.finding_types.get(scope="image")
    box, point = ([[2.0, 2.0], [9.0, 9.0]], [[2.0, 2.0]])

    def said(*lesions, **more) -> dict[str, int]:
        case = draw_case(1)
        marks = [ImportedLesion(kind, mark, case.instance, points=points) for kind, mark, points in lesions]
        return said_of_image(bring(case, *marks, **more), words)

    assert said((benign, "box", box), findings={str(normal.pk): "absent"}) == {f"finding:{normal.pk}": 0}
    assert said((benign, "point", point)) == {f"type:{benign.pk}": 1}, "the pixels of a point say nothing"
    assert said(kind="image") == {"any": 1}
    assert said(kind="image", findings={str(malignant.pk): "present", str(benign.pk): "absent"}) == {
        f"type:{malignant.pk}": 1,
        f"type:{benign.pk}": 0,
    }, "what is named says it more exactly than that there is something"
    assert said(verdict="no_lesion", kind="image", findings={str(benign.pk): "absent"}) == {}, "all its pixels say so"


def test_a_type_that_came_later_is_unknown_to_an_older_reading(project, draw_case) -> None:
    from backend.projects.models import FindingType

    reading = bring(draw_case(0), verdict="no_lesion")
    late = FindingType.objects.create(
        project=project, name="Cyst", colour="#123456", allowed_marks=["box"], position=9, since_version=2
    )
    words = vocabulary_of(project)
    samples, _ = training_samples([reading], vocabulary=words, size=32)
    assert samples.type_known[0].tolist() == [True, True, False] and words.types[2] == late.pk
    assert samples.findings[0, :4].tolist() == [0, 0, 0, UNKNOWN]


def test_a_retired_type_says_nothing_where_it_was_marked(project, draw_case) -> None:
    kind = project.finding_types.get(scope="lesion", position=0)
    case = draw_case(0)
    reading = bring(case, ImportedLesion(kind, "box", case.instance, points=[[4.0, 4.0], [12.0, 12.0]]))
    kind.retired_in_version = 2
    kind.save()
    words = vocabulary_of(project)
    samples, _ = training_samples([reading], vocabulary=words, size=32)
    assert (samples.targets[0, 4:12, 4:12] == IGNORED).all() and (samples.targets == IGNORED).sum() == 64


def found_at(top: int, left: int, type_index: int) -> PredictedLesion:
    mask = np.ones((1, 6, 6), dtype=bool)
    return PredictedLesion(type_index=type_index, score=0.9, origin=(0, top, left), mask=mask)


def test_a_prediction_of_a_type_that_came_after_the_reading_is_no_false_one(project, draw_case) -> None:
    from backend.projects.models import FindingType

    kind = project.finding_types.get(scope="lesion", position=0)
    case = draw_case(0)
    reading = bring(case, ImportedLesion(kind, "box", case.instance, points=[[4.0, 4.0], [12.0, 12.0]]))
    FindingType.objects.create(
        project=project, name="Cyst", colour="#123456", allowed_marks=["box"], position=9, since_version=2
    )
    known = case_truth(reading, loaded=case_images(case, Plan.plain(32)), vocabulary=vocabulary_of(project))
    on_it, late, false = found_at(5, 5, 3), found_at(20, 20, 3), found_at(20, 4, 2)
    assert known.spoken_of([on_it, late, false]) == [on_it, false], "where a lesion is true, any type has found it"


def test_nothing_is_asked_of_any_version_where_a_retired_type_was_marked(project, draw_case) -> None:
    """Neither of one that still knows the type nor of one that does not: both are measured against the same lesions."""
    kind, other = project.finding_types.filter(scope="lesion").order_by("position")
    case, before = draw_case(0), vocabulary_of(project)
    reading = bring(
        case,
        ImportedLesion(kind, "box", case.instance, points=[[4.0, 4.0], [12.0, 12.0]]),
        ImportedLesion(other, "box", case.instance, points=[[20.0, 4.0], [28.0, 12.0]]),
    )
    kind.retired_in_version = 2
    kind.save()
    loaded, now = case_images(case, Plan.plain(32)), vocabulary_of(project)
    for vocabulary in (before, now):
        known = case_truth(reading, loaded=loaded, vocabulary=vocabulary, asked=now)
        assert [kind for kind, _ in known.lesions] == [other.pk]
        on_retired, false = found_at(5, 5, 1), found_at(20, 20, 1)
        assert known.spoken_of([on_retired, false]) == [false]


def test_of_a_series_marked_slices_are_learned_and_slices_that_nobody_read_are_not(project, draw_case, words) -> None:
    project.unit = "series"
    project.save()
    kind = project.finding_types.get(scope="lesion", position=0)
    project.unit = "image"  # one multi-frame image stands for the series
    case = draw_case(0, frames=9)
    boxes = [ImportedLesion(kind, "box", case.instance, frame=n, points=[[4.0, 4.0], [14.0, 14.0]]) for n in (4, 5)]
    reading = bring(case, *boxes)
    samples, _ = training_samples([reading], vocabulary=words, size=32)
    assert len(samples) == 2 and samples.presence[:, 0].all()
    assert (samples.images == case_images(case, Plan.plain(32)).images[3:5]).all()
    truth = case_truth(reading, loaded=case_images(case, Plan.plain(32)), vocabulary=words)
    ((_, region),) = truth.lesions
    assert (region.origin[0], region.mask.shape[0]) == (3, 2) and truth.boxed


def test_a_slice_does_not_say_that_a_type_is_absent_which_came_later(project, draw_case) -> None:
    from backend.projects.models import FindingType

    kind = project.finding_types.get(scope="lesion", position=0)
    case = draw_case(0, frames=9)
    reading = bring(case, ImportedLesion(kind, "box", case.instance, frame=4, points=[[4.0, 4.0], [14.0, 14.0]]))
    FindingType.objects.create(
        project=project, name="Cyst", colour="#123456", allowed_marks=["box"], position=9, since_version=2
    )
    samples, _ = training_samples([reading], vocabulary=vocabulary_of(project), size=32)
    assert samples.findings[0, :4].tolist() == [1, 1, 0, UNKNOWN]


def test_a_slice_of_an_incomplete_reading_says_nothing_of_a_type_without_a_mark(project, draw_case, words) -> None:
    kind = project.finding_types.get(scope="lesion", position=0)
    case = draw_case(0, frames=9)
    box = ImportedLesion(kind, "box", case.instance, frame=4, points=[[4.0, 4.0], [14.0, 14.0]])
    samples, _ = training_samples([bring(case, box, kind="image")], vocabulary=words, size=32)
    assert samples.findings[0, :3].tolist() == [1, 1, UNKNOWN]


def test_a_slice_that_is_learned_as_a_patch_keeps_no_others_of_its_series_in_memory(draw_case, words) -> None:
    plan = Plan("2d", 32, patch=(16, 16))
    volumes, _ = training_volumes([bring(draw_case(0, frames=20), verdict="no_lesion")], vocabulary=words, plan=plan)
    assert volumes.images and all(image.base is None for image in volumes.images)


def test_of_a_series_without_a_lesion_some_slices_are_learned_as_empty(project, draw_case, words) -> None:
    samples, _ = training_samples([bring(draw_case(0, frames=20), verdict="no_lesion")], vocabulary=words, size=32)
    assert len(samples) == 4 and (samples.targets == 0).all()


@pytest.fixture
def partly_read(draw_case, read_truth):
    """A series of 20 slices with a lesion on slices 4 and 5 alone; its reader has seen slices 0 to 4 and 10 to 12."""
    case = draw_case(0, frames=20)
    case.lesion_mask[4:6, 8:14, 8:14], case.lesion_kind = True, 1
    reading = read_truth(case)
    reading.slices_read = [[0, 4], [10, 12]]
    reading.save()
    return reading


READ = [0, 1, 2, 3, 4, 5, 10, 11, 12]
"""Marked slices count as read."""


def test_of_a_series_marked_with_masks_slices_that_were_not_looked_at_are_not_learned_as_empty(partly_read, words) -> None:
    samples, _ = training_samples([partly_read], vocabulary=words, size=32)
    images = case_images(partly_read.case, Plan.plain(32)).images
    learned = [next(at for at in range(20) if (images[at] == image).all()) for image in samples.images]
    assert learned == [4, 5, 0, 2, 10, 12]
    partly_read.slices_read = None
    samples, _ = training_samples([partly_read], vocabulary=words, size=32)
    assert (samples.images[-1] == images[19]).all()


def test_in_3d_slices_that_were_not_looked_at_are_voxels_that_say_nothing(partly_read, words) -> None:
    plan = Plan("3d", 32, patch=(20, 32, 32))
    volumes, _ = training_volumes([partly_read], vocabulary=words, plan=plan)
    said = [at for at, plane in enumerate(volumes.targets[0]) if (plane != IGNORED).all()]
    assert said == READ and sorted({*range(20)} - {*READ}) == [
        at for at, plane in enumerate(volumes.targets[0]) if (plane == IGNORED).all()
    ]


def test_no_lesion_is_said_of_the_slices_that_were_looked_at_alone(project, draw_case, words, lead) -> None:
    person = Reader.objects.create(project=project, kind="person", name="Lena", user=lead)
    said = {"reader": person, "state": "submitted", "verdict": "no_lesion"}
    partly = Reading.objects.create(case=draw_case(0, frames=20), slices_read=[[0, 7]], **said)
    wholly = Reading.objects.create(case=draw_case(0, frames=20), slices_read=[[0, 19]], **said)
    unseen = Reading.objects.create(case=draw_case(0, frames=20), slices_read=[], **said)
    plan = Plan("3d", 32, patch=(20, 32, 32))
    volumes, _ = training_volumes([partly, wholly, unseen], vocabulary=words, plan=plan)
    # Whether the series as a whole is free of lesions, nobody knows.
    assert volumes.findings.tolist() == [[UNKNOWN] * 4, [0] * 4]
    assert (volumes.targets[0][:8] == 0).all() and (volumes.targets[0][8:] == IGNORED).all()
    samples, _ = training_samples([partly, unseen], vocabulary=words, size=32)
    images = case_images(partly.case, Plan.plain(32)).images
    assert (samples.images == images[[0, 2, 5, 7]]).all() and (samples.findings == 0).all()


def test_a_finding_that_was_ticked_is_known_of_a_series_that_was_partly_read(project, draw_case, words, lead) -> None:
    person = Reader.objects.create(project=project, kind="person", name="Lena", user=lead)
    (normal,) = words.findings
    reading = Reading.objects.create(
        case=draw_case(0, frames=20), reader=person, state="submitted", verdict="lesions", slices_read=[[0, 7]],
        image_findings={str(normal): "present"},
    )  # fmt: skip
    truth = case_truth(reading, loaded=case_images(reading.case, Plan.plain(32)), vocabulary=words)
    assert truth.outputs == {"any": 1, f"finding:{normal}": 1}


def test_what_is_found_on_slices_that_were_not_looked_at_is_neither_right_nor_wrong(partly_read, words) -> None:
    loaded = case_images(partly_read.case, Plan.plain(32))
    truth = case_truth(partly_read, loaded=loaded, vocabulary=words)
    assert truth.outputs == {"any": 1, f"type:{words.types[0]}": 1}
    found = [
        PredictedLesion(np.ones((3, 6, 6), bool), (4, 8, 8), 1, 0.9),  # the lesion, and a slice beyond what was seen
        PredictedLesion(np.ones((2, 4, 4), bool), (15, 20, 20), 1, 0.8),  # where nobody looked
        PredictedLesion(np.ones((4, 4, 4), bool), (12, 20, 20), 1, 0.7),  # begins where somebody did
    ]
    spoken = truth.spoken_of(found)
    assert [(one.score, int(one.mask.sum())) for one in spoken] == [(0.9, 72), (0.7, 16)]
    measured = measure_case(truth, spoken, threshold=0.5, spacing=None, vocabulary=words)
    assert (measured["hits"], measured["false"]) == ([0.9], [0.7])
    partly_read.slices_read = None
    assert case_truth(partly_read, loaded=loaded, vocabulary=words).spoken_of(found) == found


def test_images_are_decoded_once_and_then_taken_from_the_cache(draw_case, monkeypatch) -> None:
    from workers import datasets

    case = draw_case(1)
    first = case_images(case, Plan.plain(32)).images
    monkeypatch.setattr(datasets, "render_frame", None)
    assert (case_images(case, Plan.plain(32)).images == first).all()
    with pytest.raises(UnreadableCase, match="cannot be decoded"):
        case_images(case, Plan.plain(48))


def kept_of(case) -> list[Path]:
    return list((settings.DATA_DIR / "cache").rglob(f"{case.pk}-*.npy"))


def test_an_image_of_which_a_part_was_blanked_is_decoded_anew_and_the_former_one_is_forgotten(draw_case) -> None:
    case, other = draw_case(1), draw_case(2)
    former = case_images(case, Plan.plain(32)).images
    case.instance.frames_key = other.instance.frames_key
    case.instance.save()
    assert not (case_images(case, Plan.plain(32)).images == former).all()
    assert len(kept_of(case)) == 1
    forget_pictures([case.pk])
    assert kept_of(case) == []


def test_pixels_that_are_blanked_while_a_case_is_decoded_are_not_kept(draw_case, monkeypatch) -> None:
    case, other = draw_case(1), draw_case(2)

    def blanked(*given):
        Instance.objects.filter(pk=case.instance_id).update(frames_key=other.instance.frames_key)
        return render_frame(*given)

    monkeypatch.setattr("workers.datasets.render_frame", blanked)
    case_images(case, Plan.plain(32))
    assert kept_of(case) == []


def test_a_click_is_answered_on_the_pixels_as_they_are_now(draw_case) -> None:
    case, other = draw_case(1), draw_case(2)
    question = {"instance": case.instance_id, "frame": 1}
    former, _ = prompting._picture(*prompting._pointed_at(question), WIDE_CT)
    Instance.objects.filter(pk=case.instance_id).update(frames_key=other.instance.frames_key)
    now, _ = prompting._picture(*prompting._pointed_at(question), WIDE_CT)
    assert not (now == former).all()


def test_predictions_below_the_threshold_are_stored_and_a_second_store_changes_nothing(project, draw_case, words) -> None:
    from backend.learning.model_readings import CaseFound, FoundLesion, store_model_readings
    from tests.rows import make_model

    version = make_model(project).model_version
    Reader.objects.filter(model_version=version).delete()
    case = draw_case(0)
    faint = FoundLesion(words.types[0], case.instance.pk, 1, (0, 1, 2), np.ones((1, 2, 2), bool), 0.2)
    assert store_model_readings(version=version, found=[CaseFound(case.pk, [faint])]) == 1
    assert store_model_readings(version=version, found=[CaseFound(case.pk, [faint, faint])]) == 0
    reading = Reading.objects.get(case=case)
    assert (reading.verdict, reading.state, reading.lesions.count()) == ("no_lesion", "submitted", 1)
    case.refresh_from_db()
    assert case.is_open and case.readings_submitted == 0


@pytest.mark.slow
def test_a_chest_ct_is_read_slice_by_slice(real_data, db) -> None:
    """Whether the real series decodes into a volume in lung and soft-tissue greys."""
    from pathlib import Path

    from django.core.management import call_command

    from backend.projects.models import Case

    call_command(
        "import_images", str(Path(real_data) / "ct_nlst_101287"), "--project", "ct", "--unit", "series", "--modality", "CT"
    )
    case = Case.objects.get(project__slug="ct")
    loaded = case_images(case, Plan.plain(64))
    assert loaded.images.shape == (112, 64, 64)
    assert 20 < loaded.images.mean() < 200 and loaded.images.std() > 30
