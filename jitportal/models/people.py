"""People, teams, and the standing powers that only the bootstrap command gives."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, UserManager
from django.core.validators import RegexValidator
from django.db import models, transaction
from django.db.models import Q
from django.utils.crypto import salted_hmac

from jitportal.models.choices import choices
from jitportal.rules.vocabulary import Power

SYSTEM_USERNAME = "system"

username_validator = RegexValidator(
    r"\A[a-z0-9][a-z0-9._@-]{0,62}\Z",
    "A username has 1 to 63 of: small letters, digits, full stop, hyphen, underscore and @.",
)


class PersonQuerySet(models.QuerySet["Person"]):
    def humans(self) -> PersonQuerySet:
        return self.filter(is_system=False)

    def active(self) -> PersonQuerySet:
        return self.humans().filter(is_active=True)


class PersonManager(UserManager["Person"]):
    def get_queryset(self) -> PersonQuerySet:
        return PersonQuerySet(self.model, using=self._db)

    def humans(self) -> PersonQuerySet:
        return self.get_queryset().humans()

    def active(self) -> PersonQuerySet:
        return self.get_queryset().active()

    def create_superuser(self, *_args: Any, **_kwargs: Any) -> Person:
        """There are none: always raises ``ValueError`` with the way that exists instead."""
        raise ValueError(
            "jitportal has no superusers: its own powers are requested like any other. "
            "Make the first administrator with: manage.py first_administrator"
        )


class Person(AbstractUser):
    """Somebody who signs in; also the one row that is the system. Deactivated, never deleted."""

    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    username = models.CharField(
        max_length=63,
        unique=True,
        validators=[username_validator],
        error_messages={"unique": "Somebody has this username already. Choose another."},
    )
    name = models.CharField(max_length=200)
    email = models.EmailField(blank=True)
    manager = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="reports"
    )
    time_zone = models.CharField(max_length=64, default="UTC")
    is_system = models.BooleanField(default=False)
    #: Named once by the directory's file, which decides about them from then on: who is missing there leaves.
    from_directory = models.BooleanField(default=False)
    deactivated_at = models.DateTimeField(null=True, blank=True)
    #: Stands in the hash that each session carries: one more, and all sessions have ended.
    session_epoch = models.PositiveIntegerField(default=0)

    objects: ClassVar[PersonManager] = PersonManager()

    class Meta:
        verbose_name = "person"
        verbose_name_plural = "people"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(is_superuser=False, is_staff=False),
                name="person_no_superuser",
                violation_error_message="Nobody is a superuser here: powers are requested.",
            ),
            models.UniqueConstraint(
                fields=["is_system"], condition=Q(is_system=True), name="person_one_system"
            ),
            models.CheckConstraint(
                condition=Q(manager__isnull=True) | ~Q(manager=models.F("id")),
                name="person_not_own_manager",
                violation_error_message="Nobody is their own manager.",
            ),
            models.CheckConstraint(
                condition=Q(is_active=True, deactivated_at__isnull=True)
                | Q(is_active=False, deactivated_at__isnull=False),
                name="person_deactivated_when",
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.username

    def get_full_name(self) -> str:
        return self.name or self.username

    def get_short_name(self) -> str:
        return self.get_full_name()

    def save(self, *args: Any, **kwargs: Any) -> None:
        """A password that is set later than at the start is told of in the same transaction."""
        if self._state.adding:
            self._password = None
        with transaction.atomic():
            super().save(*args, **kwargs)

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        said = f"{self.password}:{self.session_epoch}"
        return salted_hmac("jitportal.sessions", said, secret=secret, algorithm="sha256").hexdigest()


class Team(models.Model):
    """A group of people that policies name by its key."""

    key = models.SlugField(max_length=63, unique=True)
    name = models.CharField(max_length=200)

    def __str__(self) -> str:
        return self.name


class MembershipQuerySet(models.QuerySet["Membership"]):
    def current(self) -> MembershipQuerySet:
        return self.filter(ended_at__isnull=True)


class Membership(models.Model):
    """Somebody's time in a team; ended, never deleted."""

    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="memberships")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="memberships")
    since = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["team", "person"],
                condition=Q(ended_at__isnull=True),
                name="membership_once",
                violation_error_message="This person is in the team already.",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=models.F("since")),
                name="membership_order",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person} in {self.team}"


class StandingPower(models.Model):
    """A power that somebody holds without a grant: the first administrator's, made by a command.

    It is meant to go: it shows on every page of its holder until it is removed.
    """

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="standing_powers")
    power = models.CharField(max_length=20, choices=choices(Power))
    reason = models.CharField(max_length=500)
    given_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["person", "power"],
                condition=Q(removed_at__isnull=True),
                name="standing_power_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.power} of {self.person}"
