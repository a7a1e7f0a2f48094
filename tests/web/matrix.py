"""Who gets which answer where: every named route, every kind of person, every method.

Read it as the portal's promise. A row says for one method which kinds get which status; whoever isn't
named gets ``otherwise``. Objects in the addresses are Rita's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from jitportal.models import Delegation, Event
from jitportal.operations import clock, decisions
from jitportal.operations.notice_choices import CHOSEN
from jitportal.web.views.recordings import token_for
from tests.web.world import CLAIM, POLICY, World

#: kind: the person of the world. Somebody who has signed out has no row: that is anonymous.
KINDS = {
    "anonymous": "",
    "stranger": "sam",
    "requester": "rita",
    "peer": "oskar",  # asks for the same roles, in another team
    "manager": "mona",
    "decider": "kai",
    "role owner": "olga",
    "auditor": "auda",
    "proposer": "paul",  # policy editor who proposed the waiting change
    "policy editor": "polly",
    "operator": "opal",
    "administrator": "adam",
    "deactivated": "gwen",
    "expired": "edda",  # was an auditor until two hours ago
}
UNKNOWN = frozenset({"anonymous", "deactivated"})
SIGNED_IN = tuple(kind for kind in KINDS if kind not in UNKNOWN)

Answers = Mapping[int, str]
Data = Callable[[World], dict[str, str]]


@dataclass(frozen=True, slots=True)
class Route:
    """``get`` and ``post``: status to kinds, separated by commas; None: 405 for all who are signed in."""

    arguments: Callable[[World], dict[str, object]] = lambda _world: {}
    get: Answers | None = None
    post: Answers | None = None
    otherwise: int = 404
    data: Data = lambda _world: {}
    public: bool = False  # needs no signing in
    plays: bool = False  # may run the player's compiled code

    def expected(self, kind: str, method: str) -> int:
        answers = self.get if method in {"GET", "HEAD"} else self.post if method == "POST" else None
        if kind in UNKNOWN and not self.public:
            return 302
        if answers is None:
            return 405
        named = {one.strip(): status for status, kinds in answers.items() for one in kinds.split(",")}
        return named.get(kind, self.otherwise)


def _all(status: int = 200) -> dict[int, str]:
    return {status: ",".join(SIGNED_IN)}


def _pending(world: World) -> dict[str, object]:
    return {"pk": world.things["rita"].pending.pk}


def _held(world: World) -> dict[str, object]:
    return {"pk": world.things["rita"].held.pk}


def _ready(world: World) -> dict[str, object]:
    return {"pk": world.things["rita"].ready.pk}


def _proposed(world: World) -> dict[str, object]:
    assert world.proposed is not None
    return {"number": world.proposed.number}


def _event(_world: World) -> dict[str, object]:
    return {"pk": Event.objects.earliest("pk").pk}


def _incident(world: World) -> dict[str, object]:
    return {"pk": world.incident}


def _cage(_world: World) -> dict[str, object]:
    return {"key": "cage"}


def _recording(world: World) -> dict[str, object]:
    return {"pk": world.recording}


def _viewing(world: World) -> dict[str, object]:
    """Rita's own viewing of it."""
    return {"pk": world.recording, "token": token_for(world["rita"], world.recording)}


def _fleet(_world: World) -> dict[str, object]:
    """No target of this world is a fleet."""
    return {"key": "fleet"}


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


def _asked(_world: World) -> dict[str, str]:
    return {
        "scope": "all",
        "minutes_number": "20",
        "minutes_unit": "minutes",
        "start_mode": "at_once",
        "justification": "There is work to do.",
    }


def _asked_of(role: str, *, scope: str = "all") -> dict[str, str]:
    said = {"scope": scope, "minutes_number": "20", "minutes_unit": "minutes"}
    return {"role": role, **{f"{role}-{name}": value for name, value in said.items()}}


def _delegated(_world: World) -> dict[str, str]:
    until = clock.now() + timedelta(days=1)
    return {"to": "sera", "ends_at": f"{until:%Y-%m-%dT%H:%M}", "reason": "On leave."}


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


_NOT_RITA = ",".join(kind for kind in SIGNED_IN if kind != "requester")
_REQUEST_SEEN = "requester,manager,decider,role owner,auditor,operator,administrator"
_REQUEST_OTHERS = "manager,decider,role owner,auditor,operator,administrator"
_GRANT_SEEN = "requester,manager,role owner,auditor,operator,administrator"
_GRANT_OTHERS = "manager,role owner,auditor,operator,administrator"
_RECORDING_SEEN = "requester,manager,role owner,auditor"
_EDITORS = "proposer,policy editor"
_NOTICES = {
    f"{topic}-{what}": said for topic in CHOSEN for what, said in (("mail", "on"), ("pace", "hourly"))
}
_TARGET_SEEN = "role owner,auditor,proposer,policy editor,operator,administrator"
_OVERSEERS = "auditor,administrator"
_POPULATION = "requester,peer"
_EMERGENCY_SEEN = "requester,peer,decider,role owner,auditor,proposer,policy editor,operator,administrator"
_ACTIVATION_OTHERS = "peer,manager,decider,role owner,auditor,operator,administrator"
_ACTIVATION_SEEN = f"requester,{_ACTIVATION_OTHERS}"
_ALERTED = "manager,decider,role owner"
_ENDERS = "manager,role owner,administrator"
_DECIDING = Route(
    _pending,
    get={200: "manager,decider", 403: "requester,role owner,auditor,operator,administrator"},
    # the manager decides a later stage, and not the one that is open
    post={302: "decider", 403: "requester,manager,role owner,auditor,operator,administrator"},
    data=_verdict,
)

_REVIEWS = "manager,role owner,administrator"
_INCIDENT_SEEN = f"requester,decider,auditor,{_REVIEWS}"

ROUTES: dict[str, Route] = {
    # the frame
    "sign_in": Route(
        get={200: "anonymous,deactivated", 302: ",".join(SIGNED_IN)},
        post={422: "anonymous,deactivated", 302: ",".join(SIGNED_IN)},
        public=True,
    ),
    # 404 where there is no single sign-on, as here
    "sign_in_provider": Route(get={404: ",".join(KINDS)}, post={405: ",".join(KINDS)}, public=True),
    "sign_in_callback": Route(get={404: ",".join(KINDS)}, post={405: ",".join(KINDS)}, public=True),
    "sign_in_emergency": Route(get={404: ",".join(KINDS)}, post={404: ",".join(KINDS)}, public=True),
    # nobody in this world stands between a password and a second factor: all are led to the beginning
    "sign_in_factor": Route(get={302: ",".join(KINDS)}, post={302: ",".join(KINDS)}, public=True),
    "sign_out": Route(post=_all(302)),
    "palette": Route(get=_all()),
    "components": Route(get={}),  # for developers, where the demo or DEBUG is on: 404 elsewhere
    "healthz": Route(get={200: ",".join(KINDS)}, public=True),
    "readyz": Route(get={503: ",".join(KINDS)}, public=True),  # no worker runs in this test
    # machines: with a token of their own, which no person has
    "ssh_revoked_list": Route(_fleet, get={404: ",".join(KINDS)}, public=True),
    "ssh_authority_key": Route(_fleet, get={404: ",".join(KINDS)}, public=True),
    "host_report": Route(post={401: ",".join(KINDS)}, public=True),
    "host_recordings": Route(post={401: ",".join(KINDS)}, public=True),
    "host_recording": Route(lambda _world: {"pk": 1}, get={401: ",".join(KINDS)}, public=True),
    # asking
    "my_access": Route(get=_all()),
    "history": Route(get=_all()),
    "calendar": Route(get=_all()),
    "request_start": Route(get=_all()),
    "request_temporary": Route(
        lambda _world: {"role_key": "cabinet"},
        get=_all(),
        post={409: "requester,peer"},
        otherwise=422,
        data=_asked,
    ),
    "request_jit": Route(
        lambda _world: {"role_key": "door"},
        get=_all(),
        post={422: "requester,peer"},
        otherwise=422,
        data=_asked,
    ),
    "request_several": Route(get=_all()),
    "request_several_temporary": Route(  # the role is named with what is sent
        get=_all(404),
        post={409: "requester,peer"},
        otherwise=422,
        data=lambda world: {**_asked(world), **_asked_of("cabinet")},
    ),
    "request_several_jit": Route(
        get=_all(404),
        post={302: "requester,peer"},
        otherwise=422,
        data=lambda world: {**_asked(world), **_asked_of("cage", scope="right")},
    ),
    "request_detail": Route(_pending, get={200: _REQUEST_SEEN}),
    "request_edit": Route(
        _pending,
        get={200: "requester", 403: _REQUEST_OTHERS},
        post={302: "requester", 403: _REQUEST_OTHERS},
        data=lambda world: {**_asked(world), "revision": "1"},
    ),
    "request_withdraw": Route(
        _pending, get={200: "requester", 403: _REQUEST_OTHERS}, post={302: "requester", 403: _REQUEST_OTHERS}
    ),
    "request_clone": Route(
        _pending,
        get={200: "requester", 403: _REQUEST_OTHERS},
        post={409: "requester", 403: _REQUEST_OTHERS},
        data=_asked,
    ),
    # holding
    "grant_detail": Route(_held, get={200: _GRANT_SEEN}),
    "grant_start": Route(
        _ready, get={200: "requester", 403: _GRANT_OTHERS}, post={302: "requester", 403: _GRANT_OTHERS}
    ),
    "grant_hand_back": Route(
        _held, get={200: "requester", 403: _GRANT_OTHERS}, post={302: "requester", 403: _GRANT_OTHERS}
    ),
    "grant_revoke": Route(
        _held,
        get={200: "manager,role owner,administrator", 403: "requester,auditor,operator"},
        post={302: "manager,role owner,administrator", 403: "requester,auditor,operator"},
        data=lambda _world: {"reason": "It isn't needed any more."},
    ),
    # each is offered what is theirs to revoke, and can choose nothing else
    "revoke_of_person": Route(
        lambda _world: {"username": "rita"},
        get={200: "manager,role owner,administrator"},
        post={422: "manager,role owner,administrator"},
        data=lambda _world: {"reason": "It isn't needed any more."},
    ),
    "revoke_of_role": Route(
        lambda _world: {"key": "cage"},
        get={200: "manager,role owner,administrator"},
        post={422: "manager,role owner,administrator"},
        data=lambda _world: {"reason": "It isn't needed any more."},
    ),
    "grant_renew": Route(
        _held,
        get={200: "requester", 403: _GRANT_OTHERS},
        post={302: "requester", 403: _GRANT_OTHERS},
        data=_asked,
    ),
    "grant_reveal": Route(
        _held, get={200: "requester", 403: _GRANT_OTHERS}, post={409: "requester", 403: _GRANT_OTHERS}
    ),
    # no certificates for a door
    "grant_certificate": Route(
        _held, get={404: "requester", 403: _GRANT_OTHERS}, post={404: "requester", 403: _GRANT_OTHERS}
    ),
    "grant_certificate_file": Route(
        lambda world: {"pk": world.things["rita"].held.pk, "number": 1},
        get={404: "requester", 403: _GRANT_OTHERS},
    ),
    "recording_detail": Route(_recording, get={200: _RECORDING_SEEN}),
    "recording_watch": Route(_recording, post={302: _RECORDING_SEEN}),
    # a viewing's address is one person's: whoever else may see the recording looks at it themselves
    "recording_play": Route(_viewing, get={200: "requester"}, plays=True),
    "recording_cast": Route(_viewing, get={200: "requester"}),
    "recording_file": Route(_viewing, get={200: "requester"}),
    "reviews": Route(get=_all()),
    "review_detail": Route(
        lambda world: {"pk": world.things["rita"].review.pk},
        get={200: "requester,manager,role owner,auditor,administrator"},
        post={302: "manager,role owner,administrator", 403: "requester,auditor"},
        data=lambda _world: {"act": "determine", "determine-determination": "All as declared."},
    ),
    # oneself
    "you": Route(get=_all(), post=_all(302), data=lambda _world: {"time_zone": "Europe/Berlin"}),
    "you_delegation": Route(
        get=_all(),
        post={302: _NOT_RITA, 409: "requester"},  # she has delegated already
        data=_delegated,
    ),
    "you_keys": Route(get=_all(), post=_all(422), data=lambda _world: {"public_key": "no key"}),
    "you_key_remove": Route(lambda world: {"pk": world.key}, post={302: "requester"}),
    "delegation_end": Route(
        lambda _world: {"pk": Delegation.objects.get().pk},
        post={302: "requester,stranger,administrator"},
    ),
    "you_factors": Route(get=_all()),
    "people_factors": Route(get={200: "auditor,administrator"}, otherwise=403),
    "factors_reset": Route(
        lambda _world: {"username": "kai"},
        get={200: "auditor,administrator"},
        post={409: "administrator"},  # he has none
        otherwise=403,
        data=lambda _world: {"reason": "He lost his phone."},
    ),
    "you_factor_codes": Route(get=_all(), post=_all(422)),
    "you_factor_passkey": Route(get=_all(), post=_all(422)),
    "you_recovery_codes": Route(post=_all(409)),  # nobody has a second factor to recover
    "factor_remove": Route(lambda _world: {"pk": 1}, post=_all(409)),
    "you_step_up": Route(get=_all(302), post=_all(302)),  # nothing waits there, without single sign-on
    "you_sessions": Route(get=_all()),
    "session_end": Route(lambda _world: {"pk": 0}, post={}),  # each finds their own alone
    "sessions_end_others": Route(post=_all(302)),
    "notices": Route(get=_all(), post=_all(302), data=lambda _world: _NOTICES),
    # deciding
    "queue": Route(get=_all()),
    "queue_verdicts": Route(
        get=_all(),
        # Each verdict is asked for itself: who can't give it reads so beside what they submitted.
        post={302: _REQUEST_SEEN},
        otherwise=422,
        data=_staged,
    ),
    "submission_detail": Route(
        lambda world: {"pk": world.submitted},
        get={200: "decider,auditor,administrator"},
        post={302: "decider", 403: "auditor,administrator"},
    ),
    "my_decisions": Route(get=_all()),
    "decide_approve": _DECIDING,
    "decide_deny": _DECIDING,
    "decide_send_back": _DECIDING,
    "decision_news": Route(_pending, get={302: _REQUEST_SEEN}),  # a part of a page: others go to the request
    # break-glass
    "emergency": Route(get=_all()),
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
    "tasks": Route(get=_all()),
    "task_confirm": Route(
        lambda world: {"pk": world.things["rita"].task.pk},
        get={200: "role owner,operator,administrator", 403: "requester,auditor"},
        post={302: "role owner,operator,administrator", 403: "requester,auditor"},
        data=lambda _world: {"note": "Done."},
    ),
    "targets": Route(get={200: _TARGET_SEEN}, otherwise=403),
    "target_detail": Route(_building, get={200: _TARGET_SEEN}, otherwise=403),
    "target_check": Route(_building, post={302: "operator,administrator"}, otherwise=403),
    "roles": Route(get=_all()),
    "role_detail": Route(lambda _world: {"key": "cabinet"}, get=_all()),
    # policy
    "policy": Route(get=_all()),
    "policy_version": Route(_proposed, get=_all()),
    "policy_difference": Route(get=_all()),
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
    "incident_reviews": Route(get=_all()),
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
    "incident_register": Route(get=_all()),
    "incident_register_export": Route(post=_all()),
    "follow_ups": Route(get=_all()),
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
    "record": Route(get={200: _OVERSEERS}, otherwise=403),
    "record_export": Route(post={200: _OVERSEERS}, otherwise=403, data=lambda _world: {"kind": "CSV"}),
    "event_detail": Route(_event, get={200: _OVERSEERS}, otherwise=403),
}

#: Every address of Django's admin: looked at by those elevated to it, and by nobody changed.
ADMIN = Route(get={200: _OVERSEERS}, otherwise=403)
NO_ROW = Route(get={404: _OVERSEERS}, otherwise=403)
#: A session's key would sign in whoever reads it.
NEVER_SHOWN = Route(get={}, otherwise=403)
