"""The gate: a version serves by itself only if VALIDATION shows it better than chance and not worse than the champion.

Better than chance is asked of every version, the first one, too: a network that was trained on wrong labels looks like
any other until somebody asks whether it looks at the image. It is asked on the same patients as everything else:

- marks: those shown must overlap the lesions of their own image more than the lesions of other patients' images
  (`metrics.chance`), which a reader that says nothing, or always marks the usual place, does not;
- scores: the AUC of "any lesion" must lie above 0.5, where at least 20 images bear a lesion and 20 do not;
- where neither can be asked, some finding of the whole image must, at a level divided by their number (Bonferroni).

Each by the lower end of a bootstrap interval over patients. Against the champion Dice and the AUC of "any lesion" count;
where no lesion is marked in VALIDATION, the mean AUC of the findings of the whole image. Where VALIDATION is too small to
ask anything, the version waits for a lead, unless the policy says that unproven versions serve.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from backend.learning.case_statistics import PerCase, auc_of, mean_auc_of, mean_of
from backend.learning.leading_metric import FINDING, FINDINGS_AUC, IN_WORDS, measured_findings, shows_lesions
from backend.learning.vocabulary import ANY_LESION
from backend.metrics.chance import overlap_beyond_chance
from backend.metrics.intervals import MIN_PATIENTS, MIN_POSITIVE, cluster_interval, paired_difference, value_of

GATE_METRICS: Final = ("dice", "auc")
MARKS: Final = "marks"
CHANCE_AUC: Final = 0.5
MAX_MARGIN: Final = 0.2
FORESEEN: Final = 10
"""Of how many times the patients it is told that they would show a version within the margin; beyond it is a guess."""

Told = dict[str, Any]
Pair = tuple[PerCase, PerCase]
"""A case as the challenger and as the champion read it."""


@dataclass(frozen=True, slots=True)
class GateRule:
    """What the lead asks of a challenger.

    `margin`: it must be shown not to be worse than the champion by more than this, in Dice and in AUC (without lesions: in
    the AUC of image findings); None: it must not be shown to be worse. `unproven_serves`: what happens where VALIDATION is
    too small to show anything.
    """

    margin: float | None = None
    unproven_serves: bool = False


def gate_decision(
    challenger: Sequence[PerCase],
    champion: Sequence[PerCase],
    *,
    against: int | None,
    rule: GateRule = GateRule(),
    seed: int = 0,
) -> Told:
    """Whether the challenger serves, with all that led to it.

    {against, n_patients, margin, unproven_serves, proof: [{check, value, chance, low, high, n_patients, n_positive,
    passed}], metrics: [{metric, difference, low, high}], needed_patients, reasons: [code], decision, text}. `against` is
    the champion's number; `needed_patients`: of how many VALIDATION patients the intervals would be narrow enough for the
    margin, where they alone are in the way. ValueError where the two were not measured on the same cases.
    """
    told: Told = {
        "against": against,
        "n_patients": len({case["group"] for case in challenger}),
        "margin": rule.margin,
        "unproven_serves": rule.unproven_serves,
        "proof": proof_of(challenger, seed),
        "metrics": [],
        "needed_patients": None,
    }
    if against is not None:
        if {case["case"] for case in challenger} != {case["case"] for case in champion}:
            raise ValueError("the two versions were not measured on the same cases")
        told["metrics"] = differences(challenger, champion, seed)
        told["needed_patients"] = _needed_patients(told, rule)
    return {**told, **_verdict(told, rule)}


def proof_of(cases: Sequence[PerCase], seed: int) -> list[Told]:
    """What shows that the version looks at the image, of the questions that these cases can answer."""
    asked = [one for one in (_marks(cases, seed), _scores(cases, ANY_LESION, seed, 0.95)) if one is not None]
    if asked:
        return asked
    names = sorted({name for case in cases for name in case["truth"] if name.startswith(FINDING)})
    level = 1 - 0.05 / max(1, len(names))
    return [one for one in (_scores(cases, name, seed, level) for name in names) if one is not None]


def _marks(cases: Sequence[PerCase], seed: int) -> Told | None:
    rows = [case for case in cases if case["complete"] and case["hits"] and case.get("places")]
    groups = [case["group"] for case in rows]
    if len(rows) < MIN_POSITIVE or len(set(groups)) < MIN_PATIENTS:
        return None
    own, others = overlap_beyond_chance(
        [case["places"]["shown"] for case in rows], [case["places"]["true"] for case in rows], groups
    )
    low, high = cluster_interval(mean_of((own - others).tolist()), groups=groups, seed=seed)
    chance = float(others.mean())
    return _asked(MARKS, float(own.mean()), chance, _shifted(low, chance), _shifted(high, chance), groups, len(rows))


def _shifted(bound: float | None, by: float) -> float | None:
    return None if bound is None else bound + by


def _scores(cases: Sequence[PerCase], output: str, seed: int, level: float) -> Told | None:
    rows = [case for case in cases if output in case["truth"]]
    positive = sum(case["truth"][output] for case in rows)
    groups = [case["group"] for case in rows]
    if min(positive, len(rows) - positive) < MIN_POSITIVE or len(set(groups)) < MIN_PATIENTS:
        return None
    statistic = auc_of(rows, output)
    value = value_of(statistic, len(rows))
    low, high = cluster_interval(statistic, groups=groups, seed=seed, level=level)
    return _asked(output, value, CHANCE_AUC, low, high, groups, positive)


def _asked(
    check: str, value: float | None, chance: float, low: float | None, high: float | None, groups: list[str], positive: int
) -> Told:
    return {
        "check": check,
        "value": value,
        "chance": chance,
        "low": low,
        "high": high,
        "n_patients": len(set(groups)),
        "n_positive": positive,
        "passed": low is not None and low > chance,
    }


def differences(challenger: Sequence[PerCase], champion: Sequence[PerCase], seed: int) -> list[Told]:
    """Challenger minus champion, paired by patient, for each metric that enough cases back.

    Where no lesion is marked in any case: the mean AUC of the findings of the whole image that both can be measured on.
    """
    others = {case["case"]: case for case in champion}
    pairs = [(case, others[case["case"]]) for case in sorted(challenger, key=lambda case: str(case["case"]))]
    findings = [] if shows_lesions(challenger) else _shared_findings(challenger, champion)
    if findings:
        differing = {FINDINGS_AUC: _findings_difference(pairs, findings, seed)}
    else:
        differing = {name: _difference(name, pairs, seed) for name in GATE_METRICS}
    found = []
    for name, difference in differing.items():
        if difference is not None:
            value, low, high = difference
            found.append({"metric": name, "difference": value, "low": low, "high": high})
    return found


def _difference(name: str, pairs: Sequence[Pair], seed: int) -> tuple[float, float, float] | None:
    if name == "dice":
        pairs = [pair for pair in pairs if pair[0]["dice"] is not None]
        positive = len(pairs)
        statistics = [mean_of([pair[side]["dice"] for pair in pairs]) for side in (0, 1)]
    else:
        pairs = [pair for pair in pairs if ANY_LESION in pair[0]["truth"]]
        bearing = sum(pair[0]["truth"][ANY_LESION] for pair in pairs)
        positive = min(bearing, len(pairs) - bearing)  # Of few images without a lesion all draws say the same.
        statistics = [auc_of([pair[side] for pair in pairs], ANY_LESION) for side in (0, 1)]
    if positive < MIN_POSITIVE:
        return None
    return paired_difference(*statistics, groups=[pair[0]["group"] for pair in pairs], seed=seed)


def _shared_findings(challenger: Sequence[PerCase], champion: Sequence[PerCase]) -> list[str]:
    """A version from before a finding type existed says nothing of it."""
    others = set(measured_findings(champion))
    return [name for name in measured_findings(challenger) if name in others]


def _findings_difference(pairs: Sequence[Pair], findings: Sequence[str], seed: int) -> tuple[float, float, float] | None:
    pairs = [pair for pair in pairs if any(name in pair[0]["truth"] for name in findings)]
    statistics = [mean_auc_of([pair[side] for pair in pairs], findings) for side in (0, 1)]
    return paired_difference(*statistics, groups=[pair[0]["group"] for pair in pairs], seed=seed)


def _verdict(told: Told, rule: GateRule) -> Told:
    """Reasons in a fixed order: what forbids, else what is unproven, else what was shown."""
    against, patients, proof = told["against"], told["n_patients"], told["proof"]
    forbids = [*_no_better_than_chance(proof), *_worse(told, rule)]
    if forbids:
        return _decided("waits", forbids)
    counted = "1 patient" if patients == 1 else f"{patients} patients"
    unproven = []
    if not proof:
        sentence = f"VALIDATION has too few labelled cases to show this version better than chance ({counted})"
        unproven.append(("few_to_prove", sentence))
    elif against is not None and not told["metrics"]:
        unproven.append(("few_to_compare", f"VALIDATION has too few labelled cases to compare ({counted})"))
    if unproven:
        end = ": the policy lets it serve unproven." if rule.unproven_serves else ": it waits for a lead."
        told_so = [(code, sentence + end) for code, sentence in unproven]
        return _decided("serves" if rule.unproven_serves else "waits", told_so)
    shown = [("proven", f"Better than chance on VALIDATION ({counted}).")]
    if against is not None:
        by = "" if rule.margin is None else f" by more than {rule.margin:g}"
        shown.append(("not_worse", f"Not worse than version {against}{by} on VALIDATION ({counted})."))
    return _decided("serves", shown)


def _no_better_than_chance(proof: list[Told]) -> list[tuple[str, str]]:
    """Marks and "any lesion" must each pass where they are asked; of findings of the whole image one suffices."""
    failed = {one["check"] for one in proof if not one["passed"]}
    found = []
    if MARKS in failed:
        found.append(("marks_chance", "Its marks meet the lesions of VALIDATION no better than chance: it waits."))
    if ANY_LESION in failed:
        sentence = "Its scores tell the images with a lesion in VALIDATION no better than chance: it waits."
        found.append(("scores_chance", sentence))
    if failed and len(failed) == len(proof) and not found:
        sentence = "Its scores tell no finding of the whole image in VALIDATION better than chance: it waits."
        found.append(("findings_chance", sentence))
    return found


def _worse(told: Told, rule: GateRule) -> list[tuple[str, str]]:
    against, metrics = told["against"], told["metrics"]
    if rule.margin is None:
        worse = [_in_words(one["metric"]) for one in metrics if one["high"] < 0]
        sentence = f"Worse than version {against} on VALIDATION ({', '.join(worse)}): it waits."
        return [("worse", sentence)] if worse else []
    unshown = ", ".join(_in_words(one["metric"]) for one in metrics if one["low"] <= -rule.margin)
    if not unshown:
        return []
    if told["needed_patients"] is None:
        sentence = f"Not shown to be within {rule.margin:g} of version {against} on VALIDATION ({unshown}): it waits."
        return [("beyond_margin", sentence)]
    sentence = (
        f"VALIDATION is too small to show it within {rule.margin:g} of version {against} ({told['n_patients']} patients; "
        f"{unshown}): it waits. "
        f"About {told['needed_patients']} patients would, if it stays as measured; or a lead promotes it."
    )
    return [("wide_interval", sentence)]


def _needed_patients(told: Told, rule: GateRule) -> int | None:
    """How many patients it takes until no interval reaches beyond the margin, if the differences stay what they are.

    An interval narrows with the root of their number. None where nothing is in the way, where a difference itself lies
    beyond the margin or close by, or where there is no margin.
    """
    if rule.margin is None:
        return None
    wide = [one for one in told["metrics"] if one["low"] <= -rule.margin]
    times = 0.0
    for one in wide:
        room = one["difference"] + rule.margin
        times = max(times, ((one["difference"] - one["low"]) / room) ** 2 if room > 0 else math.inf)
    return math.ceil(told["n_patients"] * times / 10) * 10 if wide and times <= FORESEEN else None


def _in_words(metric: str) -> str:
    return IN_WORDS.get(metric, metric)


def _decided(decision: str, reasons: list[tuple[str, str]]) -> Told:
    return {
        "decision": decision,
        "reasons": [code for code, _ in reasons],
        "text": " ".join(sentence for _, sentence in reasons),
    }
