"""Several roles in one go: chosen together, said once, and each a request of its own.

Temporary and JIT are never mixed in one submission: each pathway has a form of its own here, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from jitportal.models import AccessRequest
from jitportal.operations import limits, requests
from jitportal.operations.step_up import EnrolmentNeeded, StepUpNeeded
from jitportal.rules.errors import PolicyRefuses
from jitportal.rules.vocabulary import Pathway
from jitportal.web.forms.several import MOST_ROLES, PartForm, SeveralForm
from jitportal.web.http import PortalRequest, now_of, typed
from jitportal.web.presenters import several
from jitportal.web.presenters.roles import REQUEST_FORMS
from jitportal.web.presenters.several import Chosen
from jitportal.web.refusals import refusals_shown_in, say_when


@require_safe
def choose(request: PortalRequest) -> HttpResponse:
    """Leads to the form of the roles that were chosen; where they are on both pathways, to two forms."""
    groups = several.chosen(request.GET.getlist("role"))
    if len(groups) == 1:
        group = groups[0]
        if len(group.roles) == 1:
            return redirect(REQUEST_FORMS[group.pathway], group.roles[0].key)
        return redirect(group.url)
    return render(request, "requests/several_choose.html", {"groups": groups})


@require_http_methods(["GET", "HEAD", "POST"])
def jit(request: PortalRequest) -> HttpResponse:
    return _several(request, Pathway.JIT)


@require_http_methods(["GET", "HEAD", "POST"])
def temporary(request: PortalRequest) -> HttpResponse:
    return _several(request, Pathway.TEMPORARY)


def _several(request: PortalRequest, pathway: Pathway) -> HttpResponse:
    said = request.POST if request.method == "POST" else request.GET
    groups = several.chosen(said.getlist("role"))
    group = next((one for one in groups if one.pathway is pathway), None)
    if group is None:
        return render(request, "requests/several_choose.html", {"groups": groups}, status=404)
    form = SeveralForm(group.roles[:MOST_ROLES], now_of(request), typed(request))
    form.leave_out([part for part in form if part.rules.key == said.get("without")])
    made = _submitted(request, form) if _is_sent(request) else []
    if made and not form.parts:
        messages.success(request, f"Your {len(made)} requests are made." if len(made) > 1 else _one(made))
        return redirect("my_access")
    if not form.parts:
        return redirect("request_start")
    return _answer(request, group, form, made)


def _is_sent(request: PortalRequest) -> bool:
    return request.method == "POST" and not {"look", "without"} & set(request.POST)


def _submitted(request: PortalRequest, form: SeveralForm) -> list[AccessRequest]:
    """Make each request that can be made, one operation each; those stay in the form that can't."""
    if not form.shared.is_valid():
        form.want_words()
        return []
    made: list[AccessRequest] = []
    done: list[PartForm] = []
    for part in form:
        if part.is_valid():
            with refusals_shown_in(part), _asked_for_by_itself():
                limits.take("request", request.user.pk)
                made.append(requests.submit(actor=request.user, ask=form.ask(part)))
                done.append(part)
    form.leave_out(done)
    return made


@contextmanager
def _asked_for_by_itself() -> Iterator[None]:
    """A second factor is for one act: what takes one isn't asked for together with others."""
    try:
        yield
    except (StepUpNeeded, EnrolmentNeeded) as error:
        raise PolicyRefuses(several.BY_ITSELF) from error


def _answer(
    request: PortalRequest, group: Chosen, form: SeveralForm, made: list[AccessRequest]
) -> HttpResponse:
    """The whole page; or, where the page itself asks while one types, only what would happen."""
    context = {
        "form": form,
        "pathway": group.pathway,
        "made": made,
        "outlooks": several.outlooks(request.user, form),
        "left_out": group.roles[MOST_ROLES:],
    }
    template = "requests/_several_outlook.html" if request.htmx else "requests/several.html"
    answer = render(request, template, context, status=200 if request.htmx else form.status)
    answer.headers["Vary"] = "HX-Request"
    return say_when(answer, max((part.wait for part in form if part.wait), default=None))


def _one(made: list[AccessRequest]) -> str:
    return f"Your request for {made[0].role} is made."
