"""A record as long as it is told to be, for benches: written past the operations, and as various as theirs.

Some things are usual, some rare, and some were usual only in the oldest fifth of the record.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import TypeVar

from jitportal.audit.bulk import insert_many
from jitportal.audit.events import record_many
from jitportal.audit.system import system
from jitportal.models import Event, Person, PolicyVersion, Role, Target
from jitportal.operations import clock
from jitportal.rules.vocabulary import Pathway

PEOPLE, TARGETS = 2_000, 20
BATCH = 10_000
FIRST = [
    "Ada",
    "Ben",
    "Cleo",
    "Dov",
    "Esra",
    "Finn",
    "Gia",
    "Hugo",
    "Inês",
    "Jun",
    "Kim",
    "Noor",
    "Rita",
    "Zoë",
]
LAST = [
    "Moreau",
    "Sato",
    "Haddad",
    "Petrov",
    "Çelik",
    "Aalto",
    "Romano",
    "Becker",
    "Duarte",
    "Tanaka",
    "Vogt",
]
WHAT = ["Read", "Change", "Administer", "Migrate", "Restore", "Copy", "Watch"]
OF = ["orders", "payments", "invoices", "stock", "customers"]
WHERE = ["production", "staging", "the archive", "Europe"]
#: A kind of event, how usual it is among a thousand, and what it says.
KINDS = [
    ("request.submitted", 160, "{who} asked for {role}, with INC-{ticket}: shop {shop} is stuck."),
    ("request.approved", 150, "{other} approved {role} of {who} for {minutes} minutes."),
    ("grant.began", 150, "{role} of {who} began, for {minutes} minutes."),
    ("grant.live", 150, "{role} of {who} is live on {target}."),
    ("grant.expired", 140, "{role} of {who} expired."),
    ("grant.removed", 150, "{role} of {who} was removed from {target}, verified after {seconds} s."),
    ("request.denied", 40, "{other} denied {role} of {who}: not without a change ticket."),
    ("grant.handed_back", 40, "{who} handed {role} back: found the cause in shop {shop}."),
    ("person.signed_in", 19, "{who} signed in."),
    ("manual_task.confirmed", 1, "{other} confirmed that {role} of {who} is taken away from {target}."),
]  # fmt: skip
#: Written once in so many events.
RARE = 20_000
RARE_SENTENCE = "Version {number} of the policy is in force: zebra crossings were forgotten."
OLD_SENTENCE = "{who} was told by the pager of old that {role} ended."

Thing = TypeVar("Thing", Person, Role)


def make(number: int) -> None:
    """Write so many events, spread over three years and up to now."""
    draw = random.Random(20)
    everybody, every_role = people(), roles()
    end, apart = clock.now(), timedelta(days=3 * 365) / number
    for start in range(0, number, BATCH):
        size = min(BATCH, number - start)
        moments = [end - apart * (number - start - index) for index in range(size)]
        record_many(
            [
                _event(draw, start + index, number, at, everybody, every_role)
                for index, at in enumerate(moments)
            ]
        )


def _event(
    draw: random.Random, index: int, number: int, at: datetime, people: list[Person], roles: list[Role]
) -> Event:
    who, other = _some(draw, people), _some(draw, people)
    role = _some(draw, roles)
    values = {
        "who": who,
        "other": other,
        "role": role.name,
        "target": role.target.name,
        "minutes": draw.randrange(5, 60),
        "ticket": draw.randrange(10**6),
        "shop": draw.randrange(5_000),
        "seconds": draw.randrange(10) / 10,
        "number": index,
    }
    if index % RARE == RARE // 2:
        return Event(at=at, verb="policy.applied", actor=other, sentence=RARE_SENTENCE.format(**values))
    verb, _, sentence = draw.choices(KINDS, [kind[1] for kind in KINDS])[0]
    actor = who if verb in ("request.submitted", "grant.handed_back", "person.signed_in") else other
    if verb.startswith("grant.") and verb != "grant.handed_back":
        actor = people[0]  # the system
    if index < number // 5 and draw.random() < 0.3:
        verb, sentence = "pager.told", OLD_SENTENCE
    return Event(
        at=at,
        verb=verb,
        sentence=sentence.format(**values),
        actor=actor,
        person=who,
        role=role,
        target=role.target,
        data={"minutes": values["minutes"]},
        correlation_id=f"bench{index}",
    )


def _some(draw: random.Random, things: list[Thing]) -> Thing:
    """Mostly one of the first: a tenth of the people does most of what is done."""
    return things[min(len(things) - 1, int(draw.expovariate(1.0) * len(things) / 10) + 1)]


def people() -> list[Person]:
    """The system first."""
    names = [f"{first} {last}" for last in LAST for first in FIRST]
    made = [
        Person(username=f"person{index}", name=names[index % len(names)], password="!")
        for index in range(PEOPLE)
    ]
    return [system(), *insert_many(Person, made, system())]


def roles() -> list[Role]:
    """Ten times as many as places, so that some roles of one name are of several targets."""
    actor, now = system(), clock.now()
    version = PolicyVersion.objects.create(
        number=1, text="none", digest="0" * 64, proposed_by=actor, proposed_at=now
    )
    targets = [
        Target(key=f"target-{index}", name=f"Target {index}", connector="manual") for index in range(TARGETS)
    ]
    targets = insert_many(Target, targets, actor)
    names = [f"{what} {of} in {where}" for where in WHERE for of in OF for what in WHAT]
    roles = [
        Role(
            key=f"role-{index}",
            name=name,
            pathway=Pathway.JIT,
            target=targets[index % TARGETS],
            max_minutes=60,
            policy_version=version,
        )
        for index, name in enumerate(names)
    ]
    return insert_many(Role, roles, actor)
