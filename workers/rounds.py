"""A round, step by step: snapshot → train → evaluate → gate → predict → rank.

The round's state says which step is next, every step may be begun anew, and training goes on from its last checkpoint:
a worker may die anywhere, the next one goes on. All writes are short; the long work happens between them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.db import transaction

from backend.jobs.services import JobCancelled, Lease
from backend.learning.gate import GateRule, gate_decision
from backend.learning.models import Round, RoundState
from backend.learning.ranking import (
    CaseMeasured,
    Chosen,
    MixedVersions,
    forget_other_versions,
    scored,
    store_measures,
    unscored,
    write_ranking,
)
from backend.learning.selectors import cases_to_predict, snapshot_readings
from backend.learning.services import advance_round, choose_by, end_round, freeze_snapshot, note_on_round
from backend.learning.vocabulary import vocabulary_of
from backend.projects.models import Split
from backend.registry.models import ModelVersion
from backend.registry.selectors import latest_evaluation, serving_version
from backend.registry.services import hold_version, promote_version, record_evaluation
from workers.choosing import choose_batch, labelled_embedding, measures_of
from workers.cnn.acquisition import ACQUISITIONS
from workers.cnn.candidates import Values
from workers.cnn.predict import BrokenModel
from workers.cnn.train import TrainingDiverged
from workers.evaluating import measure_versions, version_numbers
from workers.networks import load_version, machine_precision, usable_acquisition
from workers.pool import read_cases
from workers.reporting import Reporter
from workers.training import NothingToLearn, forget_checkpoint, train_round


def run_round(lease: Lease) -> None:
    """Carry a round from where it is to its end."""
    rounds = Round.objects.select_related("project", "base_version", "model_version", "snapshot")
    round_ = rounds.get(pk=lease.job.arguments["round"])
    report = Reporter(lease)
    try:
        while (step := STEPS.get(RoundState(round_.state))) is not None:
            report.check()
            step(round_, report)
    except JobCancelled:
        end_round(round_=round_, to=RoundState.CANCELLED, message="Cancelled.")
        forget_checkpoint(round_)
        raise
    except (TrainingDiverged, BrokenModel, NothingToLearn, MixedVersions) as error:
        end_round(round_=round_, to=RoundState.FAILED, message=f"{error}. What served before is unchanged.")
        forget_checkpoint(round_)
        raise
    lease.result.update(round=round_.number, state=str(round_.state))
    forget_checkpoint(round_)


def _begin(round_: Round, report: Reporter) -> None:
    """Freeze what decides the outcome beside the labels: vocabulary and precision."""
    report.tell("snapshot", "")
    frozen = {"vocabulary": vocabulary_of(round_.project).as_dict(), "precision": machine_precision()}
    advance_round(round_=round_, to=RoundState.SNAPSHOT, settings={**round_.settings, **frozen})


def _snapshot(round_: Round, report: Reporter) -> None:
    snapshot = freeze_snapshot(round_=round_, vocabulary_version=round_.project.vocabulary_version)
    report.tell("snapshot", f"{snapshot.items.count()} readings")
    report.log(f"snapshot {snapshot.hash[:12]}")


def _evaluate(round_: Round, report: Reporter) -> None:
    """Measure the new version and the one that serves on the same VALIDATION cases."""
    version, champion = round_.model_version, serving_version(round_.project)
    assert version is not None
    versions = [version] if champion is None else [version, champion]

    def on_case(done: int, total: int) -> None:
        if report.is_due():
            report.tell("evaluate", f"{done} of {total} cases")

    loaded = [load_version(one) for one in versions]
    measured = measure_versions(
        round_.project, Split.VALIDATION, loaded, threshold=round_.project.display_threshold, on_case=on_case
    )
    report.check()
    evaluations = [
        (one, version_numbers(cases, one, Split.VALIDATION)) for one, cases in zip(versions, measured, strict=True)
    ]
    with transaction.atomic():
        for one, numbers in evaluations:
            record_evaluation(version=one, split=Split.VALIDATION, **numbers)
        advance_round(round_=round_, to=RoundState.GATING)
    patients = evaluations[0][1]["n_patients"]
    if not patients:
        note_on_round(round_=round_, sentence="VALIDATION has no labelled case yet: nothing could be measured.")
    report.tell("evaluate", f"{patients} patients")


def _gate(round_: Round, report: Reporter) -> None:
    version, champion = round_.model_version, serving_version(round_.project)
    assert version is not None
    own = latest_evaluation(version)
    others = latest_evaluation(champion) if champion else None
    gate = gate_decision(
        own.per_case if own else [],
        others.per_case if others else [],
        against=champion.number if champion else None,
        rule=GateRule(round_.settings.get("gate_margin"), round_.settings.get("unproven_serves", False)),
        seed=version.seed,
    )
    with transaction.atomic():
        if gate["decision"] == "serves":
            promote_version(version=version, by=None, gate=gate)
        else:
            hold_version(version=version, gate=gate)
        advance_round(round_=round_, to=RoundState.PREDICTING)
    note_on_round(round_=round_, sentence=gate["text"])
    report.tell("gate", f"against v{champion.number}" if champion else "first version")


def _predict(round_: Round, report: Reporter) -> None:
    """The serving version reads the unread cases, those that are next in the worklist first."""
    version = serving_version(round_.project)
    if version is None:
        note_on_round(round_=round_, sentence="No version serves: nothing is predicted, and the worklist keeps its order.")
        report.tell("predict", "")
    else:
        forget_other_versions(round_=round_, version=version)
        _read_pool(round_, version, report)
    advance_round(round_=round_, to=RoundState.RANKING)


def _read_pool(round_: Round, version: ModelVersion, report: Reporter) -> None:
    """Let the version read and measure what it has not measured in this round."""
    usable, because = usable_acquisition(version, round_.settings["acquisition"])
    if because:
        choose_by(round_=round_, acquisition=usable, because=because)
    total = cases_to_predict(round_.project).count()
    waiting = list(unscored(round_, version, cases_to_predict(round_.project)))

    def on_chunk(done: int, measured: list[CaseMeasured]) -> None:
        store_measures(round_=round_, version=version, measured=measured)
        report.tell("predict", f"{total - len(waiting) + done} of {total} cases")

    read_cases(version, waiting, report=report, needs=ACQUISITIONS[usable].columns, on_chunk=on_chunk)
    report.tell("predict", f"{total} cases")


def _rank(round_: Round, report: Reporter) -> None:
    """Draw the next batch and write the order of the worklist; a version that came to serve meanwhile measures first."""
    version = serving_version(round_.project)
    if version is None:
        report.tell("rank", "")
        advance_round(round_=round_, to=RoundState.DONE)
        return
    if forget_other_versions(round_=round_, version=version):
        _read_pool(round_, version, report)
    rows = scored(round_, version)

    def labelled() -> Values:
        cases = [reading.case for reading in snapshot_readings(round_)]
        return labelled_embedding(load_version(version), cases, report.check)

    scores, drawn = choose_batch(
        [measures_of(row) for row in rows],
        [row.case.group_key for row in rows],
        project=round_.project,
        settings_=round_.settings,
        round_number=round_.number,
        labelled=labelled,
    )
    batch = [Chosen(rows[one.row].case_id, one.arm, one.inclusion_probability) for one in drawn]
    report.check()
    of_case = {row.case_id: float(score) for row, score in zip(rows, scores, strict=True)}
    write_ranking(round_=round_, version=version, batch=batch, scores=of_case)
    report.tell("rank", f"next {len(batch)}")
    advance_round(round_=round_, to=RoundState.DONE)


STEPS: Final[dict[RoundState, Callable[[Round, Reporter], None]]] = {
    RoundState.QUEUED: _begin,
    RoundState.SNAPSHOT: _snapshot,
    RoundState.TRAINING: train_round,
    RoundState.EVALUATING: _evaluate,
    RoundState.GATING: _gate,
    RoundState.PREDICTING: _predict,
    RoundState.RANKING: _rank,
}
