"""Whole pages through the whole of Django, middleware, database and templates included, in this process."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from django.conf import settings
from django.http.response import HttpResponseBase
from django.test import Client, RequestFactory
from django.test.client import ClientHandler

if TYPE_CHECKING:
    from jitportal.models import Person


class Viewer:
    """Somebody who is signed in, and opens pages as a browser would."""

    def __init__(self, person: Person) -> None:
        client = Client()
        client.force_login(person)
        self._handler = ClientHandler(enforce_csrf_checks=False)
        self._factory = RequestFactory(headers={"Accept-Encoding": "gzip"})
        self._factory.cookies[settings.SESSION_COOKIE_NAME] = client.cookies[
            settings.SESSION_COOKIE_NAME
        ].value

    def get(self, address: str) -> HttpResponseBase:
        """Raises AssertionError where the page doesn't answer with 200."""
        path, _, query = address.partition("?")
        answer = self._handler(self._factory.generic("GET", path, QUERY_STRING=query).environ)
        assert answer.status_code == 200, f"{address}: {answer.status_code}"
        if answer.streaming:
            for _ in answer:
                pass
        return answer

    def opens(self, address: str) -> Callable[[], object]:
        return lambda: self.get(address)

    def post(self, address: str, data: dict[str, str]) -> HttpResponseBase:
        path, _, query = address.partition("?")
        return self._handler(self._factory.post(path, data, QUERY_STRING=query).environ)
