"""The suite's settings: those of the product on a data folder of its own.

pytest-django loads settings before any conftest, so the folder must be chosen here. Processes that a test starts
inherit the product's own settings module and the same folder.
"""

from __future__ import annotations

import os
import tempfile

os.environ["OVERREAD_DATA_DIR"] = tempfile.mkdtemp(prefix="ovr-")
os.environ["DJANGO_SETTINGS_MODULE"] = "backend.config.settings"
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("OVERREAD_LOG_LEVEL", "WARNING")
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright's sync API keeps an event loop running.

from backend.config.settings import *  # noqa: F403
