"""Sign-ins of emergency accounts, as targets report them. One with no activation opens a review by itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from jitportal.audit.system import system
from jitportal.models import Activation, EmergencyAccount, EmergencySignIn, Person, PostIncidentReview, Role
from jitportal.operations import clock
from jitportal.operations.emergency_telling import say
from jitportal.operations.post_incident import open_for_sign_in, tell
from jitportal.operations.post_incident_facts import escalated_to
from jitportal.operations.transaction import operation
from jitportal.rules.errors import Invalid
from jitportal.rules.plain_text import is_plain
from jitportal.rules.vocabulary import MAX_SKEW, Pathway

#: A report of something older is a mistake of its sender's clock, or of no use any more.
OLDEST = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Seen:
    """A sign-in as its reporter tells it. ``reference``: what the reporter knows it by, for good."""

    login: str
    at: datetime
    reference: str
    address: str | None = None
    detail: str = ""


def report(*, source: str, account: EmergencyAccount, seen: Seen) -> EmergencySignIn:
    """Write the sign-in down, once however often it is reported; where no activation explains it, open its
    review and page its custodians, the owners of what it reaches and the administrators.

    Raises ``Invalid`` for what can't be true.
    """
    actor = system()
    with operation(actor):
        # One at a time for an account: two reports of one sign-in make one row, and no conflict.
        account = EmergencyAccount.objects.select_for_update(no_key=True).get(pk=account.pk)
        now = clock.now()
        _check(seen, now)
        known = EmergencySignIn.objects.filter(source=source, reference=seen.reference).first()
        if known is not None:
            return known
        sign_in = EmergencySignIn.objects.create(
            account=account,
            activation=explained_by(account, seen.at),
            source=source,
            reference=seen.reference,
            login=seen.login,
            at=seen.at,
            reported_at=now,
            address=seen.address,
            detail=seen.detail,
        )
        if sign_in.activation is None:
            _open(sign_in, actor, now)
        else:
            say(
                sign_in.activation,
                verb="emergency.signed_in",
                sentence=f"{sign_in.login} signed in to {sign_in.activation.role.target}.",
                actor=actor,
                now=now,
                data={"sign_in": sign_in.pk, "at": sign_in.at.isoformat()},
            )
        return sign_in


def explained_by(account: EmergencyAccount, at: datetime) -> Activation | None:
    """The activation in which the account was in force at that moment, by the clock."""
    begun = Activation.objects.filter(
        account=account, opened_at__lte=at + MAX_SKEW, ends_at__gt=at - MAX_SKEW
    )
    going = begun.filter(Q(stopped_at__isnull=True) | Q(stopped_at__gt=at - MAX_SKEW))
    return going.select_related("role__target").order_by("-opened_at").first()


def account_named(name: str) -> EmergencyAccount:
    """The account that a reporter names by its key. Raises ``Invalid`` for one that isn't known."""
    found = EmergencyAccount.objects.select_related("target").filter(key=name).first()
    if found is None:
        raise Invalid("There is no emergency account of that key.", field="account")
    return found


def _check(seen: Seen, now: datetime) -> None:
    for name in ("login", "reference", "detail"):
        if not is_plain(getattr(seen, name)):
            raise Invalid("The text holds characters that aren't text.", field=name)
    if not seen.login or not seen.reference:
        raise Invalid("Name the login, and what the sign-in is known by.", field="reference")
    if not now - OLDEST <= seen.at <= now + timedelta(minutes=5):
        raise Invalid("That moment is in the future, or too long ago.", field="at")


def _open(sign_in: EmergencySignIn, actor: Person, now: datetime) -> PostIncidentReview:
    review = open_for_sign_in(sign_in=sign_in, actor=actor, now=now)
    whence = f" from {sign_in.address}" if sign_in.address else ""
    tell(
        review,
        _paged(sign_in, review, now),
        "orphan",
        subject=f"{sign_in.account}: a sign-in that nobody announced",
        body=(
            f"{sign_in.login} signed in to {sign_in.account.target}{whence}, and no activation explains it. "
            "End it on the target if nobody knows of it, and say in the review who it was."
        ),
        actor=actor,
        now=now,
    )
    return review


def _paged(sign_in: EmergencySignIn, review: PostIncidentReview, now: datetime) -> list[Person]:
    custodians = Person.objects.active().filter(username__in=sign_in.account.custodians)
    owners = Role.objects.filter(
        target=sign_in.account.target, pathway=Pathway.BREAK_GLASS, retired_at__isnull=True
    ).values("owner_id")
    people = [*custodians, *Person.objects.active().filter(pk__in=owners), *escalated_to(review, now)]
    return list({person.pk: person for person in people}.values())
