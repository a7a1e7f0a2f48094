"""The ways around the guards of break-glass, by the guard's name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from jitportal.models import Activation
from jitportal.rules.vocabulary import Pathway
from tests.models import rows
from tests.models.refusals import Break
from tests.models.rows import NOW

MINUTE = timedelta(minutes=1)
MICROSECOND = timedelta(microseconds=1)

Setup = Callable[[], Break]


def _of_an_ordinary_role() -> Break:
    scope = rows.scope(role=rows.role(pathway=Pathway.JIT))
    return lambda: rows.activation(scope=scope)


def _with_an_account_elsewhere() -> Break:
    account = rows.emergency_account()
    return lambda: rows.activation(account=account)


def _of_another_roles_scope() -> Break:
    role, scope = rows.role(pathway=Pathway.BREAK_GLASS), rows.emergency_scope()
    account = rows.emergency_account(target=role.target)
    return lambda: rows.activation(role=role, scope=scope, account=account)


def _over_the_roles_cap() -> Break:
    scope = rows.scope(role=rows.role(pathway=Pathway.BREAK_GLASS, max_minutes=30))
    return lambda: rows.activation(scope=scope, minutes=31)


def _too_long() -> Break:
    return lambda: rows.activation(ends_at=NOW + 60 * MINUTE + MICROSECOND)


def _extending_somebody_elses() -> Break:
    earlier = rows.ended_activation()
    return lambda: rows.activation(scope=earlier.scope, account=earlier.account, extension_of=earlier)


def _extending_a_drill_for_real() -> Break:
    earlier = rows.ended_activation(drill=True)
    own = {"person": earlier.person, "scope": earlier.scope, "account": earlier.account}
    return lambda: rows.activation(extension_of=earlier, **own)


def _for_a_request_that_still_waits() -> Break:
    asked = rows.request()
    return lambda: rows.activation(person=asked.requester, from_request=asked)


def _grant_of_somebody_elses(activation: Activation) -> Break:
    somebody = rows.person()
    return lambda: rows.emergency_grant(activation=activation, person=somebody)


def _grant_past_the_end() -> Break:
    activation = rows.activation(minutes=30)
    return lambda: rows.emergency_grant(activation=activation, minutes=31)


def _grant_of_what_has_ended() -> Break:
    activation = rows.ended_activation()
    return lambda: rows.emergency_grant(activation=activation)


def _grant_after_the_fact() -> Break:
    activation = rows.activation(after_the_fact=True)
    return lambda: rows.emergency_grant(activation=activation)


def _grant_that_nobody_reviews() -> Break:
    activation = rows.activation()
    own = {"person": activation.person, "role": activation.role, "scope": activation.scope}
    return lambda: rows.grant(
        request=None, activation=activation, pathway=Pathway.BREAK_GLASS, minutes=60, **own
    )


EMERGENCIES: dict[str, tuple[Setup, ...]] = {
    "activation_1_of_its_role": (_of_an_ordinary_role, _with_an_account_elsewhere, _of_another_roles_scope),
    "activation_2_within_role_cap": (_over_the_roles_cap,),
    "activation_3_length": (_too_long,),
    "activation_4_extends_its_own": (_extending_somebody_elses, _extending_a_drill_for_real),
    "activation_5_withdraws_its_own": (_for_a_request_that_still_waits,),
    "grant_5_as_activated": (
        lambda: _grant_of_somebody_elses(rows.activation()),
        _grant_past_the_end,
        _grant_of_what_has_ended,
        _grant_after_the_fact,
    ),
    "grant_6_reviewed": (_grant_that_nobody_reviews,),
}
