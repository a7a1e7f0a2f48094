"""The matrix's rows of deciding, emergencies, operating, the policy and the record."""

from __future__ import annotations

from uuid import UUID

from jitportal.models import Event
from jitportal.operations import decisions
from tests.web.kinds import KINDS, OVERSEERS, REQUEST_SEEN, Route, everybody, pending
from tests.web.world import CLAIM, World
from tests.web.world_policy import POLICY


def _proposed(world: World) -> dict[str, object]:
    assert world.proposed is not None
    return {"number": world.proposed.number}


def _event(_world: World) -> dict[str, object]:
    return {"pk": Event.objects.earliest("pk").pk}


def _incident(world: World) -> dict[str, object]:
    return {"pk": world.incident}


def _cage(_world: World) -> dict[str, object]:
    return {"key": "cage"}


def _building(_world: World) -> dict[str, object]:
    return {"key": "building"}


def _verdict(world: World) -> dict[str, str]:
    request = world.things["rita"].pending
    return {"digest": decisions.seen_digest(request), "reason": "Looked at it.", "minutes": "20"}


def _staged(world: World) -> dict[str, str]:
    request = world.things["rita"].pending
    said = {**_verdict(world), "verdict": "approve"}
    form = {f"r{request.pk}-{name}": value for name, value in said.items()}
    return {"request": str(request.pk), "act": "submit", "token": str(UUID(int=request.pk)), **form}


def _activation(world: World) -> dict[str, object]:
    return {"pk": world.activation}


def _claimed(_world: World) -> dict[str, str]:
    """What is refused: Rita uses the account already."""
    return {
        "criterion": CLAIM.criterion,
        "broken": CLAIM.broken,
        "expected": CLAIM.expected,
        "use": f"{CLAIM.role_key} {CLAIM.scope} {CLAIM.account}",
        "minutes_number": "20",
        "minutes_unit": "minutes",
    }


_EDITORS = "proposer,policy editor"
_TARGET_SEEN = "role owner,auditor,proposer,policy editor,operator,administrator"
_POPULATION = "requester,peer"
_EMERGENCY_SEEN = "requester,peer,decider,role owner,auditor,proposer,policy editor,operator,administrator"
_ACTIVATION_OTHERS = "peer,manager,decider,role owner,auditor,operator,administrator"
_ACTIVATION_SEEN = f"requester,{_ACTIVATION_OTHERS}"
_ALERTED = "manager,decider,role owner"
_ENDERS = "manager,role owner,administrator"
_DECIDING = Route(
    pending,
    get={200: "manager,decider", 403: "requester,role owner,auditor,operator,administrator"},
    # the manager decides a later stage, and not the one that is open
    post={302: "decider", 403: "requester,manager,role owner,auditor,operator,administrator"},
    data=_verdict,
)
_REVIEWS = "manager,role owner,administrator"
_INCIDENT_SEEN = f"requester,decider,auditor,{_REVIEWS}"

DUTIES: dict[str, Route] = {
    # deciding
    "queue": Route(get=everybody()),
    "queue_verdicts": Route(
        get=everybody(),
        # Each verdict is asked for itself: who can't give it reads so beside what they submitted.
        post={302: REQUEST_SEEN},
        otherwise=422,
        data=_staged,
    ),
    "submission_detail": Route(
        lambda world: {"pk": world.submitted},
        get={200: "decider,auditor,administrator"},
        post={302: "decider", 403: "auditor,administrator"},
    ),
    "my_decisions": Route(get=everybody()),
    "decide_approve": _DECIDING,
    "decide_deny": _DECIDING,
    "decide_send_back": _DECIDING,
    "decision_news": Route(pending, get={302: REQUEST_SEEN}),  # a part of a page: others go to the request
    # break-glass
    "emergency": Route(get=everybody()),
    "emergency_decide": Route(
        get={200: _POPULATION},
        post={200: _POPULATION},
        otherwise=403,
        data=lambda _world: {"criterion": "outage", "reachable": "no", "waits": "no", "enough": "no"},
    ),
    "emergency_activate": Route(
        get={200: _POPULATION}, post={409: _POPULATION}, otherwise=403, data=_claimed
    ),
    "emergency_account": Route(lambda _world: {"key": "lever"}, get={200: _EMERGENCY_SEEN}),
    "emergency_criterion": Route(lambda _world: {"key": "outage"}, get={200: _EMERGENCY_SEEN}),
    "activation_detail": Route(_activation, get={200: _ACTIVATION_SEEN}),
    "activation_acknowledge": Route(
        _activation,
        get={200: _ALERTED, 403: "requester,peer,auditor,operator,administrator"},
        post={302: _ALERTED, 403: "requester,peer,auditor,operator,administrator"},
    ),
    "activation_end": Route(
        _activation,
        get={200: _ENDERS, 403: "requester,peer,decider,auditor,operator"},
        post={302: _ENDERS, 403: "requester,peer,decider,auditor,operator"},
        data=lambda _world: {"reason": "The doors open again."},
    ),
    "activation_hand_back": Route(
        _activation,
        get={200: "requester", 403: _ACTIVATION_OTHERS},
        post={302: "requester", 403: _ACTIVATION_OTHERS},
    ),
    "activation_extend": Route(
        _activation,
        get={200: "requester", 403: _ACTIVATION_OTHERS},
        post={302: "requester", 403: _ACTIVATION_OTHERS},
        data=lambda _world: {
            "minutes_number": "20",
            "minutes_unit": "minutes",
            "why": "Two doors are left to be opened.",
        },
    ),
    # operating
    "problems": Route(get={200: "auditor,operator,administrator"}, otherwise=403),
    "lease_retry": Route(
        lambda world: {"pk": world.things["rita"].lease.pk},
        post={302: "operator,administrator", 403: "auditor"},
    ),
    "tasks": Route(get=everybody()),
    "task_confirm": Route(
        lambda world: {"pk": world.things["rita"].task.pk},
        get={200: "role owner,operator,administrator", 403: "requester,auditor"},
        post={302: "role owner,operator,administrator", 403: "requester,auditor"},
        data=lambda _world: {"note": "Done."},
    ),
    "targets": Route(get={200: _TARGET_SEEN}, otherwise=403),
    "target_detail": Route(_building, get={200: _TARGET_SEEN}, otherwise=403),
    "target_check": Route(_building, post={302: "operator,administrator"}, otherwise=403),
    "grants": Route(get=everybody()),
    "roles": Route(get=everybody()),
    "role_detail": Route(lambda _world: {"key": "cabinet"}, get=everybody()),
    # policy
    "policy": Route(get=everybody()),
    "policy_version": Route(_proposed, get=everybody()),
    "policy_difference": Route(get=everybody()),
    # the forms write the text, which is then proposed in the editor
    "policy_new_role": Route(get={200: _EDITORS}, post={422: _EDITORS}, otherwise=403),
    "policy_eligible": Route(
        _cage,
        get={200: _EDITORS},
        post={200: _EDITORS},
        otherwise=403,
        data=lambda _world: {"add_teams": "keepers", "note": "Keepers too."},
    ),
    "policy_caps": Route(_cage, get={200: _EDITORS}, post={422: _EDITORS}, otherwise=403),
    "policy_change": Route(
        post={200: _EDITORS},
        otherwise=403,
        data=lambda _world: {"text": POLICY, "change": "caps", "role": "cage"},
    ),
    "policy_propose": Route(
        get={200: _EDITORS},
        post={200: _EDITORS},  # the plan: proposing it is a second step
        otherwise=403,
        data=lambda _world: {"text": POLICY + "\n# and a comment\n", "note": "A comment."},
    ),
    "policy_approve": Route(_proposed, post={302: "policy editor"}, otherwise=403),
    "policy_reject": Route(
        _proposed, post={302: _EDITORS}, otherwise=403, data=lambda _world: {"reason": "Not now."}
    ),
    "policy_apply": Route(_proposed, post={}, otherwise=403),  # nobody has approved it yet
    # after an emergency
    "incident_reviews": Route(get=everybody()),
    "incident_review": Route(
        _incident,
        get={200: _INCIDENT_SEEN},
        post={302: _REVIEWS, 403: "requester,decider,auditor"},
        data=lambda _world: {"act": "return", "return-note": "Which doors?"},
    ),
    "incident_draft": Route(
        _incident,
        post={200: _REVIEWS, 403: "requester,decider,auditor"},
        data=lambda _world: {"act": "determine", "determine-finding": "Perhaps."},
    ),
    "incident_log": Route(_incident, post={302: f"requester,{_REVIEWS},auditor", 403: "decider"}),
    "incident_evidence": Route(_incident, post={200: f"{_REVIEWS},auditor", 403: "requester,decider"}),
    "incident_register": Route(get=everybody()),
    "incident_register_export": Route(post=everybody()),
    "follow_ups": Route(get=everybody()),
    "follow_up_complete": Route(
        lambda world: {"pk": world.follow_up},
        get={200: "decider,administrator", 403: "peer,role owner,auditor"},
        post={302: "decider,administrator", 403: "peer,role owner,auditor"},
        data=lambda _world: {"complete-note": "There is a new lock."},
    ),
    "report_sign_in": Route(post={401: ",".join(KINDS)}, public=True),  # a token, and no session
    "evidence_key": Route(get={200: ",".join(KINDS)}, public=True),
    "evidence_program": Route(get={200: ",".join(KINDS)}, public=True),
    # the record, and the figures
    "overview": Route(get={200: "auditor,operator,administrator"}, otherwise=403),
    "record": Route(get={200: OVERSEERS}, otherwise=403),
    "record_export": Route(post={200: OVERSEERS}, otherwise=403, data=lambda _world: {"kind": "CSV"}),
    "event_detail": Route(_event, get={200: OVERSEERS}, otherwise=403),
}
