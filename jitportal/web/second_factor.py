"""Between the password and the session: who has a second factor is asked for it."""

from __future__ import annotations

from allauth.core.internal.httpkit import headed_redirect_response
from allauth.mfa.stages import AuthenticateStage
from django.http import HttpRequest, HttpResponseBase


class SecondFactorStage(AuthenticateStage):
    """As allauth's; but a provider that has signed somebody in has asked for what it wants already."""

    urlname = "sign_in_factor"

    def handle(self) -> tuple[HttpResponseBase | None, bool]:
        if not self._should_handle(self.request):
            return None, True
        self.state["authentication_required"] = True
        return headed_redirect_response(self.urlname), True

    def _should_handle(self, request: HttpRequest) -> bool:
        by_provider = bool((self.login.signal_kwargs or {}).get("sociallogin"))
        return not by_provider and bool(super()._should_handle(request))
