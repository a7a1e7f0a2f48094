"""Addresses of Django's admin filter by what the pages offer, so that no column is guessed at."""

from __future__ import annotations

from http import HTTPStatus

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from tests.web.world import elevate, settled

#: Columns whose values sign somebody in, and how one would ask for their first character.
SECRETS = (
    "sessions/session/?session_key__startswith=a",
    "sessions/session/?session_key__gte=a",
    "sessions/session/?session_data__contains=a",
    "sessions/session/?pk__startswith=a",
    "jitportal/person/?password__startswith=p",
    "jitportal/person/?is_active__exact=1&password__regex=.",
    "jitportal/membership/?person__password__startswith=p",
    "jitportal/grant/?person__password__startswith=p",
)


@pytest.fixture
def auditor(db: None) -> Client:
    elevate(settled(), "auda", "auditor")
    client = Client()
    client.force_login(get_user_model().objects.get(username="auda"))
    return client


@pytest.mark.parametrize("address", SECRETS)
def test_no_secret_can_be_asked_for_character_by_character(auditor: Client, address: str) -> None:
    assert auditor.get(f"/admin/{address}").status_code == HTTPStatus.BAD_REQUEST


@pytest.mark.parametrize(
    "address",
    [
        "jitportal/person/?is_active__exact=0",
        "jitportal/grant/?status__exact=ready",
        "jitportal/membership/?team__id__exact=1",
        "jitportal/role/?target__id__exact=1&risk__exact=low",
    ],
)
def test_the_pages_own_filters_filter(auditor: Client, address: str) -> None:
    assert auditor.get(f"/admin/{address}").status_code == HTTPStatus.OK
