"""What cannot run here is at least well formed and complete: compose file, images, nginx, unit, environment reference."""

from __future__ import annotations

import configparser
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings

REPOSITORY = Path(__file__).resolve().parents[2]
DEPLOY = REPOSITORY / "deploy"
OURS = ("web", "worker-default", "worker-infer", "worker-train", "worker-upkeep", "beat")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def variables_of_the_code() -> set[str]:
    """Every variable that settings or the workers' entry read."""
    found = set()
    for file in ("backend/config/settings.py", "workers/app.py"):
        text = (REPOSITORY / file).read_text()
        found |= set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', text)) | set(re.findall(r'os\.environ\.get\("([A-Z_]+)"', text))
    return found


def variables_of_the_reference() -> set[str]:
    return set(re.findall(r"^\| `([A-Z_]+)`", (REPOSITORY / "docs" / "operations.md").read_text(), re.MULTILINE))


def test_every_variable_is_in_the_environment_reference() -> None:
    assert len(variables_of_the_code()) > 15
    assert variables_of_the_code() - variables_of_the_reference() == set()


def test_the_environment_reference_names_nothing_that_is_not_read() -> None:
    known = variables_of_the_code() | {"PROMETHEUS_MULTIPROC_DIR", "OVERREAD_TEST_DATA"}
    assert variables_of_the_reference() - known == set()


def test_compose_runs_every_queue_once_and_one_clock(compose: dict[str, Any]) -> None:
    commands = {name: " ".join(compose["services"][name].get("command", [])) for name in OURS}
    for queue in settings.WORKER_QUEUES:
        served = [name for name, command in commands.items() if f"-Q {queue} " in command]
        assert served == [f"worker-{queue}"]
        assert compose["services"][f"worker-{queue}"]["environment"]["OVERREAD_QUEUES"] == queue
    assert [name for name, command in commands.items() if " beat " in command] == ["beat"]


def test_compose_gives_the_servers_health_checks_volumes_and_no_default_password(compose: dict[str, Any]) -> None:
    for name in ("postgres", "valkey", "web"):
        assert "healthcheck" in compose["services"][name]
    for service in compose["services"].values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source.startswith("./") or source in compose["volumes"]
    assert "${POSTGRES_PASSWORD:?" in compose["services"]["postgres"]["environment"]["POSTGRES_PASSWORD"]
    listening = {"nginx", "dicom-receiver"}
    assert all("ports" not in compose["services"][name] for name in compose["services"] if name not in listening)
    assert compose["services"]["dicom-receiver"]["profiles"] == ["dicom"]


def test_compose_opens_the_ports_of_dicom_and_gives_its_certificate_to_whoever_shows_it(compose: dict[str, Any]) -> None:
    example = dict(re.findall(r"^# (OVERREAD_DICOM\w+)=(.+)$", (DEPLOY / "example.env").read_text(), re.MULTILINE))
    plain, by_tls = example.pop("OVERREAD_DICOM_PORT"), example.pop("OVERREAD_DICOM_TLS_PORT")
    assert compose["services"]["dicom-receiver"]["ports"] == [f"{plain}:{plain}", f"{by_tls}:{by_tls}"]
    assert len(example) == 3
    (folder,) = {str(Path(file).parent) for file in example.values()}
    for name in ("dicom-receiver", "web", "worker-default"):
        assert f"./dicom-tls:{folder}:ro" in compose["services"][name]["volumes"]


def test_compose_pins_images_and_sets_only_known_variables(compose: dict[str, Any]) -> None:
    known = variables_of_the_reference()
    for name, service in compose["services"].items():
        assert re.search(r":[\d.]+[\w.-]*$", service["image"]), f"{name}: {service['image']} has no version"
        if name in OURS:
            assert set(service["environment"]) <= known
    example = set(re.findall(r"^#? ?([A-Z_]+)=", (DEPLOY / "example.env").read_text(), re.MULTILINE))
    assert example - known <= {
        "POSTGRES_PASSWORD",
        "VALKEY_PASSWORD",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_REGION",
    }


@pytest.mark.parametrize("name", ["Dockerfile.web", "Dockerfile.worker"])
def test_images_copy_what_exists_and_do_not_run_as_root(name: str) -> None:
    text = (DEPLOY / name).read_text()
    for sources in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE):
        for source in sources.split():
            assert (REPOSITORY / source).exists(), source
    assert re.findall(r"^USER (\w+)$", text, re.MULTILINE) == ["overread"]
    assert "latest" not in text


def test_the_web_image_has_no_torch() -> None:
    assert "worker.txt" not in (DEPLOY / "Dockerfile.web").read_text()
    assert not re.search(r"^torch", (DEPLOY / "requirements" / "web.txt").read_text(), re.MULTILINE)


def test_nginx_lets_a_piece_of_an_import_through_and_its_braces_match() -> None:
    text = (DEPLOY / "nginx.conf").read_text()
    assert text.count("{") == text.count("}")
    assert "client_max_body_size 9m;" in text and "X-Forwarded-Proto $scheme" in text
    for line in text.splitlines():
        line = line.split("#")[0].strip()
        assert not line or line[-1] in ";{}", line


def test_unit_starts_the_supervisor() -> None:
    unit = configparser.ConfigParser(interpolation=None, strict=False)
    unit.optionxform = str  # type: ignore[assignment]
    unit.read_string((DEPLOY / "overread.service").read_text())
    assert "manage.py up" in unit["Service"]["ExecStart"]
    assert unit["Service"]["KillMode"] == "mixed"


def test_every_direct_requirement_is_pinned_and_agrees_with_the_constraints() -> None:
    pins = dict(line.lower().split("==") for line in (DEPLOY / "requirements" / "constraints.txt").read_text().split())
    for name in ("web", "worker", "dev"):
        for line in (DEPLOY / "requirements" / f"{name}.txt").read_text().splitlines():
            if not line or line.startswith(("#", "-")):
                continue
            package, version = re.sub(r"\[.*\]", "", line).lower().split("==")
            by_dashes = {key.replace("_", "-"): value for key, value in pins.items()}
            assert by_dashes.get(package.replace("_", "-"), version) == version, line
