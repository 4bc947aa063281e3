"""A version with real (untrained) weights in the store, and a way to run an ordered look inside to its end."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.learning.conftest import SIZE, database_url, draw_case, quiet_machine  # noqa: F401
from tests.rows import make_model


def store_network(version: Any, **shape: Any) -> Any:
    """Give a version a network of its own project's vocabulary."""
    from backend.archive.store import put_object
    from backend.learning.vocabulary import vocabulary_of
    from workers.cnn.checkpoint import encode_weights
    from workers.cnn.model import NetConfig, build_network

    vocabulary = vocabulary_of(version.project)
    net = NetConfig(n_types=len(vocabulary.types), n_findings=len(vocabulary.outputs), **{"widths": (4, 6, 8), **shape})
    weights = dict(build_network(net, seed=version.number).state_dict())
    # With the vocabulary, as a round stores it: other finding types are other weights to the worker's memory.
    data, digest = encode_weights(weights, config=net, vocabulary=vocabulary.as_dict())
    version.weights_key, version.weights_sha256 = f"models/test/{digest}", digest
    version.config = {"net": net.as_dict(), "image_size": SIZE}
    version.finding_type_ids = vocabulary.as_dict()
    version.save()
    put_object(key=version.weights_key, data=data)
    return version


@pytest.fixture
def model(project: Any) -> Any:
    """The serving version as a reader, in a project that blinds nobody: a case drawn blinded may not be looked into."""
    project.blinded_share = 0.0
    project.save()
    reader = make_model(project, display_threshold=0.0)
    store_network(reader.model_version)
    return reader


@pytest.fixture
def run_job() -> Callable[[Any], Any]:
    """Runs the job of an inspection in this process."""
    from backend.jobs.services import claim_job, finish_job
    from workers.inspecting import inspect_case

    def run(inspection: Any) -> Any:
        lease = claim_job(inspection.job_id)
        assert lease is not None
        inspect_case(lease)
        finish_job(lease, lease.result)
        inspection.refresh_from_db()
        return inspection

    return run


def array_of(inspection: Any, where: dict[str, Any]) -> np.ndarray:
    """An array of an inspection's pictures."""
    data = gzip.decompress(bytes(inspection.pictures))
    n = int(np.prod(where["shape"]))
    return np.frombuffer(data, dtype=where["type"], count=n, offset=where["offset"]).reshape(where["shape"])
