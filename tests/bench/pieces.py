"""A benchmark in pieces: each is measured once, kept as a file, and not measured again; a call stops after its minutes."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from statistics import mean
from typing import Any, Final

from backend.config.supervisor import end_with_parent
from tests.bench.learning_sets import SETS

Piece = dict[str, Any]
"""What is measured: plain values by name, in an order that says which comes first in the file's name."""

Result = dict[str, Any]
REPOSITORY: Final = Path(__file__).resolve().parents[2]


def code_digest(paths: Iterable[str]) -> str:
    """Eight digits for the text of these files of the project: other code, other pieces."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update((REPOSITORY / path).read_bytes())
    return digest.hexdigest()[:8]


def kept(piece: Piece, folder: Path) -> Path:
    """Where the result of a piece lies."""
    return folder / ("-".join(str(value) for value in piece.values()) + ".json")


def results(pieces: Sequence[Piece], folder: Path) -> list[Result]:
    """What has been measured of these pieces."""
    return [json.loads(kept(piece, folder).read_text()) for piece in pieces if kept(piece, folder).exists()]


def _measured(measure: Callable[[Piece], Result], piece: Piece, folder: Path) -> Result:
    began, cpu = time.monotonic(), time.process_time()
    told = {"piece": piece, **measure(piece)}
    told["seconds"], told["core_seconds"] = round(time.monotonic() - began, 1), round(time.process_time() - cpu, 1)
    told["date"], told["load"] = datetime.now(UTC).date().isoformat(), round(os.getloadavg()[0], 1)
    # Whole or not at all: a call that is cut leaves no half of a result.
    path = kept(piece, folder)
    path.with_suffix(".part").write_text(json.dumps(told))
    path.with_suffix(".part").rename(path)
    return told


def once_options(description: str | None, *, folder: str) -> argparse.ArgumentParser:
    """The options that benches share which measure one thing in one go."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--folder", type=Path, default=Path(folder))
    return parser


def measured_once(
    name: str, options: argparse.Namespace, *, about: Piece, guess_minutes: float, measure: Callable[[], Result]
) -> Result | None:
    """What was measured of this piece with this code, or is now; None where it would end after the minutes.

    Says beforehand what it will cost; the result is kept in the options' folder.
    """
    path = kept({"name": name, **about, "code": product_digest()}, options.folder)
    if path.exists():
        found: Result = json.loads(path.read_text())
        return found
    print(f"{name}: about {guess_minutes:.0f} minutes on idle cores", file=sys.stderr, flush=True)
    if guess_minutes > options.minutes:
        print(
            f"{name}: left for the next call, {options.minutes:.0f} minutes of this one are left",
            file=sys.stderr,
            flush=True,
        )
        return None
    result = {**measure(), "date": datetime.now(UTC).date().isoformat()}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_suffix(".part").write_text(json.dumps(result))
    path.with_suffix(".part").rename(path)
    return result


def product_digest() -> str:
    """Eight digits for all Python code that is measured."""
    files = (path for part in ("backend", "workers", "tests/bench") for path in (REPOSITORY / part).rglob("*.py"))
    return code_digest(str(path.relative_to(REPOSITORY)) for path in files)


def piece_options(description: str | None, *, size: int, seeds: int, folder: str) -> argparse.ArgumentParser:
    """The options that benches in pieces share, with the defaults of this one."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--set", choices=sorted(SETS), default="busi")
    parser.add_argument("--size", type=int, default=size)
    parser.add_argument("--seeds", type=int, default=seeds)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--folder", type=Path, default=Path(folder))
    return parser


def run_pieces(
    pieces: Sequence[Piece],
    *,
    measure: Callable[[Piece], Result],
    folder: Path,
    minutes: float,
    processes: int,
    guess_core_seconds: Callable[[Piece], float],
    tell: Callable[[Result], str],
) -> list[Result]:
    """Measure what is not there yet, in order, and give all that is there then; `measure` runs in processes of its own.

    Says beforehand what it will cost: what finished pieces of the same kind cost, or else the guess. No piece is begun
    that would probably end after the minutes are over.
    """
    folder.mkdir(parents=True, exist_ok=True)
    missing = [piece for piece in pieces if not kept(piece, folder).exists()]
    done = results(pieces, folder)
    known = mean(one["core_seconds"] for one in done) if done else 0.0
    guessed = [known or guess_core_seconds(piece) for piece in missing]
    print(
        f"{len(done)} of {len(pieces)} pieces are there; {len(missing)} are missing: about {sum(guessed):.0f} core-seconds, "
        f"{sum(guessed) / processes / 60:.0f} minutes on {processes} idle cores; this call takes at most {minutes:.0f}.",
        file=sys.stderr,
        flush=True,
    )
    began, longest = time.monotonic(), max((one["seconds"] for one in done), default=0.0)
    waiting: dict[Future[Result], Piece] = {}
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=end_with_parent) as pool:
        queue = iter(missing)
        while True:
            while len(waiting) < processes and time.monotonic() - began + longest < 60 * minutes:
                piece = next(queue, None)
                if piece is None:
                    break
                waiting[pool.submit(_measured, measure, piece, folder)] = piece
            if not waiting:
                break
            for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                del waiting[future]
                told = future.result()
                longest = max(longest, told["seconds"])
                print(tell(told), file=sys.stderr, flush=True)
    return results(pieces, folder)
