"""Nodes as leads enter them: what is refused, what is kept secret, where DICOMweb may not lead."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from backend.audit.models import Event
from backend.dicom.refusal import Refused
from backend.dimse.models import RemoteNode
from backend.dimse.remote import NodeFailed, SearchKeys
from backend.dimse.services import probe_node, search_node
from backend.dimse.web_requests import checked_url

PACS = "/api/v1/projects/breast/pacs/"
pytestmark = pytest.mark.django_db
DICOMWEB = {
    "kind": "dicomweb", "name": "Cloud", "base_url": "https://pacs.example.org/dicom-web/", "authentication": "bearer",
    "secret": "hunter2-token",
}  # fmt: skip
DIMSE = {"kind": "dimse", "name": "PACS", "host": "10.1.2.3", "port": 104, "ae_title": " PACS1 ", "may_send": True}


def test_a_secret_is_sealed_never_told_and_asked_for_anew_with_another_url(
    project: Any, lead: Any, as_person: Callable[..., Any]
) -> None:
    client = as_person(lead)
    made = client.post(PACS, DICOMWEB, format="json")
    assert made.status_code == 201 and made.json()["has_secret"] and b"hunter2" not in made.content
    node = RemoteNode.objects.get()
    assert "hunter2" not in node.secret and node.base_url == "https://pacs.example.org/dicom-web"
    assert b"hunter2" not in client.get(PACS).content
    assert not any("hunter2" in str(event.detail) for event in Event.objects.all())
    path = f"{PACS}nodes/{node.pk}/"
    assert client.patch(path, {"name": "Cloud 2"}, format="json").json()["has_secret"]
    elsewhere = client.patch(path, {"base_url": "https://evil.example.org/"}, format="json")
    assert elsewhere.status_code == 400 and "Enter the password" in str(elsewhere.json())
    node.refresh_from_db()
    assert node.base_url == "https://pacs.example.org/dicom-web" and node.secret


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({**DIMSE, "ae_title": "SEVENTEEN-LETTERS"[:16] + "\\"}, "16"),
        ({**DIMSE, "ae_title": "A\\B"}, "backslash"),
        ({**DIMSE, "ae_title": ""}, "AE title"),
        ({**DIMSE, "port": None, "may_send": False}, "no use"),
        ({**DIMSE, "host": ""}, "needs a host"),
        ({**DIMSE, "sends_from": "10.0.0.0/33"}, "network"),
        ({**DICOMWEB, "base_url": "ftp://pacs.example.org"}, "https"),
        ({**DICOMWEB, "base_url": "https://user:word@pacs.example.org"}, "password"),
        ({**DICOMWEB, "base_url": "https://pacs.example.org/?a=b"}, "query"),
        ({**DICOMWEB, "secret": ""}, ""),
    ],
)
def test_what_no_node_can_be_is_refused_with_the_reason(
    project: Any, lead: Any, as_person: Callable[..., Any], given: dict[str, Any], reason: str
) -> None:
    answer = as_person(lead).post(PACS, given, format="json")
    assert answer.status_code == 400 and reason in str(answer.json())
    assert not RemoteNode.objects.exists()


def test_an_ae_title_leads_to_one_project_only(project: Any, lead: Any, as_person: Callable[..., Any]) -> None:
    from backend.archive.models import Archive
    from backend.dimse.models import ReceivingTitle
    from backend.projects.models import Project

    other = Project.objects.create(slug="other", name="Other", archive=Archive.objects.create(slug="o", name="O"))
    ReceivingTitle.objects.create(project=other, ae_title="TAKEN")
    client = as_person(lead)
    assert client.put(f"{PACS}receiving/", {"ae_title": "TAKEN"}, format="json").status_code == 400
    answer = client.put(f"{PACS}receiving/", {"ae_title": "BREAST"}, format="json")
    assert answer.json()["receiving"]["ae_title"] == "BREAST"
    assert client.put(f"{PACS}receiving/", {"ae_title": ""}, format="json").json()["receiving"]["ae_title"] == ""


@pytest.fixture
def redirecting() -> Iterator[int]:
    """A server of this machine that sends everybody elsewhere, and counts who came."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.came.append(self.path)  # type: ignore[attr-defined]  # before the answer, which the test waits for
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1:1/")
            self.end_headers()

        def log_message(self, *args: Any) -> None: ...

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    server.came = []  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


def test_a_private_address_is_connected_to_only_where_an_administrator_allows_it(
    project: Any, lead: Any, redirecting: Any, settings: Any
) -> None:
    port = redirecting.server_address[1]
    for host in ("127.0.0.1", "localhost", "2130706433"):
        node = RemoteNode.objects.create(
            project=project, name=host, kind="dicomweb", base_url=f"http://{host}:{port}/dicom-web"
        )
        with pytest.raises(NodeFailed, match="private network|cannot be reached"):
            probe_node(node=node, by=lead)
    assert redirecting.came == []
    settings.NODE_NETWORKS = ["127.0.0.0/8"]
    with pytest.raises(NodeFailed, match="redirects"):
        probe_node(node=RemoteNode.objects.get(name="127.0.0.1"), by=lead)
    assert len(redirecting.came) == 1


def test_a_search_asks_for_something_and_is_written_down_even_if_it_fails(project: Any, lead: Any) -> None:
    node = RemoteNode.objects.create(
        project=project, name="PACS", kind="dimse", host="127.0.0.1", port=1, ae_title="X", calling_ae_title="US"
    )
    with pytest.raises(Refused, match="at least one"):
        SearchKeys()
    with pytest.raises(Refused, match="backslash"):
        SearchKeys(patient_id="a\\b")
    with pytest.raises(NodeFailed, match="cannot be reached"):
        search_node(node=node, keys=SearchKeys(patient_name="Doe"), by=lead)
    assert list(Event.objects.get(verb="node.searched").detail["keys"]) == ["patient_name"]


def test_a_node_of_another_project_is_not_there(
    project: Any, lead: Any, as_person: Callable[..., Any], make_person: Callable[..., Any]
) -> None:
    from backend.archive.models import Archive
    from backend.projects.models import Membership, Project

    other = Project.objects.create(slug="other", name="Other", archive=Archive.objects.create(slug="o", name="O"))
    Membership.objects.create(project=other, user=make_person("olga"), role="lead")
    node = RemoteNode.objects.create(project=other, name="Theirs", kind="dimse", host="10.0.0.1", port=104, ae_title="X")
    client = as_person(lead)
    for path in (f"nodes/{node.pk}/test/", f"nodes/{node.pk}/studies/", f"nodes/{node.pk}/series/"):
        assert client.post(PACS + path, {"patient_id": "1", "study": "1.2"}, format="json").status_code == 404
    pull = client.post(f"{PACS}transfers/pull/", {"node": str(node.pk), "studies": [{"study": "1.2"}]}, format="json")
    assert pull.status_code == 404


def test_a_url_is_kept_without_its_last_slash() -> None:
    assert checked_url(" https://pacs.example.org:8443/dicom-web/ ") == "https://pacs.example.org:8443/dicom-web"
