"""What one wants to be told, topic by topic: in which way, and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.forms import BoundField

from jitportal.operations.notice_choices import Choice, field_of
from jitportal.rules.notices import URGENT, Pace, Topic
from jitportal.web.forms.base import PortalForm

PACES = [
    (Pace.AT_ONCE, "at once"),
    (Pace.HOURLY, "in a digest each hour"),
    (Pace.DAILY, "in a digest each morning at 8"),
]
#: Each topic's title, and what belongs to it.
WORDS: dict[Topic, tuple[str, str]] = {
    Topic.ASKS: (
        "Requests for me to decide",
        "With reminders. A digest never waits until a request has lapsed.",
    ),
    Topic.HANDLED: ("Requests that somebody else decided", "After I was asked about them."),
    Topic.OWN: ("My requests and my access", "Decisions on what I asked for, and early ends of what I hold."),
    Topic.REVIEWS: ("Reviews after use", "What I have to state, and what I have to read."),
    Topic.WORK: ("Work that I carry out", "On systems where a person gives and takes away access."),
    Topic.LATE: (
        "Late removals",
        "Access that should be gone and isn't: for operators and owners.",
    ),
    Topic.EMERGENCY: (
        "Emergencies",
        "Emergency access is used: for those who must hear of it.",
    ),
}
#: The topics in the order of the page, under what they have in common.
GROUPS = (
    ("My own access", (Topic.OWN, Topic.REVIEWS)),
    ("What others ask of me", (Topic.ASKS, Topic.HANDLED, Topic.WORK)),
    ("Always by mail, at once", (Topic.LATE, Topic.EMERGENCY)),
)


@dataclass(frozen=True, slots=True)
class TopicFields:
    """The fields of one topic; None where there is nothing to choose."""

    key: str
    title: str
    hint: str
    mail: BoundField | None
    channel: BoundField | None
    pace: BoundField | None

    @property
    def choices(self) -> list[BoundField]:
        """Those that are chosen from a list."""
        return [field for field in (self.channel, self.pace) if field is not None]


class NoticesForm(PortalForm):
    """``choices``: what is chosen now, one for each topic; ``channels``: what is offered."""

    def __init__(self, *args: Any, choices: Sequence[Choice], channels: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._topics = [choice.topic for choice in choices]
        for choice in choices:
            self._add(choice, channels)

    def groups(self) -> list[tuple[str, list[TopicFields]]]:
        return [(title, [self._fields_of(topic) for topic in topics]) for title, topics in GROUPS]

    def _fields_of(self, topic: Topic) -> TopicFields:
        title, hint = WORDS[topic]
        mail, channel, pace = (self._field(topic, what) for what in ("mail", "channel", "pace"))
        return TopicFields(str(topic), title, hint, mail, channel, pace)

    def wishes(self) -> list[Choice]:
        """What was chosen, one for each topic."""
        return [
            Choice(
                topic,
                mail=bool(self._said(topic, "mail", True)),
                channel=str(self._said(topic, "channel", "")),
                pace=Pace(str(self._said(topic, "pace", Pace.AT_ONCE))),
            )
            for topic in self._topics
        ]

    def _add(self, choice: Choice, channels: Sequence[str]) -> None:
        topic = choice.topic
        if topic not in URGENT:
            self.fields[field_of(topic, "mail")] = forms.BooleanField(
                label="By mail", required=False, initial=choice.mail
            )
        offered = [(name, name) for name in channels]
        if choice.channel and choice.channel not in channels:
            offered.append((choice.channel, f"{choice.channel} (not there any more: comes by mail)"))
        if offered:
            self.fields[field_of(topic, "channel")] = forms.ChoiceField(
                label="In chat",
                required=False,
                initial=choice.channel,
                choices=[("", "not in chat"), *offered],
                error_messages={"invalid_choice": "There is no such channel any more. Choose another."},
            )
        if topic not in URGENT:
            self.fields[field_of(topic, "pace")] = forms.ChoiceField(
                label="When",
                initial=choice.pace,
                choices=PACES,
                error_messages={"required": "Choose when.", "invalid_choice": "Choose one of those offered."},
            )

    def _field(self, topic: Topic, what: str) -> BoundField | None:
        name = field_of(topic, what)
        return self[name] if name in self.fields else None

    def _said(self, topic: Topic, what: str, otherwise: object) -> object:
        return self.cleaned_data.get(field_of(topic, what), otherwise)
