"""What each person wants to be told, in which way, and when: chosen by themselves alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jitportal.audit.events import record
from jitportal.models import NoticeChoice, Person
from jitportal.operations import clock
from jitportal.operations.channels import people_may_choose
from jitportal.operations.facts import require
from jitportal.operations.transaction import lock_person, operation
from jitportal.rules.errors import Invalid, InvalidInput
from jitportal.rules.notices import NEEDED, URGENT, Pace, Topic
from jitportal.rules.permissions import Verb

#: Those that people choose by: what a team's channel is told isn't theirs, and what happens to their own
#: account reaches everybody by mail.
CHOSEN = tuple(topic for topic in Topic if topic not in (Topic.ROOM, Topic.ACCOUNT))


_WAITING = {
    Topic.ASKS: "Requests to decide",
    Topic.REVIEWS: "Reviews",
    Topic.WORK: "Pieces of work",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """In which ways somebody wants to be told of a topic. ``channel`` empty: not in chat."""

    topic: Topic
    mail: bool = True
    channel: str = ""
    pace: Pace = Pace.AT_ONCE


def choices_of(person: Person) -> list[Choice]:
    """What the person chose for each topic; what they never chose is by mail, at once."""
    rows = {row.topic: row for row in NoticeChoice.objects.filter(person=person)}
    return [_read(topic, rows.get(topic)) for topic in CHOSEN]


def choose(*, actor: Person, choices: Sequence[Choice]) -> None:
    """Choose for some topics; the others stay. Raises ``InvalidInput`` with all that can't be."""
    with operation(actor):
        actor = lock_person(actor.pk)
        now = clock.now()
        require(Verb.NOTICES_CHOOSE, actor, now=now)
        problems = [problem for choice in choices for problem in _problems(choice)]
        if problems:
            raise InvalidInput(problems)
        before = choices_of(actor)
        for choice in choices:
            if choice not in before:
                _store(actor, choice)
        changed = [choice.topic for choice in choices if choice not in before]
        if changed:
            record(
                verb="notices.chosen",
                actor=actor,
                sentence=f"{actor} chose how they are told of things.",
                now=now,
                person=actor,
                data={"topics": [str(topic) for topic in changed]},
            )


def field_of(topic: Topic, what: str) -> str:
    """The name of a choice's part, as refusals and forms call it."""
    return f"{topic}-{what}"


def _read(topic: Topic, row: NoticeChoice | None) -> Choice:
    return Choice(topic, row.mail, row.channel, Pace(row.pace)) if row else Choice(topic)


def _problems(choice: Choice) -> list[Invalid]:
    problems = []
    if choice.channel and choice.channel not in people_may_choose():
        problems.append(
            Invalid(
                "There is no such channel any more. Choose another.", field=field_of(choice.topic, "channel")
            )
        )
    if choice.topic in URGENT and not (choice.mail and choice.pace is Pace.AT_ONCE):
        problems.append(
            Invalid("Late removals always come by mail, at once.", field=field_of(choice.topic, "mail"))
        )
    elif choice.topic in NEEDED and not (choice.mail or choice.channel):
        problems.append(
            Invalid(
                f"{_WAITING[choice.topic]} wait for you: choose mail, a channel or both.",
                field=field_of(choice.topic, "mail"),
            )
        )
    return problems


def _store(person: Person, choice: Choice) -> None:
    row = NoticeChoice.objects.filter(person=person, topic=choice.topic).first()
    row = row or NoticeChoice(person=person, topic=choice.topic)
    row.mail, row.channel, row.pace = choice.mail, choice.channel, choice.pace
    row.save()
