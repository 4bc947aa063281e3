"""`python -m tests.bench [NAME] [options]`: one bench, the group `learner`, or without a name all, one after the other."""

from __future__ import annotations

import subprocess
import sys
from typing import Final

LEARNER: Final = ("learning", "freshness", "labels", "acquisition", "prompts", "volumes")
BENCHES: Final = ("requests", "archive", "receive", "viewer", *LEARNER)


def main() -> int:
    """Each bench in a process of its own: it chooses its data folder before Django starts."""
    named = {name: (name,) for name in BENCHES} | {"learner": LEARNER}
    chosen = named.get(sys.argv[1]) if len(sys.argv) > 1 else None
    options = sys.argv[2:] if chosen else sys.argv[1:]
    codes = []
    for name in chosen or BENCHES:
        print(f"== {name}", flush=True)
        codes.append(subprocess.call([sys.executable, "-m", f"tests.bench.bench_{name}", *options]))
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
