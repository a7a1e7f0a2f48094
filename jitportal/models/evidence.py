"""The key that signs evidence, where the operator has given none."""

from __future__ import annotations

from django.db import models


class EvidenceKey(models.Model):
    """Made on first use. The private half is sealed with the portal's own keys; all see the public one."""

    public = models.TextField(unique=True)  # PEM
    sealed = models.TextField()
    made_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"evidence key {self.pk}"
