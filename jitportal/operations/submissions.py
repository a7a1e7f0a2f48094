"""Several verdicts in one submission: stored once, then given one by one, each in its own transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import DatabaseError

from jitportal.audit.bulk import insert_many
from jitportal.audit.events import record
from jitportal.models import AccessRequest, DecisionSubmission, Person, SubmittedVerdict
from jitportal.operations import clock, decisions, enrolment, risks, step_up
from jitportal.operations.facts import require, visible_requests
from jitportal.operations.step_up import EnrolmentNeeded, StepUpNeeded
from jitportal.operations.transaction import lock_person, operation
from jitportal.rules.durations import spoken
from jitportal.rules.errors import Conflict, Invalid, InvalidInput, JitportalError, NotAllowed
from jitportal.rules.permissions import Verb
from jitportal.rules.plain_text import words_problem
from jitportal.rules.step_up import Act
from jitportal.rules.vocabulary import RequestStatus, Verdict, VerdictOutcome

#: More than this is no decision about each of them any more.
MOST_VERDICTS = 50
_BY_ITSELF = (
    "A role of high risk is approved by itself, with a second factor for that alone. Open the request, and "
    "approve it there."
)
_SAID = {Verdict.DENY: "Denied.", Verdict.SEND_BACK: "Sent back."}


@dataclass(frozen=True, slots=True)
class Wish:
    """A verdict that somebody wants to give. ``digest``: what they saw (``decisions.seen_digest``)."""

    request: AccessRequest
    verdict: Verdict
    digest: str
    reason: str = ""
    minutes: int | None = None

    @property
    def content(self) -> tuple[int, str, str, str, int | None]:
        """What is stored of it."""
        return self.request.pk, str(self.verdict), self.digest, self.reason.strip(), self.minutes


def submit(*, actor: Person, token: UUID, wishes: Sequence[Wish]) -> DecisionSubmission:
    """Store the verdicts as one submission; ``finish`` gives them.

    ``token`` is the form's: the same form sent twice gives the submission that is stored. Raises
    ``InvalidInput`` (no verdicts, too many, a request twice, no reason), ``NotAllowed`` for a request
    that the actor may not see, and ``Conflict`` where the form was submitted with other verdicts.
    """
    with operation(actor):
        lock_person(actor.pk)  # so that the second of two clicks finds what the first has stored
        now = clock.now()
        require(Verb.VERDICTS_SUBMIT, actor, now=now)
        enrolment.require(actor, "Deciding")
        known = DecisionSubmission.objects.filter(token=token).first()
        if known is not None:
            return _known(known, actor, wishes)
        _check(wishes)
        _refuse_unseen(actor, wishes, now)
        submission = DecisionSubmission.objects.create(approver=actor, token=token, created_at=now)
        rows = [_row(submission, position, wish) for position, wish in enumerate(wishes)]
        insert_many(SubmittedVerdict, rows, actor)
        _say(submission, actor, "submitted", f"{actor} submitted {_counted(len(rows))}.", now, rows)
        return submission


def finish(*, actor: Person, submission: DecisionSubmission) -> DecisionSubmission:
    """Give those of the submission's verdicts that aren't given yet; what one meets stops no other.

    However often it runs, and wherever it died, each verdict is given once. Raises ``NotAllowed`` for
    anybody but the approver, and ``Conflict`` where the portal is busy: the rest is still to be given.
    """
    require(Verb.VERDICTS_FINISH, actor, submission)
    waiting = submission.verdicts.filter(outcome=VerdictOutcome.WAITING).order_by("position")
    for pk in list(waiting.values_list("pk", flat=True)):
        _give(actor, pk)
    return _finished(actor, submission)


def _known(known: DecisionSubmission, actor: Person, wishes: Sequence[Wish]) -> DecisionSubmission:
    """The stored submission, where it is this person's and says the same."""
    stored = known.verdicts.values_list("request_id", "verdict", "digest", "reason", "minutes")
    if known.approver_id != actor.pk or set(stored) != {wish.content for wish in wishes}:
        raise Conflict(
            "This form was submitted already, with other verdicts. Look at what came of them under your "
            "decisions, then select again what is left."
        )
    return known


def _check(wishes: Sequence[Wish]) -> None:
    problems = []
    if not wishes:
        problems.append(Invalid("Choose a verdict for one of the requests at least."))
    if len(wishes) > MOST_VERDICTS:
        problems.append(Invalid(f"Decide on at most {MOST_VERDICTS} requests at once."))
    if len({wish.request.pk for wish in wishes}) < len(wishes):
        problems.append(Invalid("A request comes twice. Give one verdict on each."))
    for wish in wishes:
        problems += _problems(wish)
    if problems:
        raise InvalidInput(problems)


def _problems(wish: Wish) -> list[Invalid]:
    """What is wrong with the shape of one verdict; whether it can be given is asked when it is."""
    said = wish.reason.strip()
    problems = [Invalid(problem, field="reason") for problem in [words_problem(said)] if problem]
    if wish.verdict is Verdict.APPROVE and step_up.is_required(Act.APPROVE):
        high = risks.is_high(wish.request)
        problems += [Invalid(f"{wish.request.role}, {wish.request.requester}: {_BY_ITSELF}")] if high else []
    if wish.verdict is Verdict.APPROVE and (wish.minutes is None or wish.minutes < 1):
        problems.append(Invalid("Say for how many minutes.", field="minutes"))
    if wish.verdict is not Verdict.APPROVE and not said:
        problems.append(Invalid("Say why, so that the requester knows what to do.", field="reason"))
    return problems


def _refuse_unseen(actor: Person, wishes: Sequence[Wish], now: datetime) -> None:
    """What came of a verdict is shown with its request: nobody learns of one in this way."""
    wanted = {wish.request.pk for wish in wishes}
    seen = visible_requests(actor, now).filter(pk__in=wanted).values_list("pk", flat=True)
    if wanted - set(seen):
        raise NotAllowed("One of these requests isn't yours to see.")


def _row(submission: DecisionSubmission, position: int, wish: Wish) -> SubmittedVerdict:
    return SubmittedVerdict(
        submission=submission,
        position=position,
        request=wish.request,
        digest=wish.digest,
        verdict=wish.verdict,
        minutes=wish.minutes if wish.verdict is Verdict.APPROVE else None,
        reason=wish.reason.strip(),
    )


def _give(actor: Person, pk: int) -> None:
    """Give one verdict, and write down what came of it, in one transaction: never one without the other.

    The row is locked before the request is, by whoever gives it: two that run at once give it once.
    """
    with operation(actor):
        rows = SubmittedVerdict.objects.select_for_update(of=("self",), no_key=True)
        given = rows.select_related("request__requester", "request__role__target", "submission").get(pk=pk)
        if given.outcome != VerdictOutcome.WAITING:
            return
        try:
            given.approval = decisions.decide(
                actor=actor,
                request=given.request,
                verdict=Verdict(given.verdict),
                digest=given.digest,
                reason=given.reason,
                minutes=given.minutes,
            )
        except (StepUpNeeded, EnrolmentNeeded):
            given.outcome, given.sentence = VerdictOutcome.REFUSED, _BY_ITSELF
        except JitportalError as error:
            if isinstance(error.__cause__, DatabaseError):
                raise  # the database was busy, and may not be the next time: the verdict is still to be given
            given.outcome, given.sentence = VerdictOutcome.REFUSED, error.sentence
        else:
            given.outcome, given.sentence = VerdictOutcome.STANDS, _what_came(given)
        given.done_at = clock.now()
        given.save(update_fields=["approval", "outcome", "sentence", "done_at"])
        if given.outcome == VerdictOutcome.REFUSED:
            _say_refused(given, actor)


def _what_came(given: SubmittedVerdict) -> str:
    if given.verdict != Verdict.APPROVE:
        return _SAID[Verdict(given.verdict)]
    given.request.refresh_from_db(fields=["status"])
    length = spoken(given.minutes or 0)
    if given.request.status == RequestStatus.APPROVED:
        return f"Approved for {length}."
    return f"Your approval for {length} is counted. Somebody else has yet to decide."


def _finished(actor: Person, submission: DecisionSubmission) -> DecisionSubmission:
    """The submission; finished, if nothing of it waits any more."""
    with operation(actor):
        rows = DecisionSubmission.objects.select_for_update(of=("self",), no_key=True)
        submission = rows.get(pk=submission.pk)
        verdicts = list(submission.verdicts.all())
        if submission.finished_at or any(one.outcome == VerdictOutcome.WAITING for one in verdicts):
            return submission
        submission.finished_at = clock.now()
        submission.save(update_fields=["finished_at"])
        stand = sum(1 for one in verdicts if one.outcome == VerdictOutcome.STANDS)
        sentence = f"Of {_counted(len(verdicts))} that {actor} submitted, {stand} stand."
        _say(submission, actor, "finished", sentence, submission.finished_at, verdicts)
        return submission


def _say(
    submission: DecisionSubmission,
    actor: Person,
    what: str,
    sentence: str,
    now: datetime,
    verdicts: Sequence[SubmittedVerdict],
) -> None:
    record(
        verb=f"verdicts.{what}",
        actor=actor,
        sentence=sentence,
        now=now,
        data={"submission": submission.pk, "requests": [one.request_id for one in verdicts]},
    )


def _say_refused(given: SubmittedVerdict, actor: Person) -> None:
    record(
        verb="verdicts.refused",
        actor=actor,
        sentence=f"A verdict of {actor} ({given.get_verdict_display()}) doesn't stand: {given.sentence}",
        now=given.done_at or clock.now(),
        person=given.request.requester,
        request=given.request,
        role=given.request.role,
        target=given.request.role.target,
        data={"submission": given.submission_id},
    )


def _counted(number: int) -> str:
    return "1 verdict" if number == 1 else f"{number} verdicts"
