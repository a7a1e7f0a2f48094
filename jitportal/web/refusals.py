"""Refusals as people see them: the status of a page, the errors of a form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from math import ceil
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from jitportal.rules.errors import Conflict, InvalidInput, JitportalError, NotAllowed, OutsideError, TooOften
from jitportal.rules.permissions import POWERS_TO_FIND
from jitportal.web.forms.base import PortalForm

TITLES = {
    403: "This isn't yours to do",
    429: "Too much at once",
    409: "Something was faster",
    422: "This can't be done as it is",
    503: "The target couldn't do it",
}


def status_of(error: JitportalError) -> int:
    """The HTTP status that says the same as the error."""
    if isinstance(error, NotAllowed):
        return 403
    if isinstance(error, TooOften):
        return 429
    if isinstance(error, Conflict):
        return 409
    return 503 if isinstance(error, OutsideError) else 422


def refusal_page(request: HttpRequest, error: JitportalError) -> HttpResponse:
    """A page of its own for a refusal that belongs to no form."""
    status = status_of(error)
    sentences = sentences_of(error)
    power = next((POWERS_TO_FIND[said] for said in sentences if said in POWERS_TO_FIND), "")
    context = {"title": TITLES[status], "sentences": sentences, "power": power}
    answer = render(request, "errors/refusal.html", context, status=status)
    return say_when(answer, error.wait if isinstance(error, TooOften) else None)


def sentences_of(error: JitportalError) -> list[str]:
    if isinstance(error, InvalidInput):
        return [problem.sentence for problem in error.problems]
    return [error.sentence]


@contextmanager
def refusals_shown_in(form: PortalForm) -> Iterator[None]:
    """What an operation refuses inside is added to the form, beside the field that it names."""
    try:
        yield
    except InvalidInput as error:
        for problem in error.problems:
            form.refuse(problem.sentence, problem.field, status_of(error))
    except JitportalError as error:
        form.refuse(error.sentence, error.field, status_of(error))
        form.wait = error.wait if isinstance(error, TooOften) else None


def form_page(
    request: HttpRequest, template: str, form: PortalForm, context: Mapping[str, Any] | None = None
) -> HttpResponse:
    """The page of a form: 200 when it is new, else the status of what is wrong with it."""
    answer = render(request, template, {"form": form, **(context or {})}, status=form.status)
    return say_when(answer, form.wait)


def say_when(answer: HttpResponse, wait: timedelta | None) -> HttpResponse:
    """What was too often says to programs, too, when to come back."""
    if wait is not None:
        answer.headers["Retry-After"] = str(seconds_of(wait))
    return answer


def seconds_of(wait: timedelta) -> int:
    """Whole seconds, rounded up."""
    return max(1, ceil(wait.total_seconds()))
