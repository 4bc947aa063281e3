"""The reading room beside OHIF and a bare Cornerstone page: same series, same server, same run, a new browser each time.

`python -m tests.bench.bench_viewer [--times 3] [--parts open scroll next long weight]`. Real CT slices
(OVERREAD_TEST_DATA), the front end's production build, OHIF as published on npm (fetched into a cache folder,
OVERREAD_BENCH_CACHE). The three take turns, so that a busy machine disturbs all of them; a number is the median.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import Page, sync_playwright

from tests.bench.viewer.chromium import cpu_milliseconds, memory_mb
from tests.bench.viewer.ohif import VERSION, NotToBeHad, cache_folder, ohif_pages
from tests.bench.viewer.series import write_series
from tests.bench.viewer.served import Served, serve, session_of

ROOT = Path(__file__).resolve().parents[2]
PROJECT = "bench"
PARTS = ("open", "scroll", "next", "long", "weight")
SERIES = {"short": 128, "long": 300}
FOLLOWING = 4
LONGEST = 1000
CACHED = 40
OURS, OHIF, BARE = "overread", "ohif", "bare"
INITIAL_KB, VIEWER_KB = 200, 1100
CHROMIUM = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
CHROMIUM += ["--disable-background-networking", "--disable-component-update"]


@dataclass
class Bench:
    """What the parts share."""

    served: Served
    session: str
    cases: dict[str, dict[str, str]]
    canvas: tuple[int, int] = (800, 800)
    rows: list[dict[str, Any]] = field(default_factory=list)

    def address(self, viewer: str, name: str) -> str:
        """Where a viewer shows a series."""
        case = self.cases[name]
        if viewer == OHIF:
            query = {"StudyInstanceUIDs": case["study"], "SeriesInstanceUIDs": case["series"]}
            return f"{self.served.peers[OHIF]}/viewer?{urlencode(query)}"
        if viewer == BARE:
            width, height = self.canvas
            query = {"project": PROJECT, "study": case["study"], "width": str(width), "height": str(height)}
            return f"{self.served.peers[BARE]}/?{urlencode(query)}"
        return f"{self.served.origin}/p/{PROJECT}/read/{case['id']}"

    def compare(self, what: str, all_: dict[str, list[float]], peer: str, aim: float) -> None:
        """Report medians, ours in relation to a peer's, and every single number."""
        medians = {viewer: round(statistics.median(numbers), 1) for viewer, numbers in all_.items() if numbers}
        share = round(medians[OURS] / medians[peer], 3) if peer in medians and OURS in medians else None
        self.report(what, **medians, ratio=share, to=peer, aim=aim, all=_rounded(all_))

    def report(self, what: str, **numbers: Any) -> None:
        """Keep a row and print it at once."""
        self.rows.append({"what": what, **numbers, "load": round(os.getloadavg()[0], 1)})
        print(json.dumps(self.rows[-1]), flush=True)


def prepare(folder: Path, data: Path, lengths: dict[str, int]) -> tuple[str, dict[str, dict[str, str]]]:
    """An empty product on SQLite with the series imported; the lead's session and the cases by series name."""
    os.environ["OVERREAD_DATA_DIR"] = str(folder)
    os.environ["OVERREAD_LOG_LEVEL"] = "ERROR"
    # As in production: gathered and compressed ahead of time, as OHIF's pages are, too.
    os.environ["OVERREAD_STATIC_ROOT"] = str(folder / "static")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.config.settings")
    for name in ("DATABASE_URL", "REDIS_URL", "OBJECT_STORE_URL"):
        os.environ.pop(name, None)
    import django

    django.setup()
    from django.core.management import call_command

    from backend.accounts.models import User
    from backend.projects.models import Case

    call_command("migrate", verbosity=0)
    gathered = folder / "static" / "index.html"
    if not gathered.is_file() or gathered.stat().st_mtime < (ROOT / "frontend" / "dist" / "index.html").stat().st_mtime:
        shutil.rmtree(folder / "static", ignore_errors=True)
        # Compressing takes a minute; a data folder that is kept keeps it.
        call_command("collectstatic", interactive=False, verbosity=0)
        gathered.touch()
    user = User.objects.filter(username="bench").first() or User.objects.create_user("bench", password=None)
    known = set(Case.objects.values_list("series__study__study_id", flat=True))
    with tempfile.TemporaryDirectory(prefix="ovr-bench-series-") as files:
        for name, count in lengths.items():
            if name in known:
                continue
            write_series(data / "ct_nlst_101287" / "ct", Path(files), name, count)
            call_command(
                "import_images", str(Path(files) / name), project=PROJECT, modality="CT", unit="series", lead="bench",
                stdout=sys.stderr,
            )  # fmt: skip
            shutil.rmtree(Path(files) / name)
    # The room's own order of cases, and whose turn it is, must not hide a series from its bench.
    cases = {
        study: {"id": str(key), "study": study_uid, "series": series_uid}
        for key, study, study_uid, series_uid in Case.objects.values_list(
            "pk", "series__study__study_id", "series__study__study_instance_uid", "series__series_instance_uid"
        )
    }
    return session_of(user), cases


@contextmanager
def opened(bench: Bench, viewer: str, name: str, memory_gb: int | None = None) -> Iterator[Page]:
    """A new browser that opens a series; the page is given when its first image is on the screen.

    `memory_gb`: what the browser tells pages of the machine's memory, instead of the truth.
    """
    executable = next((path for one in ("chromium", "google-chrome", "chrome") if (path := shutil.which(one))), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=CHROMIUM)
        try:
            context = browser.new_context(
                viewport={"width": 1440, "height": 900}, locale="en-GB", service_workers="block", bypass_csp=False
            )
            context.add_cookies([{"name": "sessionid", "value": bench.session, "url": bench.served.origin}])
            context.add_init_script(path=Path(__file__).parent / "viewer" / "watch.js")
            if memory_gb is not None:
                told_memory = f"Object.defineProperty(Navigator.prototype, 'deviceMemory', {{ get: () => {memory_gb} }})"
                context.add_init_script(told_memory)
            page = context.new_page()
            page.set_default_timeout(120_000)
            page.goto(bench.address(viewer, name), wait_until="commit")
            wait_for(page, "window.__bench?.painted !== null && window.__bench?.painted !== undefined", 120)
            yield page
        finally:
            browser.close()


def wait_for(page: Page, condition: str, seconds: float) -> None:
    """Poll, since the content security policy forbids what Playwright's own waiting does; TimeoutError."""
    deadline = time.monotonic() + seconds
    while not page.evaluate(condition):
        if time.monotonic() > deadline:
            page.screenshot(path=cache_folder() / "stuck.png")
            raise TimeoutError(f"{condition} on {page.url} after {seconds} s; see stuck.png in {cache_folder()}")
        time.sleep(0.02)


def first_image(page: Page) -> tuple[float, float, float]:
    """Milliseconds from navigation to the event STACK_NEW_IMAGE and to a picture on the screen; the browser's on a core."""
    new_image, painted = page.evaluate("[window.__bench.newImage, window.__bench.painted]")
    return float(new_image), float(painted), cpu_milliseconds()


def everything_loaded(bench: Bench, viewer: str, page: Page, count: int) -> None:
    """Wait until a whole series is in the viewer's memory, whichever way it says so."""
    if viewer == BARE:
        wait_for(page, "document.title === 'all loaded'", 600)
    elif viewer == OURS:
        wait_for(page, f"document.querySelector('[data-loaded]')?.dataset.loaded === '{count}'", 600)
        # It goes on to read the next cases, which the others never do.
        ahead = "Number(document.querySelector('[data-ahead]')?.dataset.ahead ?? 0)"
        wait_for(page, f"{ahead} === document.querySelectorAll('.rr-nexts a').length", 600)


def to_first_slice(page: Page) -> None:
    """The reading room opens a series in its middle, the others at its first slice."""
    page.evaluate("window.__bench.key('Home', 'Home')")


def open_part(bench: Bench, viewers: list[str], times: int) -> None:
    """Time to first image, cold."""
    for name, count in SERIES.items():
        taken: dict[str, list[tuple[float, float, float]]] = {viewer: [] for viewer in viewers}
        for _ in range(times):
            for viewer in viewers:
                with opened(bench, viewer, name) as page:
                    taken[viewer].append(first_image(page))
                    told(f"{viewer} {name}: {[round(one) for one in taken[viewer][-1]]} ms")
        for column, what in enumerate(("ms to STACK_NEW_IMAGE", "ms to a picture on the screen", "CPU ms of the browser")):
            times_of = {viewer: [one[column] for one in all_] for viewer, all_ in taken.items()}
            bench.compare(f"first image of {count} slices, {what}", times_of, OHIF, aim=0.5)


def scroll_part(bench: Bench, viewers: list[str], times: int) -> None:
    """From opening to having scrolled through all slices; beside the bare page, the speed of scrolling what is cached."""
    count = SERIES["short"]
    through: dict[str, list[float]] = {viewer: [] for viewer in viewers}
    work: dict[str, list[float]] = {viewer: [] for viewer in viewers}
    speed: dict[str, list[float]] = {viewer: [] for viewer in viewers}
    cost: dict[str, list[float]] = {viewer: [] for viewer in viewers}
    for _ in range(times):
        for viewer in viewers:
            with opened(bench, viewer, "short") as page:
                if viewer == OURS:
                    to_first_slice(page)
                page.evaluate(f"window.__bench.scroll(1, {count - 1})")
                # What was passed on the way to the first slice does not count: all must have been drawn.
                assert page.evaluate("Object.keys(window.__bench.seen).length") == count
                through[viewer].append(page.evaluate("performance.now()"))
                work[viewer].append(cpu_milliseconds())
                told(f"{viewer} through all slices: {through[viewer][-1]:.0f} ms, {work[viewer][-1]:.0f} CPU ms")
                if viewer == OHIF:
                    continue
                everything_loaded(bench, viewer, page, count)
                time.sleep(2)
                spent = cpu_milliseconds()
                passes = [page.evaluate(f"window.__bench.scroll({by}, {CACHED})") for by in (-1, 1)]
                moved = sum(one["moved"] for one in passes)
                cost[viewer].append((cpu_milliseconds() - spent) / moved)
                speed[viewer].append(moved / sum(one["ms"] for one in passes) * 1000)
                told(f"{viewer} cached: {speed[viewer][-1]:.1f} frames/s, {cost[viewer][-1]:.0f} CPU ms a frame")
    bench.compare(f"opened and scrolled through {count} slices, ms", through, OHIF, aim=0.5)
    bench.compare(f"opened and scrolled through {count} slices, CPU ms of the browser", work, OHIF, aim=0.5)
    bench.compare("cached scroll, frames/s", speed, BARE, aim=0.9)
    bench.compare("cached scroll, CPU ms of the browser a frame", cost, BARE, aim=1.1)


def told(text: str) -> None:
    """Say how far it is, beside the results."""
    print(f"  {text} (load {os.getloadavg()[0]:.1f})", file=sys.stderr, flush=True)


def _rounded(all_: dict[str, list[float]]) -> dict[str, list[float]]:
    return {viewer: [round(one, 1) for one in numbers] for viewer, numbers in all_.items()}


def next_part(bench: Bench, times: int) -> None:
    """The next case after it was read ahead, beside the same case opened cold."""
    ahead: list[float] = []
    cold: list[float] = []
    with opened(bench, OURS, "short") as page:
        for _ in range(FOLLOWING):
            wait_for(page, "Number(document.querySelector('[data-ahead]')?.dataset.ahead) > 0", 180)
            page.keyboard.press("k")
            time.sleep(3)
            page.evaluate("window.__bench.again()")
            begin = page.evaluate("performance.now()")
            page.keyboard.press("n")
            wait_for(page, "window.__bench.painted !== null", 60)
            ahead.append(first_image(page)[0] - begin)
    for index in range(min(times, FOLLOWING)):
        with opened(bench, OURS, f"next-{index}") as page:
            cold.append(first_image(page)[0])
    bench.compare("next case, ms from the key to STACK_NEW_IMAGE", {OURS: ahead, "cold": cold}, "cold", aim=0.3)


def long_part(bench: Bench) -> None:
    """Memory of the page with a thousand slices: on a machine as it is, and on one that tells of 2 GB."""
    for memory_gb in (None, 2):
        _measure_long(bench, memory_gb)


def _measure_long(bench: Bench, memory_gb: int | None) -> None:
    with opened(bench, OURS, "longest", memory_gb) as page:
        deadline = time.monotonic() + 240
        loaded = -1
        while time.monotonic() < deadline:
            time.sleep(6)
            before, loaded = loaded, int(page.evaluate("Number(document.querySelector('[data-loaded]')?.dataset.loaded)"))
            if loaded == before:
                break
        page.evaluate("window.__bench.key('End', 'End')")
        time.sleep(6)
        client = page.context.new_cdp_session(page)
        client.send("Performance.enable")
        metrics = {one["name"]: one["value"] for one in client.send("Performance.getMetrics")["metrics"]}
        bench.report(
            f"memory with {LONGEST} slices of 512 kB" + (f", {memory_gb} GB told" if memory_gb else ""),
            slices_in_memory=loaded,
            js_heap_mb=round(metrics["JSHeapUsedSize"] / 2**20),
            browser_mb=memory_mb(),
        )


def weight_part(bench: Bench) -> None:
    """Gzipped JavaScript: what the worklist loads, and the viewer's own chunk."""
    with opened(bench, OURS, "short") as page:
        room = _scripts(page)
        page.goto(f"{bench.served.origin}/p/{PROJECT}/worklist")
        page.wait_for_load_state("networkidle")
        worklist = _scripts(page)
    viewer = max(room.values(), key=len)
    bench.report("JavaScript of the worklist, kB gzip", overread=_kilobytes(worklist.values()), aim=INITIAL_KB)
    bench.report("viewer chunk, kB gzip", overread=_kilobytes([viewer]), aim=VIEWER_KB)


def _kilobytes(scripts: Iterable[bytes]) -> float:
    return round(sum(len(gzip.compress(script, 6)) for script in scripts) / 1000, 1)


def _scripts(page: Page) -> dict[str, bytes]:
    """The scripts of the page as built, by name."""
    names = page.evaluate("performance.getEntriesByType('resource').map((one) => new URL(one.name).pathname)")
    built = ROOT / "frontend" / "dist"
    paths = {name: built / name.removeprefix("/static/") for name in names if name.endswith(".js")}
    return {name: path.read_bytes() for name, path in paths.items() if path.is_file()}


def bare_pages() -> Path:
    """The bare Cornerstone page, built for production with packages of its own."""
    folder = cache_folder() / "bare"
    npm = shutil.which("npm") or str(Path(sys.executable).parent / "npm")
    install = [npm, "ci", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"]
    if not (ROOT / "frontend" / "bench" / "node_modules" / "@cornerstonejs").is_dir():
        subprocess.run(install, cwd=ROOT / "frontend" / "bench", check=True, timeout=600)
    vite = ROOT / "frontend" / "node_modules" / "vite" / "bin" / "vite.js"
    node = shutil.which("node") or str(Path(sys.executable).parent / "node")
    command = [node, str(vite), "build", "--config", "bench/vite.config.ts", "--outDir", str(folder), "--emptyOutDir"]
    done = subprocess.run(command, cwd=ROOT / "frontend", capture_output=True, text=True, timeout=600, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"The bare page could not be built:\n{done.stderr[-2000:]}")
    return folder


def run(bench: Bench, viewers: list[str], parts: list[str], times: int) -> None:
    """The parts asked for; before them every page once, since servers are warm where people work."""
    with opened(bench, OURS, "short") as page:
        box = page.get_by_test_id("viewport").bounding_box()
        assert box is not None
        bench.canvas = round(box["width"]), round(box["height"])
    for viewer in viewers:
        with opened(bench, viewer, "long"):
            pass
    if "open" in parts:
        open_part(bench, viewers, times)
    if "scroll" in parts:
        scroll_part(bench, viewers, times)
    if "next" in parts:
        next_part(bench, times)
    if "long" in parts:
        long_part(bench)
    if "weight" in parts:
        weight_part(bench)


def main(arguments: list[str] | None = None) -> int:
    """Measure and print a JSON object a row; 0 also where something is not to be had, with the reason."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--viewers", nargs="+", choices=(OURS, BARE, OHIF), default=[OURS, BARE, OHIF])
    parser.add_argument("--data-dir", type=Path, help="keep the imported series here between runs")
    options = parser.parse_args(arguments)
    data = Path(os.environ.get("OVERREAD_TEST_DATA", ""))
    if not (data / "ct_nlst_101287").is_dir():
        print("bench_viewer: skipped, OVERREAD_TEST_DATA does not name the folder of real images")
        return 0
    if not (ROOT / "frontend" / "dist" / "index.html").is_file():
        print("bench_viewer: skipped, the front end is not built (make setup)")
        return 0
    peers = {BARE: bare_pages()}
    if OHIF in options.viewers:
        try:
            peers[OHIF] = ohif_pages(PROJECT)
        except NotToBeHad as reason:
            print(f"bench_viewer: without OHIF {VERSION}: {reason}")
    lengths = {**SERIES, **{f"next-{index}": 128 for index in range(FOLLOWING)}}
    if "long" in options.parts:
        lengths["longest"] = LONGEST
    folder = options.data_dir or Path(tempfile.mkdtemp(prefix="ovr-bench-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        session, cases = prepare(folder, data, lengths)
        served = serve(folder, peers)
        try:
            run(
                Bench(served, session, cases),
                [one for one in (OURS, *peers) if one in options.viewers],
                options.parts,
                options.times,
            )
        finally:
            served.stop()
    finally:
        if options.data_dir is None:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"load of the machine meanwhile: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
