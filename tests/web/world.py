"""A small organisation, made by the operations alone, with every kind of person in it.

Two teams ask for access, so that what one may see of the other is there to be refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.test import override_settings

from jitportal.models import (
    AccessRequest,
    AfterUseReview,
    FollowUp,
    Grant,
    Lease,
    ManualTask,
    Person,
    PolicyVersion,
    PostIncidentReview,
    Recording,
    Team,
)
from jitportal.operations import (
    clock,
    decisions,
    delegations,
    emergencies,
    evidence_keys,
    follow_ups,
    grants,
    leases,
    manual,
    people,
    policies,
    post_incident_facts,
    post_incident_steps,
    requests,
    reviews,
    ssh_keys,
    step_up,
    submissions,
)
from jitportal.operations.requests import Ask
from jitportal.operations.submissions import Wish
from jitportal.rules.emergencies import Claim
from jitportal.rules.post_incident_words import (
    Classification,
    CouldJit,
    CriterionMet,
    Determination,
    Fit,
    RecordingFound,
    Statement,
)
from jitportal.rules.vocabulary import Pathway, RecordingKind, StartMode, Verdict
from tests.web.world_policy import POLICY

#: A public key, whose private half nobody has kept.
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBd5bzgyQaLTvQX37SUvVLwl/fBWfP16yReYrJwvz5nv"

POWERS = {
    "auda": "auditor",
    "polly": "policy-editor",
    "paul": "policy-editor",
    "opal": "operator",
    "adam": "administrator",
}


@dataclass(slots=True)
class Belongings:
    """What one requester has: something in every state that a page is about."""

    pending: AccessRequest
    approved: AccessRequest
    held: Grant
    ready: Grant
    task: ManualTask
    lease: Lease
    review: AfterUseReview


@dataclass(slots=True)
class World:
    people: dict[str, Person] = field(default_factory=dict)
    things: dict[str, Belongings] = field(default_factory=dict)
    proposed: PolicyVersion | None = None
    recording: int = 0  # of what Rita holds
    key: int = 0  # an SSH key of Rita's
    incident: int = 0  # the review of Rita's emergency, which waits for its determination
    follow_up: int = 0  # a follow-up of another one, which is Kai's
    submitted: int = 0  # a submission of Kai's, with nothing given yet
    activation: int = 0  # Rita's, where ``in_emergency`` has opened one

    def __getitem__(self, username: str) -> Person:
        return self.people[username]

    def as_stored(self) -> World:
        """The same world, with the people as they are in the database now."""
        stored = Person.objects.in_bulk(self.people, field_name="username")
        return replace(self, people=stored, things=dict(self.things))


def settled(text: str = POLICY) -> World:
    """Everybody, and the policy in force; nobody has asked for anything."""
    world = World()
    _people(world)
    policies.bootstrap(actor=world["root"], text=text, note="The first policy.")
    return world


def small_world() -> World:
    """Everybody, the policy, the powers, and what the two requesters have."""
    world = settled()
    for username, role in POWERS.items():
        elevate(world, username, role)
    with clock.moved(by=timedelta(hours=-3)):
        elevate(world, "edda", "auditor")
    for username in ("rita", "oskar"):
        world.things[username] = _belongings(world, username)
    changed = POLICY.replace("max_minutes: 60\n      risk: low", "max_minutes: 30\n      risk: low")
    world.proposed = policies.propose(actor=world["paul"], text=changed, note="Shorter cages.")
    pending = world.things["rita"].pending
    verdict = Wish(pending, Verdict.APPROVE, decisions.seen_digest(pending), minutes=pending.minutes)
    delegations.delegate(
        actor=world["rita"], to=world["sam"], ends_at=clock.now() + timedelta(days=7), reason="On leave."
    )
    world.incident = _used_lever(world, "rita").pk
    evidence_keys.signing_key()  # made when evidence is first taken out
    world.follow_up = _followed_up(world, _used_lever(world, "oskar")).pk
    world.submitted = submissions.submit(actor=world["kai"], token=uuid4(), wishes=[verdict]).pk
    held = world.things["rita"].held
    world.recording = Recording.objects.create(
        grant=held,
        kind=RecordingKind.ASCIICAST_V2,
        source="web1",
        account="rita",
        session="a-session-of-rita-s",
        started_at=clock.now(),
        received_at=clock.now(),
    ).pk
    world.key = ssh_keys.add(actor=world["rita"], name="laptop", public_key=KEY).pk
    people.deactivate(actor=world["root"], person=world["gwen"], reason="Left the company.")
    return world


def ask(world: World, username: str, role: str, *, minutes: int = 30, **values: Any) -> AccessRequest:
    """Somebody asks for a role; what isn't given is plain."""
    wishes: dict[str, Any] = {
        "role_key": role,
        "pathway": Pathway.TEMPORARY if role == "cabinet" else Pathway.JIT,
        "scope": "left" if role == "cage" else "all",
        "start_mode": StartMode.AT_ONCE,
        "minutes": minutes,
        "justification": f"{username} has work to do there.",
        **values,
    }
    with step_up.told_as_a_story():  # what a page asks for is tested by itself
        return requests.submit(actor=world[username], ask=Ask(**wishes))


def approve(world: World, request: AccessRequest, *usernames: str) -> AccessRequest:
    """Each of these approves in turn."""
    for username in usernames:
        request.refresh_from_db()
        decisions.decide(
            actor=world[username],
            request=request,
            verdict=Verdict.APPROVE,
            digest=decisions.seen_digest(request),
        )
    request.refresh_from_db()
    return request


def elevate(world: World, username: str, role: str) -> Grant:
    """Somebody holds one of the portal's own powers, live."""
    grant: Grant = approve(world, ask(world, username, role, minutes=60), "sera").grant
    converge(grant)
    return grant


def converge(grant: Grant) -> None:
    """What the worker does for the grant's target, once in each lane."""
    for lane in ("removal", "grant"):
        leases.converge(target_id=grant.role.target_id, lane=lane, worker="tests")


def carried_out(world: World, grant: Grant) -> None:
    """The manual work on a grant, asked for and confirmed by the role's owner."""
    converge(grant)
    task = ManualTask.objects.get(lease__grants=grant, done_at=None, dropped_at=None)
    manual.confirm(actor=world["olga"], task=task, note="Done at the desk.")
    converge(grant)


CLAIM = Claim(
    role_key="rescue",
    scope="all",
    account="lever",
    criterion="outage",
    incident="INC-7",
    broken="Every door of the building stays shut.",
    expected="Open them by hand, one after another.",
    minutes=30,
)


def in_emergency(world: World) -> World:
    """The same world while Rita uses the lever."""
    world.activation = emergencies.activate(actor=world["rita"], claim=CLAIM).pk
    return world


def _used_lever(world: World, username: str) -> PostIncidentReview:
    """The review of an emergency, stated, that was handed back a moment after it began."""
    claim = replace(CLAIM, incident=f"INC-{username}")
    activation = emergencies.activate(actor=world[username], claim=claim)
    carried_out(world, activation.grant)
    activation = emergencies.hand_back(actor=world[username], activation=activation)
    carried_out(world, activation.grant)
    answers = dict.fromkeys(Statement.__dataclass_fields__, "None.")
    return post_incident_steps.state(
        actor=world[username], review=activation.review, said=Statement(**answers)
    )


def _followed_up(world: World, review: PostIncidentReview) -> FollowUp:
    """A follow-up for Kai, of a review that Otto has determined."""
    found = Determination(
        classification=Classification.EMERGENCY,
        criterion=CriterionMet.YES,
        fit=Fit.RIGHT,
        could_jit=CouldJit.NO,
        recording=RecordingFound.GAP_ACCEPTED,
        recording_reason="Doors aren't recorded.",
        finding="As declared.",
    )
    seen = post_incident_facts.facts_of(review).digest
    review = post_incident_steps.determine(
        actor=world["otto"], review=review, found=found, marks={}, seen=seen
    )
    return follow_ups.add(
        actor=world["otto"],
        review=review,
        what="Mend the lock.",
        owner=world["kai"],
        due_at=clock.now() + timedelta(days=3),
    )


def _people(world: World) -> None:
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        root = people.first_administrator(username="root", name="Ruth Root", password="correct horse battery")
    world.people["root"] = root
    managers = {"mona": None, "otto": None}
    staff = {
        "rita": "mona",  # a requester
        "gwen": "mona",  # deactivated at the end
        "oskar": "otto",  # a requester of another team
        "kai": None,  # keeper: decides
        "olga": None,  # owns the roles
        "sera": None,  # security: decides on powers
        "sam": None,  # a stranger to everything
        **dict.fromkeys(POWERS),
        "edda": None,  # was an auditor until two hours ago
    }
    for username, manager in {**managers, **staff}.items():
        world.people[username] = people.create_person(
            actor=root,
            username=username,
            name=f"{username.title()} Test",
            email=f"{username}@example.test",
            manager=world.people[manager] if manager else None,
        )
    teams = {
        "engineers": ["rita", "gwen"],
        "support": ["oskar"],
        "keepers": ["kai"],
        "security": ["sera"],
        "office": [*POWERS, "edda"],
    }
    for key, members in teams.items():
        team: Team = people.create_team(actor=root, key=key, name=key.title())
        for username in members:
            people.join_team(actor=root, person=world[username], team=team)


def _belongings(world: World, username: str) -> Belongings:
    manager = "mona" if username == "rita" else "otto"
    with clock.moved(by=timedelta(days=-1)):
        used = approve(world, ask(world, username, "cabinet"), "kai", manager).grant
        carried_out(world, used)
        grants.hand_back(actor=world[username], grant=used, note="Finished early.")
        carried_out(world, used)
        review = AfterUseReview.objects.get(grant=used)
        reviews.state(actor=world[username], review=review, statement="Copied one key, gave all back.")
    approved = approve(world, ask(world, username, "door"), manager)
    converge(approved.grant)
    now = clock.now()
    window: dict[str, Any] = {
        "start_mode": StartMode.ON_CLICK,
        "opens_at": now,
        "closes_at": now + timedelta(hours=2),
    }
    ready = approve(world, ask(world, username, "cage", **window), manager).grant
    task = ManualTask.objects.get(lease__grants=approved.grant)
    return Belongings(
        pending=ask(world, username, "cabinet"),
        approved=approved,
        held=Grant.objects.get(pk=approved.grant.pk),
        ready=ready,
        task=task,
        lease=task.lease,
        review=AfterUseReview.objects.get(pk=review.pk),
    )
