"""Post-incident reviews keep to their activation's responder, and stay as they were closed."""

from __future__ import annotations

from collections.abc import Iterator

from jitportal.audit.guards.definitions import Dialect, Guard, On, any_of, changes
from jitportal.models import PostIncidentReview

_OF_ANOTHER = """NEW.activation_id IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM jitportal_activation used
    WHERE used.id = NEW.activation_id AND used.person_id = NEW.responder_id
    AND used.account_id = NEW.account_id AND used.drill = NEW.drill)"""

_OF_ANOTHER_ACCOUNT = """NEW.sign_in_id IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM jitportal_emergencysignin seen
    WHERE seen.id = NEW.sign_in_id AND seen.account_id = NEW.account_id AND seen.activation_id IS NULL)"""


def _changed_when_closed(dialect: Dialect) -> str:
    columns = [str(field.column) for field in PostIncidentReview._meta.concrete_fields]
    return f"OLD.status = 'closed' AND ({any_of(changes(dialect, column) for column in columns)})"


def guards() -> Iterator[Guard]:
    """What compares a review with what it is about, and keeps a closed one."""
    yield Guard(
        "postincidentreview_1_of_its_responder",
        PostIncidentReview,
        On.INSERT,
        "A review is about the person and the account of its activation.",
        _OF_ANOTHER,
        looks_up=True,
    )
    yield Guard(
        "postincidentreview_2_of_an_orphan",
        PostIncidentReview,
        On.INSERT,
        "A review without an activation is about a sign-in that no activation explains.",
        _OF_ANOTHER_ACCOUNT,
        looks_up=True,
    )
    yield Guard(
        "postincidentreview_stays_closed",
        PostIncidentReview,
        On.UPDATE,
        "A closed review stays as it is.",
        _changed_when_closed,
    )
