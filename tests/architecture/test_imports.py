"""The staircase holds: who imports whom, which task runs where, which table points to which."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.db.migrations.loader import MigrationLoader

REPOSITORY = Path(__file__).resolve().parents[2]
LAYERS = [
    "audit",
    "accounts",
    "jobs",
    "archive",
    "projects",
    "webhooks",
    "registry",
    "readings",
    "review",
    "learning",
    "inspection",
    "exchange",
    "dicomweb",
    "dimse",
]
"""Our Django apps, bottom to top."""


def test_import_contracts_hold() -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


@cache
def loaded_by_a_worker(queues: str) -> tuple[set[str], set[str]]:
    """Registered tasks, and the big modules that a worker process of these queues has imported."""
    code = (
        "import json, sys; from workers.app import app; app.loader.import_default_modules();"
        "print(json.dumps([sorted(app.tasks), sorted({'torch', 'backend.config.urls'} & set(sys.modules))]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=REPOSITORY, env=os.environ | {"OVERREAD_QUEUES": queues}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    tasks, modules = json.loads(done.stdout.splitlines()[-1])
    return set(tasks), set(modules)


def enqueued() -> set[tuple[str, str]]:
    """(task, queue) of every `enqueue_job` in the back end; both must be literal."""
    found = set()
    for path in (REPOSITORY / "backend").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "enqueue_job":
                named = {keyword.arg: keyword.value for keyword in node.keywords}
                pair = []
                for name in ("task", "queue"):
                    value = named[name]
                    assert isinstance(value, ast.Constant), (
                        f"{path}:{node.lineno}: `{name}` of enqueue_job must be a literal"
                    )
                    pair.append(value.value)
                found.add(tuple(pair))
    return found


@pytest.mark.slow
def test_every_task_that_the_back_end_enqueues_is_registered_where_its_queue_is_served() -> None:
    assert enqueued()
    for task, queue in sorted(enqueued()):
        assert queue in settings.WORKER_QUEUES
        assert task in loaded_by_a_worker(queue)[0], f"{task} is not registered in a worker of {queue}"


def test_every_task_of_the_clock_is_registered_in_the_default_worker() -> None:
    tasks = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert tasks and tasks <= loaded_by_a_worker("default")[0]


def test_the_default_worker_pays_neither_for_torch_nor_for_the_web_server() -> None:
    assert loaded_by_a_worker("default")[1] == set()


def test_the_web_server_loads_neither_torch_nor_what_speaks_to_nodes() -> None:
    wanted = "{'torch', 'pynetdicom'} & set(sys.modules)"
    code = f"import sys; import backend.config.wsgi, backend.config.urls; print({wanted})"
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_no_foreign_key_points_to_a_higher_app() -> None:
    labels = {config.label for config in apps.get_app_configs() if config.name.startswith("backend.")} - {"config"}
    unplaced = labels - set(LAYERS)
    assert not unplaced, f"place these apps in LAYERS: {unplaced}"
    ours = {label: LAYERS.index(label) for label in labels}
    for model in apps.get_models():
        for field in model._meta.get_fields():
            if not field.is_relation or field.auto_created or model._meta.app_label not in ours:
                continue
            target = field.related_model
            if target is None or isinstance(target, str) or target._meta.app_label not in ours:
                continue
            assert ours[target._meta.app_label] <= ours[model._meta.app_label], (
                f"{model.__name__}.{field.name} points upward"
            )


@pytest.mark.django_db
def test_no_migration_depends_on_a_higher_app_except_where_a_trigger_reads_it() -> None:
    graph = MigrationLoader(None).graph
    for (app, name), node in graph.node_map.items():
        if app not in LAYERS or name.endswith("_triggers"):
            continue
        for parent in node.parents:
            if parent.key[0] in LAYERS:
                assert LAYERS.index(parent.key[0]) <= LAYERS.index(app), f"{app}.{name} depends on {parent.key}"


def test_every_package_and_module_says_what_it_is_in_one_line() -> None:
    for root in ("backend", "workers"):
        for path in (REPOSITORY / root).rglob("*.py"):
            if "migrations" in path.parts:
                continue
            text = ast.get_docstring(ast.parse(path.read_text()))
            assert text, f"{path} has no docstring"
