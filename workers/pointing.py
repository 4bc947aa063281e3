"""The part of a round in which a network learns to answer clicks, beside the automatic one; and that network, loaded."""

from __future__ import annotations

import random
import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Final

from django.conf import settings

from backend.archive.store import delete_object, get_object, put_object
from backend.learning.models import Round, Track
from backend.learning.selectors import snapshot_readings
from backend.learning.services import note_on_round
from backend.learning.vocabulary import Vocabulary
from backend.readings.models import Reading
from backend.registry.models import ModelVersion
from workers.checkpoints import keep_checkpoint, resume_training
from workers.cnn.checkpoint import decode_weights, encode_weights, network_of
from workers.cnn.model import NetConfig, UNet
from workers.cnn.prompt_training import PromptSamples, PromptTraining, cut_lesion, gathered, prompt_steps
from workers.cnn.train import SCRATCH_RATE, Recipe, TrainingDiverged
from workers.datasets import outlined_lesions
from workers.reporting import LOG_SECONDS, Reporter

LEAST_LESIONS: Final = 10
"""With fewer outlined lesions the tools that need no model are better."""
MOST_LESIONS: Final = 2000
"""Some 130 MB in memory; a network of this size learns no more from more of them."""
KEPT: Final = 2

Prompts = dict[str, Any]
"""What a version's `config` says of the network beside it: key and digest of the weights, shape, and what it cost."""


def train_prompts(round_: Round, vocabulary: Vocabulary, report: Reporter) -> PromptTraining | None:
    """Learn to answer clicks from the round's outlined lesions, or go on from the last checkpoint.

    None, and a sentence on the round, where there are too few lesions, or where the training diverged: the automatic
    network is none the worse for it.
    """
    samples = _samples(round_, snapshot_readings(round_), vocabulary)
    if len(samples) < LEAST_LESIONS:
        lesions = "1 outlined lesion" if len(samples) == 1 else f"{len(samples)} outlined lesions"
        note_on_round(round_=round_, sentence=f"Only {lesions}: this version does not answer clicks.")
        return None
    training = _new_training(round_, samples)
    resume_training(training, _checkpoint_key(round_), report, of="clicks ")
    try:
        _run(training, round_, report)
    except TrainingDiverged:
        note_on_round(round_=round_, sentence="To answer clicks could not be learned: the training diverged.")
        return None
    return training


def carried_prompts(round_: Round) -> dict[str, Prompts]:
    """On the fast track what answers clicks is the base version's: all lesions anew would cost the time that it saves."""
    base = round_.base_version
    if round_.settings["track"] != Track.FAST or base is None or "prompts" not in base.config:
        return {}
    return {"prompts": base.config["prompts"]}


def store_prompts(training: PromptTraining | None, prefix: str) -> dict[str, Prompts]:
    """Keep the network's weights beside the version's own; what the version's `config` says of them."""
    if training is None:
        return {}
    net = training.network.config
    data, digest = encode_weights(training.weights(), config=net)
    key = f"{prefix}-{digest}.prompts.safetensors"
    put_object(key=key, data=data)
    about = {"steps": training.step, "lesions": len(training.samples), "core_seconds": round(training.core_seconds, 2)}
    return {"prompts": {"key": key, "sha256": digest, "net": net.as_dict(), **about}}


_warm: OrderedDict[str, UNet] = OrderedDict()


def load_prompts(version: ModelVersion) -> UNet | None:
    """The network that answers clicks for a version, from this process's memory where it is warm; None where it has none."""
    kept: Prompts | None = version.config.get("prompts")
    if not kept:
        return None
    if kept["sha256"] not in _warm:
        weights = decode_weights(get_object(kept["key"]), sha256=kept["sha256"])
        _warm[kept["sha256"]] = network_of(weights, config=NetConfig.from_dict(kept["net"]))
        while len(_warm) > KEPT:
            _warm.popitem(last=False)
    _warm.move_to_end(kept["sha256"])
    return _warm[kept["sha256"]]


def forget_prompt_checkpoint(round_: Round) -> None:
    """Drop the checkpoint of this part of the round."""
    delete_object(_checkpoint_key(round_))


def _samples(round_: Round, readings: Sequence[Reading], vocabulary: Vocabulary) -> PromptSamples:
    """Their outlined lesions; of very many a random part, the same at every attempt."""
    shuffled = list(readings)
    random.Random(round_.settings["seed"]).shuffle(shuffled)
    cut = []
    for image, mask in outlined_lesions(shuffled, vocabulary=vocabulary, size=round_.settings["image_size"]):
        lesion = cut_lesion(image, mask)
        if lesion is not None:
            cut.append(lesion)
        if len(cut) == MOST_LESIONS:
            break
    return gathered(cut)


def _new_training(round_: Round, samples: PromptSamples) -> PromptTraining:
    recipe = Recipe(
        steps=prompt_steps(round_.settings["steps"], image_size=round_.settings["image_size"]),
        seed=round_.settings["seed"],
        rate=SCRATCH_RATE,
        flip=not round_.project.laterality_matters,
        precision=round_.settings["precision"],
    )
    return PromptTraining(samples, recipe=recipe)


def prompts_made_again(round_: Round, readings: Sequence[Reading], vocabulary: Vocabulary) -> str:
    """SHA-256 of the weights that the round's training for clicks gives on these readings; nothing is stored."""
    training = _new_training(round_, _samples(round_, readings, vocabulary))
    for _ in training.run():
        pass
    return encode_weights(training.weights(), config=training.network.config)[1]


def _run(training: PromptTraining, round_: Round, report: Reporter) -> None:
    """The loop: once a second tell, every few seconds log, every ten seconds keep a checkpoint."""
    steps = training.recipe.steps
    saved = logged = time.monotonic()
    for progress in training.run():
        if not report.is_due() and progress.step < steps:
            continue
        now = time.monotonic()
        report.tell("train", f"clicks: step {progress.step} of {steps}")
        if now - logged >= LOG_SECONDS or progress.step == steps:
            report.log(f"clicks step {progress.step} loss {progress.loss:.4f}")
            logged = now
        if now - saved >= settings.CHECKPOINT_SECONDS or progress.step == steps:
            keep_checkpoint(training, _checkpoint_key(round_))
            saved = now


def _checkpoint_key(round_: Round) -> str:
    return f"checkpoints/{round_.pk}/prompts"
