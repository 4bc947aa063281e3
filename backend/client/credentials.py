"""Which server, and with which token: from the environment, else from a file that only its owner can read."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Credentials:
    """A server's address and a bearer token for it."""

    url: str
    token: str


def credentials_file() -> Path:
    """Where `overread login` keeps them: `OVERREAD_CREDENTIALS`, else below the user's configuration folder."""
    if given := os.environ.get("OVERREAD_CREDENTIALS"):
        return Path(given)
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "overread" / "credentials.json"


def load_credentials() -> Credentials:
    """From OVERREAD_URL and OVERREAD_TOKEN, else from the file; ValueError says what is missing."""
    url, token = os.environ.get("OVERREAD_URL", ""), os.environ.get("OVERREAD_TOKEN", "")
    if url and token:
        return Credentials(url, token)
    path = credentials_file()
    if not path.is_file():
        raise ValueError(f"Set OVERREAD_URL and OVERREAD_TOKEN, or run `overread login` (there is no {path}).")
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ValueError(f"Others can read {path}: run `chmod 600 {path}`, and revoke the token if they may have.")
    kept = json.loads(path.read_text())
    # A token is never sent to another server than the one it was given for.
    if url and url.rstrip("/") != kept["url"]:
        raise ValueError(f"{path} holds a token for {kept['url']}, not for {url}: set OVERREAD_TOKEN, too.")
    return Credentials(kept["url"], token or kept["token"])


def save_credentials(credentials: Credentials) -> Path:
    """Keep them in the file, readable by its owner alone."""
    path = credentials_file()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        json.dump({"url": credentials.url.rstrip("/"), "token": credentials.token}, file)
    part.replace(path)
    return path
