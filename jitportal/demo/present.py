"""What waits when the demo opens: requests to decide, access in force, and some that has just ended."""

from __future__ import annotations

from datetime import timedelta

from jitportal.demo.past import jit, temporary
from jitportal.demo.policy import TARGET
from jitportal.models import AccessRequest, Grant, Person, Target
from jitportal.operations import clock, decisions, grants, leases, requests
from jitportal.operations.requests import Ask
from jitportal.rules.vocabulary import GrantStatus, Pathway, StartMode, Verdict


def open_requests(cast: dict[str, Person], *, with_database: bool) -> None:
    """Requests in the queues of those who can decide them."""
    waiting = [
        ("lena", temporary("server-room", 1, "Swap the failed fan of the build server.")),
        ("tom", jit("portal-policy-editor", 30, "Lengthen the change window of the migration role.")),
    ]
    if with_database:
        why = "Invoices 4 and 6 were paid, and still show as open."
        migration = "Add the column for delivery windows, and fill it for the orders of this year."
        waiting += [
            ("omar", jit("db-troubleshooting", 30, why, scope="billing", ticket="INC-1038")),
            ("nina", temporary("orders-migration", 2, migration, ticket="CHG-2022")),
            ("priya", jit("orders-read", 15, "Three customers miss their parcels.", ticket="CHG-2020")),
        ]
    for username, ask in waiting:
        requests.submit(actor=cast[username], ask=ask)


def elevate(cast: dict[str, Person]) -> None:
    """Access on the database server: one that has ended, one in force, and one ready to start.

    The server is asked here and now; what the worker has yet to do, it does once it runs.
    """
    ended = jit("orders-read", 10, "Count the orders of this morning for the stand-up.", ticket="CHG-2018")
    grant = _approve(cast["maya"], requests.submit(actor=cast["lena"], ask=ended))
    _converge()
    if Grant.objects.get(pk=grant.pk).status == GrantStatus.ACTIVE:
        grants.hand_back(actor=cast["lena"], grant=grant, note="There were nine.")
        _converge()
    in_force = jit("orders-read", 15, "Orders are stuck in picking since this morning.", ticket="INC-1042")
    requests.submit(actor=cast["nina"], ask=in_force)  # the system approves it, by the policy's rule
    now = clock.now()
    ready = Ask(
        "prod-readonly-admin",
        Pathway.JIT,
        "all",
        StartMode.ON_CLICK,
        30,
        "Be at hand while the release goes out.",
        opens_at=now,
        closes_at=now + timedelta(hours=4),
    )
    _approve(cast["maya"], requests.submit(actor=cast["lena"], ask=ready))


def _approve(approver: Person, request: AccessRequest) -> Grant:
    digest = decisions.seen_digest(request)
    decisions.decide(actor=approver, request=request, verdict=Verdict.APPROVE, digest=digest)
    return Grant.objects.get(request=request)


def _converge() -> None:
    target = Target.objects.get(key=TARGET)
    for lane in ("removal", "grant"):
        while leases.converge(target_id=target.pk, lane=lane, worker="demo"):
            pass
