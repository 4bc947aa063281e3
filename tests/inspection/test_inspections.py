"""A look inside is computed once, holds what the network is and does, and goes with what it is about."""

from __future__ import annotations

import numpy as np
import pytest

from backend.archive.store import get_object
from backend.audit.models import Event
from backend.inspection import services
from backend.inspection.models import Inspection
from backend.inspection.selectors import find_inspection
from backend.inspection.services import drop_oldest, order_inspection, store_inspection
from backend.jobs.models import Job
from tests.inspection.conftest import array_of, store_network
from tests.rows import make_model
from workers.cnn.checkpoint import decode_weights
from workers.networks import load_version

pytestmark = pytest.mark.django_db


def test_it_holds_the_filters_the_maps_and_the_receptive_fields_of_every_block(model, lead, draw_case, run_job) -> None:
    version, case = model.model_version, draw_case(1)
    made = run_job(order_inspection(version=version, case=case, frame=1, by=lead))
    seen = made.document
    weights = decode_weights(get_object(version.weights_key), sha256=version.weights_sha256)
    assert [layer["name"] for layer in seen["layers"]] == [
        "encoder.0", "encoder.1", "encoder.2", "decoder.0", "decoder.1", "type_head",
    ]  # fmt: skip
    first = seen["layers"][0]
    assert np.array_equal(array_of(made, first["filters"][0]["array"]), weights["encoder.0.0.weight"].numpy()[:, 0])
    assert first["sees"] == [5, 5] and first["channels"] == 4 and first["size"] == [32, 32]
    low, high = (array_of(made, end) for end in first["spans"][0])
    assert (low[10], high[10]) == (8, 12) and (low[0], high[31]) == (0, 31)
    maps = array_of(made, first["maps"]["array"])
    assert maps.shape == (4, 32, 32) and maps.dtype == np.uint8
    assert (maps.min(axis=(1, 2)) == 0).all() and (maps.max(axis=(1, 2)) == 255).all()
    assert first["maps"]["strengths"] == sorted(first["maps"]["strengths"], reverse=True)
    assert array_of(made, seen["input"]["array"]).shape == (32, 32)
    assert seen["layers"][1]["steps"] == [{"function": "max_pool2d", "factor": [2.0, 2.0]}]
    assert seen["parameters"] == sum(weights.numel() for weights in load_version(version).network.parameters())
    assert made.n_bytes == len(bytes(made.pictures)) < 200_000


def test_a_map_in_bytes_is_the_map_to_the_precision_of_a_byte(model, lead, draw_case, run_job) -> None:
    case = draw_case(1)
    made = run_job(order_inspection(version=model.model_version, case=case, frame=1, by=lead))
    from workers.cnn.inspect import look_inside
    from workers.datasets import case_images
    from workers.inspecting import network_input

    loaded = load_version(model.model_version)
    inside = look_inside(loaded.network, network_input(case_images(case, loaded.plan), loaded, 0), content=(32, 32))
    kept = made.document["layers"][2]["maps"]
    for place, channel in enumerate(kept["kept"]):
        low, high = kept["low"][place], kept["high"][place]
        shown = array_of(made, kept["array"])[place] / 255 * (high - low) + low
        assert shown == pytest.approx(inside.layers[2].maps[channel], abs=(high - low) / 250 + 1e-4)


def test_its_answers_have_saliency_and_a_check(model, lead, draw_case, run_job) -> None:
    made = run_job(order_inspection(version=model.model_version, case=draw_case(1), frame=1, by=lead))
    kinds = [target["kind"] for target in made.document["targets"]]
    assert kinds.count("finding") == 4 and kinds.count("lesion") <= 4
    for target in made.document["targets"]:
        assert (target["mask"] is not None) == (target["kind"] == "lesion")
        for one in target["maps"]:
            cam = array_of(made, one["array"])
            assert cam.shape[0] == 1 and one["low"][0] >= 0
            assert all(value is None or -1 <= value <= 1 for value in (one["heads"], one["all"]))
    names = [layer["name"] for layer in made.document["layers"]]
    assert made.document["shown_first"] in names


def test_the_saliency_of_a_persons_lesion_is_computed_for_that_lesion_alone(
    project, model, lead, draw_case, run_job
) -> None:
    from backend.readings.models import Reader
    from tests.rows import make_reading

    case = draw_case(1)
    person = Reader.objects.create(project=project, kind="person", name="lena", user=lead)
    lesion = make_reading(person, case, scores=[None], state="draft").lesions.get()
    made = run_job(order_inspection(version=model.model_version, case=case, frame=1, by=lead, lesion=lesion))
    (target,) = made.document["targets"]
    assert target["kind"] == "marked" and set(made.document) == {"targets"}
    mask = array_of(made, target["mask"])
    rows, columns = np.nonzero(mask)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (0, 9, 0, 9), "the ellipse within the box"
    lesion.points = [[12.0, 12.0], [20.0, 20.0]]
    lesion.save()
    other = order_inspection(version=model.model_version, case=case, frame=1, by=lead, lesion=lesion)
    assert other.pk != made.pk, "an edited lesion is another one"


def test_nothing_is_computed_twice(model, lead, draw_case, run_job) -> None:
    case = draw_case(1)
    first = order_inspection(version=model.model_version, case=case, frame=1, by=lead)
    assert order_inspection(version=model.model_version, case=case, frame=1, by=lead).job_id == first.job_id
    run_job(first)
    order_inspection(version=model.model_version, case=case, frame=1, by=lead)
    assert Job.objects.filter(task="inspection.inspect_case").count() == 1


def test_what_failed_may_be_ordered_again(model, lead, draw_case) -> None:
    from backend.jobs.services import claim_job, fail_job

    case = draw_case(1)
    first = order_inspection(version=model.model_version, case=case, frame=1, by=lead)
    fail_job(claim_job(first.job_id), "the disk was full")
    again = order_inspection(version=model.model_version, case=case, frame=1, by=lead)
    assert again.pk == first.pk and again.job.state == "queued"


def test_it_goes_with_the_version_and_with_the_case(project, model, lead, draw_case) -> None:
    other = make_model(project, state="kept", number=2).model_version
    kept_case, gone_case = draw_case(1), draw_case(2)
    for version, case in ((model.model_version, kept_case), (model.model_version, gone_case), (other, kept_case)):
        store_inspection(
            inspection=order_inspection(version=version, case=case, frame=1, by=lead), document={}, pictures=b"x"
        )
    other.delete()
    gone_case.delete()
    assert [(row.model_version, row.case) for row in Inspection.objects.all()] == [(model.model_version, kept_case)]


def test_only_the_last_used_are_kept_by_number_and_by_size(model, project, lead, draw_case, monkeypatch) -> None:
    monkeypatch.setattr(services, "KEPT", 3)
    cases = [draw_case(1) for _ in range(5)]

    def made(case, size: int) -> None:
        inspection = order_inspection(version=model.model_version, case=case, frame=1, by=lead)
        store_inspection(inspection=inspection, document={}, pictures=b"x" * size)

    for case in cases[:3]:
        made(case, 10)
    order_inspection(version=model.model_version, case=cases[0], frame=1, by=lead)  # Looked at again.
    made(cases[3], 10)
    kept = set(Inspection.objects.values_list("case", flat=True))
    assert kept == {cases[0].pk, cases[2].pk, cases[3].pk}
    monkeypatch.setattr(services, "KEPT_BYTES", 25)
    assert drop_oldest(project=project) == 1
    made(cases[4], 100)
    assert list(Inspection.objects.values_list("case", flat=True)) == [cases[4].pk], "the newest stays, however large"


@pytest.mark.parametrize("shape", [{"in_channels": 3}, {"widths": (4, 4)}, {"widths": (2, 3, 4, 5, 6)}])
def test_a_network_of_another_shape_is_looked_into_as_well(model, lead, draw_case, run_job, shape) -> None:
    version, case = store_network(model.model_version, **shape), draw_case(1, frames=5)
    made = run_job(order_inspection(version=version, case=case, frame=5, by=lead))
    assert len(made.document["layers"]) == 2 * len(shape.get("widths", (4, 6, 8)))
    assert made.document["input"]["channels"] == shape.get("in_channels", 1)
    assert made.document["layers"][0]["filters"][0]["inputs"] == shape.get("in_channels", 1)


def test_each_look_is_in_the_trail_once_an_hour(model, lead, draw_case, run_job, as_person) -> None:
    case = draw_case(1)
    client, base = as_person(lead), f"/api/v1/projects/breast/models/1/inspections/{case.pk}/"
    client.post(base)
    run_job(find_inspection(version=model.model_version, case=case, frame=1))
    client.get(base)
    answer = client.get(f"{base}pictures/")
    assert answer.status_code == 200 and answer["Content-Encoding"] == "gzip"
    (event,) = Event.objects.filter(verb="case.inspected")
    assert (event.actor_id, event.object_id, event.detail["version"]) == (lead.pk, str(case.pk), 1)


def test_the_image_is_shown_through_the_window_in_which_the_version_sees_ct(model, lead, draw_case, as_person) -> None:
    version, case = model.model_version, draw_case(1)
    url = f"/api/v1/projects/breast/models/{version.number}/inspections/{case.pk}/"
    assert as_person(lead).get(url, {"frame": 1}).json()["image"]["ct_window"] is None
    version.config = {**version.config, "plan": {"ct_window": [60, 160]}}
    version.save()
    assert as_person(lead).get(url, {"frame": 1}).json()["image"]["ct_window"] == [60, 160]
