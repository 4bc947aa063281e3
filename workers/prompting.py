"""Answers clicks from a thread of the process that predicts: a person waits for it, a batch does not mind.

The queue `infer` runs one job at a time, and a job that reads a pool takes minutes. A thread beside it answers between two
of that job's steps of arithmetic, on networks of its own; no job has to be told to make room.
"""

from __future__ import annotations

import base64
import logging
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from celery.signals import worker_process_init
from django.conf import settings
from django.db import close_old_connections
from redis import RedisError

from backend.archive.models import Instance
from backend.geometry.rle import encode_mask
from backend.jobs.questions import answer, next_question
from backend.learning.prompts import GENERIC_TOPIC, TOPIC
from backend.registry.models import ModelVersion
from workers.cnn.model import build_network
from workers.cnn.plan import WIDE_CT, Pair
from workers.cnn.prompts import NET, Floats, Outline, Prompt, cut_view, segment, whole_view
from workers.cnn.sam import Sam, SamRefused
from workers.datasets import grey_frame, shown_window
from workers.networks import version_window
from workers.pointing import knows_strokes, load_prompts

logger = logging.getLogger(__name__)

PAUSE_SECONDS: Final = 1.0
PICTURES: Final = 8

Picture = tuple[np.ndarray[Any, np.dtype[np.uint8]], Floats]


@worker_process_init.connect
def listen_for_prompts(**_: object) -> None:
    """In each process of a worker of the queue `infer`, once it has begun."""
    if "infer" in os.environ.get("OVERREAD_QUEUES", "infer").split(","):
        threading.Thread(target=answer_prompts, name="prompts", daemon=True).start()
        if settings.SAM_ENCODER:
            threading.Thread(target=answer_generic_prompts, name="generic prompts", daemon=True).start()


def answer_prompts(stop: threading.Event | None = None) -> None:
    """Answer one prompt after the other until told to stop."""
    # The first convolution of a process takes a hundred times longer than the second.
    segment(build_network(NET, seed=0), np.zeros((64, 64), np.uint8), Prompt(positive=[(32, 32)]))
    _answer(TOPIC, lambda question: {"mask": outline_of(question)}, stop)


def answer_generic_prompts(stop: threading.Event | None = None) -> None:
    """The same by the operator's general-purpose network; nobody listens where its files cannot be used."""
    try:
        sam = Sam(Path(settings.SAM_ENCODER), Path(settings.SAM_DECODER))
    except SamRefused as refused:
        logger.error("no general-purpose network: %s", refused)
        return
    _answer(GENERIC_TOPIC, GenericAnswers(sam), stop)


def _answer(topic: str, told: Callable[[dict[str, Any]], dict[str, Any]], stop: threading.Event | None) -> None:
    stop = stop or threading.Event()
    while not stop.is_set():
        try:
            asked = next_question(topic)
            if asked is not None:
                answer(asked[0], _answered(asked[1], told))
        except RedisError as error:
            logger.warning("prompts wait for Redis: %s", error)
            stop.wait(PAUSE_SECONDS)


def _answered(question: dict[str, Any], told: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    """The answer, or why there is none; whatever goes wrong with one prompt, the next is answered."""
    close_old_connections()
    try:
        return told(question)
    except Exception:
        logger.exception("a prompt could not be answered")
        return {"failed": True}
    finally:
        close_old_connections()


def outline_of(question: dict[str, Any]) -> dict[str, Any] | None:
    """The lesion as {origin (row, column), shape, runs}: see `backend.learning.prompts.segment`."""
    began = time.monotonic()
    version = ModelVersion.objects.get(pk=question["version"])
    network = load_prompts(version)
    if network is None:
        raise ValueError(f"version {version.number} answers no prompts")
    image, whole = _picture(*_pointed_at(question), version_window(version))
    prompt = prompt_of(question)
    found = segment(network, image, prompt if knows_strokes(version) else prompt.as_clicks(), whole=whole)
    logger.debug("prompt answered in %.0f ms", (time.monotonic() - began) * 1000)
    return _laid_out(found)


class GenericAnswers:
    """Answers of a general-purpose network, with the embeddings of the images that were pointed at last (4 MB each)."""

    def __init__(self, sam: Sam) -> None:
        self._sam = sam
        self._embeddings: OrderedDict[tuple[int, str, int, Pair], tuple[Floats, tuple[int, int]]] = OrderedDict()

    def __call__(self, question: dict[str, Any]) -> dict[str, Any]:
        """The mask, and which network it is of."""
        # It has no window of its own: it sees CT as the version that serves does.
        serving = ModelVersion.objects.filter(pk=question["serving"]).first()
        key = *_pointed_at(question), version_window(serving) if serving else WIDE_CT
        if key not in self._embeddings:
            image, _ = _picture(*key)
            self._embeddings[key] = self._sam.embed(image), image.shape
            while len(self._embeddings) > PICTURES:
                self._embeddings.popitem(last=False)
        self._embeddings.move_to_end(key)
        embedding, (rows, columns) = self._embeddings[key]
        found = self._sam.outline(embedding, prompt_of(question), rows=rows, columns=columns)
        return {"mask": _laid_out(found), "generic": self._sam.sha256}


def _laid_out(found: Outline | None) -> dict[str, Any] | None:
    """As a lesion's mask is told."""
    if found is None:
        return None
    runs = base64.b64encode(encode_mask(found.mask)).decode()
    return {"origin": list(found.origin), "shape": [1, *found.mask.shape], "runs": runs}


def prompt_of(question: dict[str, Any]) -> Prompt:
    """What is asked, as the network takes it; the corners of a box in any order."""
    box, strokes = question["box"], question["strokes"]
    corners = None if box is None else np.concatenate([np.min(box, axis=0), np.max(box, axis=0)]).tolist()
    on, beside = ([stroke["points"] for stroke in strokes if stroke["positive"] is wanted] for wanted in (True, False))
    return Prompt(question["positive"], question["negative"], corners and tuple(corners), on, beside)


def _pointed_at(question: dict[str, Any]) -> tuple[int, str, int]:
    """The image, its pixels as they are now (a part may have been blanked since the last click), and the frame."""
    instance_id = question["instance"]
    return instance_id, Instance.objects.values_list("frames_key", flat=True).get(pk=instance_id), question["frame"]


@lru_cache(maxsize=PICTURES)
def _picture(instance_id: int, frames_key: str, frame: int, window: Pair) -> Picture:
    """A frame, and the whole of it as the network sees it: the clicks that follow the first need neither anew."""
    instance = Instance.objects.select_related("series").get(pk=instance_id)
    image = grey_frame(instance, frame, shown_window(instance.series.modality, window))
    return image, cut_view(image, whole_view(*image.shape))
