"""Sign-ins of emergency accounts that machines report, and the review that one with no activation opens."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client, override_settings

from jitportal.models import EmergencyAccount, EmergencySignIn
from jitportal.rules.limits import Limit
from tests.models import rows
from tests.web.incidents.filled import As

pytestmark = pytest.mark.django_db


def send(token: str, body: object) -> Any:
    sent = body if isinstance(body, str) else json.dumps(body)
    return Client().post(
        "/emergency/sign-ins/", sent, "application/json", headers={"Authorization": f"Bearer {token}"}
    )


def report(token: str, body: object) -> tuple[int, dict[str, object]]:
    answer = send(token, body)
    return answer.status_code, answer.json()


def told(**said: object) -> dict[str, object]:
    return {
        "account": "lever",
        "login": "lever",
        # The account's last use ended a moment ago, and clocks differ: this is past what that explains.
        "at": (datetime.now(UTC) + timedelta(minutes=2)).isoformat(),
        "reference": "door-7",
        "address": "192.0.2.9",
        **said,
    }


@pytest.mark.usefixtures("made", "db")
def test_an_orphan_sign_in_is_reported_with_a_token_once() -> None:
    with override_settings(SIGN_IN_REPORT_TOKEN="let me report"):
        assert report("", told())[0] == 401
        assert report("something else", told())[0] == 401
        status, first = report("let me report", told())
        assert (status, first["orphan"]) == (200, True)
        assert report("let me report", told())[1] == first
        # Another system's sign-in of that reference, to another account, is another sign-in.
        rows.emergency_account(key="crowbar", target=EmergencyAccount.objects.get().target)
        status, second = report("let me report", told(account="crowbar"))
        assert (status, second["orphan"]) == (200, True)
        assert second["sign_in"] != first["sign_in"]
    with override_settings(SIGN_IN_REPORT_TOKEN=""):
        assert report("", told())[0] == 401
    assert {one.review.status for one in EmergencySignIn.objects.all()} == {"statement"}
    assert [one.sign_ins.count() for one in EmergencyAccount.objects.all()] == [1, 1]


@pytest.mark.usefixtures("made", "db")
def test_whoever_took_the_token_floods_nobody_with_reports() -> None:
    limits = settings.LIMITS | {"report": Limit(2, 600)}
    with override_settings(SIGN_IN_REPORT_TOKEN="let me report", LIMITS=limits):
        statuses = [report("let me report", told(reference=f"door-{number}"))[0] for number in range(3)]
        later = send("let me report", told(reference="door-3"))
    assert statuses == [200, 200, 429]
    assert EmergencySignIn.objects.count() == 2
    assert int(later.headers["Retry-After"]) > 0


@pytest.mark.usefixtures("made", "db")
def test_a_report_is_as_long_as_it_is_and_not_as_it_says() -> None:
    with override_settings(SIGN_IN_REPORT_TOKEN="let me report"):
        status, said = report("let me report", "x" * 9_000)
    assert (status, said["refused"]) == (422, "A report holds 8,192 bytes at the most.")


@pytest.mark.usefixtures("made", "db")
@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "[" * 8_000,
        "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
        told(account="none"),
        told(account="\ud800"),
        told(at="today"),
        told(at="2026-01-01T00:00:00"),
        told(login=""),
        told(login=7),
        told(reference="x" * 500),
        told(address="here"),
        told(detail="\x00"),
    ],
    ids=range(13),
)
def test_a_report_that_makes_no_sense_is_refused(body: object) -> None:
    with override_settings(SIGN_IN_REPORT_TOKEN="let me report"):
        status, said = report("let me report", body)
    assert status == 422
    assert str(said["refused"]).endswith(".")
    assert not EmergencySignIn.objects.exists()


def test_a_sign_in_of_somebody_unknown_is_named_on_its_page(as_: As) -> None:
    with override_settings(SIGN_IN_REPORT_TOKEN="let me report"):
        report("let me report", told())
    review = EmergencySignIn.objects.get().review
    address = f"/emergency/reviews/{review.pk}/"
    page = as_("kai").get(address).content
    assert b"A sign-in that no activation explains" in page
    assert b"192.0.2.9" in page
    assert as_("kai").post(address, {"act": "name", "name-person": "nobody"}).status_code == 422
    assert as_("kai").post(address, {"act": "name", "name-person": "rita"}).status_code == 302
    assert b"You owe a statement" in as_("rita").get("/").content
