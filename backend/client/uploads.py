"""Sends files in pieces that can be interrupted, as the browser does, and follows the import to its end.

Each piece says where it begins and the server answers how much it holds; where the two differ (409), the server is
right and the upload goes on from there.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Final, cast

from .errors import Conflict, OverreadError
from .schema import ImportItem, ImportOptionsRequest, ImportRun
from .transport import Transport

PIECE: Final = 8 * 1024 * 1024
WIDTH: Final = 3
"""Files that travel side by side."""
ENDED: Final = ("done", "failed")
_PAGE: Final = 1000


@dataclass(frozen=True)
class Progress:
    """How far an import is: bytes while files are sent, then files while the server imports them."""

    step: str
    done: int
    total: int


OnProgress = Callable[[Progress], None]


def files_below(paths: Iterable[str | Path]) -> dict[str, Path]:
    """The files by the names under which they are sent: below a folder by their path in it, hidden ones left out."""
    found: dict[str, Path] = {}
    for given in paths:
        path = Path(given)
        if path.is_dir():
            inside = sorted(one for one in path.rglob("*") if one.is_file())
            named = {one.relative_to(path).as_posix(): one for one in inside}
            named = {name: one for name, one in named.items() if not any(p.startswith(".") for p in name.split("/"))}
        elif path.is_file():
            named = {path.name: path}
        else:
            raise FileNotFoundError(f"There is no file or folder {path}.")
        if twice := sorted(set(named) & set(found)):
            raise ValueError(f"Two files would be called {twice[0]}: give a folder that holds both.")
        found |= named
    if not found:
        raise FileNotFoundError("There is no file to import.")
    return found


def import_files(
    transport: Transport,
    slug: str,
    files: Mapping[str, Path],
    *,
    options: ImportOptionsRequest | None = None,
    resume: str = "",
    wait: bool = True,
    on_progress: OnProgress | None = None,
) -> ImportRun:
    """Send the files, start the import and (`wait`) follow it to its end; `resume`: the id of a run to go on with.

    OverreadError where the import as a whole failed; what became of each file, `import_items` tells.
    """
    run_id = resume
    if not run_id:
        offered = [{"name": name, "size": path.stat().st_size} for name, path in files.items()]
        made = transport.call("import_create", json={"files": offered, "options": dict(options or {})}, slug=slug)
        run_id = made["id"]
    _send_all(transport, slug, run_id, files, on_progress)
    run = cast(ImportRun, transport.call("import_start", json={}, slug=slug, run_id=run_id))
    return wait_for_import(transport, slug, run_id, on_progress=on_progress) if wait else run


def wait_for_import(
    transport: Transport, slug: str, run_id: str, *, seconds: float = 1.0, on_progress: OnProgress | None = None
) -> ImportRun:
    """The import once it has ended; OverreadError where it failed."""
    while True:
        run = cast(ImportRun, transport.call("import_read", slug=slug, run_id=run_id))
        if on_progress is not None:
            on_progress(Progress("importing", run["progress"]["done"], run["progress"]["total"]))
        if run["state"] in ENDED:
            if run["state"] == "failed":
                raise OverreadError(run["message"] or "The import failed.", code="import_failed", body=run)
            return run
        time.sleep(seconds)


def import_items(transport: Transport, slug: str, run_id: str, state: str = "") -> Iterator[ImportItem]:
    """What became of each file, worst first."""
    start = 0
    while True:
        query: dict[str, Any] = {"offset": start, "limit": _PAGE, **({"state": state} if state else {})}
        page = transport.call("import_items", query=query, slug=slug, run_id=run_id)
        yield from page["results"]
        start += _PAGE
        if start >= page["total"]:
            return


def _send_all(
    transport: Transport, slug: str, run_id: str, files: Mapping[str, Path], on_progress: OnProgress | None
) -> None:
    # All of them first: the list changes while files arrive.
    waiting = list(import_items(transport, slug, run_id, "uploading"))
    by_size = {(name, path.stat().st_size): path for name, path in files.items()}
    total = sum(path.stat().st_size for path in files.values())
    missing = [item["name"] for item in waiting if (item["name"], item["size"]) not in by_size]
    if missing:
        raise FileNotFoundError(f"{missing[0]} is not among the files, or has another size than was said.")
    lock, sent = Lock(), total - sum(item["size"] - item["received"] for item in waiting)

    def told(more: int) -> None:
        nonlocal sent
        with lock:
            sent += more
            if on_progress is not None:
                on_progress(Progress("sending", sent, total))

    def one(item: ImportItem) -> None:
        _send(transport, slug, run_id, item, by_size[item["name"], item["size"]], told)

    with ThreadPoolExecutor(WIDTH) as threads:
        for done in [threads.submit(one, item) for item in waiting]:
            try:
                done.result()
            except BaseException:
                threads.shutdown(wait=False, cancel_futures=True)
                raise


def _send(transport: Transport, slug: str, run_id: str, item: ImportItem, path: Path, told: Callable[[int], None]) -> None:
    offset, size = item["received"], item["size"]
    with path.open("rb") as file:
        while offset < size:
            file.seek(offset)
            piece = file.read(PIECE)
            if not piece or os.fstat(file.fileno()).st_size != size:
                raise OverreadError(f"{path} changed while it was sent.", code="file_changed")
            held = _put(transport, slug, run_id, item["id"], offset, piece)
            told(held - offset)
            offset = held


def _put(transport: Transport, slug: str, run_id: str, item_id: str, offset: int, piece: bytes) -> int:
    """Bytes that the server holds after this piece."""
    try:
        answer = transport.send(
            "import_upload", data=piece, query={"offset": offset}, slug=slug, run_id=run_id, item_id=item_id
        )
    except Conflict as conflict:
        held = conflict.body.get("received") if isinstance(conflict.body, dict) else None
        if isinstance(held, int) and held != offset:
            return held
        raise
    return int(answer.json()["received"])
