"""The only translator between rows and arrays: cases to images, readings to targets and truth, predictions to findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from backend.archive.models import Instance
from backend.archive.rendering import Window, render_frame
from backend.archive.spacing import voxel_spacing
from backend.archive.store import get_object
from backend.geometry.rasterise import crop_mask, paste_mask
from backend.geometry.rle import blob_key, decode_mask
from backend.geometry.slices import frames_within
from backend.learning.leading_metric import known_findings
from backend.learning.model_readings import CaseFound, FoundLesion
from backend.learning.vocabulary import ANY_LESION, Vocabulary
from backend.metrics.overlap import Region, overlap_size, union
from backend.projects.models import Case
from backend.projects.selectors import case_instances, instances_of_cases
from backend.readings.models import Lesion, MarkKind, Reading, Verdict
from workers.cnn.data import (
    IGNORED,
    UNKNOWN,
    Letterbox,
    Mark,
    Samples,
    draw_target,
    lesion_pixels,
    neighbour_frames,
    reach_pixels,
    shrink_image,
    shrink_target,
)
from workers.cnn.patches import Volumes, resample_volume
from workers.cnn.plan import WIDE_CT, Pair, Plan, Triple
from workers.cnn.predict import PredictedLesion, Predictions
from workers.cnn.self_training import Unread
from workers.picture_cache import cache_folder, cached_at, forget_outdated, keep_pictures

CASES_A_CALL: Final = 8
"""After so many cases those who load many are asked whether to go on."""
MARKED_FRAMES: Final = 16
EMPTY_FRAMES: Final = 4
LUMA: Final = np.array([0.299, 0.587, 0.114], dtype=np.float32)


class UnreadableCase(Exception):
    """A case whose pixels cannot be had; the round goes on without it and says so."""


@dataclass(frozen=True, slots=True)
class CaseImages:
    """All frames of a case in series order, in the network grid: `images` uint8 [frames, S, S].

    `kept_at`: the cache entry, where it was written just now.
    """

    case: Case
    frames: Sequence[tuple[Instance, int]]
    letterbox: Letterbox
    images: NDArray[np.uint8]
    kept_at: Path | None = None

    @property
    def content(self) -> NDArray[np.int64]:
        """Rows and columns of the grid that each frame fills."""
        return np.tile(np.array(self.letterbox.content, dtype=np.int64), (len(self.images), 1))

    @property
    def spacing(self) -> Triple | None:
        """Millimetres between frames, rows and columns of the case's own grid; None where they are not known."""
        first = self.frames[0][0]
        return voxel_spacing(affine=self.case.series.affine, pixel_spacing=first.pixel_spacing, n_frames=len(self.frames))

    def inputs(self, plan: Plan) -> NDArray[np.uint8]:
        """The frames as the plan's network takes them: themselves, or in 2.5D each with its neighbours [frames, C, S, S]."""
        if plan.neighbours == 1:
            return self.images
        along = [row.position for row, _ in self.frames if row.position is not None and row.number_of_frames == 1]
        positions = along if len(along) == len(self.frames) else None
        return self.images[neighbour_frames(len(self.images), count=plan.neighbours, positions=positions)]

    def depth(self, plan: Plan) -> int:
        """Slices of the grid of a plan's 3D network."""
        return plan.depth(len(self.images), self.spacing)


@dataclass(frozen=True, slots=True)
class CaseTruth:
    """What a reading says is true: lesions by type, and what is known of each output per image (0 or 1).

    `read` [frames]: the frames of which it says so; None: all. `silent`: where marks of retired types lie, of which it says
    nothing. `unknown`: types, as the network numbers them, that did not exist when it was read.
    """

    lesions: Sequence[tuple[int, Region]]
    outputs: dict[str, int]
    complete: bool
    boxed: bool
    read: NDArray[np.bool_] | None = None
    silent: Sequence[Region] = ()
    unknown: frozenset[int] = frozenset()

    def spoken_of(self, found: list[PredictedLesion]) -> list[PredictedLesion]:
        """Predictions as far as the reading says anything of them: the rest is neither right nor wrong.

        Those on slices that nobody read, on marks of a retired type, and of a type that is younger than the reading are left
        out, unless they meet a true lesion: training, too, learns nothing there.
        """
        spoken = self._on_read_frames(found)
        return [lesion for lesion in spoken if self._speaks_of(lesion)] if self.silent or self.unknown else spoken

    def _speaks_of(self, lesion: PredictedLesion) -> bool:
        region = Region(lesion.mask, lesion.origin)
        if any(overlap_size(region, true) for _, true in self.lesions):
            return True
        return lesion.type_index not in self.unknown and not any(overlap_size(region, mark) for mark in self.silent)

    def _on_read_frames(self, found: list[PredictedLesion]) -> list[PredictedLesion]:
        if self.read is None:
            return found
        cut = []
        for lesion in found:
            start = lesion.origin[0]
            mask = lesion.mask & self.read[start : start + len(lesion.mask), None, None]
            if mask.any():
                cut.append(replace(lesion, mask=mask))
        return cut


def case_frames(case: Case) -> list[tuple[Instance, int]]:
    """All frames of a case in series order, each as its instance and its number there (1-based)."""
    return [(row, number) for row in case_instances(case) for number in range(1, row.number_of_frames + 1)]


def frames_of_cases(cases: Sequence[Case]) -> list[list[tuple[Instance, int]]]:
    """`case_frames` of each case, all with two queries."""
    rows = instances_of_cases(cases)
    return [[(row, number) for row in rows[case.pk] for number in range(1, row.number_of_frames + 1)] for case in cases]


def case_images(case: Case, plan: Plan) -> CaseImages:
    """Decode a case into the plan's grid and greys, or take it from this machine's cache; UnreadableCase with the reason."""
    loaded = decoded_case(case, case_frames(case), plan)
    forget_outdated(fresh_entries([loaded]))
    return loaded


def fresh_entries(cases: Iterable[CaseImages]) -> dict[Path, list[Instance]]:
    """The cache entries that were written for these cases just now, each with its images."""
    return {one.kept_at: _images_of(one.frames) for one in cases if one.kept_at is not None}


def _images_of(frames: Sequence[tuple[Instance, int]]) -> list[Instance]:
    return [row for row, number in frames if number == 1]


def decoded_case(case: Case, frames: Sequence[tuple[Instance, int]], plan: Plan) -> CaseImages:
    """`case_images` of a case with its series at hand, and of its frames: asks no database, so any thread may do it.

    Who has the database at hand then passes its `fresh_entries` to `forget_outdated`.
    """
    size = plan.size
    if not frames:
        raise UnreadableCase(f"{case.name} has no images")
    first = frames[0][0]
    if any((row.rows, row.columns) != (first.rows, first.columns) for row, _ in frames):
        raise UnreadableCase(f"{case.name} mixes images of different sizes")
    letterbox = Letterbox(first.rows, first.columns, size)
    window = shown_window(case.series.modality, plan.window)
    place = cached_at(_cache_folder(size, window), case.pk, _images_of(frames))
    if place.exists():
        images = np.load(place)
        if images.shape == (len(frames), size, size):
            return CaseImages(case, frames, letterbox, images)
    images = np.stack([shrink_image(_grey(case, row, number, window), size=size) for row, number in frames])
    keep_pictures(place, images)
    return CaseImages(case, frames, letterbox, images, kept_at=place)


def shown_window(modality: str, window: Pair) -> Window | None:
    """What a network sees a modality through: CT through the window of its plan, others as their header says (None)."""
    return Window(*window, "LINEAR_EXACT") if modality == "CT" else None


def _cache_folder(size: int, window: Window | None) -> Path:
    """Where images of this size lie, seen through this window; the wide one was the only one once, and has no name."""
    if window is None or (window.center, window.width) == WIDE_CT:
        return cache_folder(f"{size}")
    return cache_folder(f"{size}-c{window.center:g}w{window.width:g}")


def _grey(case: Case, instance: Instance, number: int, window: Window | None) -> NDArray[np.uint8]:
    with decoding(case, number):
        return grey_frame(instance, number, window)


@contextmanager
def decoding(case: Case, number: int) -> Iterator[None]:
    """Whatever is wrong with a frame, its case is unreadable."""
    try:
        yield
    except Exception as error:
        raise UnreadableCase(f"{case.name} frame {number} cannot be decoded: {error}") from error


def grey_frame(instance: Instance, number: int, window: Window | None) -> NDArray[np.uint8]:
    """A frame (1-based) as the networks see it through a `shown_window`: 8-bit grey, at its own size."""
    shown = render_frame(instance, number, window)
    return (shown @ LUMA).round().astype(np.uint8) if shown.ndim == 3 else shown


def training_set(
    readings: Iterable[Reading], *, vocabulary: Vocabulary, plan: Plan, newest: Collection[UUID] = ()
) -> tuple[Samples | Volumes, list[str]]:
    """The training set of some readings as the plan's network takes it, and why some were left out."""
    if plan.patch:
        return training_volumes(readings, vocabulary=vocabulary, plan=plan, newest=newest)
    return training_samples(
        readings, vocabulary=vocabulary, size=plan.size, neighbours=plan.neighbours, ct_window=plan.ct_window, newest=newest
    )  # fmt: skip


def training_volumes(
    readings: Iterable[Reading], *, vocabulary: Vocabulary, plan: Plan, newest: Collection[UUID] = ()
) -> tuple[Volumes, list[str]]:
    """Whole series with all slices that the reading speaks of (the others say nothing), or images as series of one."""
    images, targets, contents, known, findings, fresh, of, omitted = [], [], [], [], [], [], [], []
    readings = list(readings)
    marked_by_any = _slices_marked_by_any(readings, plan=plan, vocabulary=vocabulary)
    for reading in readings:
        try:
            loaded = case_images(reading.case, plan)
        except UnreadableCase as error:
            omitted.append(str(error))
            continue
        marks = _marks_by_frame(reading, loaded, vocabulary)
        told = _frames_to_learn(
            reading, marks, len(loaded.images), marked_by_any=marked_by_any.get(reading.case_id, marks), thin=False
        )
        outputs = _known_outputs(reading, vocabulary)
        if not _frames_read(reading, marks, len(loaded.images)).all():
            outputs = _outputs_of_part(outputs)
        series = [(loaded.images, told)] if plan.is_volume else [(loaded.images[at : at + 1].copy(), [at]) for at in told]
        for frames, spoken in series:
            if not spoken:
                continue
            target = np.full(frames.shape, IGNORED, dtype=np.uint8)
            for frame in spoken:
                target[frame if plan.is_volume else 0] = _target(reading, loaded, marks.get(frame, []), plan.size)
            sized = resample_volume(frames, target, loaded.depth(plan)) if plan.is_volume else (frames, target)
            images.append(sized[0])
            targets.append(sized[1])
            contents.append(loaded.letterbox.content)
            known.append([vocabulary.knows(pk, reading.vocabulary_version) for pk in vocabulary.types])
            whole = plan.is_volume or len(loaded.images) == 1
            said = outputs if whole else _outputs_of_frame(reading, outputs, marks.get(spoken[0], []), vocabulary)
            findings.append([said.get(name, UNKNOWN) for name in vocabulary.outputs])
            fresh.append(reading.pk in newest)
            of.append((reading.case_id, 0 if plan.is_volume else spoken[0]))
    n = len(images)
    return Volumes(
        images=images,
        targets=targets,
        content=np.array(contents, dtype=np.int64).reshape(n, 2),
        type_known=np.array(known, dtype=bool).reshape(n, len(vocabulary.types)),
        findings=np.array(findings, dtype=np.uint8).reshape(n, len(vocabulary.outputs)),
        patch=plan.patch,
        newest=np.array(fresh, dtype=bool),
        image_of=_numbered(of),
    ), omitted


def _target(reading: Reading, loaded: CaseImages, marks: Sequence[Mark], size: int) -> NDArray[np.uint8]:
    """What the reading says of one frame, in the network grid."""
    box = loaded.letterbox
    return shrink_target(draw_target(marks, rows=box.rows, columns=box.columns, complete=_is_complete(reading)), size=size)


def training_samples(
    readings: Iterable[Reading],
    *,
    vocabulary: Vocabulary,
    size: int,
    neighbours: int = 1,
    ct_window: Pair | None = None,
    newest: Collection[UUID] = (),
) -> tuple[Samples, list[str]]:
    """The training set of some readings (with case, reader and lesions at hand), and why some were left out."""
    images, contents, targets, known, findings, fresh, of, omitted = [], [], [], [], [], [], [], []
    around = Plan("2.5d", size, neighbours=neighbours, ct_window=ct_window)
    readings = list(readings)
    marked_by_any = _slices_marked_by_any(readings, plan=around, vocabulary=vocabulary)
    for reading in readings:
        try:
            loaded = case_images(reading.case, around)
        except UnreadableCase as error:
            omitted.append(str(error))
            continue
        marks = _marks_by_frame(reading, loaded, vocabulary)
        outputs = _known_outputs(reading, vocabulary)
        inputs = loaded.inputs(around)
        any_marks = marked_by_any.get(reading.case_id, marks)
        for frame in _frames_to_learn(reading, marks, len(loaded.images), marked_by_any=any_marks):
            images.append(inputs[frame].copy())  # A view would keep every slice of the series alive.
            contents.append(loaded.letterbox.content)
            targets.append(_target(reading, loaded, marks.get(frame, []), size))
            known.append([vocabulary.knows(pk, reading.vocabulary_version) for pk in vocabulary.types])
            of_frame = outputs
            if len(loaded.images) > 1:
                of_frame = _outputs_of_frame(reading, outputs, marks.get(frame, []), vocabulary)
            findings.append([of_frame.get(name, UNKNOWN) for name in vocabulary.outputs])
            fresh.append(reading.pk in newest)
            of.append((reading.case_id, frame))
    n = len(images)
    return Samples(
        images=np.array(images, dtype=np.uint8).reshape(n, *((neighbours,) if neighbours > 1 else ()), size, size),
        content=np.array(contents, dtype=np.int64).reshape(n, 2),
        targets=np.array(targets, dtype=np.uint8).reshape(n, size, size),
        type_known=np.array(known, dtype=bool).reshape(n, len(vocabulary.types)),
        findings=np.array(findings, dtype=np.uint8).reshape(n, len(vocabulary.outputs)),
        newest=np.array(fresh, dtype=bool),
        image_of=_numbered(of),
    ), omitted


def _numbered(keys: Sequence[tuple[UUID, int]]) -> NDArray[np.int64]:
    """A number for each row, the same for the same image."""
    numbers = {key: index for index, key in enumerate(dict.fromkeys(keys))}
    return np.array([numbers[key] for key in keys], dtype=np.int64)


def _slices_marked_by_any(readings: Sequence[Reading], *, plan: Plan, vocabulary: Vocabulary) -> dict[UUID, set[int]]:
    """Of cases that several have read, the frames that any of them marked: of these each one's word is learned."""
    times = Counter(reading.case_id for reading in readings)
    found: dict[UUID, set[int]] = {}
    for reading in readings:
        if times[reading.case_id] > 1:
            with suppress(UnreadableCase):  # Told where it is left out.
                loaded = case_images(reading.case, plan)
                found.setdefault(reading.case_id, set()).update(_marks_by_frame(reading, loaded, vocabulary))
    return found


def unread_images(
    cases: Iterable[Case], *, plan: Plan, on_case: Callable[[], None] = lambda: None
) -> tuple[Unread, list[str]]:
    """Images of cases that nobody has read, one a case, as the network takes them, and why some were left out.

    `on_case` is called now and then: what it raises ends the loading.
    """
    images, contents, omitted = [], [], []
    for index, case in enumerate(cases):
        if index % CASES_A_CALL == 0:
            on_case()
        try:
            loaded = case_images(case, plan)
        except UnreadableCase as error:
            omitted.append(str(error))
            continue
        images.append(loaded.images[0])
        contents.append(loaded.letterbox.content)
    n = len(images)
    return Unread(
        images=np.array(images, dtype=np.uint8).reshape(n, plan.size, plan.size),
        content=np.array(contents, dtype=np.int64).reshape(n, 2),
    ), omitted


def _is_complete(reading: Reading) -> bool:
    """Whether what is not marked is free of lesions: not so where only the image as a whole was labelled positive."""
    if reading.verdict == Verdict.NO_LESION:
        return True
    of_whole_only = reading.verdict == Verdict.LESIONS and not reading.lesions.all()
    return reading.label_kind == "full" and not of_whole_only


def _frames_read(reading: Reading, marked: Iterable[int], n_frames: int) -> NDArray[np.bool_]:
    """Of each frame whether the reading speaks of it: its reader has had it on screen, or it bears a mark."""
    if reading.slices_read is None or n_frames == 1:
        return np.ones(n_frames, dtype=bool)
    read = frames_within(reading.slices_read, n_frames)
    read[list(marked)] = True
    return read


def _frames_to_learn(
    reading: Reading, marks: dict[int, list[Mark]], n_frames: int, *, marked_by_any: Collection[int], thin: bool = True
) -> list[int]:
    """An image: itself. A series: marked slices, and empty ones where masks or the verdict say that they are empty.

    Slices that another reader marked (`marked_by_any`) are learned as this one read them; those that he never looked at are
    neither. `thin`: of many alike only some, evenly, where each slice is a sample of its own.
    """
    if n_frames == 1:
        return [0]
    drawn_in_space = all(mark.mask is not None for found in marks.values() for mark in found)
    tells_empty = np.zeros(n_frames, dtype=bool)
    if _is_complete(reading) and drawn_in_space:
        tells_empty = _frames_read(reading, marks, n_frames)
    marked = sorted({*marks, *marked_by_any})
    empty = [frame for frame in np.flatnonzero(tells_empty).tolist() if frame not in marked]
    if thin:
        marked, empty = _evenly(marked, MARKED_FRAMES), _evenly(empty, EMPTY_FRAMES)
    return [frame for frame in marked if frame in marks or tells_empty[frame]] + empty


def _evenly(items: list[int], most: int) -> list[int]:
    if len(items) <= most:
        return items
    return [items[round(index)] for index in np.linspace(0, len(items) - 1, most)]


def _marks_by_frame(reading: Reading, loaded: CaseImages, vocabulary: Vocabulary) -> dict[int, list[Mark]]:
    """The reading's lesions as marks on frames (0-based in series order)."""
    at = {(row.pk, number): index for index, (row, number) in enumerate(loaded.frames)}
    found: dict[int, list[Mark]] = {}
    for lesion in reading.lesions.all():
        index = vocabulary.type_index(lesion.finding_type_id)
        if lesion.kind != MarkKind.MASK:
            mark = Mark(lesion.kind, index, points=lesion.points)
            found.setdefault(at[lesion.instance_id, lesion.frame], []).append(mark)
            continue
        mask, origin = _mask_of(lesion)
        for frame in range(origin[0], origin[0] + mask.shape[0]):
            box = loaded.letterbox
            plane = paste_mask(mask=mask, origin=origin, frame=frame, rows=box.rows, columns=box.columns)
            if plane.any():
                found.setdefault(frame, []).append(Mark("mask", index, mask=plane))
    return found


def _mask_of(lesion: Lesion) -> tuple[NDArray[np.bool_], list[int]]:
    shape, origin = list(lesion.mask_shape or ()), list(lesion.mask_origin or ())
    return decode_mask(get_object(blob_key(lesion.mask_digest)), shape), origin


def _known_outputs(reading: Reading, vocabulary: Vocabulary) -> dict[str, int]:
    """What a reading says of each output per image: 1, 0, or nothing where it does not say."""
    told = {int(pk): value == "present" for pk, value in reading.image_findings.items() if value in ("present", "absent")}
    marked = {lesion.finding_type_id for lesion in reading.lesions.all()}
    complete = _is_complete(reading)
    outputs = {"any": int(bool(marked) or reading.verdict == Verdict.LESIONS)}
    for pk in vocabulary.types:
        if pk in told or pk in marked:
            outputs[f"type:{pk}"] = int(pk in marked or told[pk])
        elif complete and vocabulary.knows(pk, reading.vocabulary_version):
            outputs[f"type:{pk}"] = 0
    return {**outputs, **known_findings(reading, vocabulary)}


def said_of_image(reading: Reading, vocabulary: Vocabulary) -> dict[str, int]:
    """What a label says of the outputs per image, 1 or 0, that none of its pixels says.

    Findings of the whole image; of a label that is of the image only, or has nothing but points of it, a lesion type; and
    that there is a lesion at all where it names nothing.
    """
    outputs, complete = _known_outputs(reading, vocabulary), _is_complete(reading)
    drawn = {lesion.finding_type_id for lesion in reading.lesions.all() if lesion.kind != MarkKind.POINT}
    said = {name: outputs[name] for pk in vocabulary.findings if (name := f"finding:{pk}") in outputs}
    for pk in vocabulary.types:
        value = outputs.get(f"type:{pk}")
        if (value == 1 and pk not in drawn) or (value == 0 and not complete):
            said[f"type:{pk}"] = value
    named = any(value for name, value in outputs.items() if name != ANY_LESION)
    if outputs[ANY_LESION] and not complete and not named:
        said[ANY_LESION] = 1
    return said


def _outputs_of_part(outputs: dict[str, int]) -> dict[str, int]:
    """Of a series that was read in part: what was not seen there may be on the other slices."""
    return {name: value for name, value in outputs.items() if value}


def _outputs_of_frame(
    reading: Reading, outputs: dict[str, int], marks: Sequence[Mark], vocabulary: Vocabulary
) -> dict[str, int]:
    """Of one slice its own marks are known, what is absent from the whole series, and what a complete reading left out."""
    own = {"any": int(bool(marks))}
    indices = {mark.type_index for mark in marks}
    for index, pk in enumerate(vocabulary.types, 1):
        if index in indices:
            own[f"type:{pk}"] = 1
        elif _is_complete(reading) and vocabulary.knows(pk, reading.vocabulary_version):
            own[f"type:{pk}"] = 0
    absent = {name: 0 for name, value in outputs.items() if name != ANY_LESION and value == 0}
    return {**absent, **own}


def case_truth(
    reading: Reading, *, loaded: CaseImages, vocabulary: Vocabulary, asked: Vocabulary | None = None
) -> CaseTruth:
    """A reading as the truth to measure against, in the case's own pixels; marks on touching slices are one lesion.

    `vocabulary` is the version's, `asked` the project's as it is now (else the version's): so versions of different
    vocabularies are measured against the same lesions.
    """
    box = loaded.letterbox
    at = {(row.pk, number): index for index, (row, number) in enumerate(loaded.frames)}
    lesions: list[tuple[int, Region]] = []
    rows = list(reading.lesions.all())
    for lesion in rows:
        if lesion.kind == MarkKind.MASK:
            mask, origin = _mask_of(lesion)
            lesions.append((lesion.finding_type_id, Region(mask, (origin[0], origin[1], origin[2]))))
            continue
        mark = Mark(lesion.kind, 1, points=lesion.points)
        drawn = reach_pixels if lesion.kind == MarkKind.POINT else lesion_pixels
        start, cut = crop_mask(drawn(mark, box.rows, box.columns)[None])
        lesions.append((lesion.finding_type_id, Region(cut, (at[lesion.instance_id, lesion.frame], start[1], start[2]))))
    marked = {region.origin[0] + at for _, region in lesions for at in np.flatnonzero(region.mask.any(axis=(1, 2))).tolist()}
    read = _frames_read(reading, marked, len(loaded.frames))
    outputs = _known_outputs(reading, vocabulary)
    in_use = (asked or vocabulary).types
    silent = [region for kind, region in lesions if kind not in in_use]
    lesions = [(kind, region) for kind, region in lesions if kind in in_use]
    known = {kind for kind, _ in lesions} | {
        pk for pk in vocabulary.types if vocabulary.knows(pk, reading.vocabulary_version)
    }
    return CaseTruth(
        lesions=_joined(lesions) if len(loaded.frames) > 1 else lesions,
        outputs=outputs if read.all() else _outputs_of_part(outputs),
        complete=_is_complete(reading),
        boxed=any(lesion.kind == MarkKind.BOX for lesion in rows),
        read=None if read.all() else read,
        silent=silent,
        unknown=frozenset(index for index, pk in enumerate(vocabulary.types, 1) if pk not in known),
    )


def _joined(lesions: Sequence[tuple[int, Region]]) -> list[tuple[int, Region]]:
    """Marks of one type that overlap from slice to slice become one lesion."""
    joined: list[tuple[int, Region]] = []
    for kind, region in sorted(lesions, key=lambda one: (one[0], one[1].origin[0])):
        for index, (other_kind, other) in enumerate(joined):
            if kind == other_kind and _touches(other, region):
                merged = union([other, region])
                assert merged is not None
                joined[index] = (kind, merged)
                break
        else:
            joined.append((kind, region))
    return joined


def _touches(earlier: Region, later: Region) -> bool:
    """Whether the later region overlaps the earlier one in the same or the next slice."""
    frame, row, column = later.origin
    return overlap_size(earlier, later) > 0 or overlap_size(earlier, Region(later.mask, (frame - 1, row, column))) > 0


def case_found(
    loaded: CaseImages, predictions: Predictions, lesions: Sequence[PredictedLesion], *, vocabulary: Vocabulary
) -> CaseFound:
    """What the network said of a case, as the rows of a model's reading."""
    scores = output_scores(predictions, vocabulary)
    found = []
    for lesion in lesions:
        instance, number = loaded.frames[lesion.origin[0]]
        found.append(
            FoundLesion(
                finding_type_id=vocabulary.types[lesion.type_index - 1],
                instance_id=instance.pk,
                frame=number,
                origin=lesion.origin,
                mask=lesion.mask,
                score=lesion.score,
            )
        )
    findings = {str(pk): round(scores[f"finding:{pk}"], 4) for pk in vocabulary.findings}
    return CaseFound(loaded.case.pk, found, findings)


def output_scores(predictions: Predictions, vocabulary: Vocabulary) -> dict[str, float]:
    """The score of each output for the case: of a series, that of its highest slice."""
    highest = predictions.findings.max(axis=0)
    return {name: float(score) for name, score in zip(vocabulary.outputs, highest, strict=True)}


def outlined_lesions(
    readings: Iterable[Reading], *, vocabulary: Vocabulary, plan: Plan
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.bool_]]]:
    """Grey frames at their own size, each with the mask of one lesion whose outline somebody drew.

    A box or a point does not say where a lesion ends. Of a series as many frames as train the automatic network.
    """
    for reading in readings:
        try:
            loaded = case_images(reading.case, plan)
            marks = _marks_by_frame(reading, loaded, vocabulary)
            for frame in _evenly(sorted(marks), MARKED_FRAMES):
                outlined = [mark for mark in marks[frame] if mark.kind not in (MarkKind.BOX, MarkKind.POINT)]
                if not outlined:
                    continue
                window = shown_window(reading.case.series.modality, plan.window)
                grey = _grey(reading.case, *loaded.frames[frame], window)
                for mark in outlined:
                    mask = lesion_pixels(mark, *grey.shape)
                    if mask.any():
                        yield grey, mask
        except UnreadableCase:
            continue
