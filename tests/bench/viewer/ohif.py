"""OHIF as published on npm: fetched once into a cache folder, checked, and set to read our DICOMweb."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[3]
VERSION: Final = "3.13.2"
SHA512: Final = "WZdxmpmG7rqFgW9ZJLcbgr3XCtLi1KDNPoMaeY5PPe6j4G4fjEjjkycZM6C6Zk2F87BKxFfpq+jd5xXZB9E8EA=="
_UNUSED: Final = ("ort", "dicom-microscopy-viewer")


class NotToBeHad(Exception):
    """Why a peer cannot be measured on this machine."""


def cache_folder() -> Path:
    """Where downloads and builds of the bench are kept between runs (OVERREAD_BENCH_CACHE)."""
    default = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "overread-bench"
    folder = Path(os.environ.get("OVERREAD_BENCH_CACHE", default))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def is_fetched() -> bool:
    """Whether the pages lie in the cache folder already."""
    return (cache_folder() / f"ohif-{VERSION}" / "index.html").is_file()


def ohif_pages(project: str) -> Path:
    """The folder of OHIF's pages, set to `/dicom-web/<project>`; NotToBeHad with the reason if npm has it not."""
    folder = cache_folder() / f"ohif-{VERSION}"
    if not is_fetched():
        _unpack(_package(), folder)
    (folder / "app-config.js").write_text(_settings(project))
    for stale in folder.glob("app-config.js.*"):
        stale.unlink()
    return folder


def _package() -> Path:
    package = cache_folder() / f"ohif-app-{VERSION}.tgz"
    if not package.is_file():
        npm = shutil.which("npm") or str(Path(sys.executable).parent / "npm")
        command = [npm, "pack", f"@ohif/app@{VERSION}", "--pack-destination", str(package.parent)]
        environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
        try:
            done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NotToBeHad(f"npm could not be run: {error}") from error
        if done.returncode != 0:
            raise NotToBeHad(f"npm pack ended with {done.returncode}: {done.stderr.strip()[-300:]}")
    digest = base64.b64encode(hashlib.sha512(package.read_bytes()).digest()).decode()
    if digest != SHA512:
        package.unlink()
        raise NotToBeHad("the package that npm gave is not the published one (SHA-512 differs)")
    return package


def _unpack(package: Path, folder: Path) -> None:
    parts = folder.with_suffix(".part")
    shutil.rmtree(parts, ignore_errors=True)
    with tarfile.open(package) as archive:
        archive.extractall(parts, filter="data")
    pages = parts / "package" / "dist"
    for name in _UNUSED:
        shutil.rmtree(pages / name, ignore_errors=True)
    # As a server in production would send it: compressed ahead of time.
    compress = [sys.executable, "-m", "whitenoise.compress", "--quiet", "--no-brotli", str(pages)]
    subprocess.run(compress, check=True, timeout=600)
    shutil.rmtree(folder, ignore_errors=True)
    pages.rename(folder)
    shutil.rmtree(parts, ignore_errors=True)


def _settings(project: str) -> str:
    """The very file that the documentation tells people to use."""
    settings = (ROOT / "deploy" / "ohif-config.js").read_text()
    return settings.replace('"PROJECT"', json.dumps(project))


def fetch() -> None:
    """Have the pages in the cache folder, or say why not: what needs them is then left out with a reason."""
    try:
        ohif_pages("PROJECT")
    except (NotToBeHad, OSError, subprocess.SubprocessError, tarfile.TarError) as reason:
        print(f"OHIF is not to be had: {reason}")


if __name__ == "__main__":
    fetch()
