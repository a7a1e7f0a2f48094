"""The worker's own marks: a heartbeat, and which target is being worked on. No business facts."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from jitportal.models.policy import Target


class Heartbeat(models.Model):
    """When a worker's pulse last went round."""

    name = models.CharField(max_length=100, unique=True)
    started_at = models.DateTimeField()
    beat_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class TargetLane(models.Model):
    """One lane of work on one target: one task at a time is queued for it, so that a dead target
    can't occupy every worker. Removals have a lane of their own.
    """

    target = models.ForeignKey(Target, on_delete=models.PROTECT, related_name="lanes")
    lane = models.CharField(max_length=10, choices=[("removal", "removal"), ("grant", "grant")])
    queued_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["target", "lane"], name="target_lane_once")
        ]

    def __str__(self) -> str:
        return f"{self.lane} on {self.target}"


class RateLimit(models.Model):
    """How often somebody did something lately. ``key`` is a keyed hash of what and who: what is typed as a
    username may be a password.
    """

    key = models.CharField(max_length=64, unique=True)
    what = models.CharField(max_length=20)
    failures = models.PositiveIntegerField(default=0)
    free_at = models.DateTimeField()
    forgotten_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.what} {self.key[:8]}"
