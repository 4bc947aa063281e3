"""Tasks of the queues `train` and `infer`: thin, one id in, a few lines. Only this module's processes load torch."""

from __future__ import annotations

from celery import shared_task

from workers.exporting import run_export
from workers.inquiring import answer_inquiry
from workers.inspecting import inspect_case
from workers.pool import evaluate_holdout, predict_pool
from workers.prompting import listen_for_prompts
from workers.rounds import run_round
from workers.running import running

__all__ = ["evaluate_holdout_task", "listen_for_prompts", "predict_pool_task", "run_round_task"]


@shared_task(name="learning.run_round")
def run_round_task(job_id: str) -> None:
    """Snapshot, train, evaluate, gate, predict, rank."""
    with running(job_id) as lease:
        if lease is not None:
            run_round(lease)


@shared_task(name="learning.predict_pool")
def predict_pool_task(job_id: str) -> None:
    """Let a version read the unread cases that it has not read."""
    with running(job_id) as lease:
        if lease is not None:
            predict_pool(lease)


@shared_task(name="learning.evaluate_holdout")
def evaluate_holdout_task(job_id: str) -> None:
    """Evaluate a released version on HOLDOUT, once."""
    with running(job_id) as lease:
        if lease is not None:
            evaluate_holdout(lease)


@shared_task(name="learning.answer_inquiry")
def answer_inquiry_task(job_id: str) -> None:
    """Does choosing help, or which labels to look at again."""
    with running(job_id) as lease:
        if lease is not None:
            answer_inquiry(lease)


@shared_task(name="learning.export_onnx")
def export_onnx_task(job_id: str) -> None:
    """Write a version as ONNX, and check it."""
    with running(job_id) as lease:
        if lease is not None:
            run_export(lease)


@shared_task(name="inspection.inspect_case")
def inspect_case_task(job_id: str) -> None:
    """Look inside a version while it reads one image."""
    with running(job_id) as lease:
        if lease is not None:
            inspect_case(lease)
