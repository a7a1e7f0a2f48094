"""Sends the webhooks that are due: the worker's part.

A claim is committed before a receiver is called, so that two workers don't send the same, and a worker
that dies loses a minute and not the message. Receivers are called beside each other: one that hangs
holds up nothing but what is for itself.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import SystemRandom

from django.conf import settings
from django.db.models import Q
from standardwebhooks import Webhook

from jitportal.audit.bulk import change_many
from jitportal.audit.events import record
from jitportal.audit.system import system
from jitportal.models import WebhookDelivery, WebhookReceiver
from jitportal.operations import clock, notices, outgoing
from jitportal.operations.problems import operators
from jitportal.operations.transaction import operation
from jitportal.operations.webhooks import mark_of, unusable
from jitportal.rules.webhooks import GONE, WAITS, Outcome, outcome_of, wait_after
from jitportal.webhook_settings import WebhookEndpoint

log = logging.getLogger(__name__)

#: One attempt, from the look-up of the name to the last byte of the answer.
ATTEMPT_SECONDS = 15.0
CLAIM = timedelta(seconds=60)
#: New messages are taken up for so long in one round; then what is under way is waited for.
ROUND_SECONDS = 8.0
LOOK_SECONDS = 0.2
AT_ONCE = 8
#: How long a receiver that fails is left alone, whatever else is for it.
RESTS = (5, 15, 60)
_ENABLED = {"disabled_at": None, "disabled_address": ""}
_chance = SystemRandom()


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of one: a status, or why there is none. ``asked``: the answer's Retry-After."""

    delivery: WebhookDelivery
    status: int | None = None
    error: str = ""
    asked: str = ""
    mark: str = ""


def send_due() -> int:
    """One round: what is due, until nothing more is or the time is up; returns how many were acknowledged."""
    until = time.monotonic() + ROUND_SECONDS
    under_way: dict[Future[Attempt], str] = {}
    acknowledged = 0
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="webhook") as pool:
        while True:
            if time.monotonic() < until and len(under_way) < AT_ONCE:
                for delivery in _claimed(set(under_way.values()), AT_ONCE - len(under_way)):
                    under_way[pool.submit(_attempt_of(delivery))] = delivery.endpoint
            if not under_way:
                return acknowledged
            done, _ = wait(under_way, timeout=LOOK_SECONDS, return_when=FIRST_COMPLETED)
            for future in done:
                del under_way[future]
                acknowledged += _noted(future.result())


def resting(now: datetime) -> Q:
    """Which deliveries wait because their receiver fails."""
    return Q(endpoint__in=WebhookReceiver.objects.filter(rests_until__gt=now).values("name"))


def try_endpoint(endpoint: WebhookEndpoint, now: datetime) -> int:
    """Send a trial that stands in no row; gives the answer's status. Raises ``outgoing.CallFailed``."""
    body = f'{{"type":"webhook.trial","timestamp":"{now.isoformat()}","data":{{}}}}'
    return _post(endpoint, f"trial_{int(now.timestamp())}", body, now).status


def _claimed(busy: set[str], room: int) -> list[WebhookDelivery]:
    """The oldest delivery that is due of each receiver that isn't being called already."""
    actor = system()
    with operation(actor):
        now = clock.now()
        rows = (
            WebhookDelivery.objects.due(now)
            .exclude(claimed_until__gt=now)
            .exclude(resting(now))
            .exclude(endpoint__in=busy)
            .select_for_update(skip_locked=True, of=("self",))
            .order_by("due_at", "pk")[: 20 * AT_ONCE]
        )
        first: dict[str, WebhookDelivery] = {}
        for row in rows:
            if (why := unusable(row.endpoint)) and row.endpoint not in first:
                _give_up([row], why, now)
            else:
                first.setdefault(row.endpoint, row)
        claimed = list(first.values())[:room]
        change_many([(row, {"claimed_until": now + CLAIM}) for row in claimed], actor)
    return claimed


def _attempt_of(delivery: WebhookDelivery) -> Callable[[], Attempt]:
    """The call, ready to be made in a thread that doesn't touch the database."""
    endpoint: WebhookEndpoint = settings.WEBHOOKS[delivery.endpoint]
    now = clock.now()

    def attempt() -> Attempt:
        mark = mark_of(endpoint.address)
        try:
            answer = _post(endpoint, delivery.message, delivery.body, now)
        except outgoing.CallFailed as error:
            return Attempt(delivery, error=str(error), mark=mark)
        except Exception as error:  # noqa: BLE001 - a fault of ours must not lose what others answered
            return Attempt(delivery, error=f"The call failed: {type(error).__name__}.", mark=mark)
        return Attempt(delivery, answer.status, asked=answer.headers.get("retry-after", ""), mark=mark)

    return attempt


def _post(endpoint: WebhookEndpoint, message: str, body: str, now: datetime) -> outgoing.Answer:
    signatures = [Webhook(secret).sign(message, now, body) for secret in endpoint.secrets]
    headers = {
        "content-type": "application/json",
        "webhook-id": message,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
    return outgoing.call(
        endpoint.address, method="POST", body=body.encode(), headers=headers, seconds=ATTEMPT_SECONDS
    )


def _noted(attempt: Attempt) -> bool:
    """Write down what came of the attempt; whether it was acknowledged."""
    outcome = Outcome.FAILED if attempt.status is None else outcome_of(attempt.status)
    with operation(system()):
        now = clock.now()
        row = WebhookDelivery.objects.select_for_update(of=("self",)).get(pk=attempt.delivery.pk)
        if row.acknowledged_at or row.given_up_at:  # given up meanwhile, with others of its receiver
            return False
        if outcome is Outcome.ACKNOWLEDGED:
            _acknowledged(row, attempt, now)
        elif outcome is Outcome.GONE:
            _gone(row, attempt, now)
        else:
            _failed(row, attempt, now)
    return outcome is Outcome.ACKNOWLEDGED


def _acknowledged(row: WebhookDelivery, attempt: Attempt, now: datetime) -> None:
    attempts = row.attempts + 1
    values = {"attempts": attempts, "last_status": attempt.status, "last_error": "", "claimed_until": None}
    change_many([(row, {**values, "acknowledged_at": now})], system())
    healthy = {"failing_since": None, "failures": 0, "rests_until": None, "last_error": "", **_ENABLED}
    WebhookReceiver.objects.update_or_create(
        name=row.endpoint, defaults={**healthy, "last_acknowledged_at": now}
    )
    times = "at the first attempt" if attempts == 1 else f"at attempt {attempts}"
    _say(row, "webhook.acknowledged", f"Receiver {row.endpoint} acknowledged {row.kind} {times}.", now)


def _gone(row: WebhookDelivery, attempt: Attempt, now: datetime) -> None:
    """The receiver wants nothing any more: what waits for it is given up, and the operators hear of it."""
    WebhookReceiver.objects.update_or_create(
        name=row.endpoint,
        defaults={
            "disabled_at": now,
            "disabled_address": attempt.mark,
            "last_error": f"It answered {GONE}: it wants nothing any more.",
        },
    )
    change_many([(row, {"attempts": row.attempts + 1, "last_status": attempt.status})], system())
    waiting = WebhookDelivery.objects.unfinished().filter(endpoint=row.endpoint).select_for_update()
    _give_up(list(waiting), f"The receiver answered {GONE}: it wants nothing any more.", now)
    sentence = f"Receiver {row.endpoint} answered {GONE} to {row.kind}, and is disabled."
    _say(row, "webhook.disabled", sentence, now)
    _tell_operators(row, f"Webhook receiver {row.endpoint} is disabled", sentence, now)
    log.error("%s", sentence)


def _failed(row: WebhookDelivery, attempt: Attempt, now: datetime) -> None:
    error = attempt.error or f"It answered {attempt.status}."
    attempts = row.attempts + 1
    wait_for = wait_after(attempts, chance=_chance.random(), asked=attempt.asked)
    values = {"attempts": attempts, "last_status": attempt.status, "last_error": error, "claimed_until": None}
    change_many([(row, {**values, "due_at": now + wait_for if wait_for else row.due_at})], system())
    _rest(row.endpoint, error, now)
    if wait_for is None:
        _give_up([row], error, now)
        sentence = f"{row.kind} was given up after {attempts} attempts: receiver {row.endpoint}. {error}"
        _say(row, "webhook.given_up", sentence, now)
        _tell_operators(row, f"A webhook to {row.endpoint} was given up", sentence, now)


def _rest(name: str, error: str, now: datetime) -> None:
    state, _ = WebhookReceiver.objects.select_for_update().get_or_create(name=name)
    state.failing_since = state.failing_since or now
    state.rests_until = now + timedelta(seconds=RESTS[min(state.failures, len(RESTS) - 1)])
    state.failures += 1
    state.last_error = error
    state.disabled_at, state.disabled_address = None, ""  # it was called, so it has another address by now
    state.save()
    if state.failures == 1:
        log.error("Webhooks don't get through to %s: %s", name, error)


def _give_up(rows: list[WebhookDelivery], error: str, now: datetime) -> None:
    values = {"given_up_at": now, "last_error": error, "claimed_until": None}
    change_many([(row, values) for row in rows], system())


def _say(row: WebhookDelivery, verb: str, sentence: str, now: datetime) -> None:
    data = {"endpoint": row.endpoint, "message": row.message, "status": row.last_status}
    about = row.event
    record(
        verb=verb,
        actor=system(),
        sentence=sentence,
        now=now,
        person=about.person if about else None,
        grant=about.grant if about else None,
        role=about.role if about else None,
        target=about.target if about else None,
        data={**data, "attempts": row.attempts},
    )


def _tell_operators(row: WebhookDelivery, subject: str, sentence: str, now: datetime) -> None:
    notices.notify(
        recipients=operators(now),
        kind="webhook.failed",
        key=f"{row.pk}:{now.isoformat()}",
        subject=subject,
        body=f"{sentence} {len(WAITS) + 1} attempts are made over three days.",
        path="/problems/",
        now=now,
        actor=system(),
    )
