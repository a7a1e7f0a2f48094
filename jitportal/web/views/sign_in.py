"""Signing in and out; and in the demo alone, becoming one of its cast by a click."""

from __future__ import annotations

from typing import Any

from allauth.account.internal.flows.login import perform_password_login
from allauth.account.models import Login
from allauth.account.stages import LoginStageController
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LoginView, LogoutView
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_http_methods

from jitportal.models import Person, StepUpProof
from jitportal.operations import emergency_sign_in, provider, signing_in
from jitportal.operations import step_up as operation
from jitportal.operations.step_up import StepUpNeeded
from jitportal.rules.step_up import Act, Method
from jitportal.web import known_browsers, step_up
from jitportal.web.forms.sign_in import EmergencySignInForm, SignInForm
from jitportal.web.own_address import own_address
from jitportal.web.presenters.cast import cast_of_the_demo
from jitportal.web.presenters.factors import factors_page
from jitportal.web.refusals import say_when
from jitportal.web.second_factor import SecondFactorStage


@method_decorator(require_http_methods(["GET", "HEAD", "POST"]), name="dispatch")
class SignIn(LoginView):
    template_name = "sign_in/sign_in.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "show_cast": settings.DEMO}

    def get_redirect_url(self, request: HttpRequest | None = None) -> str:
        return own_address(request or self.request)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        cast = cast_of_the_demo() if settings.DEMO else []
        said: dict[str, Any] = {
            "cast": cast,
            "next": own_address(self.request),
            "sign_on": provider.current(),
            "nobody_yet": not Person.objects.humans().exists(),
        }
        return super().get_context_data(**said, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """With single sign-on nobody's password is looked at here."""
        if provider.current() is None:
            return super().post(request, *args, **kwargs)
        context = {
            "title": "Passwords aren\u2019t taken here",
            "sentence": "Sign in by single sign-on. Passwords are for emergencies, at their own address.",
        }
        return render(request, "sign_in/refused.html", context, status=403)

    def form_valid(self, form: Any) -> HttpResponse:
        """The password is right: a second factor comes next, where there is one, or the session begins."""
        person = form.get_user()
        coming_in = Login(user=person, redirect_url=own_address(self.request) or reverse("my_access"))
        answer = perform_password_login(self.request, {"username": person.username}, coming_in)
        if self.request.user.is_authenticated:
            known_browsers.remember(answer, person)
        return answer

    def form_invalid(self, form: Any) -> HttpResponse:
        answer = self.render_to_response(self.get_context_data(form=form), status=429 if form.wait else 422)
        return say_when(answer, form.wait)


@method_decorator([login_not_required, require_http_methods(["GET", "HEAD", "POST"])], name="dispatch")
class EmergencySignIn(SignIn):
    """With a password though there is single sign-on: for those whom the policy names for emergencies."""

    template_name = "sign_in/emergency.html"
    authentication_form = EmergencySignInForm

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if provider.current() is None:
            raise Http404
        return super().dispatch(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return LoginView.post(self, request, *args, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        emergency_sign_in.used(form.get_user())
        return super().form_valid(form)


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def factor(request: HttpRequest) -> HttpResponse:
    """After the password, the second factor; who has come without a password begins with that."""
    stage = LoginStageController.enter(request, SecondFactorStage.key)
    if request.user.is_authenticated or stage is None or not stage.login.user.is_active:
        return redirect("sign_in")
    person: Person = stage.login.user
    problem = ""
    if request.method == "POST":
        try:
            proof = _shown(request, person)
        except StepUpNeeded as needed:
            problem = needed.problem
        else:
            answer: HttpResponse = stage.exit()
            _say_what_is_left(request, person, proof)
            known_browsers.remember(answer, person)
            return answer
    asked = operation.ask(person, Act.SIGN_IN, {}, f"Sign in as {person}")
    context = {**step_up.ways(request, asked, person), "asked": asked, "problem": problem}
    return render(request, "sign_in/factor.html", context, status=422 if problem else 200)


def _shown(request: HttpRequest, person: Person) -> StepUpProof | None:
    """The second factor is right; raises ``StepUpNeeded`` where it isn't."""
    asked = operation.opened(request.POST.get(step_up.TOKEN, "")[: step_up.LONGEST], person)
    if asked is None or asked.act is not Act.SIGN_IN:
        raise StepUpNeeded(Act.SIGN_IN, {}, "", operation.OLD)
    proof = step_up.answered(request, asked, person)
    signing_in.second_factor_shown(person, proof)
    return proof


def _say_what_is_left(request: HttpRequest, person: Person, proof: StepUpProof | None) -> None:
    """After a recovery code: what was lost still counts for whoever finds it."""
    if proof is None or proof.method != Method.RECOVERY_CODE:
        return
    left = factors_page(person).codes_left or 0
    messages.warning(
        request,
        f"That recovery code is used up; {left} {'is' if left == 1 else 'are'} left. Take what you have lost "
        "away, and add another: under your name, Second factors.",
    )


class SignOut(LogoutView):
    """By POST alone; ends the session, and leads to the sign-in page."""

    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """What can't be read is refused before anything ends."""
        own_address(request)
        return super().post(request, *args, **kwargs)


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
        return redirect(own_address(request) or reverse("my_access"))
    return render(request, "sign_in/become.html", {"cast": cast_of_the_demo(), "next": own_address(request)})
