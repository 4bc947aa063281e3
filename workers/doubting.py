"""Labelled cases to look at again: where the model and the label disagree, in its pixels or of the image as a whole.

A model believes what it has learned, so each label is judged by a network that has not seen its patient, nor an image that
looks almost the same under another one: the labelled POOL cases are parted by patient and near-duplicates, and each part is
judged by a network that was trained on the others (as confident learning does: Northcutt et al. 2021, arXiv 1911.00068).
The job goes on after the last part that was judged;
`manage.py doubtful_labels --project SLUG` writes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import numpy as np

from backend.learning.selectors import truth
from backend.learning.vocabulary import ANY_LESION, Vocabulary, vocabulary_of
from backend.projects.models import Split
from backend.projects.selectors import joined_groups_of
from backend.readings.models import Reading
from workers.cnn.acquisition import score_cases
from workers.cnn.candidates import Candidates, Column
from workers.cnn.data import IGNORED, Samples
from workers.cnn.patches import Volumes
from workers.cnn.predict import predict
from workers.cnn.uncertainty import doubted_types, label_doubt, least_believed
from workers.command_line import Command, NothingToDo, Question
from workers.datasets import UnreadableCase, case_images, output_scores, said_of_image, training_set
from workers.networks import LoadedVersion
from workers.scratch import ScratchTraining

Doubt = dict[str, Any]
"""`case`, `reading`, `revision`, `doubt` 0…1, `about` the label's "pixels" or the "image" as a whole, and the types that are
`labelled` and believed `instead` (None: nothing; of an image both None: that it shows a lesion at all)."""
Part = dict[str, Any]
"""One training: `fold`, and the `doubts` of the labels that it judged."""


@dataclass(frozen=True, slots=True)
class Judging:
    """The labelled POOL cases, parted into `folds`; `fold_of` by id of reading.

    What hangs together by patient or by near-duplicates, chains too, lies in one fold: a network believes a wrong label
    that it has learned from almost the same image.
    """

    scratch: ScratchTraining
    readings: Sequence[Reading]
    fold_of: dict[UUID, int]
    folds: int
    seed: int

    @classmethod
    def of(cls, scratch: ScratchTraining, *, folds: int, seed: int) -> Judging:
        """Of what the project has now; NothingToDo where fewer groups than folds hang together."""
        readings = truth(scratch.project, Split.POOL)
        members: dict[str, list[UUID]] = defaultdict(list)
        for reading, group in zip(readings, joined_groups_of([reading.case for reading in readings]), strict=True):
            members[group].append(reading.pk)
        if len(members) < folds:
            raise NothingToDo(f"{len(members)} patients (near-duplicates count as one) cannot be parted into {folds}")
        fold_of: dict[UUID, int] = {}
        sizes = [0] * folds
        for group in np.random.default_rng(seed).permutation(sorted(members)):
            fold = sizes.index(min(sizes))
            sizes[fold] += len(members[group])
            fold_of.update(dict.fromkeys(members[group], fold))
        return cls(scratch, readings, fold_of, folds, seed)

    @property
    def n_patients(self) -> int:
        """Of how many patients (or, where none is known, near-duplicate groups) the labels are."""
        return len({reading.case.group_key for reading in self.readings})

    def parts(self, done: Iterable[Part] = ()) -> Iterator[Part]:
        """The parts that are not `done`, each when it has been judged."""
        known = {part["fold"] for part in done}
        for fold in range(self.folds):
            if fold not in known:
                others = [reading for reading in self.readings if self.fold_of[reading.pk] != fold]
                own = [reading for reading in self.readings if self.fold_of[reading.pk] == fold]
                yield {"fold": fold, "doubts": list(self._judged(*self._trained(others), own))}

    def _trained(self, readings: Sequence[Reading]) -> tuple[LoadedVersion, frozenset[str]]:
        """A network of these labels, and the outputs per image that it has learned to tell."""
        samples = self.scratch.samples(readings)
        return self.scratch.train(samples, self.seed), _learned_outputs(samples, self.scratch.vocabulary)

    def _judged(self, version: LoadedVersion, learned: Collection[str], readings: Sequence[Reading]) -> Iterator[Doubt]:
        """One case at a time: what its label says by pixels, and what it says of the image of outputs that are `learned`."""
        steps = self.scratch.policy.steps_scratch
        for reading in readings:
            self.scratch.on_step(steps, steps)
            label = {"case": str(reading.case_id), "reading": str(reading.pk), "revision": reading.revision}
            doubts = (_pixels_doubt(version, reading), _image_doubt(version, learned, reading))
            yield from ({**label, **doubt} for doubt in doubts if doubt is not None)


def _pixels_doubt(version: LoadedVersion, reading: Reading) -> Doubt | None:
    """None where the label says nothing of any pixel."""
    samples, _ = training_set([reading], vocabulary=version.vocabulary, plan=version.plan)
    if not len(samples):
        return None
    images, targets, content = np.asarray(samples.images), np.asarray(samples.targets), samples.content
    if isinstance(samples, Volumes):
        # One series of many slices, or images as series of one.
        images, targets = np.concatenate(samples.images), np.concatenate(samples.targets)
        content = np.repeat(content, [len(one) for one in samples.images], axis=0)
    if (targets == IGNORED).all():
        return None
    said = predict(version.network, images, content, precision=version.precision)
    labelled, instead = doubted_types(said.types, targets, samples.type_known[0])
    types = [None, *version.vocabulary.types]
    doubt = label_doubt(said.types, targets, samples.type_known[0])
    return {"doubt": doubt, "about": "pixels", "labelled": types[labelled], "instead": types[instead]}


def _image_doubt(version: LoadedVersion, learned: Collection[str], reading: Reading) -> Doubt | None:
    """None where the label says nothing of the image as a whole that the network has learned to tell."""
    told = {name: value for name, value in said_of_image(reading, version.vocabulary).items() if name in learned}
    if not told:
        return None
    try:
        loaded = case_images(reading.case, version.plan)
    except UnreadableCase:
        return None
    name, doubt = least_believed(output_scores(version.say(loaded), version.vocabulary), told)
    finding = None if name == ANY_LESION else int(name.partition(":")[2])
    labelled, instead = (finding, None) if told[name] else (None, finding)
    return {"doubt": doubt, "about": "image", "labelled": labelled, "instead": instead}


def _learned_outputs(samples: Samples | Volumes, vocabulary: Vocabulary) -> frozenset[str]:
    """The outputs per image of which the samples show both answers: a network that has met one of them knows no other.

    None of a network of patches: it learns findings of the whole image only where a patch holds all of it.
    """
    if isinstance(samples, Volumes):
        return frozenset()
    both = (samples.findings == 0).any(axis=0) & (samples.findings == 1).any(axis=0)
    return frozenset(name for name, is_learned in zip(vocabulary.outputs, both, strict=True) if is_learned)


def most_doubted(parts: Iterable[Part], *, seed: int) -> list[Doubt]:
    """The labels of all parts, the least believed first."""
    found: list[Doubt] = [doubt for part in parts for doubt in part["doubts"]]
    doubts = Candidates(len(found), {Column.DOUBT: np.array([one["doubt"] for one in found])})
    scores = score_cases("label_disagreement", doubts, np.random.default_rng(seed))
    return [{**found[row], "doubt": round(float(scores[row]), 4)} for row in np.argsort(-scores, kind="stable")]


COMMAND: Final = Command("doubtful_labels", __doc__, numbers={"top": 20, "folds": 2, "seed": 0})


def main(arguments: list[str]) -> int:
    """The command line; 1 with a sentence where there is nothing to judge."""
    return COMMAND.run(arguments, _judge)


def _judge(question: Question) -> None:
    scratch = ScratchTraining(question.project, question.policy, vocabulary_of(question.project))
    judging = Judging.of(scratch, folds=question.options.folds, seed=question.options.seed)
    by_case = {str(reading.case_id): reading for reading in judging.readings}
    for one in most_doubted(judging.parts(), seed=question.options.seed)[: question.options.top]:
        reading = by_case[one["case"]]
        told = {"case": one["case"], "name": reading.case.name, "reader": reading.reader.name, "doubt": one["doubt"]}
        told |= {name: one[name] for name in ("about", "labelled", "instead")}
        question.tell(told, f"{told['doubt']:.3f}  {told['name']}  {told['reader']}  {told['about']}")
