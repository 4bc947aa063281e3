"""Click-to-segment: who may ask, what is refused and how, what a round learns for it, and what a lesion keeps of it."""

from __future__ import annotations

import base64
import threading
import uuid
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from backend.geometry.rle import decode_mask, encode_mask, mask_digest
from backend.jobs import questions
from backend.learning.models import Round
from backend.learning.services import start_round
from backend.projects.arms import arm_of
from backend.readings.models import Lesion
from backend.registry.models import ModelVersion
from tests.rows import make_case, make_model
from workers import prompting
from workers.pointing import load_prompts
from workers.prompting import prompt_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_questions() -> Iterator[None]:
    server = questions._server()
    server.flushdb()
    yield
    server.flushdb()


@pytest.fixture
def assisted(project: Any) -> Any:
    project.blinded_share = 0.0
    project.save()
    return project


def url(case: Any) -> str:
    return f"/api/v1/projects/breast/cases/{case.pk}/segment/"


def click(case: Any, **more: Any) -> dict[str, Any]:
    uid = case.series.instances.order_by("position").first().sop_instance_uid
    return {"sop_instance_uid": uid, "positive": [[20.5, 30.5]], **more}


def promptable(project: Any, **more: Any) -> ModelVersion:
    version: ModelVersion = make_model(project, **more).model_version
    version.config = {"prompts": {"key": "models/none", "sha256": "0" * 64, "net": {}}}
    version.save()
    return version


@pytest.fixture
def listener() -> Iterator[list[dict[str, Any]]]:
    """A worker that outlines two rows of three pixels wherever somebody points."""
    heard: list[dict[str, Any]] = []
    stop = threading.Event()
    runs = base64.b64encode(encode_mask(np.ones((1, 2, 3), bool))).decode()

    def listen() -> None:
        while not stop.is_set():
            asked = questions.next_question("prompts")
            if asked is not None:
                heard.append(asked[1])
                questions.answer(asked[0], {"mask": {"origin": [4, 5], "shape": [1, 2, 3], "runs": runs}})

    thread = threading.Thread(target=listen)
    thread.start()
    while not questions._server().exists("overread:listens:prompts"):
        pass
    yield heard
    stop.set()
    thread.join()


def test_a_click_is_answered_with_the_outline_and_the_version_on_the_frame_that_was_clicked(
    assisted: Any, reader: Any, as_person: Any, listener: list[dict[str, Any]]
) -> None:
    assisted.unit = "series"
    assisted.save()
    version = promptable(assisted, number=7)
    case = make_case(assisted, count=3, frames=2)
    second = list(case.series.instances.order_by("position"))[1]
    given = {"sop_instance_uid": second.sop_instance_uid, "frame": 2, "negative": [[1, 2]], "box": [[30, 40], [10, 5.5]]}
    answer = as_person(reader).post(url(case), given, format="json")
    assert answer.status_code == 200, answer.content
    said = answer.json()
    assert said["version"] == 7 and said["mask"]["origin"] == [3, 4, 5] and said["mask"]["shape"] == [1, 2, 3]
    assert decode_mask(base64.b64decode(said["mask"]["runs"]), said["mask"]["shape"]).all()
    assert listener == [
        {
            **{"version": version.pk, "serving": version.pk, "instance": second.pk, "frame": 2},
            **{"positive": [], "negative": [[1.0, 2.0]], "box": [[30.0, 40.0], [10.0, 5.5]], "strokes": []},
        }
    ]


def test_a_stroke_over_the_lesion_is_answered_as_a_click_is(
    assisted: Any, reader: Any, as_person: Any, listener: list[dict[str, Any]]
) -> None:
    promptable(assisted)
    case = make_case(assisted, rows=80, columns=100)
    over, beside = ({"positive": on, "points": [[0, 0], [50.5, 40], [100, 80]]} for on in (True, False))
    given = click(case, positive=[], strokes=[over, beside])
    assert as_person(reader).post(url(case), given, format="json").status_code == 200
    [asked] = listener
    assert asked["strokes"] == [over, beside] and asked["positive"] == []
    prompt = prompt_of(asked)
    assert prompt.strokes == [over["points"]] == prompt.negative_strokes and prompt.box is None


def test_a_version_from_before_there_were_strokes_takes_them_for_clicks(
    assisted: Any, draw_case: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = promptable(assisted)
    question = {
        **{"version": version.pk, "instance": draw_case(1).instance.pk, "frame": 1, "positive": [], "negative": []},
        **{"box": None, "strokes": [{"positive": True, "points": [[4, 4], [20, 4]]}]},
    }
    heard = []
    monkeypatch.setattr(prompting, "load_prompts", lambda version: object())
    monkeypatch.setattr(prompting, "segment", lambda network, image, prompt, whole: heard.append(prompt))
    prompting.outline_of(question)
    version.config["prompts"]["strokes"] = True
    version.save()
    prompting.outline_of(question)
    assert [(one.positive, len(one.strokes)) for one in heard] == [([(4, 4), (12, 4), (20, 4)], 0), ([], 1)]


@pytest.mark.parametrize("split", ["POOL", "VALIDATION", "HOLDOUT"])
def test_a_blinded_reader_is_refused_byte_for_byte_the_same_whether_or_not_there_is_a_model(
    project: Any, reader: Any, as_person: Any, listener: list[dict[str, Any]], split: str
) -> None:
    project.blinded_share = 1.0
    project.save()
    case, client = make_case(project, split=split), as_person(reader)
    before = client.post(url(case), click(case), format="json")
    promptable(project)
    after = client.post(url(case), click(case), format="json")
    client.post(f"/api/v1/projects/breast/cases/{case.pk}/open/")
    opened = client.post(url(case), click(case), format="json")
    assert before.status_code == after.status_code == opened.status_code == 409
    assert before.json()["code"] == "classical_only"
    assert before.content == after.content == opened.content
    assert {name: before[name] for name in before.headers} == {name: after[name] for name in after.headers}
    assert listener == [], "no model was asked"


def test_before_the_reveal_of_a_first_look_it_is_refused_and_after_it_answered(
    assisted: Any, reader: Any, as_person: Any, listener: list[dict[str, Any]]
) -> None:
    assisted.first_look = True
    assisted.save()
    promptable(assisted)
    case, client = make_case(assisted), as_person(reader)
    opened = client.post(f"/api/v1/projects/breast/cases/{case.pk}/open/").json()["reading"]
    assert client.post(url(case), click(case), format="json").json()["code"] == "classical_only"
    path = f"/api/v1/projects/breast/readings/{opened['id']}/"
    change = {"revision_id": str(uuid.uuid4()), "verdict": "no_lesion"}
    saved = client.put(path, change, format="json", headers={"If-Match": opened["etag"]})
    assert client.post(f"{path}reveal/", headers={"If-Match": saved.json()["etag"]}).status_code == 200
    assert client.post(url(case), click(case), format="json").status_code == 200 and len(listener) == 1


def test_without_a_version_that_answers_clicks_it_says_so(assisted: Any, reader: Any, as_person: Any) -> None:
    case, client = make_case(assisted), as_person(reader)
    first = client.post(url(case), click(case), format="json")
    make_model(assisted)
    second = client.post(url(case), click(case), format="json")
    for answer in (first, second):
        assert (answer.status_code, answer.json()["code"]) == (409, "no_prompts")


def test_without_a_worker_it_is_503_at_once_and_with_a_silent_one_after_two_seconds(
    assisted: Any, reader: Any, as_person: Any, settings: Any
) -> None:
    settings.PROMPT_SECONDS = 0.3
    promptable(assisted)
    case, client = make_case(assisted), as_person(reader)
    absent = client.post(url(case), click(case), format="json")
    questions._server().set("overread:listens:prompts", 1, ex=60)
    silent = client.post(url(case), click(case), format="json")
    for answer in (absent, silent):
        assert (answer.status_code, answer.json()["code"]) == (503, "prompt_late")


@pytest.mark.parametrize(
    "change",
    [
        {"positive": []},
        {"positive": [[20.5]]},
        {"positive": [[20.5, "x"]]},
        {"positive": [[float("1e400"), 3]]},
        {"positive": [[101, 30]]},
        {"negative": [[3, -1]]},
        {"positive": [[1, 1]] * 33},
        {"box": [[10, 10], [10.2, 40]]},
        {"box": [[10, 10]]},
        {"box": [[10, 10], [40, 90]]},
        {"frame": 0},
        {"frame": 2},
        {"sop_instance_uid": "1.2.3"},
        {"positive": [], "strokes": [{"positive": False, "points": [[1, 1], [2, 2]]}]},
        {"strokes": [{"positive": True, "points": [[1, 1]]}]},
        {"strokes": [{"positive": True, "points": [[1, 1]] * 257}]},
        {"strokes": [{"positive": True, "points": [[1, 1], [2, 2]]}] * 17},
        {"strokes": [{"positive": True, "points": [[1, 1], [1, 81]]}]},
        {"strokes": [{"points": [[1, 1], [2, 2]]}]},
        {"strokes": [[[1, 1], [2, 2]]]},
    ],
)
def test_what_is_not_a_place_on_the_image_is_refused(
    assisted: Any, reader: Any, as_person: Any, listener: list[dict[str, Any]], change: dict[str, Any]
) -> None:
    promptable(assisted)
    case = make_case(assisted, rows=80, columns=100)
    answer = as_person(reader).generic("POST", url(case), json_with_infinity({**click(case), **change}), "application/json")
    assert answer.status_code == 400, answer.content
    assert listener == []


def json_with_infinity(value: Any) -> str:
    import json

    return json.dumps(value).replace("Infinity", "1e400")


def test_the_corner_pixels_of_an_image_can_be_pointed_at(
    assisted: Any, reader: Any, as_person: Any, listener: list[dict[str, Any]]
) -> None:
    promptable(assisted)
    case = make_case(assisted, rows=80, columns=100)
    corners = [[0, 0], [100, 0], [0, 80], [100, 80], [0.5, 0.5], [99.5, 79.5]]
    assert as_person(reader).post(url(case), click(case, positive=corners), format="json").status_code == 200
    assert listener[0]["positive"] == corners


def test_a_lesion_keeps_the_clicks_from_which_it_was_made(assisted: Any, reader: Any, as_person: Any) -> None:
    promptable(assisted, number=2)
    case, client = make_case(assisted), as_person(reader)
    prompted = {"version": 2, "positive": [[3.5, 4.5]], "negative": [], "box": [[1.0, 1.0], [9.0, 9.0]]}
    answer, lesion = saved_mask(client, case, assisted, prompted)
    assert answer.status_code == 200 and answer.json()["lesions"][0]["prompted"] == prompted
    by_hand, _ = saved_mask(client, make_case(assisted), assisted, None)
    assert by_hand.json()["lesions"][0]["prompted"] is None
    stroke = {"positive": False, "points": [[1.0, 1.0], [2.0, 3.0]]}
    drawn, _ = saved_mask(client, make_case(assisted), assisted, {**prompted, "strokes": [stroke]})
    assert drawn.json()["lesions"][0]["prompted"] == {**prompted, "strokes": [stroke]}
    for wrong in (
        {"version": 3}, {"positive": [[500, 1]]}, {"negative": "x"}, {"box": [[1, 1], [1, 1]]},
        {"strokes": [{**stroke, "points": [[1, 1]]}]}, {"strokes": [{**stroke, "points": [[1, 1], [1, 500]]}]},
        {"strokes": [{**stroke, "points": "xyz"}]},
    ):  # fmt: skip
        refused, lesion = saved_mask(client, make_case(assisted), assisted, {**prompted, **wrong})
        assert refused.status_code == 400 and lesion in refused.content.decode(), refused.content


def test_a_blinded_reader_cannot_claim_a_version_nor_learn_whether_it_exists(
    project: Any, reader: Any, as_person: Any
) -> None:
    project.blinded_share = 1.0
    project.save()
    promptable(project, number=2)
    client, told = as_person(reader), set()
    for number in (2, 99):
        prompted = {"version": number, "positive": [[3, 4]], "negative": [], "box": None}
        answer, lesion = saved_mask(client, make_case(project), project, prompted)
        assert answer.status_code == 400
        told.add(answer.content.replace(lesion.encode(), b""))
    assert len(told) == 1
    classical, _ = saved_mask(client, make_case(project), project, {**prompted, "version": None})
    assert classical.json()["lesions"][0]["prompted"]["version"] is None


def saved_mask(client: Any, case: Any, project: Any, prompted: dict[str, Any] | None) -> tuple[Any, str]:
    reading = client.post(f"/api/v1/projects/breast/cases/{case.pk}/open/").json()["reading"]
    blob = encode_mask(np.ones((1, 4, 5), bool))
    client.generic("PUT", f"/api/v1/projects/breast/blobs/{mask_digest(blob)}/", blob, "application/octet-stream")
    lesion = {
        "id": str(uuid.uuid4()),
        "finding_type": project.finding_types.filter(scope="lesion").first().pk,
        "kind": "mask",
        "sop_instance_uid": case.instance.sop_instance_uid,
        "mask": {"origin": [0, 1, 1], "shape": [1, 4, 5], "digest": mask_digest(blob)},
        "prompted": prompted,
    }
    change = {"revision_id": str(uuid.uuid4()), "lesions": {"upsert": [lesion]}}
    path = f"/api/v1/projects/breast/readings/{reading['id']}/"
    return client.put(path, change, format="json", headers={"If-Match": reading["etag"]}), lesion["id"]


def test_a_slow_round_learns_to_answer_clicks_beside_the_automatic_network_and_a_fast_one_keeps_what_it_learned(
    disc_project: Any, lead: Any, work: Any
) -> None:
    first = work(start_round(project=disc_project, by=lead)).model_version
    kept = first.config["prompts"]
    assert kept["lesions"] == 16 and 1 <= kept["steps"] <= 60 / 2 and kept["core_seconds"] > 0
    network = load_prompts(first)
    assert network is not None and load_prompts(first) is network, "warm"
    fast = work(start_round(project=disc_project, by=lead))
    assert fast.settings["track"] == "fast" and fast.model_version.config["prompts"] == kept
    assert [one["metric"] for one in kept["measured"]] == [
        *("click_dice_1", "click_dice_3", "stroke_dice", "stroke_click_dice", "box_dice", "box_gain"),
    ]
    assert kept["strokes"] is True
    outlined = Lesion.objects.filter(reading__case__project=disc_project, reading__case__split="VALIDATION")
    assert {one["n_positive"] for one in kept["measured"]} == {outlined.count()}
    slow = work(start_round(project=disc_project, by=lead, track="slow"))
    assert slow.model_version.config["prompts"]["sha256"] != kept["sha256"]


def test_with_boxes_alone_or_few_outlines_the_version_answers_no_clicks_and_the_round_says_so(
    project: Any, draw_case: Any, read_truth: Any, lead: Any, work: Any
) -> None:
    from backend.learning.models import TrainingPolicy

    for index in range(6):
        read_truth(draw_case(1 + index % 2))
    for _ in range(4):
        read_truth(draw_case(0))
    TrainingPolicy.objects.create(project=project, image_size=32, steps_scratch=4, batch_size=2)
    round_ = work(start_round(project=project, by=lead))
    assert "Only 6 outlined lesions: this version does not answer clicks." in round_.message
    assert "prompts" not in round_.model_version.config and load_prompts(round_.model_version) is None


def test_a_round_that_was_cut_off_while_it_learned_to_answer_clicks_makes_the_same_weights(
    disc_project: Any, lead: Any, work: Any, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    from backend.jobs.services import claim_job, release_job
    from workers import pointing
    from workers.rounds import run_round

    class Killed(BaseException):
        pass

    disc_project.training_policy.steps_scratch = 80
    disc_project.training_policy.save()
    settings.CHECKPOINT_SECONDS = 0
    straight = work(start_round(project=disc_project, by=lead)).model_version.config["prompts"]
    Round.objects.all().delete()
    ModelVersion.objects.all().delete()
    round_ = start_round(project=disc_project, by=lead)
    assert round_.settings["steps"] == 80
    advance = pointing.PromptTraining.advance

    def until_killed(training: Any) -> Any:
        if training.step == 4:
            raise Killed
        return advance(training)

    monkeypatch.setattr(pointing.Reporter, "is_due", lambda self: True)
    monkeypatch.setattr(pointing.PromptTraining, "advance", until_killed)
    lease = claim_job(round_.job_id)
    assert lease is not None
    with pytest.raises(Killed):
        run_round(lease)
    release_job(lease)
    monkeypatch.setattr(pointing.PromptTraining, "advance", advance)
    round_ = Round.objects.get(pk=round_.pk)
    resumed = work(round_)
    assert "clicks resumed at step 4" in resumed.job.log and "resumed at step 80" in resumed.job.log
    assert resumed.model_version.config["prompts"]["sha256"] == straight["sha256"]


def test_the_arm_that_decides_is_that_of_the_assignment(project: Any, reader: Any, as_person: Any) -> None:
    """The lead may change the project's share: who has opened a case blinded stays blinded in it."""
    project.blinded_share = 1.0
    project.save()
    promptable(project)
    case, client = make_case(project), as_person(reader)
    client.post(f"/api/v1/projects/breast/cases/{case.pk}/open/")
    project.blinded_share = 0.0
    project.save()
    assert arm_of(project, case, reader).arm == "assisted"
    assert client.post(url(case), click(case), format="json").json()["code"] == "classical_only"
