"""Signing in and out: what the record says of it, and how long whoever guesses waits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from jitportal.audit import context
from jitportal.audit.events import record
from jitportal.audit.system import system
from jitportal.models import Person, RateLimit, StepUpProof
from jitportal.operations import clock, step_up
from jitportal.operations.limits import key_of, locked
from jitportal.operations.transaction import operation
from jitportal.rules.errors import TooOften
from jitportal.rules.limits import Guessing, network_of, spoken_wait
from jitportal.rules.step_up import Act

#: A series of failures ends when none has come for so long.
FORGOTTEN = timedelta(hours=24)
_FROM = "from {address}"
USUAL, EMERGENCY = "sign_in", "emergency"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try, counted as a failure until it is known to be none."""

    username: str
    keys: tuple[str, str]  # of the account, of the address
    failures: tuple[int, int]
    address_free_at: tuple[datetime, datetime]  # before this try, and with it counted
    door: str = USUAL


def begin(username: str, *, browser: str = "", door: str = USUAL) -> Attempt:
    """Count a try before the password is looked at, so that tries at the same moment count too.

    ``browser`` is one that this account has signed in with before: it is counted by itself, so that
    nobody can keep somebody out by guessing, be it at their account or from their address. ``door``: each has
    its own counts. Raises ``TooOften`` with how long to wait; that isn't counted.
    """
    address = network_of(context.current().address)
    account = key_of(door, "account", username.casefold(), browser)
    keys = (account, key_of(door, "address", address))
    with transaction.atomic():
        rows = locked(door, keys, clock.now())
        now = clock.now()  # with the rows locked: an earlier moment would be before who was just counted
        asked = rows[:1] if browser else rows
        wait = max(row.free_at for row in asked) - now
        if wait > timedelta():
            raise TooOften(
                f"There were too many failures to sign in. Try again in {spoken_wait(wait)}.", wait=wait
            )
        before = rows[1].free_at
        for row, guessing in zip(rows, _guessing(door), strict=True):
            row.failures += 1
            row.free_at = now + guessing.wait(row.failures)
            row.forgotten_at = now + FORGOTTEN
            row.save()
    failures = (rows[0].failures, rows[1].failures)
    return Attempt(username, keys, failures, (before, rows[1].free_at), door)


def failed(attempt: Attempt) -> None:
    """Tell of the first failure of a series, and of guessing; not of each try."""
    by_account, by_address = _guessing(attempt.door)
    ours, theirs = attempt.failures
    person = Person.objects.active().filter(username=attempt.username).first()
    where = _FROM.format(address=context.current().address or "an unknown address")
    said = []
    if person is not None and by_account.is_told(ours):
        said.append(("sign_in.guessed", f"Signing in as {person} has failed {ours} times, last {where}."))
    elif person is not None and ours == 1:
        said.append(("sign_in.failed", f"Signing in as {person} failed, {where}."))
    if by_address.is_told(theirs):
        said.append(("sign_in.guessed", f"Signing in {where} has failed {theirs} times."))
    if not said:
        return
    with operation(system()):
        for verb, sentence in said:
            record(
                verb=verb,
                actor=system(),
                sentence=sentence,
                now=clock.now(),
                person=person,
                data={"account": ours, "address": theirs},
            )


def succeeded(attempt: Attempt) -> None:
    """The try was none to guess: the account's series ends, and the address isn't charged for it.

    What the address had to wait before, it waits still: else whoever has an account of their own would sign
    in to it between guesses at others'.
    """
    before, counted = attempt.address_free_at
    with transaction.atomic():
        now = clock.now()
        account, address = locked(attempt.door, attempt.keys, now)
        account.failures, account.free_at = 0, now
        address.failures = max(0, address.failures - 1)
        if address.free_at == counted:  # nobody has failed from there since
            address.free_at = before
        RateLimit.objects.bulk_update([account, address], ["failures", "free_at"])


def signed_in(person: Person) -> None:
    _say(person, "person.signed_in", f"{person} signed in.")


def second_factor_shown(person: Person, proof: StepUpProof | None) -> None:
    """The password was right before; now the second factor is, and it is used up. Raises ``StepUpNeeded``."""
    with operation(person):
        step_up.require(actor=person, act=Act.SIGN_IN, about={}, sentence="", proof=proof)


def signed_out(person: Person) -> None:
    _say(person, "person.signed_out", f"{person} signed out.")


def password_set(person: Person) -> None:
    """Somebody's password was set: by whoever acts in this request, or by the system's command."""
    actor_id = context.current().actor_id
    acting = system() if actor_id is None else Person.objects.get(pk=actor_id)
    _say(person, "person.password_set", f"{acting} set the password of {person}.", acting)


class PasswordsOnRecord:
    """Stands among Django's password validators, which hear of each password that is stored: by a page, by
    ``manage.py changepassword``, or in a shell.
    """

    def validate(self, password: str, user: object = None) -> None:
        """Any password will do here."""

    def get_help_text(self) -> str:
        return ""

    def password_changed(self, _password: str, user: object = None) -> None:
        if isinstance(user, Person):
            password_set(user)


def _say(person: Person, verb: str, sentence: str, actor: Person | None = None) -> None:
    actor = actor or person
    with operation(actor):
        record(verb=verb, actor=actor, sentence=sentence, now=clock.now(), person=person)


def _guessing(door: str) -> tuple[Guessing, Guessing]:
    longest = timedelta(seconds=settings.SIGN_IN_LONGEST_WAIT)
    if door == EMERGENCY:
        free, of_address = settings.EMERGENCY_SIGN_IN_FAILURES, settings.EMERGENCY_SIGN_IN_ADDRESS_FAILURES
    else:
        free, of_address = settings.SIGN_IN_FAILURES, settings.SIGN_IN_ADDRESS_FAILURES
    return Guessing(free, longest), Guessing(of_address, longest)
