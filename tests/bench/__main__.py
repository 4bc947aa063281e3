"""`python -m tests.bench [NAME] [options]`: one bench, the group `learner`, or without a name all, one after the other."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from typing import Final

LEARNER: Final = ("learning", "freshness", "labels", "acquisition", "prompts", "volumes", "gate")
BENCHES: Final = ("requests", "archive", "receive", "viewer", *LEARNER)


MINUTES: Final = 60.0


def main() -> int:
    """Each bench in a process of its own: it chooses its data folder before Django starts.

    Those of the learner share the `--minutes` of a call: what has not been measured then is left for the next call.
    """
    named = {name: (name,) for name in BENCHES} | {"learner": LEARNER}
    chosen = named.get(sys.argv[1]) if len(sys.argv) > 1 else None
    options = sys.argv[2:] if chosen else sys.argv[1:]
    shared, began = argparse.ArgumentParser(add_help=False), time.monotonic()
    shared.add_argument("--minutes", type=float, default=MINUTES)
    minutes = shared.parse_known_args(options)[0].minutes
    codes = []
    for name in chosen or BENCHES:
        print(f"== {name}", flush=True)
        left = [f"--minutes={max(0.0, minutes - (time.monotonic() - began) / 60):.1f}"] if name in LEARNER else []
        codes.append(subprocess.call([sys.executable, "-m", f"tests.bench.bench_{name}", *options, *left]))
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
