"""What the page of one's second factors shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from allauth.mfa.models import Authenticator

from jitportal.models import Person
from jitportal.operations import factors, one_time_codes
from jitportal.rules.errors import Conflict


@dataclass(frozen=True, slots=True)
class Factor:
    pk: int
    name: str
    icon: str
    added_at: datetime
    used_at: datetime | None


@dataclass(frozen=True, slots=True)
class FactorsPage:
    """``codes_left`` None: there are no recovery codes."""

    held: Sequence[Factor]
    has_app: bool
    codes_left: int | None


def factors_page(person: Person) -> FactorsPage:
    rows = factors.of(person)
    codes = [row for row in rows if row.type == Authenticator.Type.RECOVERY_CODES]
    held = [row for row in rows if row.type != Authenticator.Type.RECOVERY_CODES]
    return FactorsPage(
        held=[_factor(row) for row in held],
        has_app=any(row.type == Authenticator.Type.TOTP for row in held),
        codes_left=one_time_codes.recovery_codes_left(codes[0]) if codes else None,
    )


def refuse_second_app(person: Person) -> None:
    """No form to add what can't be added; raises ``Conflict``."""
    if any(row.type == Authenticator.Type.TOTP for row in factors.of(person)):
        raise Conflict("You have an authenticator app already. Remove it first, then add the new one.")


def _factor(row: Authenticator) -> Factor:
    if row.type != Authenticator.Type.WEBAUTHN:
        return Factor(row.pk, "Authenticator app", "smartphone", row.created_at, row.last_used_at)
    name = str(row) if str(row) == factors.UNNAMED else f"{factors.UNNAMED}: {row}"
    return Factor(row.pk, name, "key-round", row.created_at, row.last_used_at)
