"""Who somebody is at the provider of single sign-on."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models


class ProviderIdentity(models.Model):
    """One person at one provider, by what never changes there: the subject. Never given to another."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="identities")
    issuer = models.CharField(max_length=500)
    subject = models.CharField(max_length=255)
    linked_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "provider identities"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["issuer", "subject"], name="identity_once"),
            models.UniqueConstraint(fields=["issuer", "person"], name="identity_of_person_once"),
        ]

    def __str__(self) -> str:
        return f"{self.person} at {self.issuer}"
