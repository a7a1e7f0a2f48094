"""Certificates for a holder's own key: signed while the grant is live, each with a serial of its own."""

from __future__ import annotations

from datetime import datetime, timedelta

from jitportal.connectors.base import Certifying, TargetError
from jitportal.connectors.ssh.orders import CERTIFICATES_OF_A_LEASE, principal_of, serial_of
from jitportal.connectors.ssh.public_keys import PublicKey
from jitportal.models import Grant, Lease, Person, SshCertificate, StepUpProof
from jitportal.operations import clock, ssh_keys, step_up, ways_in
from jitportal.operations.facts import require
from jitportal.operations.granting import say
from jitportal.operations.targets import connector_for, order_of
from jitportal.operations.transaction import lock_grant, operation
from jitportal.rules.errors import Conflict, OutsideError
from jitportal.rules.permissions import Verb
from jitportal.rules.vocabulary import CertificateOrder, GrantStatus

#: A host whose clock is a little behind takes a fresh certificate all the same.
BACKDATED = timedelta(seconds=30)


def gives_certificates(grant: Grant) -> bool:
    """Whether the grant's target takes certificates at all."""
    return grant.role.target.connector == "ssh"


def certificates_of(grant: Grant) -> list[SshCertificate]:
    """Those in force that were signed for the grant, the newest first."""
    if grant.lease is None:
        return []
    rows = SshCertificate.objects.usable(clock.now()).filter(lease=grant.lease).exclude(text="")
    return list(rows.order_by("-number"))


def certify(
    *, actor: Person, grant: Grant, public_key: str, proof: StepUpProof | None = None
) -> SshCertificate:
    """Sign the actor's own key until the grant's end. The same key gets the same certificate again. A new
    one for a role of high risk, and in an emergency, takes a fresh second factor: raises ``StepUpNeeded``.

    The row and the event are written before anything is signed: a certificate that can't be revoked must
    not exist. Raises ``Invalid`` for what is no key, ``Conflict`` where the grant isn't live,
    ``OutsideError`` where the authority can't sign.
    """
    key = ssh_keys.read(public_key)
    with operation(actor):
        grant = lock_grant(grant)
        now = clock.now()
        require(Verb.GRANT_CERTIFY, actor, grant, now)
        lease = _live_lease(grant, now)
        ssh_keys.refuse_somebody_elses(key, actor)
        until = _end(grant, now)
        for certificate in certificates_of(grant):
            if certificate.fingerprint == key.fingerprint and certificate.valid_before == until:
                return certificate
        taken = ways_in.certificate(actor, grant, key.fingerprint, proof)
        row = _row(lease, actor, key, until, now)
        say(
            grant,
            actor,
            "certified",
            f"{actor} got certificate {row.key_id} for the key {key.fingerprint}.",
            now,
            serial=str(row.serial),
            **step_up.traced(taken),
        )
    return _signed(row, actor, lease, key)


def _live_lease(grant: Grant, now: datetime) -> Lease:
    if not gives_certificates(grant):
        raise Conflict("This access takes no certificate.")
    lease = grant.lease
    if lease is None or grant.status != GrantStatus.ACTIVE or not grant.entitles(now):
        raise Conflict("This grant isn't live, so there is nothing to get a certificate for.")
    rows = Lease.objects.select_for_update(of=("self",), no_key=True).select_related("target")
    return rows.get(pk=lease.pk)


def _end(grant: Grant, now: datetime) -> datetime:
    """The grant's end in whole seconds, rounded down: never a moment longer."""
    assert grant.ends_at is not None  # noqa: S101 - the grant is live
    until = grant.ends_at.replace(microsecond=0)
    if until <= now + timedelta(seconds=1):
        raise Conflict("This grant ends this very moment.")
    return until


def _row(lease: Lease, actor: Person, key: PublicKey, until: datetime, now: datetime) -> SshCertificate:
    number = (lease.certificates.order_by("-number").values_list("number", flat=True).first() or 0) + 1
    if number >= CERTIFICATES_OF_A_LEASE:
        raise Conflict("Too many certificates were signed for this grant. Ask for another.")
    return SshCertificate.objects.create(
        lease=lease,
        target=lease.target,
        number=number,
        serial=serial_of(lease.pk, number),
        key_id=f"{lease.handle}/{number} {actor.username}",
        principals=[principal_of(order_of(lease), lease.target.key)],
        fingerprint=key.fingerprint,
        valid_after=now.replace(microsecond=0) - BACKDATED,
        valid_before=until,
        issued_at=now,
        issued_to=actor,
    )


def _signed(row: SshCertificate, actor: Person, lease: Lease, key: PublicKey) -> SshCertificate:
    order = CertificateOrder(
        order_of(lease), row.serial, row.key_id, key.line, row.valid_after, row.valid_before
    )
    try:
        connector = connector_for(lease.target)
        if not isinstance(connector, Certifying):
            raise Conflict("This access takes no certificate.")
        text = connector.certify(order)
    except TargetError as error:
        raise OutsideError(
            f"The certificate could not be signed: {error} Try again.", permanent=error.permanent
        ) from error
    with operation(actor):
        row = SshCertificate.objects.select_for_update(of=("self",), no_key=True).get(pk=row.pk)
        if row.revoked_at is not None:
            raise Conflict("The access was ended while the certificate was signed.")
        row.text = text
        row.save(update_fields=["text"])
    return row
