"""What people typed into a review: drafts, which go, and versions handed in, which stay."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from jitportal.models import Person, PostIncidentReview, ReviewDraft, ReviewVersion
from jitportal.operations import clock
from jitportal.operations.facts import require
from jitportal.operations.transaction import operation
from jitportal.rules.canonical import digest
from jitportal.rules.errors import Conflict, Invalid
from jitportal.rules.permissions import Verb
from jitportal.rules.plain_text import LONGEST_WORDS, words_problem
from jitportal.rules.post_incident_words import Step
from jitportal.rules.vocabulary import ReviewStatus

#: Who drafts which step.
_VERBS = {Step.STATEMENT: Verb.INCIDENT_STATE}
MOST_FIELDS = 2_500
LONGEST = LONGEST_WORDS


def save_draft(
    *, actor: Person, review: PostIncidentReview, step: Step, typed: Mapping[str, str]
) -> ReviewDraft:
    """Keep what was typed, as it is, for its author alone. Raises ``Conflict`` once the review is closed."""
    with operation(actor):
        now = clock.now()
        require(_VERBS.get(step, Verb.INCIDENT_DETERMINE), actor, review, now)
        if PostIncidentReview.objects.filter(pk=review.pk, status=ReviewStatus.CLOSED).exists():
            raise Conflict("This review is closed. What you typed wasn't saved.")
        kept = _kept(typed)
        draft, _made = ReviewDraft.objects.update_or_create(
            review=review, person=actor, step=step, defaults={"typed": kept, "saved_at": now}
        )
        return draft


def draft_of(review: PostIncidentReview, person: Person, step: Step) -> ReviewDraft | None:
    """What this person has typed and not handed in."""
    return ReviewDraft.objects.filter(review=review, person=person, step=step).exclude(typed={}).first()


def forget_draft(review: PostIncidentReview, step: Step, actor: Person, now: datetime) -> None:
    """What was handed in is no draft any more."""
    for draft in ReviewDraft.objects.filter(review=review, person=actor, step=step):
        draft.typed, draft.saved_at = {}, now
        draft.save(update_fields=["typed", "saved_at"])


def keep_version(
    review: PostIncidentReview, step: Step, document: Mapping[str, Any], actor: Person, now: datetime
) -> ReviewVersion:
    """What was handed in, for good; with the review's row locked, which numbers the versions."""
    plain = {name: value if not hasattr(value, "value") else value.value for name, value in document.items()}
    return ReviewVersion.objects.create(
        review=review,
        number=review.versions.count() + 1,
        step=step,
        person=actor,
        at=now,
        document=plain,
        digest=digest(plain),
    )


def _kept(typed: Mapping[str, str]) -> dict[str, str]:
    if len(typed) > MOST_FIELDS:
        raise Invalid("That is more than a draft holds.")
    for name, text in typed.items():
        problem = "" if not text else words_problem(text[:LONGEST])
        if problem or len(text) > LONGEST:
            raise Invalid(problem or f"Keep it to {LONGEST:,} signs.", field=name)
    return dict(typed)
