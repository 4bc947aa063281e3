"""Labelled cases to look at again: where the model and the label disagree.

A model believes what it has learned, so each label is judged by a network that has not seen its patient: the labelled
POOL cases are parted by patient, and each part is judged by a network that was trained on the others (as confident
learning does: Northcutt et al. 2021, arXiv 1911.00068). The job goes on after the last part that was judged;
`manage.py doubtful_labels --project SLUG` writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from backend.learning.selectors import truth
from backend.learning.vocabulary import vocabulary_of
from backend.projects.models import Split
from backend.readings.models import Reading
from workers.cnn.acquisition import score_cases
from workers.cnn.candidates import Candidates, Column
from workers.cnn.data import IGNORED
from workers.cnn.patches import Volumes
from workers.cnn.predict import predict
from workers.cnn.uncertainty import doubted_types, label_doubt
from workers.command_line import Command, NothingToDo, Question
from workers.datasets import training_set
from workers.networks import LoadedVersion
from workers.scratch import ScratchTraining

Doubt = dict[str, Any]
"""`case`, `reading`, `revision`, `doubt` 0…1, and the types that are `labelled` and believed `instead` (None: nothing)."""
Part = dict[str, Any]
"""One training: `fold`, and the `doubts` of the labels that it judged."""


@dataclass(frozen=True, slots=True)
class Judging:
    """The labelled POOL cases, parted by patient into `folds`."""

    scratch: ScratchTraining
    readings: Sequence[Reading]
    fold_of: dict[str, int]
    folds: int
    seed: int

    @classmethod
    def of(cls, scratch: ScratchTraining, *, folds: int, seed: int) -> Judging:
        """Of what the project has now; NothingToDo with too few patients."""
        readings = truth(scratch.project, Split.POOL)
        groups = sorted({reading.case.group_key for reading in readings})
        if len(groups) < folds:
            raise NothingToDo(f"{len(groups)} patients cannot be parted into {folds}")
        order = np.random.default_rng(seed).permutation(len(groups))
        return cls(scratch, readings, {groups[index]: place % folds for place, index in enumerate(order)}, folds, seed)

    def parts(self, done: Iterable[Part] = ()) -> Iterator[Part]:
        """The parts that are not `done`, each when it has been judged."""
        known = {part["fold"] for part in done}
        for fold in range(self.folds):
            if fold not in known:
                others = [reading for reading in self.readings if self.fold_of[reading.case.group_key] != fold]
                own = [reading for reading in self.readings if self.fold_of[reading.case.group_key] == fold]
                yield {"fold": fold, "doubts": list(self._judged(self.scratch.train(others, self.seed), own))}

    def _judged(self, version: LoadedVersion, readings: Sequence[Reading]) -> Iterator[Doubt]:
        """One case at a time; those whose label says nothing of any pixel are left out."""
        types = [None, *version.vocabulary.types]
        steps = self.scratch.policy.steps_scratch
        for reading in readings:
            self.scratch.on_step(steps, steps)
            samples, _ = training_set([reading], vocabulary=version.vocabulary, plan=version.plan)
            if not len(samples):
                continue
            images, targets, content = np.asarray(samples.images), np.asarray(samples.targets), samples.content
            if isinstance(samples, Volumes):
                # One series of many slices, or images as series of one.
                images, targets = np.concatenate(samples.images), np.concatenate(samples.targets)
                content = np.repeat(content, [len(one) for one in samples.images], axis=0)
            if (targets == IGNORED).all():
                continue
            said = predict(version.network, images, content, precision=version.precision)
            labelled, instead = doubted_types(said.types, targets, samples.type_known[0])
            yield {
                "case": str(reading.case_id),
                "reading": str(reading.pk),
                "revision": reading.revision,
                "doubt": label_doubt(said.types, targets, samples.type_known[0]),
                "labelled": types[labelled],
                "instead": types[instead],
            }


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
        question.tell(told, f"{told['doubt']:.3f}  {told['name']}  {told['reader']}")
