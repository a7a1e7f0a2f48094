"""Signing in and out; and in the demo alone, becoming one of its cast by a click."""

from __future__ import annotations

from typing import Any

from allauth.account.internal.flows.login import perform_password_login
from allauth.account.models import Login
from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LoginView, LogoutView
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods

from jitportal.models import Person
from jitportal.web import known_browsers
from jitportal.web.forms.sign_in import SignInForm
from jitportal.web.presenters.cast import cast_of_the_demo
from jitportal.web.refusals import say_when


@method_decorator(require_http_methods(["GET", "HEAD", "POST"]), name="dispatch")
class SignIn(LoginView):
    template_name = "sign_in/sign_in.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "show_cast": settings.DEMO}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        cast = cast_of_the_demo() if settings.DEMO else []
        return super().get_context_data(cast=cast, next=_own_address(self.request), **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        """The password is right: a second factor comes next, where there is one, or the session begins."""
        person = form.get_user()
        coming_in = Login(user=person, redirect_url=_own_address(self.request) or None)
        answer = perform_password_login(self.request, {"username": person.username}, coming_in)
        if self.request.user.is_authenticated:
            known_browsers.remember(answer, person)
        return answer

    def form_invalid(self, form: Any) -> HttpResponse:
        answer = self.render_to_response(self.get_context_data(form=form), status=429 if form.wait else 422)
        return say_when(answer, form.wait)


class SignOut(LogoutView):
    """By POST alone; ends the session, and leads to the sign-in page."""

    http_method_names = ["post", "options"]


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def become(request: HttpRequest) -> HttpResponse:
    """The demo's cast; a click signs in as one of them. There is no such page elsewhere."""
    if not settings.DEMO:
        raise Http404
    if request.method == "POST":
        username = request.POST.get("username", "").replace("\x00", "")
        person = get_object_or_404(Person.objects.active(), username=username)
        login(request, person, backend="django.contrib.auth.backends.ModelBackend")
        return redirect(_own_address(request) or reverse("my_access"))
    return render(request, "sign_in/become.html", {"cast": cast_of_the_demo(), "next": _own_address(request)})


def _own_address(request: HttpRequest) -> str:
    """Where to go afterwards, if that is an address of the portal's own; else empty."""
    wanted = request.POST.get("next", request.GET.get("next", ""))
    own = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if own else ""
