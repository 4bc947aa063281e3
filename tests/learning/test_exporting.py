"""A version as ONNX: it says the same as the network, tells how to use it, and is refused where it does not."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile

import numpy as np
import onnx
import pytest

from backend.archive.store import get_object
from backend.audit.models import Event
from backend.jobs.services import claim_job, finish_job
from backend.learning.models import TrainingPolicy
from backend.learning.services import start_round
from workers.cnn.export import ExportRefused, export_onnx, largest_difference, run_onnx
from workers.cnn.model import NetConfig, build_network
from workers.cnn.predict import predict


def images_of(size: int, n: int = 3) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    content = np.array([[size, size], [size // 2, size], [size, size // 4]])[:n]
    return generator.integers(0, 256, (n, size, size)).astype(np.uint8), content


def test_the_file_says_what_the_network_says_whatever_the_number_and_the_proportions_of_the_images() -> None:
    network = build_network(NetConfig(n_types=2, n_findings=3), seed=0).eval()
    data = export_onnx(network, size=64, about={"overread": {"note": "é"}})
    images, content = images_of(64)
    assert largest_difference(data, network, images, content) < 1e-5
    one = run_onnx(data, images[:1], content[:1])
    assert one.types == pytest.approx(predict(network, images[:1], content[:1]).types, abs=1e-5)
    assert one.types.shape == (1, 3, 64, 64) and one.findings.shape == (1, 3)
    told = {entry.key: entry.value for entry in onnx.load_from_string(data).metadata_props}
    assert json.loads(told["overread"]) == {"note": "é"}


def test_a_slice_with_its_neighbours_is_read_as_the_network_reads_it() -> None:
    network = build_network(NetConfig(n_types=1, n_findings=2, in_channels=3), seed=0).eval()
    data = export_onnx(network, size=64, about={})
    images, content = images_of(64)
    slices = np.stack([images, images[::-1], np.roll(images, 7, axis=1)], axis=1)
    assert largest_difference(data, network, slices, content) < 1e-5
    assert run_onnx(data, slices, content).types.shape == (3, 2, 64, 64)


@pytest.mark.parametrize(
    "net",
    [
        NetConfig(n_types=1, n_findings=2, widths=(8, 16, 32), patch=(32, 32)),
        NetConfig(n_types=1, n_findings=2, widths=(8, 16), dims=3, norm="instance", strides=((1, 2, 2),), patch=(4, 32, 32)),
    ],
)
def test_windows_of_large_images_and_of_volumes_are_read_as_the_network_reads_them(net) -> None:
    network = build_network(net, seed=0).eval()
    data = export_onnx(network, size=64, about={})
    windows = np.random.default_rng(0).normal(0, 1, (3, 1, *net.patch)).astype(np.float32)
    assert largest_difference(data, network, windows) < 1e-5
    assert run_onnx(data, windows).types.shape == (3, 2, *net.patch)
    with pytest.raises(ExportRefused, match="on 3 images"):
        largest_difference(data, build_network(net, seed=1).eval(), windows)


def test_a_file_of_another_network_is_refused() -> None:
    net = NetConfig(n_types=2, n_findings=3)
    data = export_onnx(build_network(net, seed=0).eval(), size=32, about={})
    with pytest.raises(ExportRefused, match="differs from the network by"):
        largest_difference(data, build_network(net, seed=1).eval(), *images_of(32))


@pytest.fixture
def version(project, lead, draw_case, read_truth, work):
    TrainingPolicy.objects.create(project=project, image_size=32, steps_scratch=4)
    for index in range(6):
        read_truth(draw_case(index % 3))
    return work(start_round(project=project, by=lead)).model_version


@pytest.mark.django_db
def test_the_lead_orders_an_export_and_downloads_file_and_sidecar(version, lead, as_person) -> None:
    from workers.exporting import run_export

    client, url = as_person(lead), "/api/v1/projects/breast/models/1/onnx/"
    assert client.get(url).status_code == 404
    ordered = client.post(url)
    assert ordered.status_code == 202
    lease = claim_job(ordered.json()["job"])
    run_export(lease)
    finish_job(lease, lease.result)
    shown = client.get("/api/v1/projects/breast/models/1/").json()["onnx"]
    assert shown["images"] == 6 and shown["difference"] <= shown["tolerance"] and "key" not in shown
    answer = client.get(url)
    assert answer.status_code == 200 and 'filename="breast-v1-onnx.zip"' in answer["Content-Disposition"]
    packed = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content) if answer.streaming else answer.content))
    assert packed.namelist() == ["breast-v1.onnx", "breast-v1.json"]
    told = json.loads(packed.read("breast-v1.json"))
    assert told["onnx_sha256"] == hashlib.sha256(packed.read("breast-v1.onnx")).hexdigest() == shown["sha256"]
    assert told["weights_sha256"] == version.weights_sha256 and told["inputs"]["images"]["shape"] == ["N", 32, 32]
    first = version.project.finding_types.get(scope="lesion", position=0)
    assert told["lesion_types"][0]["name"] == first.name and told["lesion_types"][0]["channel"] == 1
    assert any("letterbox" in step for step in told["preprocessing"]) and told["calibration"]["method"] == "none"
    verbs = Event.objects.filter(object_type="model_version", verb__startswith="model.").values_list("verb", flat=True)
    assert {"model.export_ordered", "model.exported", "model.export_downloaded"} <= set(verbs)


@pytest.mark.django_db
def test_the_command_writes_both_files_and_refuses_what_differs(version, tmp_path, capsys, monkeypatch) -> None:
    from workers import exporting

    assert exporting.main(["--project", "breast", "--version", "1", "--out", str(tmp_path / "out")]) == 0
    assert sorted(place.name for place in (tmp_path / "out").iterdir()) == ["breast-v1.json", "breast-v1.onnx"]
    assert "differs from the network by at most" in capsys.readouterr().out
    version.refresh_from_db()
    exported = version.onnx["sha256"]
    assert hashlib.sha256(get_object(version.onnx["key"])).hexdigest() == exported

    def other(network, **more):
        return export_onnx(build_network(network.config, seed=77).eval(), **more)

    monkeypatch.setattr(exporting, "export_onnx", other)
    assert exporting.main(["--project", "breast", "--version", "1", "--out", str(tmp_path / "none")]) == 1
    assert "Refused: The ONNX file differs" in capsys.readouterr().err and not (tmp_path / "none").exists()
    version.refresh_from_db()
    assert version.onnx["sha256"] == exported
