"""The ways around the guards of post-incident reviews, by the guard's name."""

from __future__ import annotations

from collections.abc import Callable

from tests.audit.lives import put
from tests.models import rows
from tests.models.refusals import Break

Setup = Callable[[], Break]


def _of_somebody_elses() -> Break:
    used, somebody = rows.activation(), rows.person()
    return lambda: rows.incident_review(activation=used, responder=somebody)


def _with_another_account() -> Break:
    used, account = rows.activation(), rows.emergency_account()
    return lambda: rows.incident_review(activation=used, account=account)


def _real_for_a_drill() -> Break:
    used = rows.activation(drill=True)
    return lambda: rows.incident_review(activation=used, drill=False)


def _of_a_sign_in_with_another_account() -> Break:
    seen, account = rows.emergency_sign_in(), rows.emergency_account()
    return lambda: rows.incident_review(sign_in=seen, account=account)


def _of_an_explained_sign_in() -> Break:
    seen = rows.explained_sign_in()
    return lambda: rows.incident_review(sign_in=seen)


def _closed_and_changed() -> Break:
    review = rows.closed_incident_review()
    return lambda: put(review, finding="Nothing to see.")


def _by_who_wrote_it_down() -> Break:
    somebody = rows.person()
    used = rows.activation(after_the_fact=True, recorded_by=somebody)
    review = rows.incident_review(activation=used)
    return lambda: put(review, reviewer=somebody)


def _by_who_was_in_the_same_incident() -> Break:
    used = rows.activation(incident="INC-7")
    other = rows.activation(incident=" inc - 7 ", opened_at=used.opened_at)
    review = rows.incident_review(activation=used)
    return lambda: put(review, second_reviewer=other.person, reviewer=rows.person())


def _by_a_delegate() -> Break:
    review = rows.incident_review()
    given = rows.delegation(
        delegator=review.responder, starts_at=review.opened_at, ends_at=rows.NOW + rows.hours(9)
    )
    return lambda: put(review, reviewer=given.delegate, determined_at=rows.NOW + rows.hours(1))


def _made_with_a_reviewer_who_wrote_it_down() -> Break:
    somebody = rows.person()
    used = rows.activation(after_the_fact=True, recorded_by=somebody)
    return lambda: rows.incident_review(activation=used, reviewer=somebody)


def _forgetting_misuse() -> Break:
    review = rows.incident_review()
    put(review, second_wanted=True)
    return lambda: put(review, second_wanted=False)


REVIEWS: dict[str, tuple[Setup, ...]] = {
    "postincidentreview_1_of_its_responder": (_of_somebody_elses, _with_another_account, _real_for_a_drill),
    "postincidentreview_2_of_an_orphan": (_of_a_sign_in_with_another_account, _of_an_explained_sign_in),
    "postincidentreview_3_made_by_others": (_made_with_a_reviewer_who_wrote_it_down,),
    "postincidentreview_3_reviewed_by_others": (
        _by_who_wrote_it_down,
        _by_who_was_in_the_same_incident,
        _by_a_delegate,
    ),
    "postincidentreview_keeps_its_doubt": (_forgetting_misuse,),
    "postincidentreview_stays_closed": (_closed_and_changed,),
}
