"""The filters of the register of emergencies; each is a parameter of the address."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from django import forms
from django.db.models import Q
from django.utils import timezone

from jitportal.models import Criterion, EmergencyAccount
from jitportal.models.post_incident import PostIncidentReviewQuerySet
from jitportal.rules.post_incident_words import Classification, spoken
from jitportal.rules.vocabulary import ReviewStatus
from jitportal.web.forms.base import DayField, PortalForm

OPEN, OVERDUE, REAL, DRILLS, ORPHANS = "open", "overdue", "real", "drills", "orphans"


class RegisterFilter(PortalForm):
    account = forms.ModelChoiceField(
        EmergencyAccount.objects.order_by("name"),
        required=False,
        to_field_name="key",
        empty_label="Any account",
    )
    person = forms.CharField(required=False, max_length=200, label="Person", help_text="A part of the name.")
    criterion = forms.ModelChoiceField(
        Criterion.objects.order_by("name"), required=False, to_field_name="key", empty_label="Any criterion"
    )
    kind = forms.ChoiceField(
        required=False,
        label="Kind",
        choices=[
            ("", "All"),
            (REAL, "Real uses"),
            (DRILLS, "Drills"),
            (ORPHANS, "Sign-ins without an activation"),
        ],
    )
    state = forms.ChoiceField(
        required=False,
        label="Review",
        choices=[("", "Any state"), (OPEN, "Open"), (OVERDUE, "Overdue"), (ReviewStatus.CLOSED, "Closed")],
    )
    found = forms.ChoiceField(
        required=False,
        label="Found to be",
        choices=[("", "Anything"), *((one.value, spoken(one)) for one in Classification)],
    )
    since = DayField(required=False, label="From")
    until = DayField(required=False, label="Until")

    @property
    def filtered(self) -> bool:
        """Whether any filter is on."""
        return any(self.read.get(name) for name in self.fields)

    def narrowed(self, rows: PostIncidentReviewQuerySet, now: datetime) -> PostIncidentReviewQuerySet:
        """Those that the filters let through; a filter that can't be read lets nothing through."""
        if not self.is_valid():
            return rows.none()
        read = self.cleaned_data
        for name, field in (("account", "account"), ("criterion", "activation__criterion")):
            if read[name]:
                rows = rows.filter(**{field: read[name]})
        if read["person"]:
            named = Q(responder__name__icontains=read["person"])
            rows = rows.filter(named | Q(responder__username=read["person"]))
        if read["found"]:
            rows = rows.filter(classification=read["found"])
        if read["since"]:
            rows = rows.filter(opened_at__gte=_midnight(read["since"]))
        if read["until"]:
            rows = rows.filter(opened_at__lt=_midnight(read["until"] + timedelta(days=1)))
        return _in_state(_of_kind(rows, read["kind"]), read["state"], now)


def _of_kind(rows: PostIncidentReviewQuerySet, kind: str) -> PostIncidentReviewQuerySet:
    if kind == ORPHANS:
        return rows.filter(sign_in__isnull=False)
    return rows.filter(drill=kind == DRILLS, sign_in__isnull=True) if kind else rows


def _in_state(rows: PostIncidentReviewQuerySet, state: str, now: datetime) -> PostIncidentReviewQuerySet:
    if state == OVERDUE:
        return rows.overdue(now)
    if state == OPEN:
        return rows.open()
    return rows.filter(status=state) if state else rows


def _midnight(day: object) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))  # type: ignore[arg-type]  # a date's own
