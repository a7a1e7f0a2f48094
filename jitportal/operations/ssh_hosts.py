"""Hosts of a fleet: who they are, what they say of themselves, and the list that they fetch."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta

from jitportal.audit.events import record
from jitportal.connectors.base import Certifying, TargetError
from jitportal.models import Person, SshCertificate, SshHost, Target
from jitportal.operations import clock
from jitportal.operations.targets import connector_for
from jitportal.operations.transaction import operation
from jitportal.rules.errors import Conflict, Invalid, OutsideError
from jitportal.rules.plain_text import printable

TOKEN_BYTES = 32
#: A certificate stays on the list for so long after its own end: a host's clock may be slow.
KEPT_AFTER_END = timedelta(days=1)
#: What a host says of itself: short words, by these names alone.
FACTS = frozenset({"authority", "revocations", "wrapper", "sshd", "refused"})
LONGEST_FACT = 200


def add(*, actor: Person, target: Target, name: str) -> tuple[SshHost, str]:
    """A host of the fleet, and its token, which is given out this once and kept as a hash alone."""
    name = name.strip()
    if target.connector != "ssh":
        raise Invalid(f"{target.key} is no SSH target.")
    if not name or len(name) > 200 or not name.isprintable():
        raise Invalid("Give the host's name.")
    token = secrets.token_urlsafe(TOKEN_BYTES)
    with operation(actor):
        now = clock.now()
        Target.objects.select_for_update(no_key=True).get(pk=target.pk)
        if SshHost.objects.filter(target=target, name=name, removed_at__isnull=True).exists():
            raise Conflict(f"{name} is a host of {target.key} already. Remove it first for another token.")
        host = SshHost.objects.create(target=target, name=name, token_hash=_hash(token), added_at=now)
        _say(host, actor, "added", f"{name} is a host of {target} now.", now)
    return host, token


def remove(*, actor: Person, host: SshHost) -> None:
    """Its token works no longer."""
    with operation(actor):
        now = clock.now()
        row = SshHost.objects.select_for_update(no_key=True).select_related("target").get(pk=host.pk)
        if row.removed_at is not None:
            raise Conflict(f"{row.name} has been removed already.")
        row.removed_at = now
        row.save(update_fields=["removed_at"])
        _say(row, actor, "removed", f"{row.name} is no host of {row.target} any more.", now)


def by_token(token: str) -> SshHost | None:
    """The host whose token this is; None: nobody's. Tokens are long and random, so a hash finds them."""
    if not token:
        return None
    rows = SshHost.objects.filter(token_hash=_hash(token), removed_at__isnull=True)
    return rows.select_related("target").first()


def heard(host: SshHost, said: Mapping[str, object], host_time: float | None) -> None:
    """Keep what a host says of itself: an observation, with no event."""
    now = clock.now()
    facts = {name: printable(str(said[name])[:LONGEST_FACT]) for name in sorted(FACTS & set(said))}
    skew = None if host_time is None else round((host_time - now.timestamp()) * 1000)
    within = skew is not None and abs(skew) < 2**31
    SshHost.objects.filter(pk=host.pk).update(
        seen_at=now, report=facts, skew_milliseconds=skew if within else None
    )


def revocation_list(target: Target) -> bytes:
    """What hosts fetch. The same revocations make the same bytes. Raises ``OutsideError``."""
    now = clock.now()
    revoked = SshCertificate.objects.filter(target=target, revoked_at__isnull=False)
    listed = revoked.filter(valid_before__gt=now - KEPT_AFTER_END).order_by("serial")
    serials = list(listed.values_list("serial", flat=True))
    last = revoked.order_by("-revoked_at").values_list("revoked_at", flat=True).first()
    made_at = last or datetime.fromtimestamp(0, tz=now.tzinfo)
    return _certifying(target).revocation_list(serials, number=revoked.count(), made_at=made_at)


def authority_line(target: Target) -> str:
    """The public key that hosts are to trust. Raises ``OutsideError``."""
    return _certifying(target).authority_line()


def _certifying(target: Target) -> Certifying:
    try:
        connector = connector_for(target)
    except TargetError as error:
        raise OutsideError(str(error), permanent=error.permanent) from error
    if not isinstance(connector, Certifying):
        raise OutsideError(f"{target.key} signs no certificates.", permanent=True)
    return connector


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _say(host: SshHost, actor: Person, what: str, sentence: str, now: datetime) -> None:
    record(verb=f"ssh_host.{what}", actor=actor, sentence=sentence, now=now, target=host.target)
