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


REVIEWS: dict[str, tuple[Setup, ...]] = {
    "postincidentreview_1_of_its_responder": (_of_somebody_elses, _with_another_account, _real_for_a_drill),
    "postincidentreview_2_of_an_orphan": (_of_a_sign_in_with_another_account, _of_an_explained_sign_in),
    "postincidentreview_stays_closed": (_closed_and_changed,),
}
