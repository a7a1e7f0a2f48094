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


#: Who had a part in what is reviewed: who wrote it down afterwards, who used break-glass for the same
#: incident meanwhile, and to whom the responder handed their own decisions.
_HAD_A_PART = """(NEW.reviewer_id IS NOT NULL OR NEW.second_reviewer_id IS NOT NULL) AND (EXISTS (
    SELECT 1 FROM jitportal_activation used
    WHERE used.id = NEW.activation_id AND used.recorded_by_id IN (NEW.reviewer_id, NEW.second_reviewer_id))
    OR EXISTS (
    SELECT 1 FROM jitportal_activation used JOIN jitportal_activation other ON other.id <> used.id
    AND lower(replace(other.incident, ' ', '')) = lower(replace(used.incident, ' ', ''))
    AND other.opened_at < coalesce(used.stopped_at, used.ends_at)
    AND (other.stopped_at IS NULL OR other.stopped_at > used.opened_at)
    WHERE used.id = NEW.activation_id AND replace(used.incident, ' ', '') <> ''
    AND other.person_id IN (NEW.reviewer_id, NEW.second_reviewer_id))
    OR EXISTS (
    SELECT 1 FROM jitportal_delegation given
    WHERE given.delegator_id = NEW.responder_id
    AND given.delegate_id IN (NEW.reviewer_id, NEW.second_reviewer_id)
    AND given.starts_at < coalesce(NEW.second_signed_at, NEW.determined_at) AND given.ends_at > NEW.opened_at
    AND (given.stopped_at IS NULL OR given.stopped_at > NEW.opened_at)))"""

_FORGETS_A_DOUBT = "OLD.second_wanted AND NOT NEW.second_wanted"


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
    for what, on in (("made", On.INSERT), ("reviewed", On.UPDATE)):
        yield Guard(
            f"postincidentreview_3_{what}_by_others",
            PostIncidentReview,
            on,
            "Nobody reviews what they had a part in.",
            _HAD_A_PART,
            ("reviewer_id", "second_reviewer_id") if on is On.UPDATE else (),
            looks_up=True,
        )
    yield Guard(
        "postincidentreview_keeps_its_doubt",
        PostIncidentReview,
        On.UPDATE,
        "Where misuse was found once, another person signs too.",
        _FORGETS_A_DOUBT,
        ("second_wanted",),
    )
    yield Guard(
        "postincidentreview_stays_closed",
        PostIncidentReview,
        On.UPDATE,
        "A closed review stays as it is.",
        _changed_when_closed,
    )
