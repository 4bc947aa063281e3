"""A round, step by step: snapshot → train → evaluate → gate → predict → rank.

The round's state says which step is next, every step may be begun anew, and training goes on from its last checkpoint:
a worker may die anywhere, the next one goes on. All writes are short; the long work happens between them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

from django.db import transaction
from django.utils import timezone

from backend.archive.store import StoreFull
from backend.jobs.services import JobCancelled, Lease
from backend.learning.display_threshold import display_threshold
from backend.learning.gate import GateRule, gate_decision
from backend.learning.models import Round, RoundState, Track
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
from backend.learning.selectors import cases_to_predict, next_cases, snapshot_readings, truth
from backend.learning.services import advance_round, choose_by, end_round, freeze_snapshot, note_on_round
from backend.learning.vocabulary import Vocabulary, vocabulary_of
from backend.projects.models import Split
from backend.readings.models import Reading
from backend.registry.models import ModelVersion
from backend.registry.selectors import latest_evaluation, serving_beside, serving_version
from backend.registry.services import record_evaluation, set_display_threshold, settle_gate
from workers.choosing import choose_batch, labelled_embedding, measures_of
from workers.cnn.acquisition import ACQUISITIONS
from workers.cnn.candidates import Values
from workers.cnn.predict import BrokenModel
from workers.cnn.train import TrainingDiverged
from workers.evaluating import PerCase, fast_sample, known_cases, measure_readings, version_numbers
from workers.networks import load_version, machine_precision, machine_processes, usable_acquisition
from workers.planning import round_plan
from workers.pool import read_cases
from workers.reporting import Reporter, left_out
from workers.training import NothingToLearn, forget_checkpoint, train_round


def run_round(lease: Lease) -> None:
    """Carry a round from where it is to its end."""
    rounds = Round.objects.select_related("project", "base_version", "model_version", "snapshot")
    round_ = rounds.get(pk=lease.job.arguments["round"])
    report = Reporter(lease)
    try:
        while (step := STEPS.get(RoundState(round_.state))) is not None:
            report.check()
            state, began = str(round_.state), time.monotonic()
            step(round_, report)
            lease.result.setdefault("seconds", {})[state] = round(time.monotonic() - began, 2)
    except JobCancelled:
        end_round(round_=round_, to=RoundState.CANCELLED, message="Cancelled.")
        forget_checkpoint(round_)
        raise
    except (TrainingDiverged, BrokenModel, NothingToLearn, MixedVersions) as error:
        _fail(round_, str(error))
        raise
    except StoreFull as error:
        _fail(round_, str(error.strerror))
        raise
    lease.result.update(round=round_.number, state=str(round_.state))
    forget_checkpoint(round_)


def _fail(round_: Round, why: str) -> None:
    """End the round with a sentence on why, and one on what readers see now."""
    serving = serving_version(round_.project)
    if serving is not None and serving.pk == round_.model_version_id:
        now = f"Version {serving.number} serves; what it has not read yet is read next."
    else:
        now = "What served before is unchanged."
    end_round(round_=round_, to=RoundState.FAILED, message=f"{why}. {now}")
    forget_checkpoint(round_)


def _begin(round_: Round, report: Reporter) -> None:
    """Freeze what decides the outcome beside the labels: vocabulary, plan, precision, and how many train together."""
    report.tell("snapshot", "")
    plan = round_plan(round_)
    is_fast = round_.settings["track"] == Track.FAST
    frozen = {
        "vocabulary": vocabulary_of(round_.project).as_dict(),
        "plan": plan.as_dict(),
        "image_size": plan.size,
        "precision": machine_precision(3 if plan.is_volume else 2),
        # The few steps of the fast track would be over before several processes have started.
        "processes": 1 if is_fast else machine_processes(),
    }
    advance_round(round_=round_, to=RoundState.SNAPSHOT, settings={**round_.settings, **frozen})


def _snapshot(round_: Round, report: Reporter) -> None:
    snapshot = freeze_snapshot(round_=round_, vocabulary_version=round_.project.vocabulary_version)
    report.tell("snapshot", f"{snapshot.items.count()} readings")
    report.log(f"snapshot {snapshot.hash[:12]}")


def _evaluate(round_: Round, report: Reporter) -> None:
    """Measure the new version on VALIDATION: whole, or in a fast round at least on a fixed sample of its patients."""
    version = round_.model_version
    assert version is not None
    readings = truth(round_.project, Split.VALIDATION)
    if round_.settings["track"] == Track.FAST:
        vocabulary = Vocabulary.from_dict(version.finding_type_ids)
        sample = fast_sample(readings, key=round_.project.split_key, vocabulary=vocabulary)
        if len(sample) < len(readings):
            sentence = f"Measured on {len(sample)} of {len(readings)} VALIDATION cases, patients drawn once at random."
            note_on_round(round_=round_, sentence=sentence)
        readings = sample
    measured = _measured_as_shown(version, readings, round_, report)
    report.check()
    if broken := len(readings) - len(measured):
        note_on_round(round_=round_, sentence=left_out(broken, "VALIDATION"))
    numbers = version_numbers(measured, version, Split.VALIDATION)
    with transaction.atomic():
        record_evaluation(version=version, split=Split.VALIDATION, **numbers)
        advance_round(round_=round_, to=RoundState.GATING)
    if not numbers["n_patients"]:
        note_on_round(round_=round_, sentence="VALIDATION has no labelled case yet: nothing could be measured.")
    report.tell("evaluate", f"{numbers['n_patients']} patients")


def _measured_as_shown(version: ModelVersion, readings: Sequence[Reading], round_: Round, report: Reporter) -> list[PerCase]:
    """The cases as the version reads them, after it has been decided from which score on its findings are shown.

    What is shown decides Dice and distances, so a threshold that VALIDATION moves has its cases measured once more.
    """
    project = round_.project
    if project.false_positives_allowed is None:
        return _measured(version, readings, report)
    # Begun anew, the step comes to the same threshold: it is always looked for from the project's on.
    version.display_threshold = least = project.display_threshold
    measured = _measured(version, readings, report)
    found = display_threshold(measured, least=least, allowed=project.false_positives_allowed)
    if found is None:
        sentence = f"VALIDATION has too few labelled cases to choose a display threshold: {least:g}, as for the project."
    else:
        sentence = f"Findings are shown from a score of {found:g}, so that VALIDATION has at most "
        sentence += f"{project.false_positives_allowed:g} false ones per image."
    set_display_threshold(version=version, threshold=least if found is None else found)
    note_on_round(round_=round_, sentence=sentence)
    return measured if found is None or found == least else _measured(version, readings, report)


def _measured(version: ModelVersion, readings: Sequence[Reading], report: Reporter) -> list[PerCase]:
    """The cases of these readings as the version reads them and shows what it finds."""

    def on_case(done: int, total: int) -> None:
        if report.is_due():
            report.tell("evaluate", f"{done} of {total} cases")

    threshold = version.display_threshold
    (cases,) = measure_readings(readings, [load_version(version)], threshold=threshold, on_case=on_case)
    return cases


def _gate(round_: Round, report: Reporter) -> None:
    version = round_.model_version
    assert version is not None
    champion = serving_beside(version)
    own, others = _paired(version, champion, round_, report)
    gate = gate_decision(
        own,
        others,
        against=champion.number if champion else None,
        rule=GateRule(round_.settings.get("gate_margin"), round_.settings.get("unproven_serves", False)),
        seed=version.seed,
    )
    if gate["decision"] == "serves":
        _read_next(round_, version, report)
    with transaction.atomic():
        settled = settle_gate(version=version, against=champion, gate=gate)
        if settled:
            advance_round(round_=round_, to=RoundState.PREDICTING)
    if not settled:
        report.log("another version has come to serve: compared with that")
        _gate(round_, report)
        return
    note_on_round(round_=round_, sentence=gate["text"])
    report.tell("gate", f"against v{champion.number}" if champion else "first version")


def _paired(
    version: ModelVersion, champion: ModelVersion | None, round_: Round, report: Reporter
) -> tuple[list[PerCase], list[PerCase]]:
    """What was measured of the new version, and of the one that serves on the same cases against the same readings.

    What is known of the latter is not measured again; what is not, a slow round records as a new evaluation.
    """
    evaluation = latest_evaluation(version)
    own = evaluation.per_case if evaluation else []
    if champion is None:
        return own, []
    among = {case["case"] for case in own}
    readings = [reading for reading in truth(round_.project, Split.VALIDATION) if str(reading.case_id) in among]
    known = known_cases(champion, readings)
    have = {case["case"] for case in known}
    missing = [reading for reading in readings if str(reading.case_id) not in have]
    others = [*known, *_measured(champion, missing, report)]
    if missing and round_.settings["track"] == Track.SLOW:
        record_evaluation(version=champion, split=Split.VALIDATION, **version_numbers(others, champion, Split.VALIDATION))
    # A reading that has changed since the new version was measured is another truth: such a case counts for neither.
    alike = {case["truth_as"] for case in own} & {case["truth_as"] for case in others}
    return [case for case in own if case["truth_as"] in alike], [case for case in others if case["truth_as"] in alike]


def _read_next(round_: Round, version: ModelVersion, report: Reporter) -> None:
    """Before the version serves it reads what the readers open next: they are not left without for a moment."""
    cases = next_cases(round_.project, now=timezone.now())
    read_cases(version, cases, report=report, on_chunk=lambda done, measured: None)
    if cases:
        report.log(f"read the next {len(cases)} cases of the readers")


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
    if broken := unscored(round_, version, cases_to_predict(round_.project)).count():
        note_on_round(round_=round_, sentence=left_out(broken, "unread"))
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
        [row.case for row in rows],
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
