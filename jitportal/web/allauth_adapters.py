"""How allauth signs people in here: to the portal's own pages, by its own limits and trust in proxies."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.http import HttpRequest

from jitportal.web.middleware import trustworthy_address


class AccountAdapter(DefaultAccountAdapter):
    """Local accounts: nobody signs up, and allauth says and sends nothing itself."""

    def is_open_for_signup(self, *_: object) -> bool:
        return False

    def get_login_stages(self) -> list[str]:
        """After the password, a second factor of who has one."""
        return ["jitportal.web.second_factor.SecondFactorStage"]

    def get_client_ip(self, request: HttpRequest) -> str:
        """As the record has it: allauth would believe a header."""
        return trustworthy_address(request) or "0.0.0.0"  # noqa: S104 - an address that is nobody's

    def add_message(self, *_args: Any, **_kwargs: Any) -> None:
        """The portal's pages say what was done."""

    def send_notification_mail(self, *_args: Any, **_kwargs: Any) -> None:
        """The portal's notices tell people."""


class SocialAccountAdapter(DefaultSocialAccountAdapter):
    """Single sign-on."""

    def is_open_for_signup(self, *_: object) -> bool:
        return False
