"""Loads the demo into an empty portal."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django_q.brokers import get_broker

from jitportal.audit.context import AuditContext, bound, fresh_correlation_id
from jitportal.demo import cast, past, policy, present
from jitportal.demo.story import Story
from jitportal.models import Person
from jitportal.operations import clock, policies
from jitportal.operations.step_up import told_as_a_story
from jitportal.rules.errors import Conflict, NotAllowed

#: The company began to use the portal so long ago.
BEGAN = timedelta(days=30)


def is_loaded() -> bool:
    """Whether anybody is in the portal already."""
    return Person.objects.humans().exists()


def load(*, port: int | None, armed: bool) -> None:
    """Make the cast, the policy, the past, and what waits now; all of it, or nothing.

    ``port`` is the demo's database server's; None: there is none. ``armed``: it ends access itself.
    Raises ``NotAllowed`` where this is no demo, and ``Conflict`` where somebody is here already.
    """
    if settings.PRODUCTION or not settings.DEMO:
        raise NotAllowed("The demo is loaded where JITPORTAL_DEMO=1 alone, and never in production.")
    if is_loaded():
        raise Conflict("This portal has people already, so the demo isn't loaded into it.")
    document = policy.text(port=port, armed=armed)
    with told_as_a_story(), transaction.atomic():
        people = _begin(clock.now() - BEGAN, policy.earlier(document))
        story = Story(people)
        past.plan(story, policy=document, with_database=port is not None)
        story.tell()
        present.open_requests(people, with_database=port is not None)
    if port is not None:
        with told_as_a_story():
            present.elevate(people)
    get_broker().purge_queue()  # hints of the past; the pulse finds what is due


def _begin(at: datetime, first_policy: str) -> dict[str, Person]:
    with clock.moved(to=at), bound(AuditContext(correlation_id=fresh_correlation_id(), at=at)):
        people = cast.load()
        policies.bootstrap(actor=people["sofia"], text=first_policy, note="The first policy.")
    return people
