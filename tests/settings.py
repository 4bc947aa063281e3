"""The suite's settings: those of the product on a data folder of its own.

pytest-django loads settings before any conftest, so the folder must be chosen here. Processes that a test starts
inherit the product's own settings module and the same folder; pytest's own side processes inherit them, too, and are
brought back here by `--ds` (pyproject.toml), which outranks the environment.
"""

from __future__ import annotations

import os
import tempfile

# One folder a run, made by the first process and removed by it (tests/conftest.py); a part of it for each side process.
if "OVERREAD_TEST_RUN" not in os.environ:
    os.environ["OVERREAD_TEST_RUN"] = tempfile.mkdtemp(prefix="ovr-")
os.environ["OVERREAD_DATA_DIR"] = os.path.join(
    os.environ["OVERREAD_TEST_RUN"], os.environ.get("PYTEST_XDIST_WORKER", "main")
)
os.environ["DJANGO_SETTINGS_MODULE"] = "backend.config.settings"
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("OVERREAD_LOG_LEVEL", "WARNING")
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright's sync API keeps an event loop running.

# Test processes side by side must not share one database of an external Redis: each takes its own number.
if (_worker := os.environ.get("PYTEST_XDIST_WORKER")) and (_redis := os.environ.get("REDIS_URL")):
    os.environ["REDIS_URL"] = f"{_redis.rpartition('/')[0]}/{1 + int(_worker.removeprefix('gw'))}"

from backend.config.settings import *  # noqa: F403

# People are made in nearly every test; the slow hash of the product is not what they test.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# A test client loads the middleware anew; it must not look through all static files each time.
WHITENOISE_USE_FINDERS = False
