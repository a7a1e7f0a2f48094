"""Who ends access, as the pages say it: by the target's settings, unless the last check found otherwise."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jitportal.models import RoleScope
from jitportal.operations import clock
from jitportal.operations.health import note_check
from jitportal.operations.targets import plan_for
from jitportal.rules.vocabulary import Enforcement, EnforcementPlan, Health
from tests.operations import world
from tests.operations.rack import rack

#: The small portal's rack as a PostgreSQL server that is said to end access by itself.
ARMED = world.changed(
    (
        "      connector: manual\n      settings: {carriers: carl}\n",
        "      connector: postgres\n      settings: {host: db.example, expiry: pg_cron}\n",
    )
)


def planned() -> EnforcementPlan:
    scope = RoleScope.objects.select_related("role__target", "entitlement").get(role__key="door")
    return plan_for(scope.role, scope)


def checked(*, reachable: bool, armed: bool) -> None:
    found = Health(reachable=reachable, rights=reachable, expiry_armed=armed, skew=timedelta())
    note_check(rack(), found, clock.now())


@pytest.mark.usefixtures("db")
def test_what_stands_still_ends_nothing_and_nobody_says_that_it_does() -> None:
    world.settle(ARMED)
    assert planned().enforcement is Enforcement.TARGET_CUTS, "before the first check it is as the policy says"
    checked(reachable=True, armed=False)
    plan = planned()
    assert (plan.enforcement, plan.longest_residual) == (Enforcement.PORTAL_ONLY, None)
    assert "stands still" in plan.explanation
    checked(reachable=True, armed=True)
    assert planned().enforcement is Enforcement.TARGET_CUTS


@pytest.mark.usefixtures("db")
def test_a_target_that_gives_no_answer_may_well_end_it_by_itself() -> None:
    world.settle(ARMED)
    checked(reachable=True, armed=True)
    checked(reachable=False, armed=False)
    assert planned().enforcement is Enforcement.TARGET_CUTS
