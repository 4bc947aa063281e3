"""Labelled cases to look at again: where the model and the label disagree. Nothing is written.

`python -m workers.doubting --project SLUG`, or `manage.py doubtful_labels`. A model believes what it has learned, so each
label is judged by a network that has not seen its patient: the labelled POOL cases are parted by patient, and each part is
judged by a network that was trained on the others (as confident learning does: Northcutt et al. 2021, arXiv 1911.00068).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.config.settings")
django.setup()

import numpy as np  # noqa: E402

from backend.learning.selectors import policy_of, truth  # noqa: E402
from backend.learning.vocabulary import vocabulary_of  # noqa: E402
from backend.projects.models import Project, Split  # noqa: E402
from backend.readings.models import Reading  # noqa: E402
from workers.cnn.acquisition import score_cases  # noqa: E402
from workers.cnn.candidates import Candidates, Column  # noqa: E402
from workers.cnn.data import IGNORED  # noqa: E402
from workers.cnn.patches import Volumes  # noqa: E402
from workers.cnn.predict import predict  # noqa: E402
from workers.cnn.uncertainty import label_doubt  # noqa: E402
from workers.datasets import training_set  # noqa: E402
from workers.networks import LoadedVersion  # noqa: E402
from workers.scratch import ScratchTraining  # noqa: E402

Doubted = tuple[Reading, float]


def doubted_labels(scratch: ScratchTraining, *, folds: int, seed: int) -> list[Doubted]:
    """The labelled POOL cases with how much their label is doubted, most first; ValueError with too few patients."""
    readings = truth(scratch.project, Split.POOL)
    groups = sorted({reading.case.group_key for reading in readings})
    if len(groups) < folds:
        raise ValueError(f"{len(groups)} patients cannot be parted into {folds}")
    order = np.random.default_rng(seed).permutation(len(groups))
    fold_of = {groups[index]: place % folds for place, index in enumerate(order)}
    found: list[Doubted] = []
    for fold in range(folds):
        others = [reading for reading in readings if fold_of[reading.case.group_key] != fold]
        own = [reading for reading in readings if fold_of[reading.case.group_key] == fold]
        found += _judged(scratch.train(others, seed), own)
    doubts = Candidates(len(found), {Column.DOUBT: np.array([doubt for _, doubt in found])})
    scores = score_cases("label_disagreement", doubts, np.random.default_rng(seed))
    return [(found[row][0], float(scores[row])) for row in np.argsort(-scores, kind="stable")]


def _judged(version: LoadedVersion, readings: Sequence[Reading]) -> Iterator[Doubted]:
    """One case at a time; those whose label says nothing of any pixel are left out."""
    for reading in readings:
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
        yield reading, label_doubt(said.types, targets, samples.type_known[0])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="doubtful_labels", description=__doc__)
    parser.add_argument("--project", required=True)
    for name, default in (("top", 20), ("folds", 2), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=default)
    for name in ("image-size", "steps-scratch"):
        parser.add_argument(f"--{name}", type=int)
    parser.add_argument("--json", action="store_true")
    return parser


def main(arguments: list[str]) -> int:
    """The command line; 1 with a sentence where there is nothing to judge."""
    options = _parser().parse_args(arguments)
    project = Project.objects.filter(slug=options.project).first()
    if project is None:
        sys.stderr.write(f"There is no project {options.project}.\n")
        return 1
    policy = policy_of(project)
    policy.image_size = options.image_size or policy.image_size
    policy.steps_scratch = options.steps_scratch or policy.steps_scratch
    try:
        found = doubted_labels(
            ScratchTraining(project, policy, vocabulary_of(project)), folds=options.folds, seed=options.seed
        )
    except ValueError as error:
        sys.stderr.write(f"{project.slug}: {error}.\n")
        return 1
    for reading, doubt in found[: options.top]:
        told = {
            "case": str(reading.case_id),
            "name": reading.case.name,
            "reader": reading.reader.name,
            "doubt": round(doubt, 4),
        }
        sys.stdout.write((json.dumps(told) if options.json else f"{doubt:.3f}  {told['name']}  {told['reader']}") + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
