"""`/metrics` for Prometheus: django-prometheus's counters and our gauges, to this machine or to a token's bearer."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from backend.jobs.selectors import job_counts, oldest_waiting_seconds, queue_lengths


class JobsCollector(Collector):
    """Reads the state of jobs and queues when Prometheus asks."""

    def collect(self) -> Iterator[Metric]:
        """Gauges: jobs by queue and state, messages by queue, age of the oldest waiting job."""
        jobs = GaugeMetricFamily("overread_jobs", "Jobs by queue and state.", labels=["queue", "state"])
        for (queue, state), count in job_counts().items():
            jobs.add_metric([queue, state], count)
        yield jobs
        lengths = GaugeMetricFamily("overread_queue_messages", "Messages that wait in the broker.", labels=["queue"])
        for queue, length in queue_lengths(settings.WORKER_QUEUES).items():
            lengths.add_metric([queue], length)
        yield lengths
        oldest = GaugeMetricFamily("overread_oldest_waiting_job_seconds", "Age of the oldest job that nobody has begun.")
        oldest.add_metric([], oldest_waiting_seconds())
        yield oldest


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Everything that Prometheus may know; 403 to whoever is neither local nor holds the token."""
    if not _may_scrape(request):
        return HttpResponse("Metrics are for this machine or for the bearer of OVERREAD_METRICS_TOKEN.\n", status=403)
    process = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        process = CollectorRegistry()
        MultiProcessCollector(process)  # type: ignore[no-untyped-call]
    ours = CollectorRegistry()
    ours.register(JobsCollector())
    return HttpResponse(generate_latest(process) + generate_latest(ours), content_type=CONTENT_TYPE_LATEST)


def _may_scrape(request: HttpRequest) -> bool:
    """A local caller that no proxy speaks for, or the token's bearer."""
    token = settings.METRICS_TOKEN
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if token and secrets.compare_digest(given, token):
        return True
    forwarded = "X-Forwarded-For" in request.headers or "Forwarded" in request.headers
    return request.META.get("REMOTE_ADDR") in {"127.0.0.1", "::1"} and not forwarded
