"""SSH: people's own public keys, the certificates signed for them, and the hosts that trust them."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from jitportal.models.grants import Lease
from jitportal.models.policy import Target


class SshKey(models.Model):
    """A public key that somebody uses. The private one never comes near the portal."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="ssh_keys")
    name = models.CharField(max_length=100)
    public_key = models.TextField()  # type and key, without a comment
    fingerprint = models.CharField(max_length=64)  # as ssh-keygen -l shows it
    added_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["fingerprint"],
                condition=Q(removed_at__isnull=True),
                name="ssh_key_once",
                violation_error_message="This key is in use already.",
            )
        ]

    def __str__(self) -> str:
        return self.name


class SshCertificateQuerySet(models.QuerySet["SshCertificate"]):
    def usable(self, now: datetime) -> SshCertificateQuerySet:
        """Those that a host which knows the revocation list would still take."""
        return self.filter(revoked_at__isnull=True, valid_before__gt=now)


class SshCertificate(models.Model):
    """A certificate that was signed, and can't be taken back: only revoked. Nothing in it is secret."""

    lease = models.ForeignKey(Lease, on_delete=models.PROTECT, related_name="certificates")
    target = models.ForeignKey(Target, on_delete=models.PROTECT, related_name="+")
    #: Which of the lease's certificates it is; the serial is made of the lease and this.
    number = models.PositiveIntegerField()
    serial = models.PositiveBigIntegerField()
    key_id = models.CharField(max_length=200)
    principals = models.JSONField(default=list)
    fingerprint = models.CharField(max_length=64)  # of the person's key
    valid_after = models.DateTimeField()
    valid_before = models.DateTimeField()
    issued_at = models.DateTimeField()
    issued_to = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    text = models.TextField(blank=True)  # empty until it is signed
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = SshCertificateQuerySet.as_manager()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["lease", "number"], name="ssh_certificate_number"),
            models.UniqueConstraint(fields=["target", "serial"], name="ssh_certificate_serial"),
            models.CheckConstraint(
                condition=Q(valid_before__gt=F("valid_after")), name="ssh_certificate_window"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key_id} (serial {self.serial})"


class SshHost(models.Model):
    """A host of a fleet: it fetches the revocation list, says how it is, and delivers recordings."""

    target = models.ForeignKey(Target, on_delete=models.PROTECT, related_name="ssh_hosts")
    name = models.CharField(max_length=200)
    token_hash = models.CharField(max_length=64, unique=True)  # SHA-256 of the token, in hex
    added_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True, blank=True)
    # what it last said of itself
    seen_at = models.DateTimeField(null=True, blank=True)
    skew_milliseconds = models.IntegerField(null=True, blank=True)
    report = models.JSONField(default=dict)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["target", "name"], condition=Q(removed_at__isnull=True), name="ssh_host_once"
            )
        ]

    def __str__(self) -> str:
        return self.name
