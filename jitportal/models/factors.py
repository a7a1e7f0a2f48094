"""Proofs of a second factor, each for one act; and the sessions that somebody has."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from jitportal.models.choices import choices, one_of
from jitportal.rules.step_up import Act, Method


class StepUpProof(models.Model):
    """A second factor that somebody showed for one act. It counts once, and stays with what it was for.

    What a passkey signed is kept with the key that verifies it: the passkey may be removed later.
    """

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="proofs")
    act = models.CharField(max_length=20, choices=choices(Act))
    about = models.JSONField()  # what is decided, as rules.step_up.decision_digest hashes it
    digest = models.CharField(max_length=64)
    #: Used once: the same answer sent twice is one proof.
    nonce = models.CharField(max_length=64, unique=True)
    method = models.CharField(max_length=20, choices=choices(Method))
    factor = models.CharField(max_length=200)  # as its owner calls it
    factor_id = models.BigIntegerField(null=True, blank=True)  # of allauth's row, which may be gone
    #: The half minute of a one-time code: each code of a device counts once.
    counter = models.BigIntegerField(null=True, blank=True)
    # Of a passkey, in base64url.
    credential_id = models.TextField(blank=True)
    public_key = models.TextField(blank=True)  # COSE, in CBOR
    authenticator_data = models.TextField(blank=True)
    client_data = models.TextField(blank=True)
    signature = models.TextField(blank=True)
    claims = models.JSONField(default=dict, blank=True)  # of a provider: what it said, and when
    asked_at = models.DateTimeField()
    proven_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            one_of("act", Act, "proof_act"),
            one_of("method", Method, "proof_method"),
            models.UniqueConstraint(
                fields=["factor_id", "counter"],
                condition=Q(counter__isnull=False),
                name="proof_code_once",
            ),
            models.CheckConstraint(
                condition=~Q(method=Method.PASSKEY)
                | (~Q(signature="") & ~Q(public_key="") & ~Q(client_data="") & ~Q(authenticator_data="")),
                name="proof_of_passkey",
            ),
            models.CheckConstraint(
                condition=~Q(method=Method.CODE) | Q(counter__isnull=False, factor_id__isnull=False),
                name="proof_of_code",
            ),
            models.CheckConstraint(
                condition=Q(proven_at__gte=models.F("asked_at"))
                & (Q(used_at__isnull=True) | Q(used_at__gte=models.F("proven_at"))),
                name="proof_order",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["person", "-proven_at"], name="proof_of_person")
        ]

    def __str__(self) -> str:
        return f"proof {self.pk} of {self.person}"


class PersonSession(models.Model):
    """A session of somebody's, as they know it again: since when, from where, with which browser.

    When it was last seen stands in the session itself, which is written then anyway.
    """

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="sessions")
    # Whoever has a session's key is signed in by it: here it is hashed, to find it, and sealed, to end it.
    key_hash = models.CharField(max_length=64, unique=True)
    sealed_key = models.TextField()
    began_at = models.DateTimeField()
    address = models.GenericIPAddressField(null=True, blank=True)
    browser = models.CharField(max_length=300, blank=True)

    def __str__(self) -> str:
        return f"session {self.pk} of {self.person}"
