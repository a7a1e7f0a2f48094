"""What was done in a session, as it was received, piece by piece; the bytes lie in files."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from jitportal.models.choices import choices, one_of
from jitportal.models.grants import Grant
from jitportal.models.ssh import SshCertificate, SshHost
from jitportal.rules.vocabulary import RecordingKind, RecordingState


class Recording(models.Model):
    """A session's recording. Its file is found by its id alone."""

    grant = models.ForeignKey(Grant, on_delete=models.PROTECT, related_name="recordings")
    kind = models.CharField(max_length=12, choices=choices(RecordingKind))
    state = models.CharField(max_length=10, choices=choices(RecordingState), default=RecordingState.RECEIVING)
    #: Where it was made: the host's name, or the database server's.
    source = models.CharField(max_length=200)
    host = models.ForeignKey(
        SshHost, null=True, blank=True, on_delete=models.PROTECT, related_name="recordings"
    )
    certificate = models.ForeignKey(
        SshCertificate, null=True, blank=True, on_delete=models.PROTECT, related_name="recordings"
    )
    account = models.CharField(max_length=200)
    #: The source's own name for the session: asking twice makes one recording.
    session = models.CharField(max_length=100)
    started_at = models.DateTimeField()
    received_at = models.DateTimeField()  # when the portal first heard of it
    finished_at = models.DateTimeField(null=True, blank=True)
    size = models.PositiveBigIntegerField(default=0)
    #: Each piece's hash goes into the one before: what was received can't be exchanged later.
    chain = models.CharField(max_length=64, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)  # of the whole, once it is finished
    said_sha256 = models.CharField(max_length=64, blank=True)  # as its source says
    position = models.JSONField(default=dict)  # up to where its source was read, where the portal reads it
    gaps = models.JSONField(default=list)  # sentences: what is missing, and why

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            one_of("kind", RecordingKind, "recording_kind"),
            one_of("state", RecordingState, "recording_state"),
            models.UniqueConstraint(fields=["grant", "source", "session"], name="recording_once"),
            models.CheckConstraint(
                condition=Q(state=RecordingState.RECEIVING, finished_at__isnull=True)
                | (~Q(state=RecordingState.RECEIVING) & Q(finished_at__isnull=False)),
                name="recording_finished",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["grant", "started_at"], name="recording_of_grant")
        ]

    def __str__(self) -> str:
        return f"recording {self.pk}"


class RecordingPiece(models.Model):
    """One piece as it came: where it begins, how long it is, and its hash."""

    recording = models.ForeignKey(Recording, on_delete=models.PROTECT, related_name="pieces")
    offset = models.PositiveBigIntegerField()
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    received_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["recording", "offset"], name="recording_piece_once")
        ]

    def __str__(self) -> str:
        return f"{self.recording} from {self.offset}"
