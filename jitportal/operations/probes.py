"""Probes of the criteria: the worker looks all the time, and keeps what it saw.

Calls go through ``operations.outgoing``, outside any transaction, and are bounded in every way: a probe
never holds up the worker, and never the person who claims a criterion.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from jitportal.audit.system import system
from jitportal.connectors.base import TargetError
from jitportal.models import Criterion, ProbeResult
from jitportal.operations import clock
from jitportal.operations.outgoing import Answer, CallFailed, CallRefused, call
from jitportal.operations.targets import read_secret
from jitportal.operations.transaction import operation
from jitportal.rules.policy_emergencies import INCIDENT, ProbeKind
from jitportal.rules.vocabulary import ProbeSays

#: For one look of the worker; and while somebody waits for the form, in seconds.
LOOK_SECONDS = 5.0
CLAIM_SECONDS = 3.0
#: After so many intervals without a look, what was seen last says nothing any more.
STALE_INTERVALS = 4
LARGEST = 262_144


@dataclass(frozen=True, slots=True)
class Said:
    """What a probe says of a criterion at one moment, and in which words."""

    says: ProbeSays
    detail: str
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Seen:
    """One look at a service. ``answers``: as it should; None: the portal itself could not look."""

    answers: bool | None
    detail: str
    milliseconds: int | None = None


def due(now: datetime) -> list[Criterion]:
    """The criteria whose probe is to look now, the one that looked longest ago first."""
    rows = [(_next_look(one, _latest(one)), one.pk, one) for one in _looked_after()]
    return [one for at, _, one in sorted(rows, key=lambda row: row[:2]) if at <= now]


def look(criterion: Criterion) -> ProbeResult:
    """Look once, and keep what was seen."""
    seen = _looked(criterion)
    with operation(system()):
        now = clock.now()
        # One at a time for a criterion: two workers may look at the same moment.
        Criterion.objects.select_for_update(no_key=True).get(pk=criterion.pk)
        return _kept(criterion, seen, now)


def says(criterion: Criterion, now: datetime) -> Said:
    """What the criterion's probe says of it now, by what was seen last."""
    if not criterion.probe:
        return Said(ProbeSays.NO_PROBE, "This criterion has no probe: people alone judge it.")
    if _kind(criterion) is ProbeKind.INCIDENT:
        return Said(ProbeSays.UNKNOWN, "The incident is looked up when you name it.")
    latest = _latest(criterion)
    if latest is None:
        return Said(ProbeSays.UNKNOWN, "The probe hasn't looked yet.")
    if now - latest.at > STALE_INTERVALS * _every(criterion) + timedelta(seconds=LOOK_SECONDS):
        return Said(ProbeSays.UNKNOWN, f"The probe hasn't looked since {latest.at:%d %b %H:%M} UTC.")
    return Said(ProbeSays(latest.says), latest.detail, latest.since)


def says_to_claim(criterion: Criterion, incident: str) -> Said:
    """The same for somebody who claims it: an incident is looked up now. Called outside transactions."""
    if criterion.probe and _kind(criterion) is ProbeKind.INCIDENT:
        return _incident(criterion, incident.strip())
    return says(criterion, clock.now())


def _looked_after() -> list[Criterion]:
    rows = Criterion.objects.offered().order_by("pk")
    return [one for one in rows if one.probe and _kind(one) is not ProbeKind.INCIDENT]


def _kind(criterion: Criterion) -> ProbeKind:
    return ProbeKind(criterion.probe["kind"])


def _every(criterion: Criterion) -> timedelta:
    return timedelta(seconds=int(criterion.probe["every_seconds"]))


def _latest(criterion: Criterion) -> ProbeResult | None:
    return criterion.results.order_by("-pk").first()


def _next_look(criterion: Criterion, latest: ProbeResult | None) -> datetime:
    return latest.at + _every(criterion) if latest else datetime.min.replace(tzinfo=UTC)


def _kept(criterion: Criterion, seen: _Seen, now: datetime) -> ProbeResult:
    """The latest row goes on while it says the same; else another one begins."""
    latest = _latest(criterion)
    failures = 0 if seen.answers is not False else (latest.failures if latest else 0) + 1
    said = _meaning(criterion, seen, failures, latest)
    if latest is not None and latest.says == said:
        latest.at, latest.detail, latest.failures = max(now, latest.since), seen.detail, failures
        latest.looks, latest.milliseconds = latest.looks + 1, seen.milliseconds
        latest.save(update_fields=["at", "detail", "failures", "looks", "milliseconds"])
        return latest
    return ProbeResult.objects.create(
        criterion=criterion,
        says=said,
        detail=seen.detail,
        since=now,
        at=now,
        failures=failures,
        milliseconds=seen.milliseconds,
    )


def _meaning(criterion: Criterion, seen: _Seen, failures: int, latest: ProbeResult | None) -> ProbeSays:
    """A service that answers disagrees with whoever says it is down; too few failures say nothing new."""
    if seen.answers is None:
        return ProbeSays.UNKNOWN
    if seen.answers:
        return ProbeSays.DISAGREES
    if failures >= int(criterion.probe["failures"]):
        return ProbeSays.AGREES
    return ProbeSays(latest.says) if latest else ProbeSays.UNKNOWN


def _looked(criterion: Criterion) -> _Seen:
    probe = criterion.probe
    began = time.monotonic()
    try:
        answer = call(probe["url"], headers=_headers(probe), seconds=LOOK_SECONDS, largest=LARGEST)
        problem = _problem(probe, answer)
        if not problem and _kind(criterion) is ProbeKind.OPENID:
            problem = _keys_problem(answer, LOOK_SECONDS - (time.monotonic() - began))
    except (CallRefused, TargetError) as error:
        return _Seen(None, f"The portal can't look: {error}")
    except CallFailed as error:
        return _Seen(False, str(error))
    took = round((time.monotonic() - began) * 1_000)
    if problem:
        return _Seen(False, problem, took)
    return _Seen(True, f"The service answers as it should, within {took} ms.", took)


def _headers(probe: Mapping[str, Any]) -> dict[str, str]:
    secret = probe.get("token_secret")
    token = {"authorization": f"Bearer {read_secret(secret)}"} if secret else {}
    return {"accept": "application/json, */*;q=0.5", **token}


def _problem(probe: Mapping[str, Any], answer: Answer) -> str:
    wanted = int(probe["expect_status"])
    return "" if answer.status == wanted else f"The service answers {answer.status} instead of {wanted}."


def _keys_problem(answer: Answer, seconds: float) -> str:
    """What is wrong with an identity provider's discovery document, or with the keys that it names."""
    document = _json(answer)
    missing = [
        name
        for name in ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")
        if not isinstance(document.get(name), str)
    ]
    if missing:
        return f"Its discovery document lacks {' and '.join(missing)}."
    keys = call(document["jwks_uri"], headers={"accept": "application/json"}, seconds=max(seconds, 0.5))
    if keys.status != 200:
        return f"Its keys' address answers {keys.status} instead of 200."
    found = _json(keys).get("keys")
    return "" if isinstance(found, list) and found else "It publishes no keys."


def _incident(criterion: Criterion, incident: str) -> Said:
    probe = criterion.probe
    if not incident:
        return Said(ProbeSays.UNKNOWN, "No incident was named.")
    try:
        answer = call(
            probe["url"].replace(INCIDENT, quote(incident, safe="")),
            headers=_headers(probe),
            seconds=CLAIM_SECONDS,
            largest=LARGEST,
        )
    except (CallFailed, TargetError) as error:
        return Said(ProbeSays.UNKNOWN, f"The incident could not be looked up: {error}")
    if answer.status == 404:
        return Said(ProbeSays.DISAGREES, f"There is no incident {incident}.")
    problem = _problem(probe, answer)
    if problem:
        return Said(ProbeSays.UNKNOWN, f"The incident could not be looked up: {problem}")
    return _matched(incident, _json(answer), probe.get("match", {}))


def _matched(incident: str, document: Mapping[str, Any], wanted: Mapping[str, list[str]]) -> Said:
    found = {name: _field(document, name) for name in wanted}
    told = ", ".join(f"{name}: {value or 'nothing'}"[:120] for name, value in found.items())
    for name, values in wanted.items():
        if found[name].casefold() not in {value.casefold() for value in values}:
            listed = " or ".join(values)
            return Said(ProbeSays.DISAGREES, f"Incident {incident}: {name} should be {listed}. {told}."[:500])
    return Said(ProbeSays.AGREES, f"Incident {incident} is there. {told}".strip()[:500])


def _field(document: Mapping[str, Any], name: str) -> str:
    value: Any = document
    for step in name.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return str(value) if isinstance(value, str | int | float | bool) else ""


def _json(answer: Answer) -> dict[str, Any]:
    try:
        found = json.loads(answer.body) if not answer.cut else {}
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
