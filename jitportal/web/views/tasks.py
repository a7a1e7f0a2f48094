"""Manual work: the list, and confirming that a piece of it is done."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from jitportal.models import ManualTask
from jitportal.operations import facts, manual
from jitportal.rules.errors import NotAllowed
from jitportal.rules.permissions import Denied, Relation, Verb
from jitportal.web import fetch
from jitportal.web.forms.base import NoteForm
from jitportal.web.http import PortalRequest, now_of
from jitportal.web.presenters.tasks import task_of, tasks_for
from jitportal.web.refusals import form_page, refusals_shown_in


@require_safe
def tasks(request: PortalRequest) -> HttpResponse:
    return render(request, "tasks/tasks.html", {"tasks": tasks_for(request.user, now_of(request))})


@require_http_methods(["GET", "HEAD", "POST"])
def task_confirm(request: PortalRequest, pk: int) -> HttpResponse:
    task = _fetch(request, pk)
    form = NoteForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        with refusals_shown_in(form):
            manual.confirm(actor=request.user, task=task, note=form.cleaned_data["note"])
            done = "given" if task.wanted else "taken away"
            what = f"{task.lease.entitlement} for {task.lease.account}"
            messages.success(request, f"Confirmed: {what} is {done}.")
            return redirect("tasks")
        task = _fetch(request, pk)
    return form_page(request, "tasks/confirm.html", form, {"item": task_of(task, request.user)})


def _fetch(request: PortalRequest, pk: int) -> ManualTask:
    """Strangers get 404; the holder, and who may look at problems, learn why they can't confirm."""
    task = get_object_or_404(ManualTask.objects.select_related("lease__target", "done_by"), pk=pk)
    subject = facts.relations(request.user, task)
    answer = fetch.answer(request, Verb.MANUAL_TASK_CONFIRM, subject)
    if isinstance(answer, Denied):
        if Relation.HOLDER not in subject.relations and not fetch.answer(request, Verb.PROBLEM_VIEW):
            raise Http404
        raise NotAllowed(answer.reason)
    return task
