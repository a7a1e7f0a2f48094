"""Scopes, requests, approvals, grants and leases that disagree with what they refer to are refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from threading import Barrier, Thread

import pytest
from _pytest.mark import ParameterSet
from django.db import DatabaseError, IntegrityError, connection, transaction

from jitportal.audit.guards.fixed import FIXED, ONCE
from jitportal.audit.guards.record import APPEND_ONLY, HISTORY
from jitportal.audit.guards.steps import MODELS
from jitportal.models import Grant
from jitportal.rules.vocabulary import Pathway
from tests.audit.breaks_of_approvals import APPROVALS
from tests.audit.breaks_of_emergencies import EMERGENCIES
from tests.audit.breaks_of_reviews import REVIEWS
from tests.audit.lives import put
from tests.models import rows
from tests.models.refusals import Break, guards_here, refused_by_guard
from tests.models.rows import NOW

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
MICROSECOND = timedelta(microseconds=1)

Setup = Callable[[], Break]


def _emergency_right_of_a_jit_role() -> Break:
    role = rows.role(pathway=Pathway.JIT)
    right = rows.entitlement(target=role.target, emergency=True)
    return lambda: rows.scope(role=role, entitlement=right)


def _ordinary_right_of_a_break_glass_role() -> Break:
    role = rows.role(pathway=Pathway.BREAK_GLASS)
    right = rows.entitlement(target=role.target)
    return lambda: rows.scope(role=role, entitlement=right)


def _right_on_another_target() -> Break:
    role, right = rows.role(), rows.entitlement()
    return lambda: rows.scope(role=role, entitlement=right)


def _scope_moved_to_another_targets_right() -> Break:
    scope, right = rows.scope(), rows.entitlement()
    return lambda: put(scope, entitlement=right)


def _request_for_another_roles_scope() -> Break:
    role, scope = rows.role(), rows.scope()
    return lambda: rows.bare_request(role=role, scope=scope)


def _request_on_another_pathway() -> Break:
    scope = rows.scope()
    return lambda: rows.bare_request(scope=scope, pathway=Pathway.TEMPORARY)


def _request_moved_to_another_roles_scope() -> Break:
    request, scope = rows.request(), rows.scope()
    return lambda: put(request, scope=scope)


def _request_with_anothers_revision() -> Break:
    revision = rows.revision()
    return lambda: rows.bare_request(current=revision)


def _request_gone_on_to_anothers_revision() -> Break:
    request, revision = rows.request(), rows.revision(number=2)
    return lambda: put(request, current=revision)


def _request_gone_back() -> Break:
    request = rows.request()
    first = request.current
    rows.revise(request)
    return lambda: put(request, current=first)


def _request_that_forgets_its_revision() -> Break:
    request = rows.request()
    return lambda: put(request, current=None)


def _scope_swapped_under_the_approver() -> Break:
    """A peer's approval named a requester and no revision: what was asked could be swapped (GatePlane)."""
    request = rows.request()
    other = rows.scope(role=request.role)
    return lambda: put(request, scope=other)


def _minutes_raised_under_the_approver() -> Break:
    request = rows.request(minutes=30)
    return lambda: put(request, minutes=31)


def _put_before_others_in_the_queue() -> Break:
    request = rows.request()
    return lambda: put(request, wanted_at=NOW - MINUTE)


def _second_standing_power() -> Break:
    rows.standing_power()
    return rows.standing_power


def _grant_of_a_pending_request() -> Break:
    request = rows.request()
    return lambda: rows.grant(request=request)


def _grant_for_somebody_else() -> Break:
    request, somebody = rows.approved(), rows.person()
    return lambda: rows.grant(request=request, person=somebody)


def _grant_of_another_scope() -> Break:
    request = rows.approved()
    other = rows.scope(role=request.role)
    return lambda: rows.grant(request=request, scope=other)


def _grant_of_more_minutes_than_approved() -> Break:
    request = rows.approved(minutes=30)
    return lambda: rows.grant(request=request, minutes=31)


def _renewal_of_somebody_elses_grant() -> Break:
    earlier, request = rows.grant(), rows.approved()
    return lambda: rows.grant(request=request, renewal_of=earlier)


def _grant_over_its_roles_cap() -> Break:
    request = rows.approved(scope=rows.scope(role=rows.role(max_minutes=30)))
    return lambda: rows.grant(request=request, minutes=31, cap_minutes=31)


def _cap_over_its_roles() -> Break:
    request = rows.approved(scope=rows.scope(role=rows.role(max_minutes=30)), minutes=30)
    return lambda: rows.grant(request=request, cap_minutes=31)


def _latest_end_past_its_minutes() -> Break:
    request = rows.approved()
    return lambda: rows.grant(request=request, latest_end_at=NOW + 60 * MINUTE + MICROSECOND)


def _raised(field: str, by: object) -> Setup:
    def setup() -> Break:
        grant = rows.grant(minutes=30, cap_minutes=30)
        return lambda: put(grant, **{field: getattr(grant, field) + by})

    return setup


def _started_too_long() -> Break:
    grant = rows.grant(closes_at=NOW + 60 * MINUTE)
    lease = rows.lease(target=grant.role.target)
    end = NOW + 60 * MINUTE + MICROSECOND
    return lambda: put(grant, status="provisioning", lease=lease, starts_at=NOW, ends_at=end)


def _started_too_early() -> Break:
    grant = rows.grant()
    lease, start = rows.lease(target=grant.role.target), NOW - MICROSECOND
    return lambda: put(grant, status="provisioning", lease=lease, starts_at=start, ends_at=NOW)


def _shortened_below_its_end() -> Break:
    grant = rows.started()
    return lambda: put(grant, minutes=59)


def _overlapping() -> Break:
    first = rows.started()
    request = rows.approved(requester=first.person, scope=first.scope)
    second = rows.grant(request=request, opens_at=NOW + 60 * MINUTE - MICROSECOND)
    return lambda: rows.start(second)


def _lease_on_another_target() -> Break:
    grant, lease = rows.grant(), rows.lease()
    return lambda: put(grant, lease=lease)


def _handle_changed_after_a_claim() -> Break:
    lease = rows.lease(claim=1)
    return lambda: put(lease, handle="jit-another")


def _claim_lowered() -> Break:
    lease = rows.lease(claim=2)
    return lambda: put(lease, claim=1)


def _review_of_somebody_elses_grant() -> Break:
    grant, somebody = rows.started(), rows.person()
    return lambda: rows.review(grant=grant, holder=somebody)


#: The ways around each guard, by its name.
BREAKS: dict[str, tuple[Setup, ...]] = {
    "rolescope_agrees_on_insert": (
        _emergency_right_of_a_jit_role,
        _ordinary_right_of_a_break_glass_role,
        _right_on_another_target,
    ),
    "rolescope_agrees_on_update": (_scope_moved_to_another_targets_right,),
    "accessrequest_agrees_on_insert": (_request_for_another_roles_scope, _request_on_another_pathway),
    "accessrequest_agrees_on_update": (_request_moved_to_another_roles_scope,),
    "accessrequest_before_revision": (_request_with_anothers_revision,),
    "accessrequest_newer_revision": (
        _request_gone_on_to_anothers_revision,
        _request_gone_back,
        _request_that_forgets_its_revision,
    ),
    "accessrequest_asks_anew": (_scope_swapped_under_the_approver, _minutes_raised_under_the_approver),
    "accessrequest_wanted_as_asked": (_put_before_others_in_the_queue,),
    "standingpower_first": (_second_standing_power,),
    "grant_1_as_asked": (
        _grant_of_a_pending_request,
        _grant_for_somebody_else,
        _grant_of_another_scope,
        _grant_of_more_minutes_than_approved,
    ),
    "grant_2_renews_its_own": (_renewal_of_somebody_elses_grant,),
    "grant_3_within_role_cap": (_grant_over_its_roles_cap, _cap_over_its_roles),
    "grant_4_latest_end": (_latest_end_past_its_minutes,),
    "grant_never_rises": (
        _raised("minutes", 1),
        _raised("cap_minutes", 1),
        _raised("latest_end_at", MICROSECOND),
    ),
    "grant_length": (_started_too_long, _started_too_early, _shortened_below_its_end),
    "grant_no_overlap": (_overlapping,),
    "grant_lease_on_target": (_lease_on_another_target,),
    "lease_handle": (_handle_changed_after_a_claim,),
    "lease_claim": (_claim_lowered,),
    "afterusereview_of_its_holder": (_review_of_somebody_elses_grant,),
    **APPROVALS,
    **EMERGENCIES,
    **REVIEWS,
}


ONLY = {"grant_no_overlap": pytest.mark.sqlite}


def test_every_guard_is_broken_in_some_test() -> None:
    named = {
        f"{model._meta.model_name}_{what}"
        for models, whats in (
            ([*APPEND_ONLY, *HISTORY], ("no_delete", "no_truncate", "no_replace")),
            (APPEND_ONLY, ("no_update",)),
            ([model for model, _, _ in FIXED], ("fixed",)),
            ([model for model, _, _ in ONCE], ("once",)),
            (MODELS.values(), ("begins", "steps")),
        )
        for model in models
        for what in whats
    }
    assert set(guards_here()) <= named | set(BREAKS)
    assert set(BREAKS) - set(guards_here()) <= set(ONLY)


def _ways() -> list[ParameterSet]:
    """PostgreSQL has an exclusion constraint in one guard's place: see the tests below."""
    return [
        pytest.param(name, setup, id=f"{name}-{n}", marks=ONLY.get(name, ()))
        for name, setups in BREAKS.items()
        for n, setup in enumerate(setups)
    ]


@pytest.mark.parametrize(("name", "setup"), _ways())
def test_the_guard_refuses(name: str, setup: Setup) -> None:
    broken = setup()
    with refused_by_guard(name):
        broken()


def test_windows_of_one_person_and_scope_do_not_overlap() -> None:
    broken = _overlapping()
    with pytest.raises(IntegrityError, match=r"can't overlap|grant_no_overlap"), transaction.atomic():
        broken()


def test_a_renewal_starts_at_the_moment_its_predecessor_ends() -> None:
    first = rows.started()
    request = rows.approved(requester=first.person, scope=first.scope, renewal_of=first)
    second = rows.grant(request=request, renewal_of=first, opens_at=NOW + 60 * MINUTE)
    assert rows.start(second).starts_at == first.ends_at


def test_what_was_stopped_early_blocks_nothing_after_its_stop() -> None:
    first = rows.stop(rows.started())
    request = rows.approved(requester=first.person, scope=first.scope)
    rows.start(rows.grant(request=request, opens_at=NOW + MINUTE))


def test_a_grant_stopped_as_it_began_covers_nothing() -> None:
    first = rows.stop(rows.started(), stopped_at=NOW)
    request = rows.approved(requester=first.person, scope=first.scope)
    second = rows.start(rows.grant(request=request))
    assert second.starts_at == first.starts_at


@pytest.mark.django_db(transaction=True)
def test_of_two_overlapping_starts_at_once_one_is_refused() -> None:
    first = rows.grant()
    grants = [first, rows.grant(request=rows.approved(requester=first.person, scope=first.scope))]
    for grant in grants:
        grant.lease = rows.lease(target=grant.role.target)
    barrier, refused = Barrier(2), list[str]()

    def start(grant: Grant) -> None:
        barrier.wait()
        try:
            with transaction.atomic():
                rows.start(grant)
        except DatabaseError as error:  # PostgreSQL may find the two waiting for each other
            refused.append(str(error))
        finally:
            connection.close()

    threads = [Thread(target=start, args=(grant,)) for grant in grants]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1
    assert Grant.objects.filter(starts_at__isnull=False).count() == 1
