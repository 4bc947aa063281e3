"""`python -m tests.bench [learning|requests|viewer|volumes] [options]`: without a name all benches, one after the other."""

from __future__ import annotations

import subprocess
import sys

BENCHES = ("requests", "learning", "volumes", "viewer")


def main() -> int:
    """Each bench in a process of its own: it chooses its data folder before Django starts."""
    named = [name for name in sys.argv[1:2] if name in BENCHES]
    options = sys.argv[1 + len(named) :]
    codes = []
    for name in named or BENCHES:
        print(f"== {name}", flush=True)
        codes.append(subprocess.call([sys.executable, "-m", f"tests.bench.bench_{name}", *options]))
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
