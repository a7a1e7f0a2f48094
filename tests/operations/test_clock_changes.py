"""An hour is an hour, also where the asker's clocks change within it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from jitportal.models import Grant
from jitportal.operations import clock, policies
from jitportal.rules.errors import InvalidInput
from jitportal.rules.vocabulary import StartMode
from tests.operations import world

pytestmark = pytest.mark.usefixtures("small_portal")

BERLIN = ZoneInfo("Europe/Berlin")
SPRING, AUTUMN = datetime(2027, 3, 28, 1, 55, tzinfo=BERLIN), datetime(2026, 10, 25, 2, 55, tzinfo=BERLIN)


def test_what_the_system_approves_lasts_as_long_as_was_asked_for() -> None:
    with clock.moved(to=AUTUMN.astimezone(UTC) - timedelta(hours=2)):
        request = world.ask(
            "rita", "quick", ticket="INC-1", minutes=15, start_mode=StartMode.SCHEDULED, opens_at=AUTUMN
        )
    grant = Grant.objects.get(request=request)
    assert grant.opens_at == AUTUMN.astimezone(UTC)
    assert grant.latest_end_at - grant.closes_at == timedelta(minutes=15)
    assert request.lapses_at <= AUTUMN.astimezone(UTC) + timedelta(minutes=15)


@pytest.mark.parametrize(("opens", "longer"), [(SPRING, -1), (AUTUMN, 1)], ids=["spring", "autumn"])
def test_a_window_is_measured_by_time_and_not_by_the_clocks(opens: datetime, longer: int) -> None:
    """A window as long as the policy allows reads an hour longer, or shorter, where the clocks change."""
    with clock.moved(to=opens.astimezone(UTC) - timedelta(hours=2)):
        rules = policies.current_rules("auditor")
        assert rules is not None
        longest = timedelta(minutes=rules.longest_window_minutes)
        closes = (opens.astimezone(UTC) + longest).astimezone(BERLIN)
        assert closes.replace(tzinfo=None) - opens.replace(tzinfo=None) == longest - timedelta(hours=longer)
        window = {"start_mode": StartMode.ON_CLICK, "opens_at": opens}
        with pytest.raises(InvalidInput, match="A window may be"):
            world.ask("rita", "auditor", **window, closes_at=closes + timedelta(minutes=1))
        world.ask("rita", "auditor", **window, closes_at=closes)
