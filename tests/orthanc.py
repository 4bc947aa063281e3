"""A real Orthanc with its DICOMweb plugin, on random ports of this machine; skips where Debian's packages are absent."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from backend.config.supervisor import end_with_parent

_PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")


@dataclass(frozen=True)
class Orthanc:
    """A running server: its REST API at `url`, DICOMweb below `dicomweb`, C-STORE, C-FIND and the others at `dicom_port`."""

    url: str
    dicom_port: int
    process: subprocess.Popen[bytes]
    aet: str = "ORTHANC"

    @property
    def dicomweb(self) -> str:
        """The root of its own DICOMweb service."""
        return f"{self.url}/dicom-web"

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """An answer of the REST API, parsed; `body` is sent as JSON, bytes as they are."""
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        answer = requests.request(method, self.url + path, data=data, timeout=60)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text[:500]}"
        return answer.json() if "json" in answer.headers.get("Content-Type", "") else answer.content

    def store(self, dicom: bytes) -> str:
        """Put a DICOM file in; Orthanc's own identifier of the instance."""
        return str(self.call("POST", "/instances", dicom)["ID"])

    def know_dicomweb(self, name: str, url: str, token: str) -> None:
        """Make another DICOMweb server known, for `/dicom-web/servers/<name>/…`."""
        self.call("PUT", f"/dicom-web/servers/{name}", {"Url": url, "HttpHeaders": {"Authorization": f"Bearer {token}"}})

    def know_modality(self, name: str, aet: str, port: int, *, tls: bool = False) -> None:
        """Make another DICOM application on this machine known, for `/modalities/<name>/…` and as a C-MOVE destination."""
        known = {"AET": aet, "Host": "127.0.0.1", "Port": port, "UseDicomTls": tls}
        self.call("PUT", f"/modalities/{name}", known)


def _program() -> str | None:
    return shutil.which("Orthanc", path="/usr/sbin:/usr/bin:/usr/local/bin")


def is_installed() -> bool:
    """Whether the server and its plugin are on this machine."""
    return _program() is not None and _PLUGIN.exists()


def start_orthanc(folder: Path, **more: Any) -> Orthanc:
    """Start a server that keeps all it has in `folder`; `more` are settings of its own. Skips where it is not installed.

    End it by `process.kill()`.
    """
    program = _program()
    if program is None or not is_installed():
        pytest.skip("Orthanc and its DICOMweb plugin (Debian's orthanc, orthanc-dicomweb) are not installed")
    http, dicom = _free_port(), _free_port()
    (folder / "orthanc.json").write_text(
        json.dumps(
            {
                "Name": "Overread's tests",
                "StorageDirectory": str(folder / "storage"),
                "IndexDirectory": str(folder / "index"),
                "Plugins": [str(_PLUGIN)],
                "HttpPort": http,
                "DicomPort": dicom,
                "DicomAet": Orthanc.aet,
                "RemoteAccessAllowed": False,
                "AuthenticationEnabled": False,
                "DicomCheckCalledAet": False,
                "DicomAlwaysAllowEcho": True,
                "DicomAlwaysAllowStore": True,
                "DicomAlwaysAllowFind": True,
                "DicomAlwaysAllowGet": True,
                "DicomAlwaysAllowMove": True,
                "DicomModalitiesInDatabase": True,
                "JobsHistorySize": 100,
                "SaveJobs": False,
                "DicomWeb": {"Enable": True, "Root": "/dicom-web/", "ServersInDatabase": True, "EnableMetadataCache": False},
                **more,
            }
        )
    )
    with (folder / "orthanc.log").open("wb") as log:
        process = subprocess.Popen(
            [program, str(folder / "orthanc.json")], cwd=folder, stdout=log, stderr=log, preexec_fn=end_with_parent
        )
    made = Orthanc(f"http://127.0.0.1:{http}", dicom, process)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        try:
            requests.get(f"{made.url}/system", timeout=5).raise_for_status()
            return made
        except requests.ConnectionError:
            time.sleep(0.05)
    process.kill()
    raise RuntimeError(f"Orthanc did not start: {(folder / 'orthanc.log').read_text()[-2000:]}")


@pytest.fixture
def orthanc(tmp_path: Path) -> Iterator[Orthanc]:
    """An empty Orthanc of the test's own."""
    folder = tmp_path / "orthanc"
    folder.mkdir()
    started = start_orthanc(folder)
    yield started
    # Killed, not asked: it takes seconds to close what is thrown away anyway.
    started.process.kill()
    started.process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
