"""Webhooks: what happened is told once it has, signed, until it is taken; and nothing of what anybody found."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
import uuid
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from backend.audit.models import Event
from backend.learning.models import Round, RoundState
from backend.learning.services import end_round
from backend.registry.services import promote_version
from backend.webhooks import services
from backend.webhooks.models import Delivery, Webhook, WebhookEvent
from backend.webhooks.services import PAUSES, announce, create_webhook, deliver_due
from tests.rows import make_case, make_model, make_reading

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("loopback_allowed")]
BASE = "/api/v1/projects/breast/webhooks/"
ALL = [event.value for event in WebhookEvent if event != WebhookEvent.TEST]


@pytest.fixture
def hook(project, lead, receiver):
    """A webhook for everything, with its secret as `told_secret`."""
    made, secret = create_webhook(project=project, by=lead, url=receiver.url, events=ALL)
    made.told_secret = secret
    return made


def tell(project, event: str = WebhookEvent.READING_SUBMITTED, **data) -> Delivery:
    announce(project_id=project.pk, event=event, data=data)
    return Delivery.objects.order_by("-created_at")[0]


def age(delivery: Delivery) -> None:
    """The time of the next attempt has come."""
    Delivery.objects.filter(pk=delivery.pk, state="pending").update(next_attempt_at=timezone.now() - timedelta(seconds=1))


def is_signed(secret: str, received) -> bool:
    """As the receivers of Standard Webhooks check it, written anew."""
    key = base64.b64decode(secret.split("_", 1)[1])
    signed = f"{received.headers['webhook-id']}.{received.headers['webhook-timestamp']}.".encode() + received.body
    expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    fresh = abs(time.time() - int(received.headers["webhook-timestamp"])) < 60
    return fresh and hmac.compare_digest(expected, received.headers["webhook-signature"])


def test_an_event_is_delivered_signed_and_logged(project, hook, receiver):
    delivery = tell(project, reading="r", case="c")
    assert deliver_due() == 1
    (received,) = receiver.received
    assert is_signed(hook.told_secret, received) and received.headers["webhook-id"] == str(delivery.pk)
    assert not is_signed("whsec_" + base64.b64encode(b"x" * 32).decode(), received)
    body = json.loads(received.body)
    assert (body["type"], body["project"], body["data"]) == ("reading.submitted", "breast", {"reading": "r", "case": "c"})
    delivery.refresh_from_db()
    assert (delivery.state, delivery.status, delivery.answer, delivery.attempts) == ("delivered", 200, "ok", 1)
    assert deliver_due() == 0


def test_the_secret_is_told_once_and_kept_encrypted(project, as_person, lead, receiver):
    api = as_person(lead)
    made = api.post(BASE, {"url": receiver.url, "events": ["model.promoted"]}, format="json")
    assert made.status_code == 201 and made.json()["secret"].startswith("whsec_")
    secret = made.json()["secret"]
    assert secret not in api.get(BASE).content.decode()
    stored = Webhook.objects.get()
    assert secret not in stored.sealed_secret and base64.b64decode(secret[6:]) not in stored.sealed_secret.encode()
    assert not [event for event in Event.objects.all() if secret in json.dumps(event.detail)]


def test_what_is_undone_is_not_told(project, hook, receiver):
    class Broken(Exception):
        pass

    with pytest.raises(Broken), transaction.atomic():
        tell(project)
        raise Broken
    assert deliver_due() == 0 and not receiver.received


def test_a_submitted_reading_is_told_with_ids_alone(project, hook, receiver, as_person, reader):
    project.blinded_share = 0
    project.save()
    case = make_case(project)
    predicted = make_reading(make_model(project), case, scores=[0.8231]).lesions.get()
    person = as_person(reader)
    room = person.post(f"/api/v1/projects/breast/cases/{case.pk}/open/").json()
    url = f"/api/v1/projects/breast/readings/{room['reading']['id']}/"
    decision = {"predicted": str(predicted.pk), "kind": "rejected", "threshold": 0.5, "reason": "artefact"}
    change = {"revision_id": str(uuid.uuid4()), "verdict": "no_lesion", "comment": "planted comment"}
    change |= {"decisions": {"upsert": [decision], "remove": []}}
    saved = person.put(url, change, format="json", HTTP_IF_MATCH=room["reading"]["etag"])
    assert saved.status_code == 200, saved.content
    assert Delivery.objects.count() == 0
    done = person.post(f"{url}submit/", HTTP_IF_MATCH=saved.json()["etag"])
    person.post(f"{url}submit/", HTTP_IF_MATCH=saved.json()["etag"])  # sent twice, told once
    assert done.status_code == 200 and deliver_due() == 1
    (received,) = receiver.received
    assert json.loads(received.body)["data"] == {"reading": room["reading"]["id"], "case": str(case.pk)}
    told = received.body.decode()
    assert not [trace for trace in ("0.82", str(predicted.pk), case.name, "no_lesion", "comment", "rita") if trace in told]


def test_rounds_and_promotions_are_told(project, hook, lead, receiver):
    made = Round.objects.create(project=project, number=1, state=RoundState.TRAINING, trigger="button", settings={})
    end_round(round_=made, to=RoundState.FAILED, message="planted reason")
    promote_version(version=make_model(project, state="candidate").model_version, by=None)
    deliver_due()
    bodies = sorted((json.loads(one.body) for one in receiver.received), key=lambda body: body["type"])
    assert [(body["type"], body["data"]) for body in bodies] == [
        ("model.promoted", {"version": 1, "instead_of": None}),
        ("round.finished", {"round": 1, "state": "failed"}),
    ]
    assert "planted" not in str(bodies)


def test_only_what_was_asked_for_is_told_and_to_this_project_alone(project, lead, receiver):
    create_webhook(project=project, by=lead, url=receiver.url, events=["model.promoted"])
    announce(project_id=project.pk, event=WebhookEvent.READING_SUBMITTED, data={})
    announce(project_id=uuid.uuid4(), event=WebhookEvent.MODEL_PROMOTED, data={})
    assert Delivery.objects.count() == 0


def test_what_fails_is_tried_nine_times_within_a_day_and_can_be_sent_again(project, hook, receiver, as_person, lead):
    receiver.answers = [(500, b"out of order", 0)] * 9
    delivery, waited = tell(project), 0.0
    while deliver_due():
        delivery.refresh_from_db()
        if delivery.state != "pending":
            break
        waited += (delivery.next_attempt_at - timezone.now()).total_seconds()
        assert deliver_due() == 0, "it is not due yet"
        age(delivery)
    assert (delivery.state, delivery.attempts, delivery.status) == ("failed", 9, 500)
    assert delivery.answer == "out of order" and 23 * 3600 < waited < 26.5 * 3600 and sum(PAUSES) < 24 * 3600
    assert len({one.headers["webhook-id"] for one in receiver.received}) == 1
    hook.refresh_from_db()
    assert hook.failing_since and hook.is_enabled
    again = as_person(lead).post(f"{BASE}{hook.pk}/deliveries/{delivery.pk}/redeliver/")
    assert again.status_code == 202 and deliver_due() == 1
    log = as_person(lead).get(f"{BASE}{hook.pk}/deliveries/").json()
    assert [(row["state"], row["status"]) for row in log] == [("delivered", 200)]
    hook.refresh_from_db()
    assert hook.failing_since is None


def test_a_webhook_that_fails_for_days_is_switched_off_and_hears_what_waited_when_it_is_on_again(
    project, hook, receiver, as_person, lead
):
    receiver.answers = [(503, b"", 0)]
    Webhook.objects.update(failing_since=timezone.now() - timedelta(days=3, minutes=1))
    delivery = tell(project)
    deliver_due()
    hook.refresh_from_db()
    assert not hook.is_enabled and "3 days" in hook.disabled_reason
    assert Event.objects.filter(verb="webhook.disabled").count() == 1
    announce(project_id=project.pk, event=WebhookEvent.READING_SUBMITTED, data={})
    age(delivery)
    assert Delivery.objects.count() == 1 and deliver_due() == 0
    on = as_person(lead).patch(f"{BASE}{hook.pk}/", {"is_enabled": True}, format="json").json()
    assert on["is_enabled"] and on["disabled_reason"] == "" and deliver_due() == 1


def test_a_receiver_that_is_gone_is_told_no_more(project, hook, receiver):
    receiver.answers = [(410, b"", 0)]
    delivery = tell(project)
    deliver_due()
    hook.refresh_from_db()
    delivery.refresh_from_db()
    assert delivery.state == "failed" and "410" in hook.disabled_reason


@pytest.mark.parametrize("drips", [False, True])
def test_a_slow_receiver_is_left_after_its_time_and_keeps_nobody_waiting(project, hook, receiver, settings, drips):
    settings.WEBHOOK_SECONDS = 2
    receiver.drip = drips
    receiver.answers = [(200, b"late", 0 if drips else 60)] * 3
    first, _second = tell(project), tell(project)
    started = time.monotonic()
    made = deliver_due()
    assert time.monotonic() - started < 20, "it would have taken a minute, or for ever"
    first.refresh_from_db()
    if drips:  # It said 200 before it began to drip: that counts, what follows is cut off.
        assert (made, first.state, first.status) == (2, "delivered", 200)
    else:
        assert made == 1, "the second is left for another run"
        assert (first.state, first.status) == ("pending", None) and "2 seconds" in first.answer


def test_a_redirect_is_not_followed(project, hook, receiver):
    receiver.answers, receiver.location = [(302, b"", 0)], receiver.url + "/elsewhere"
    delivery = tell(project)
    deliver_due()
    delivery.refresh_from_db()
    assert len(receiver.received) == 1 and delivery.status == 302 and "no redirects" in delivery.answer


def test_a_long_answer_is_cut(project, hook, receiver):
    receiver.answers = [(200, b"x" * 5_000_000, 0)]
    delivery = tell(project)
    deliver_due()
    delivery.refresh_from_db()
    assert delivery.state == "delivered" and delivery.answer == "x" * 500


def test_two_workers_send_a_delivery_once(project, hook, receiver, monkeypatch):
    delivery = tell(project)
    claim = services._claim
    other = Delivery.objects.select_related("webhook").get(pk=delivery.pk)
    assert claim(other)
    assert not claim(delivery) and deliver_due() == 0 and not receiver.received


def test_leads_try_it_out_also_while_it_is_off(project, hook, receiver, as_person, lead):
    api = as_person(lead)
    api.patch(f"{BASE}{hook.pk}/", {"is_enabled": False, "events": ["round.finished"]}, format="json")
    assert api.post(f"{BASE}{hook.pk}/test/").status_code == 202
    deliver_due()
    assert json.loads(receiver.received[0].body)["type"] == "webhook.test"
    assert api.delete(f"{BASE}{hook.pk}/").status_code == 204 and not Delivery.objects.exists()


def test_one_that_cannot_be_is_refused_with_the_reason(project, as_person, lead):
    api = as_person(lead)
    answer = api.post(BASE, {"url": "ftp://example.org", "events": ["model.promoted"]}, format="json")
    assert answer.status_code == 400 and "https://" in answer.json()["url"][0]
    assert api.post(BASE, {"url": "https://example.org", "events": ["webhook.test"]}, format="json").status_code == 400
    assert api.post(BASE, {"url": "https://example.org", "events": []}, format="json").status_code == 400


@pytest.mark.django_db(transaction=True)
def test_a_delivery_whose_sender_died_is_sent_again_under_the_same_id(project, hook, receiver):
    """The claim is written before the bytes go out: a dead sender's claim runs out and the next run takes it."""
    receiver.answers = [(200, b"too late", 5)]
    delivery = tell(project)

    def dies() -> None:
        from django.db import connection

        row = Delivery.objects.select_related("webhook").get()
        assert services._claim(row)
        services._attempt(row)  # and never settles
        connection.close()

    thread = threading.Thread(target=dies)
    thread.start()
    thread.join()
    assert deliver_due() == 0, "it is claimed"
    age(delivery)
    assert deliver_due() == 1
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == ("delivered", 2)
    assert len({one.headers["webhook-id"] for one in receiver.received}) == 1 and len(receiver.received) == 2
