"""Ways around the guards of approvals: what a hand on the database might try, and is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from jitportal.audit.system import system
from jitportal.models import AccessRequest
from tests.audit.lives import in_state, put
from tests.models import rows
from tests.models.refusals import Break
from tests.models.rows import NOW

MINUTE = timedelta(minutes=1)
MICROSECOND = timedelta(microseconds=1)

Setup = Callable[[], Break]


def _approval_of_anothers_revision() -> Break:
    request, other = rows.request(), rows.request()
    return lambda: rows.approval(request=request, revision=other.current)


def _approval_that_names_another_requester() -> Break:
    """The way around "nobody decides on their own request"."""
    request, somebody = rows.request(), rows.person()
    return lambda: rows.approval(request=request, person=request.requester, requester=somebody)


def _approval_of_an_earlier_revision() -> Break:
    request = rows.request()
    first = request.current
    rows.revise(request)
    return lambda: rows.approval(request=request, revision=first)


def _approval_of_a_withdrawn_request() -> Break:
    request = in_state("request", "withdrawn")
    return lambda: rows.approval(request=request)


def _approval_at_the_deadline() -> Break:
    """A peer took an approval that came before its sweeper did (k8s-breakglass 866)."""
    request = rows.request(lapses_at=NOW + MINUTE)
    return lambda: rows.approval(request=request, decided_at=NOW + MINUTE)


def _approval_that_lengthens() -> Break:
    request = rows.request(minutes=30)
    return lambda: rows.approval(request=request, minutes=31)


def _approved(request: AccessRequest) -> Break:
    return lambda: put(request, status="approved", closed_at=NOW)


def _approved_by_nobody() -> Break:
    return _approved(rows.request())


def _approved_without_a_stage() -> Break:
    request = rows.bare_request()
    request.current = rows.revision(request=request, stages=[])
    request.save()
    return _approved(request)


def _approved_by_too_few() -> Break:
    request = rows.bare_request()
    request.current = rows.revision(request=request, stages=[rows.stage(people=2)])
    request.save()
    rows.approval(request=request)
    return _approved(request)


def _approved_at_one_stage_of_two() -> Break:
    request = rows.bare_request()
    request.current = rows.revision(request=request, stages=[rows.stage(), rows.stage(index=1)])
    request.save()
    rows.approval(request=request)
    return _approved(request)


def _approved_before_an_edit() -> Break:
    request = rows.request()
    rows.approval(request=request)
    return _approved(rows.revise(request))


def _approved_by_a_denial() -> Break:
    request = rows.request()
    rows.approval(request=request, verdict="deny", reason="No.", minutes=None)
    return _approved(request)


def _approved_by_a_person_for_the_system() -> Break:
    request = rows.bare_request()
    request.current = rows.revision(request=request, stages=[rows.stage(system_rule="short")])
    request.save()
    rows.approval(request=request)
    return _approved(request)


def _approved_by_the_system_for_people() -> Break:
    request = rows.request()
    return lambda: rows.approval(request=request, person=system(), by_system=True)


def _approved_in_the_systems_name() -> Break:
    request = rows.bare_request()
    request.current = rows.revision(request=request, stages=[rows.stage(system_rule="short")])
    request.save()
    return lambda: rows.approval(request=request, by_system=True)


def _approval_without_a_delegation() -> Break:
    request, somebody = rows.request(), rows.person()
    return lambda: rows.approval(request=request, on_behalf_of=somebody)


def _approval_by_anothers_delegate() -> Break:
    request, named = rows.request(), rows.delegation()
    return lambda: rows.approval(request=request, on_behalf_of=named.delegator)


def _delegated(**values: object) -> Setup:
    def setup() -> Break:
        request, named = rows.request(), rows.delegation(**values)
        return lambda: rows.approval(request=request, person=named.delegate, on_behalf_of=named.delegator)

    return setup


def _approval_after_its_delegation_was_stopped() -> Break:
    return _delegated(stopped_at=NOW - MINUTE, stopped_by=rows.person())()


def _approval_in_person_after_ones_delegate() -> Break:
    first = rows.approval_for(rows.person())
    return lambda: rows.approval(request=first.request, person=first.on_behalf_of, stage=1)


def _approval_by_the_delegate_of_who_has_decided() -> Break:
    first = rows.approval()
    return lambda: rows.approval_for(first.person, request=first.request, stage=1)


#: By the guard's name.
APPROVALS: dict[str, tuple[Setup, ...]] = {
    "approval_1_of_its_request": (_approval_of_anothers_revision, _approval_that_names_another_requester),
    "approval_2_open_now": (
        _approval_of_an_earlier_revision,
        _approval_of_a_withdrawn_request,
        _approval_at_the_deadline,
    ),
    "accessrequest_with_its_approvals": (
        _approved_by_nobody,
        _approved_without_a_stage,
        _approved_by_too_few,
        _approved_at_one_stage_of_two,
        _approved_before_an_edit,
        _approved_by_a_denial,
        _approved_by_a_person_for_the_system,
    ),
    "approval_5_delegated": (
        _approval_without_a_delegation,
        _approval_by_anothers_delegate,
        _delegated(starts_at=NOW + MICROSECOND),
        _delegated(ends_at=NOW),
        _approval_after_its_delegation_was_stopped,
    ),
    "approval_6_counts_once": (
        _approval_in_person_after_ones_delegate,
        _approval_by_the_delegate_of_who_has_decided,
    ),
    "approval_3_shortens": (_approval_that_lengthens,),
    "approval_4_by_system": (_approved_by_the_system_for_people, _approved_in_the_systems_name),
}
