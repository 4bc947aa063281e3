"""Runs a module of the workers in a process of its own: the back end itself never loads torch."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping


def run_worker(module: str, options: Mapping[str, object]) -> int:
    """`python -m module --name value …`; None and False are left out, True is a flag. The exit code."""
    command = [sys.executable, "-m", module]
    for name, value in options.items():
        if value is not None and value is not False:
            command += [f"--{name.replace('_', '-')}"] + ([] if value is True else [str(value)])
    # As the training worker: threads that wait busily for each other cost ten times the work on a busy machine.
    threads = {"OMP_WAIT_POLICY": "passive", "OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 2) - 1))}
    return subprocess.run(command, check=False, env={**threads, **os.environ}).returncode
