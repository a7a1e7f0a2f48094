"""Post-incident reviews: opened with the activation, and what all their steps share."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from jitportal.audit.events import record
from jitportal.models import Activation, EmergencySignIn, Person, PostIncidentReview
from jitportal.operations import notices, policies
from jitportal.operations.notice_details import isolated
from jitportal.operations.post_incident_people import reviewers
from jitportal.rules import post_incident as rules
from jitportal.rules.errors import Invalid, InvalidInput
from jitportal.rules.lifecycle import check_transition
from jitportal.rules.post_incident_words import Missing
from jitportal.rules.vocabulary import ReviewStatus

NOUN = "post-incident review"


def open_for(*, activation: Activation, actor: Person, now: datetime) -> PostIncidentReview:
    """Open the review of an activation, in the transaction that makes it.

    Its responder can write the statement from now on; it is due when the access has ended: see
    ``access_ended``.
    """
    review = PostIncidentReview.objects.create(
        activation=activation,
        account=activation.account,
        responder=activation.person,
        drill=activation.drill,
        opened_at=now,
    )
    what = "drill" if activation.drill else "use"
    say(review, actor, "opened", f"The review of this {what} of {activation.account} was opened.", now)
    if activation.stopped_at is not None:
        access_ended(activation=activation, actor=actor, now=now)
        review.refresh_from_db()
    return review


def open_for_sign_in(*, sign_in: EmergencySignIn, actor: Person, now: datetime) -> PostIncidentReview:
    """Open the review of a sign-in that no activation explains, in the transaction that notes it."""
    review = PostIncidentReview(sign_in=sign_in, account=sign_in.account, opened_at=now, access_ended_at=now)
    enter(review, ReviewStatus.STATEMENT, now)
    review.save()
    sentence = (
        f"{sign_in.login} signed in to {sign_in.account.target} with no activation behind it: "
        "a review was opened."
    )
    say(review, actor, "opened", sentence, now)
    return review


def access_ended(*, activation: Activation, actor: Person, now: datetime) -> None:
    """The statement is due from now on; in the transaction that stops the activation. Does it once."""
    review = PostIncidentReview.objects.select_for_update(of=("self",), no_key=True).get(
        activation=activation
    )
    if review.access_ended_at is not None:
        return
    review.access_ended_at = activation.stopped_at or now
    enter(review, ReviewStatus.STATEMENT, review.access_ended_at)
    review.save(update_fields=["access_ended_at", "due_at", "remind_at", "escalate_at"])
    tell(
        review,
        [activation.person],
        "statement",
        subject=f"Say what you did with {activation.account}",
        body=(
            f"The access to {activation.account} has ended. Write your statement by "
            f"{said_moment(review.due_at)}. While it is late, you can't ask for routine access."
        ),
        actor=actor,
        now=now,
    )


# what the steps share


def locked(review: PostIncidentReview) -> PostIncidentReview:
    """The review as it is now, its row locked."""
    return (
        PostIncidentReview.objects.select_for_update(of=("self",), no_key=True)
        .select_related(
            "account__target",
            "responder__manager",
            "reviewer",
            "sign_in",
            "activation__role__owner",
            "activation__role__target",
            "activation__scope",
            "activation__person",
        )
        .get(pk=review.pk)
    )


def enter(review: PostIncidentReview, status: ReviewStatus, since: datetime) -> None:
    """Set the step with its deadlines; the row isn't saved."""
    if review.status != status:
        check_transition(NOUN, review.status, status)
    review.status = status
    deadlines = policies.review_times()
    review.due_at = rules.due(status, since, deadlines)
    review.remind_at = rules.remind_at(review.due_at, since, deadlines)
    review.escalate_at = review.due_at


#: What ``enter`` sets.
ENTERED = ["status", "due_at", "remind_at", "escalate_at"]


def refuse(missing: Iterable[Missing]) -> None:
    """Raise ``InvalidInput`` with all that is missing, if anything is."""
    problems = [Invalid(one.sentence, field=one.field or None) for one in missing]
    if problems:
        raise InvalidInput(problems)


def say(
    review: PostIncidentReview, actor: Person, what: str, sentence: str, now: datetime, **data: object
) -> None:
    """The event of a step."""
    activation = review.activation
    record(
        verb=f"incident_review.{what}",
        actor=actor,
        sentence=sentence,
        now=now,
        person=review.responder,
        activation=activation,
        role=activation.role if activation is not None else None,
        target=review.account.target,
        data={"review": review.pk, **data},
    )


def tell(
    review: PostIncidentReview,
    people: Iterable[Person],
    what: str,
    *,
    subject: str,
    body: str,
    actor: Person,
    now: datetime,
) -> None:
    """A notice to these people, whoever acts left out."""
    notices.notify(
        recipients=[person for person in people if person.pk != actor.pk],
        kind=f"review.{what}",
        key=f"incident:{review.pk}:{now.isoformat()}",
        subject=f"Drill: {subject}" if review.drill else subject,
        body=body,
        path=path_of(review),
        now=now,
        actor=actor,
        activation=review.activation,
    )


def tell_reviewers(
    review: PostIncidentReview, what: str, *, subject: str, body: str, actor: Person, now: datetime
) -> None:
    """A notice to those who are asked to review."""
    tell(review, reviewers(review, now), what, subject=subject, body=body, actor=actor, now=now)


def about(review: PostIncidentReview) -> str:
    """What the review is of, for a subject."""
    who = isolated(review.responder) if review.responder is not None else "somebody unknown"
    return f"the use of {review.account} by {who}"


def path_of(review: PostIncidentReview) -> str:
    """The review's page."""
    return f"/emergency/reviews/{review.pk}/"


def said_moment(moment: datetime | None) -> str:
    """A moment in a notice's sentence, whatever zone it is in."""
    return f"{moment.astimezone(UTC):%-d %B, %H:%M} UTC" if moment is not None else "its due date"
