"""One-time codes of an authenticator app (RFC 6238), and recovery codes; stored by allauth, sealed."""

from __future__ import annotations

import hmac
from datetime import datetime

from allauth.mfa import app_settings
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from allauth.mfa.utils import decrypt

from jitportal.models import Person

LONGEST_CODE = 20
_USED = "used"


def new_secret() -> str:
    """For an authenticator app to share with the portal, in base 32."""
    return str(generate_totp_secret())


def code_at(secret: str, moment: datetime) -> str:
    """What the app shows at this moment."""
    return str(format_hotp_value(hotp_value(secret, _counter(moment))))


def matching(secret: str, code: str, now: datetime) -> int | None:
    """The half minute that this is the code of, one before or after now included; None: none of them."""
    said = code.replace(" ", "")
    if not (said.isascii() and said.isdecimal() and len(said) <= LONGEST_CODE):
        return None
    middle, tolerance = _counter(now), app_settings.TOTP_TOLERANCE
    for counter in range(middle - tolerance, middle + tolerance + 1):
        if hmac.compare_digest(format_hotp_value(hotp_value(secret, counter)), said):
            return counter
    return None


def takes_codes(person: Person) -> bool:
    """Whether there is anything to type for this person: an app's code, or a recovery code."""
    kinds = (Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES)
    return bool(Authenticator.objects.filter(user=person, type__in=kinds).exists())


def has_app(person: Person) -> bool:
    """Whether one of those codes comes from an authenticator app."""
    return bool(Authenticator.objects.filter(user=person, type=Authenticator.Type.TOTP).exists())


def store(person: Person, secret: str, *, used: int) -> Authenticator:
    """Keep the secret of an authenticator app, sealed. ``used``: the half minute of the code that was shown
    to add it, which counts no more.
    """
    factor = TOTP.activate(person, secret).instance
    factor.data[_USED] = used
    factor.save(update_fields=["data"])
    return factor


def was_used(factor: Authenticator, counter: int) -> bool:
    """Whether this half minute's code, or a later one's, was the one that the app was added with."""
    return counter <= int(factor.data.get(_USED, -1))


def secret_of(factor: Authenticator) -> str:
    """Raises ``sealing.Unreadable`` where no key opens it."""
    return str(decrypt(factor.data["secret"]))


def recovery_codes(person: Person) -> list[str]:
    """A new set, which replaces an earlier one; as people read them, in two groups."""
    Authenticator.objects.filter(user=person, type=Authenticator.Type.RECOVERY_CODES).delete()
    codes = RecoveryCodes.activate(person).generate_codes()
    return [f"{code[:4]} {code[4:]}" for code in codes]


def spend_recovery_code(factor: Authenticator, code: str) -> bool:
    """Whether it is one of those that are left; it is none any more then."""
    said = "".join(sign for sign in code if sign not in " -")
    return len(said) <= LONGEST_CODE and said.isascii() and bool(RecoveryCodes(factor).validate_code(said))


def recovery_codes_left(factor: Authenticator) -> int:
    return len(RecoveryCodes(factor).get_unused_codes())


def _counter(moment: datetime) -> int:
    return int(moment.timestamp()) // int(app_settings.TOTP_PERIOD)
