"""Lets the demo's past happen: each act through its operation, at its own time, in order.

The portal's clock is moved to each moment, and between two acts the portal does by itself what was due
then: grants begin and expire, requests lapse, leases converge, notices are sent. What happens on the
database server can't be in the past, for its clock can't be moved: that is left to the present.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from datetime import datetime, timedelta
from itertools import count

from django.db.models import Min, Q

from jitportal.audit.context import AuditContext, bound, fresh_correlation_id
from jitportal.demo.policy import TARGET
from jitportal.models import AccessRequest, Grant, Lease, ManualTask, Person, Target
from jitportal.operations import (
    clock,
    decisions,
    due,
    grants,
    leases,
    manual,
    nudges,
    problems,
    requests,
    sending,
)
from jitportal.operations.requests import Ask
from jitportal.rules.vocabulary import GrantStatus, Verdict

#: How long after it was due the portal did something.
PROMPTLY = timedelta(milliseconds=400)
Act = Callable[[], None]


class Story:
    """Acts in the past, and what follows from them. ``cast``: the people by username."""

    def __init__(self, cast: dict[str, Person]) -> None:
        self.cast = cast
        self.now = clock.now()
        self._acts: list[tuple[datetime, int, Act]] = []
        self._order = count()

    def at(self, moment: datetime, act: Act) -> None:
        """Plan an act; those in the future are left out."""
        if moment < self.now:
            heapq.heappush(self._acts, (moment, next(self._order), act))

    def tell(self) -> None:
        """Let everything happen, up to now."""
        moment = datetime.min.replace(tzinfo=self.now.tzinfo)
        while True:
            act_at = self._acts[0][0] if self._acts else self.now
            due_at = _next_due(moment)
            if due_at is not None and due_at + PROMPTLY < min(act_at, self.now):
                moment = max(moment, due_at + PROMPTLY)
                with _then(moment):
                    _let_the_portal_work()
            elif self._acts:
                moment, _, act = heapq.heappop(self._acts)
                with _then(moment):
                    act()
                    _let_the_portal_work()
            else:
                return


class Scene:
    """One request of the demo's past, and what became of it. Minutes count from the request."""

    def __init__(self, story: Story, who: str, ask: Ask, at: datetime) -> None:
        self.story = story
        self._who = who
        self._at = at
        self._made: AccessRequest | None = None
        story.at(at, lambda: self._submit(ask))

    @property
    def request(self) -> AccessRequest:
        """The request as it is now."""
        if self._made is None:
            raise RuntimeError("The scene's request hasn't been made yet.")
        return AccessRequest.objects.get(pk=self._made.pk)

    @property
    def grant(self) -> Grant:
        """The request's grant as it is now."""
        return Grant.objects.get(request=self.request)

    def then(self, after: int, act: Act) -> Scene:
        """Something else happens, so many minutes after the request."""
        self.story.at(self._at + timedelta(minutes=after), act)
        return self

    def decided(
        self, after: int, by: str, verdict: Verdict, reason: str = "", minutes: int | None = None
    ) -> Scene:
        """Somebody gives a verdict."""
        return self.then(after, lambda: self._decide(by, verdict, reason, minutes))

    def approved(self, after: int, by: str, reason: str = "", minutes: int | None = None) -> Scene:
        return self.decided(after, by, Verdict.APPROVE, reason, minutes)

    def edited(self, after: int, ask: Ask) -> Scene:
        """The requester asks differently."""
        return self.then(after, lambda: self._edit(ask))

    def withdrawn(self, after: int, reason: str) -> Scene:
        return self.then(after, lambda: self._withdraw(reason))

    def handed_back(self, after: int, note: str = "") -> Scene:
        return self.then(after, lambda: self._hand_back(note))

    def revoked(self, after: int, by: str, reason: str) -> Scene:
        return self.then(after, lambda: self._revoke(by, reason))

    def carried_out(self, after: int, by: str, note: str) -> Scene:
        """A person does the manual work that waits."""
        return self.then(after, lambda: self._carry_out(by, note))

    # the acts

    def _submit(self, ask: Ask) -> None:
        self._made = requests.submit(actor=self.story.cast[self._who], ask=ask)

    def _decide(self, by: str, verdict: Verdict, reason: str, minutes: int | None) -> None:
        decisions.decide(
            actor=self.story.cast[by],
            request=self.request,
            verdict=verdict,
            digest=decisions.seen_digest(self.request),
            reason=reason,
            minutes=minutes,
        )

    def _edit(self, ask: Ask) -> None:
        request = self.request
        requests.edit(
            actor=self.story.cast[self._who], request=request, ask=ask, revision=request.asked.number
        )

    def _withdraw(self, reason: str) -> None:
        requests.withdraw(actor=self.story.cast[self._who], request=self.request, reason=reason)

    def _hand_back(self, note: str) -> None:
        grants.hand_back(actor=self.story.cast[self._who], grant=self.grant, note=note)

    def _revoke(self, by: str, reason: str) -> None:
        grants.revoke(actor=self.story.cast[by], grant=self.grant, reason=reason)

    def _carry_out(self, by: str, note: str) -> None:
        waiting = ManualTask.objects.filter(done_at__isnull=True, dropped_at__isnull=True)
        for task in waiting.filter(lease=self.grant.lease):
            manual.confirm(actor=self.story.cast[by], task=task, note=note)


def _then(moment: datetime) -> AbstractContextManager[object]:
    """The portal's clock, and the time of what the record says, at that moment."""
    stack = ExitStack()
    stack.enter_context(clock.moved(to=moment))
    stack.enter_context(bound(AuditContext(correlation_id=fresh_correlation_id(), at=moment)))
    return stack


def _let_the_portal_work() -> None:
    """What the worker does, but for the database server, which is in the present."""
    work = due.work_due(clock.now())
    if work.expiries or work.timely:
        for verb in (grants.start_due, grants.expire_due, grants.pass_unused, requests.lapse_due):
            verb()
        nudges.nudge_due()
        problems.page_late()
    own = set(Target.objects.exclude(key=TARGET).values_list("pk", flat=True))
    for target_id, lane in due.lanes_due(clock.now()):
        while target_id in own and leases.converge(target_id=target_id, lane=lane, worker="demo"):
            pass
    while sending.send_due():
        pass


def _next_due(after: datetime) -> datetime | None:
    """The next moment at which the portal has something to do by itself."""
    running = Q(status__in=[GrantStatus.PROVISIONING, GrantStatus.ACTIVE])
    ready = Grant.objects.filter(status=GrantStatus.READY)
    pending = AccessRequest.objects.pending()
    moments = [
        Grant.objects.filter(running).aggregate(at=Min("ends_at"))["at"],
        ready.filter(opens_at__gt=after).aggregate(at=Min("opens_at"))["at"],
        ready.aggregate(at=Min("closes_at"))["at"],
        AccessRequest.objects.open().aggregate(at=Min("lapses_at"))["at"],
        pending.aggregate(at=Min("remind_at"))["at"],
        pending.aggregate(at=Min("escalate_at"))["at"],
        Lease.objects.exclude(target__key=TARGET).filter(due_at__gt=after).aggregate(at=Min("due_at"))["at"],
    ]
    return min((moment for moment in moments if moment is not None), default=None)
