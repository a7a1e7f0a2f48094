"""Roles: everybody may read who may ask, who decides, and who holds each of them now."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from jitportal.operations import facts
from jitportal.rules.permissions import Relation, Verb
from jitportal.web import fetch
from jitportal.web.forms.search import SearchForm
from jitportal.web.http import PortalRequest, now_of
from jitportal.web.presenters.catalogue import role_page, roles_now
from jitportal.web.presenters.history import history_of
from jitportal.web.presenters.roles import form_address
from jitportal.web.refusals import form_page


@require_safe
def roles(request: PortalRequest) -> HttpResponse:
    form = SearchForm(request.GET or None)
    form.fields["q"].label = "Find a role"
    context = {
        "words": form.words,
        "roles": roles_now(form.words, now_of(request)),
        "propose": fetch.answer(request, Verb.POLICY_PROPOSE),
    }
    return form_page(request, "roles/roles.html", form, context)


@require_safe
def role_detail(request: PortalRequest, key: str) -> HttpResponse:
    role = fetch.role(request, key)
    subject = facts.relations(request.user, role)
    target = facts.relations(request.user, role.target)
    sees_record = bool(fetch.answer(request, Verb.RECORD_VIEW))
    sees_history = sees_record or Relation.ROLE_OWNER in subject.relations
    context = {
        "page": role_page(role, request.user, now_of(request)),
        "form_url": form_address(role) if role.retired_at is None else "",
        "propose": fetch.answer(request, Verb.POLICY_PROPOSE),
        "sees_target": bool(fetch.answer(request, Verb.TARGET_VIEW, target)),
        "history": history_of(role) if sees_history else None,
        "record_url": f"{reverse('record')}?role={key}" if sees_record else "",
    }
    return render(request, "roles/role.html", context)
