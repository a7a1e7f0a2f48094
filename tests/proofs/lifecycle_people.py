"""What people do: ask, decide, hold, and come and go."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import strategies as st

from jitportal.audit.system import system
from jitportal.models import AccessRequest, AfterUseReview, Grant
from jitportal.operations import (
    clock,
    decisions,
    grants,
    leases,
    people,
    requests,
    reviews,
)
from jitportal.operations.asking import Ask
from jitportal.operations.claims import GRANT
from jitportal.rules.vocabulary import GrantStatus, RequestStatus, StartMode, Verdict
from tests.operations import world
from tests.proofs.lifecycle_policy import ASKERS, DECIDERS, REVOKERS, ROLES, SCOPES
from tests.proofs.lifecycle_stage import MINUTES, WHICH, Draw, Stage


class People(Stage):
    """Their clicks; any may be refused, none may break."""

    # Asking

    def obtain(self, draw: Draw) -> None:
        """Somebody asks for something now and gets it, without any mishap."""
        who, role, which = draw(st.sampled_from(ASKERS)), draw(st.sampled_from(ROLES)), draw(WHICH)
        ask = self.ask(role, which, StartMode.AT_ONCE, draw(MINUTES), 0)
        self.attempt(requests.submit, actor=world.person(who), ask=ask)
        self.approve(AccessRequest.objects.filter(requester__username=who).order_by("-pk").first())
        leases.converge(target_id=self.rack().pk, lane=GRANT, worker="whole")

    def submit(self, draw: Draw) -> None:
        who = draw(st.sampled_from(ASKERS))
        role = draw(st.sampled_from((*ROLES, "watched")))
        which = draw(WHICH)
        mode = draw(st.sampled_from([StartMode.AT_ONCE, StartMode.SCHEDULED, StartMode.ON_CLICK]))
        minutes = draw(MINUTES)
        opens = draw(st.sampled_from([-10, 0, 5, 40, 100]))
        self.attempt(
            requests.submit, actor=world.person(who), ask=self.ask(role, which, mode, minutes, opens)
        )

    def ask(self, role: str, which: int, mode: StartMode, minutes: int, opens: int) -> Ask:
        scopes = SCOPES.get(role, ("all",))
        opens_at = clock.now() + timedelta(minutes=opens)
        return world.asking(
            role,
            scope=scopes[which % len(scopes)],
            start_mode=mode,
            minutes=minutes,
            opens_at=opens_at,
            closes_at=opens_at + timedelta(minutes=30),
        )

    def renew(self, draw: Draw) -> None:
        which = draw(WHICH)
        minutes = draw(MINUTES)
        held = Grant.objects.filter(status=GrantStatus.ACTIVE, role__target__key="rack")
        grant = self.pick(held.filter(request__isnull=False), which)
        if grant is not None:
            self.attempt(requests.submit, actor=grant.person, ask=world.renewing(grant, minutes=minutes))

    def edit(self, draw: Draw) -> None:
        which = draw(WHICH)
        minutes = draw(MINUTES)
        stale = draw(st.booleans())
        request = self.pick(AccessRequest.objects.open(), which)
        if request is not None:
            revision = request.asked.number - int(stale)
            mode = StartMode.RENEWAL if request.renewal_of else StartMode.AT_ONCE
            ask = world.asking(
                request.role.key,
                scope=request.scope.key,
                minutes=minutes,
                start_mode=mode,
                renewal_of=request.renewal_of,
            )
            self.attempt(requests.edit, actor=request.requester, request=request, ask=ask, revision=revision)

    def withdraw(self, draw: Draw) -> None:
        which = draw(WHICH)
        request = self.pick(AccessRequest.objects.open(), which)
        if request is not None:
            self.attempt(requests.withdraw, actor=request.requester, request=request)

    # Deciding

    def open_form(self, draw: Draw) -> None:
        who = draw(st.sampled_from(DECIDERS))
        which = draw(WHICH)
        request = self.pick(AccessRequest.objects.pending(), which)
        if request is not None:
            self.forms.append((who, request.pk, decisions.seen_digest(request)))

    def post_form(self, draw: Draw) -> None:
        if not self.forms:
            return
        which = draw(WHICH)
        verdict = draw(st.sampled_from(Verdict))
        minutes = draw(st.sampled_from([None, 1, 20, 61]))
        who, request_id, digest = self.forms.pop(which % len(self.forms))
        self.attempt(
            decisions.decide,
            actor=world.person(who),
            request=AccessRequest.objects.get(pk=request_id),
            verdict=verdict,
            digest=digest,
            reason="Because.",
            minutes=minutes,
        )

    def approve_all(self, draw: Draw) -> None:
        self.approve(self.pick(AccessRequest.objects.pending(), draw(WHICH)))

    def approve(self, request: AccessRequest | None) -> None:
        while request is not None and request.status == RequestStatus.PENDING:
            before = request.approvals.count()
            for person in decisions.deciders(request):
                self.attempt(
                    decisions.decide,
                    actor=person,
                    request=request,
                    verdict=Verdict.APPROVE,
                    digest=decisions.seen_digest(request),
                )
                request = AccessRequest.objects.get(pk=request.pk)
            if request.approvals.count() == before:
                return

    # Holding

    def click(self, draw: Draw) -> None:
        which = draw(WHICH)
        grant = self.pick(Grant.objects.filter(status=GrantStatus.READY), which)
        if grant is not None:
            self.attempt(grants.start, actor=grant.person, grant=grant)

    def hand_back(self, draw: Draw) -> None:
        which = draw(WHICH)
        grant = self.pick(Grant.objects.filter(role__target__key="rack").unfinished(), which)
        if grant is not None:
            self.attempt(grants.hand_back, actor=grant.person, grant=grant)

    def revoke(self, draw: Draw) -> None:
        which = draw(WHICH)
        who = draw(st.sampled_from(REVOKERS))
        grant = self.pick(Grant.objects.filter(role__target__key="rack").unfinished(), which)
        if grant is not None:
            self.attempt(grants.revoke, actor=world.person(who), grant=grant, reason="Enough.")

    def review(self, draw: Draw) -> None:
        which = draw(WHICH)
        review = self.pick(AfterUseReview.objects.exclude(status="closed"), which)
        if review is not None:
            self.attempt(reviews.state, actor=review.holder, review=review, statement="I looked.")
            verb = reviews.determine if which % 2 else reviews.return_to_holder
            said = {"determination": "Fine."} if which % 2 else {"note": "More."}
            self.attempt(verb, actor=world.person("mona"), review=review, **said)

    # People

    def leave_or_come_back(self, draw: Draw) -> None:
        who = draw(st.sampled_from(ASKERS))
        person = world.person(who)
        if person.is_active:
            self.attempt(people.deactivate, actor=system(), person=person, reason="Left.")
        else:
            self.attempt(people.reactivate, actor=system(), person=person)

    def come_back(self, draw: Draw) -> None:
        person = world.person(draw(st.sampled_from(ASKERS)))
        if not person.is_active:
            self.attempt(people.reactivate, actor=system(), person=person)

    def leave_or_join_the_team(self, draw: Draw) -> None:
        who = draw(st.sampled_from((*ASKERS, "dora")))
        person = world.person(who)
        team = world.team("dba" if who == "dora" else "platform")
        member = person.memberships.filter(team=team, ended_at__isnull=True).exists()
        verb = people.leave_team if member else people.join_team
        self.attempt(verb, actor=system(), person=person, team=team)
