"""From what a version measured of the cases to the batch that is read next; the same for a round and its replay."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from uuid import UUID

import numpy as np

from backend.learning.models import AcquisitionScore
from backend.learning.ranking import CaseMeasured
from backend.learning.reading_times import reading_times
from backend.projects.models import Case, Project
from backend.projects.selectors import joined_groups_of
from workers.cnn.acquisition import ACQUISITIONS, Scores, score_cases
from workers.cnn.batches import Drawn, draw_batch
from workers.cnn.candidates import Candidates, Column, Measures, Values, columns_of
from workers.cnn.measures import Measured
from workers.cnn.reading_time import expected_seconds
from workers.datasets import UnreadableCase, case_images
from workers.networks import LoadedVersion


def measured_row(case_id: UUID, measured: Measured) -> CaseMeasured:
    """What was measured of a case, as it is kept until the batch is drawn."""
    columns = measured.columns
    embedding = columns.get(Column.EMBEDDING)
    return CaseMeasured(
        case_id,
        {str(name): np.round(value, 8).tolist() for name, value in columns.items() if name is not Column.EMBEDDING},
        [[index, round(score, 5)] for index, score in measured.slices],
        None if embedding is None else embedding.astype("<f4").tobytes(),
    )


def measures_of(row: AcquisitionScore) -> Measures:
    """The inverse of `measured_row`."""
    found = {Column(name): np.asarray(value, np.float64) for name, value in row.measures.items() if name != "slices"}
    if row.embedding is not None:
        found[Column.EMBEDDING] = np.frombuffer(bytes(row.embedding), dtype="<f4").astype(np.float64)
    return found


def choose_batch(
    measured: Sequence[Measures],
    candidates: Sequence[Case],
    *,
    project: Project,
    settings_: Mapping[str, float | str],
    round_number: int,
    labelled: Callable[[], Values],
) -> tuple[Scores, list[Drawn]]:
    """A score for each candidate, and the batch; `settings_`: acquisition, batch_size, random_share and seed of the round.

    `labelled` gives the embeddings of what has been read, and is called only where a function needs them.
    """
    if not measured:
        return np.empty(0), []
    name, seed = str(settings_["acquisition"]), int(settings_["seed"])
    asked = ACQUISITIONS[name]
    size, share = int(settings_["batch_size"]), float(settings_["random_share"])
    columns = columns_of(measured)
    if Column.LABELLED in asked.needs:
        columns[Column.LABELLED] = labelled()
    if Column.SECONDS in asked.needs:
        known = np.array(reading_times(project), dtype=np.float64).reshape(-1, 3)
        columns[Column.SECONDS] = expected_seconds(known, columns[Column.FINDINGS], columns[Column.FRAMES])
    wanted = max(1, size - int(np.ceil(size * share)))
    cases = Candidates(len(measured), columns, round_number=round_number, wanted=wanted)
    scores = score_cases(name, cases, np.random.default_rng([seed, round_number]))
    drawn = draw_batch(
        scores,
        joined_groups_of(candidates),
        size=size,
        random_share=share,
        generator=np.random.default_rng(seed),
        embedding=cases[Column.EMBEDDING] if asked.spreads else None,
    )
    return scores, drawn


def labelled_embedding(loaded: LoadedVersion, cases: Iterable[Case], check: Callable[[], None]) -> Values:
    """Embeddings [M, E] of cases that have been read, one at a time; those that cannot be decoded are left out."""
    found = []
    for case in cases:
        check()
        try:
            images = case_images(case, loaded.plan)
        except UnreadableCase:
            continue
        found.append(loaded.say(images).embedding.max(axis=0).astype(np.float64))
    width = loaded.network.config.widths[-1]
    return np.stack(found) if found else np.empty((0, width))
